"""Renaming in Python's sources by scopes, checked: every name must be bound in the same scope afterwards as before."""
from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

NOTES: list[str] = []


def note(text: str) -> None:
    NOTES.append(text)
    print("  !", text)


def tracked(*globs: str) -> list[Path]:
    out = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *globs],
                         capture_output=True, text=True, check=True).stdout
    return sorted({Path(n) for n in out.split("\0") if n and Path(n).is_file() and not Path(n).is_symlink()})


def module_path(module: str) -> Path:
    return Path("src/ownertag") / (module.replace(".", "/") + ".py")


@dataclass
class Scope:
    kind: str
    node: ast.AST
    parent: Scope | None
    index: int
    bound: set[str] = field(default_factory=set)
    outer: set[str] = field(default_factory=set)  # global, nonlocal

    @property
    def name(self) -> str:
        return getattr(self.node, "name", self.kind)


@dataclass
class Ref:
    name: str
    scope: Scope
    line: int
    col: int  # bytes
    node: ast.AST
    fstring: ast.JoinedStr | None
    imported: str | None = None  # module of an ImportFrom whose alias this is (its own name, not its asname)
    binds: bool = True


class Analysis(ast.NodeVisitor):
    def __init__(self, source: str) -> None:
        self.source = source
        self.tree = ast.parse(source)
        self.lines = [line.encode() for line in source.split("\n")]
        self.refs: list[Ref] = []
        self.scopes: list[Scope] = []
        self.fstring: ast.JoinedStr | None = None
        self.scope = self._new("module", self.tree, None)
        self.module = self.scope
        for n in self.tree.body:
            self.visit(n)

    def _new(self, kind: str, node: ast.AST, parent: Scope | None) -> Scope:
        scope = Scope(kind, node, parent, len(self.scopes))
        self.scopes.append(scope)
        return scope

    def _ref(self, name: str, node: ast.AST, line: int, col: int, bind: bool, scope: Scope | None = None, **more) -> None:
        scope = scope or self.scope
        if bind and name not in scope.outer:
            scope.bound.add(name)
        self.refs.append(Ref(name, scope, line, col, node, self.fstring, **more))

    def _within(self, node: ast.AST, name: str, lead: str) -> tuple[int, int]:
        """Where a name stands behind a word in a node's first line."""
        line = self.lines[node.lineno - 1]
        found = re.compile(rb"\b" + lead.encode() + rb"\s+(" + name.encode() + rb")\b").search(line, node.col_offset)
        assert found, (name, line)
        return node.lineno, found.start(1)

    def visit_Name(self, node: ast.Name) -> None:
        scope = self.scope
        self._ref(node.id, node, node.lineno, node.col_offset, isinstance(node.ctx, (ast.Store, ast.Del)), scope)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        scope = self.scope
        while scope.kind == "comp":
            scope = scope.parent
        self._ref(node.target.id, node.target, node.target.lineno, node.target.col_offset, True, scope)
        self.visit(node.value)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        before = self.fstring
        self.fstring = self.fstring or node
        self.generic_visit(node)
        self.fstring = before

    def _arguments(self, args: ast.arguments) -> Iterable[ast.arg]:
        every = [*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs, args.kwarg]
        return [a for a in every if a]

    def _function(self, node) -> None:
        for d in node.decorator_list:
            self.visit(d)
        line, col = self._within(node, node.name, "def")
        self._ref(node.name, node, line, col, True)
        for a in self._arguments(node.args):
            if a.annotation:
                self.visit(a.annotation)
        for d in [*node.args.defaults, *node.args.kw_defaults]:
            if d:
                self.visit(d)
        if node.returns:
            self.visit(node.returns)
        outer = self.scope
        self.scope = self._new("function", node, outer)
        for a in self._arguments(node.args):
            self._ref(a.arg, a, a.lineno, a.col_offset, True)
        for n in node.body:
            self.visit(n)
        self.scope = outer

    visit_FunctionDef = visit_AsyncFunctionDef = _function

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for d in [*node.args.defaults, *node.args.kw_defaults]:
            if d:
                self.visit(d)
        outer = self.scope
        self.scope = self._new("function", node, outer)
        for a in self._arguments(node.args):
            self._ref(a.arg, a, a.lineno, a.col_offset, True)
        self.visit(node.body)
        self.scope = outer

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for n in [*node.decorator_list, *node.bases, *node.keywords]:
            self.visit(n)
        line, col = self._within(node, node.name, "class")
        self._ref(node.name, node, line, col, True)
        outer = self.scope
        self.scope = self._new("class", node, outer)
        for n in node.body:
            self.visit(n)
        self.scope = outer

    def _comprehension(self, node) -> None:
        outer = self.scope
        self.visit(node.generators[0].iter)
        self.scope = self._new("comp", node, outer)
        for i, g in enumerate(node.generators):
            self.visit(g.target)
            if i:
                self.visit(g.iter)
            for c in g.ifs:
                self.visit(c)
        for name in ("key", "elt", "value"):
            if hasattr(node, name):
                self.visit(getattr(node, name))
        self.scope = outer

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def visit_alias(self, node: ast.alias, module: str | None = None) -> None:
        if node.name == "*":
            return
        if node.asname:
            if module is not None:
                self.refs.append(Ref(node.name, self.scope, node.lineno, node.col_offset, node, None, module, False))
            raw = self.lines[node.end_lineno - 1]
            col = node.end_col_offset - len(node.asname.encode())
            assert raw[col : node.end_col_offset].decode() == node.asname
            self._ref(node.asname, node, node.end_lineno, col, True)
        else:
            name = node.name.split(".")[0]
            self._ref(name, node, node.lineno, node.col_offset, True, imported=module)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for a in node.names:
            self.visit_alias(a, node.module or "")

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.type:
            self.visit(node.type)
        if node.name:
            line = self.lines[node.lineno - 1]
            end = node.type.end_col_offset if node.type and node.type.end_lineno == node.lineno else None
            row = node.type.end_lineno
            found = re.compile(rb"\bas\s+(" + node.name.encode() + rb")\b").search(self.lines[row - 1], end or 0)
            assert found, line
            self._ref(node.name, node, row, found.start(1), True)
        for n in node.body:
            self.visit(n)

    def _pattern_name(self, node: ast.AST, name: str) -> None:
        line = self.lines[node.end_lineno - 1]
        col = line.rfind(name.encode(), 0, node.end_col_offset)
        self._ref(name, node, node.end_lineno, col, True)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        if node.pattern:
            self.visit(node.pattern)
        if node.name:
            self._pattern_name(node, node.name)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        if node.name:
            self._pattern_name(node, node.name)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self.generic_visit(node)
        if node.rest:
            self._pattern_name(node, node.rest)

    def visit_Global(self, node) -> None:
        self.scope.outer |= set(node.names)

    visit_Nonlocal = visit_Global

    # --- resolution
    def resolve(self, name: str, scope: Scope) -> Scope | None:
        at: Scope | None = scope
        while at:
            if name in at.bound and name not in at.outer and (at is scope or at.kind != "class"):
                return at
            at = at.parent
        return None

    def resolved(self, ref: Ref) -> Scope | None:
        return None if not ref.binds else self.resolve(ref.name, ref.scope)


