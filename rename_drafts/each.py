"""Rename the loop variable `each` to the singular of what is gone through, where that is safe; count what is left."""
from __future__ import annotations

import ast
import builtins
import keyword
import re
from pathlib import Path

from lib import Analysis, Scope, note, rename_refs, tracked, write

NOT_PLURAL = {
    "access", "across", "address", "alias", "always", "as", "aws", "basis", "bus", "class", "ecs", "gaps", "has", "is", "its",
    "less", "news", "os", "pass", "plus", "previous", "process", "progress", "series", "sns", "sqs", "status", "sts", "this",
    "was", "yes", "args", "kwargs", "others", "holds", "makes", "does", "gives", "asks", "words", "this", "ends", "begins",
}
BAD = {"id", "type", "format", "filter", "map", "next", "object", "input", "hash", "set", "list", "dict", "it", "s"}
THROUGH = {"sorted", "reversed", "list", "tuple", "set", "frozenset", "iter", "cast", "chain"}
PLAIN = {"str", "int", "float", "bytes", "Any", "object", "bool", "dict", "list", "tuple", "T", "Mapping", "Callable", "Path"}


#: Names of collections whose items are called so, whatever they hold.
HINTS = {"matched": "match_", "decided": "decision", "batch": "message", "wanted": None, "statements": "statement",
         "ended": "outcome", "filters": "filter_", "node": "item", "nodes": "item"}


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def singular(name: str) -> str | None:
    name = snake(name).strip("_")
    head, sep, word = name.rpartition("_")
    if word in NOT_PLURAL or not word.endswith("s") or word.endswith(("ss", "us", "is")) or len(word) < 4:
        return "child" if name == "children" else None
    if word.endswith("ies"):
        one = word[:-3] + "y"
    elif re.search(r"(sses|xes|ches|shes|buses|statuses|aliases)$", word):
        one = word[:-2]
    else:
        one = word[:-1]
    if head.startswith("by") or name.startswith(("by_", "is_", "has_")):
        return None
    return f"{head}{sep}{one}"


def element(annotation: ast.expr | None) -> str | None:
    if isinstance(annotation, ast.BinOp):  # X | None
        return element(annotation.left)
    if not isinstance(annotation, ast.Subscript):
        return None
    base = annotation.value.id if isinstance(annotation.value, ast.Name) else ""
    if base not in {"list", "tuple", "set", "frozenset", "Sequence", "Iterable", "Iterator", "Collection", "Container"}:
        return None
    item = annotation.slice
    if isinstance(item, ast.Tuple):
        if len(item.elts) != 2 or not (isinstance(item.elts[1], ast.Constant) and item.elts[1].value is ...):
            return None
        item = item.elts[0]
    if isinstance(item, ast.Name) and item.id not in PLAIN and item.id[0].isupper() and len(item.id) > 1:
        return snake(item.id)
    return None


def candidates(node: ast.expr, types: dict[str, ast.expr], returns: dict[str, ast.expr]) -> list[str]:
    out: list[str | None] = []
    match node:
        case ast.Name(id=name):
            out = [singular(name), element(types.get(name)), HINTS.get(name)]
        case ast.Attribute(attr=name):
            out = [singular(name)]
        case ast.Subscript(slice=ast.Slice()):
            return candidates(node.value, types, returns)
        case ast.Subscript(slice=ast.Constant(value=str(name))) if name.isidentifier():
            out = [singular(name)]
        case ast.BoolOp(values=[first, *_]) | ast.IfExp(body=first) | ast.BinOp(left=first) | ast.Starred(value=first):
            return candidates(first, types, returns)
        case ast.Call(func=ast.Name(id=name), args=[first, *_]) if name in THROUGH:
            return candidates(first, types, returns)
        case ast.Call(func=ast.Attribute(value=ast.Name(id="dict"), attr="fromkeys"), args=[first, *_]):
            return candidates(first, types, returns)
        case ast.Call(func=ast.Attribute(value=of, attr="values"), args=[]):
            return candidates(of, types, returns) if not isinstance(of, ast.Name) or not element(types.get(of.id)) else []
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=str(name)), *_]) if name.isidentifier():
            out = [singular(name)]
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            found = element(returns.get(name))
            out = [singular(name.removeprefix("read_")), found] if "_" not in name.strip("_") else [found]
        case ast.ListComp(elt=ast.Name()) | ast.Tuple(elts=[ast.Starred(), *_]) | ast.List(elts=[ast.Starred(), *_]):
            if isinstance(node, (ast.Tuple, ast.List)):
                return candidates(node.elts[0], types, returns)
    return [c for c in dict.fromkeys(out) if c and c.isidentifier() and not keyword.iskeyword(c) and c not in BAD and not hasattr(builtins, c) and len(c) > 1]


def inside(ref, node: ast.AST) -> bool:
    start, end = (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)
    return start <= (ref.line, ref.col) < end


class Loops(ast.NodeVisitor):
    """Every loop with the variable, with the node that it is a part of and what is gone through."""

    def __init__(self) -> None:
        self.found: list[tuple[str, ast.AST, ast.expr]] = []

    def visit_For(self, node: ast.For) -> None:
        if isinstance(node.target, ast.Name) and node.target.id == "each":
            self.found.append(("for", node, node.iter))
        self.generic_visit(node)

    def _comp(self, node) -> None:
        for g in node.generators:
            if isinstance(g.target, ast.Name) and g.target.id == "each":
                self.found.append(("comp", node, g.iter))
        self.generic_visit(node)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comp

    def visit_Call(self, node: ast.Call) -> None:
        for k in node.keywords:
            if k.arg == "key" and isinstance(k.value, ast.Lambda) and [a.arg for a in k.value.args.args] == ["each"]:
                if node.args:
                    self.found.append(("lambda", k.value, node.args[0]))
                elif isinstance(node.func, ast.Attribute):
                    self.found.append(("lambda", k.value, node.func.value))
        self.generic_visit(node)


def annotations(a: Analysis, scope: Scope | None) -> dict[str, ast.expr]:
    types: dict[str, ast.expr] = {}
    chain = []
    while scope:
        chain.append(scope)
        scope = scope.parent
    for s in reversed(chain):
        args = getattr(s.node, "args", None)
        if isinstance(args, ast.arguments):
            for x in [*args.posonlyargs, *args.args, *args.kwonlyargs]:
                if x.annotation:
                    types[x.arg] = x.annotation
        for n in ast.walk(s.node) if s.kind == "function" else []:
            if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name):
                types[n.target.id] = n.annotation
    return types


def rename_file(path: Path) -> tuple[int, int]:
    source = path.read_text("utf-8")
    done, skipped = 0, 0
    made: dict[tuple[str, int, str], str] = {}
    while True:
        loops = Loops()
        a = Analysis(source)
        loops.visit(a.tree)
        # comprehensions first: they have a scope of their own
        order = sorted(loops.found, key=lambda x: (x[0] == "for", x[1].lineno, x[1].col_offset))
        if skipped >= len(order):
            break
        kind, node, iterated = order[skipped]
        targets = [r for r in a.refs if r.name == "each" and inside(r, node) and r.binds]
        if kind == "for":
            scope = next((a.resolved(r) for r in targets if r.node is node.target), None)
        else:
            scope = next((s for s in a.scopes if s.node is node), None)
        mine = [r for r in targets if a.resolved(r) is scope and not (kind == "for" and inside(r, node.iter))]
        if kind == "comp":
            mine = [r for r in a.refs if r.name == "each" and a.resolved(r) is scope]
        ok = scope is not None and bool(mine)
        if kind == "for" and ok:
            fors = [n for k, n, _ in loops.found if k == "for"]
            every = [r for r in a.refs if r.name == "each" and a.resolved(r) is scope]
            ok = all(any(inside(r, f) for f in fors) for r in every)
            ok = ok and not any(f is not node and node.lineno <= f.lineno and f.end_lineno <= node.end_lineno for f in fors)
        choice = None
        if ok:
            ids = {id(r.node) for r in mine}
            imported = {al.asname or al.name for n in ast.walk(a.tree) if isinstance(n, (ast.Import, ast.ImportFrom)) for al in n.names}
            returns = {n.name: n.returns for n in ast.walk(a.tree) if isinstance(n, ast.FunctionDef) and n.returns}
            for name in candidates(iterated, annotations(a, scope), returns):
                text = ast.unparse(iterated)
                at, taken = scope, False
                while at and not taken:
                    key = (at.name, getattr(at.node, "lineno", 0), name)
                    if at is a.module and at is not scope and kind != "for" and name not in imported:
                        break
                    if name in at.bound and at.kind != "class" and not (key in made and (at is not scope or made[key] == text)):
                        taken = True
                    at = at.parent
                if taken:
                    continue
                result, n, problem = rename_refs(source, lambda _, r, name=name: name if r.name == "each" and _key(r) in keys else None) if (keys := {_key(r) for r in mine}) else (source, 0, None)
                if n and not problem:
                    source, choice = result, name
                    made[(scope.name, getattr(scope.node, "lineno", 0), name)] = text
                    break
        if choice:
            done += 1
        else:
            skipped += 1
    if done:
        write(path, source)
    return done, skipped


def _key(ref) -> tuple[int, int]:
    return ref.line, ref.col


def run() -> None:
    done = left = 0
    for path in tracked("*.py"):
        if path.as_posix() == "src/ownertag/cli/sandbox.py":
            continue  # a line of its output would be too long
        if re.search(r"\beach\b", path.read_text("utf-8")):
            d, s = rename_file(path)
            done += d
            left += s
    lines = sum(len(re.findall(r"^.*\beach\b.*$", re.sub(r'(?s)""".*?"""|#.*', "", p.read_text("utf-8")), re.M)) for p in tracked("src/*.py"))
    print(f"  each: {done} loops renamed, {left} left; {lines} lines of code in src/ still have it")