def _fields(text: str) -> list[tuple[int, int]]:
    """The replacement fields of an f-string's source (implicitly joined ones too), as (start, end)."""
    out, i, depth, start = [], 0, 0, 0
    while i < len(text):
        c = text[i]
        if depth == 0 and text.startswith(("{{", "}}"), i):
            i += 2
            continue
        if c == "{":
            if depth == 0:
                start = i + 1
            depth += 1
        elif c == "}" and depth:
            depth -= 1
            if depth == 0:
                out.append((start, i))
        elif depth and c in "'\"":
            end = text.find(c, i + 1)
            if end > 0:
                i = end
        i += 1
    return out


def _offsets(lines: list[bytes]) -> list[int]:
    out, at = [], 0
    for line in lines:
        out.append(at)
        at += len(line) + 1
    return out


def _apply(source: bytes, edits: dict[tuple[int, int], bytes]) -> bytes:
    for (start, end), new in sorted(edits.items(), reverse=True):
        source = source[:start] + new + source[end:]
    return source


def _in_fstrings(raw: bytes, offsets: list[int], nodes: Iterable[ast.JoinedStr], pattern: str, new: str,
                 edits: dict[tuple[int, int], bytes]) -> None:
    for node in nodes:
        start = offsets[node.lineno - 1] + node.col_offset
        end = offsets[node.end_lineno - 1] + node.end_col_offset
        text = raw[start:end].decode("utf-8")
        for a, b in _fields(text):
            for m in re.finditer(r"'[^']*'|\"[^\"]*\"|" + pattern, text[a:b]):
                if m[0][0] in "'\"":
                    continue
                s = start + len(text[: a + m.start()].encode())
                edits[s, s + len(m[0].encode())] = re.sub(pattern, new, m[0]).encode()


def rename_refs(source: str, choose: Callable[[Analysis, Ref], str | None]) -> tuple[str, int, str | None]:
    """Rename what `choose` gives a new name; (source, how many, why not)."""
    a = Analysis(source)
    raw, offsets = source.encode(), _offsets(a.lines)
    edits: dict[tuple[int, int], bytes] = {}
    expected, scopes = [], []
    in_f: dict[tuple[str, str], dict[int, ast.JoinedStr]] = {}
    n = 0
    for ref in a.refs:
        new = choose(a, ref)
        expected.append(new or ref.name)
        scope = a.resolved(ref)
        scopes.append(scope.index if scope else None)
        if not new or new == ref.name:
            continue
        n += 1
        if ref.fstring is not None:
            in_f.setdefault((ref.name, new), {})[id(ref.fstring)] = ref.fstring
            continue
        start = offsets[ref.line - 1] + ref.col
        old = ref.name.encode()
        if raw[start : start + len(old)] != old:
            return source, 0, f"position of {ref.name} at line {ref.line}"
        edits[start, start + len(old)] = new.encode()
    for (old, new), nodes in in_f.items():
        _in_fstrings(raw, offsets, nodes.values(), rf"(?<![\w.]){old}\b(?!\s*=(?!=))", new, edits)
    if not n:
        return source, 0, None
    result = _apply(raw, edits).decode()
    try:
        b = Analysis(result)
    except (SyntaxError, AssertionError) as error:
        return source, 0, f"result does not parse: {error}"
    if [r.name for r in b.refs] != expected:
        bad = [(r.name, e, r.line) for r, e in zip(b.refs, expected) if r.name != e][:2]
        return source, 0, f"names differ afterwards: {bad}"
    after = [s.index if (s := b.resolved(r)) else None for r in b.refs]
    if after != scopes:
        bad = [(r.name, r.line) for r, x, y in zip(b.refs, after, scopes) if x != y][:3]
        return source, 0, f"would be bound elsewhere: {bad}"
    return result, n, None


def rename_members(source: str, old: str, new: str, *, attributes: bool = True, keywords: bool = True,
                   classes: Callable[[str], bool] | None = None) -> tuple[str, int]:
    """Rename `.old`, `old=` in calls and patterns, and members in the bodies of classes (where `classes` says so)."""
    tree = ast.parse(source)
    lines = [line.encode() for line in source.split("\n")]
    raw, offsets = source.encode(), _offsets(lines)
    edits: dict[tuple[int, int], bytes] = {}
    fnodes: dict[int, ast.JoinedStr] = {}
    o = old.encode()

    def put(line: int, col: int) -> None:
        start = offsets[line - 1] + col
        assert raw[start : start + len(o)] == o, (old, line, lines[line - 1])
        edits[start, start + len(o)] = new.encode()

    def walk(node: ast.AST, f: ast.JoinedStr | None, cls: str | None) -> None:
        if isinstance(node, ast.JoinedStr) and f is None:
            f = node
        if isinstance(node, ast.Attribute) and node.attr == old and attributes:
            if f is not None:
                fnodes[id(f)] = f
            else:
                put(node.end_lineno, node.end_col_offset - len(o))
        if isinstance(node, ast.keyword) and node.arg == old and keywords and f is None:
            put(node.lineno, node.col_offset)
        if isinstance(node, ast.MatchClass) and old in node.kwd_attrs and keywords:
            for m in re.finditer(rf"\b{old}(?=\s*=)", ast.get_source_segment(source, node) or ""):
                start = offsets[node.lineno - 1] + node.col_offset + m.start()
                edits[start, start + len(o)] = new.encode()
        if isinstance(node, ast.ClassDef) and (classes is None or classes(node.name)):
            for n in node.body:
                if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name) and n.target.id == old:
                    put(n.target.lineno, n.target.col_offset)
                elif isinstance(n, ast.Assign):
                    for t in n.targets:
                        if isinstance(t, ast.Name) and t.id == old:
                            put(t.lineno, t.col_offset)
                elif isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)) and n.name == old:
                    line = lines[n.lineno - 1]
                    put(n.lineno, line.index(b"def ", n.col_offset) + 4)
        for child in ast.iter_child_nodes(node):
            walk(child, f, cls)

    walk(tree, None, None)
    if fnodes:
        _in_fstrings(raw, offsets, fnodes.values(), rf"(?<=\.){old}\b(?!\s*\(?=(?!=))", new, edits)
    if not edits:
        return source, 0
    result = _apply(raw, edits).decode()
    ast.parse(result)
    return result, len(edits)


def write(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
