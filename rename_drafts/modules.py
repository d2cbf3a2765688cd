"""Move, fold and split modules, and mend every reference, by the commands in data/modules.txt."""
from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import symbols
from lib import Analysis, module_path, note, tracked, write

HERE = Path(__file__).parent
ROOT = Path("src/ownertag")


def git(*args: str) -> None:
    subprocess.run(["git", *args], check=True, capture_output=True)


def package_of(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    init = path.parent / "__init__.py"
    if not init.exists():
        texts = ast.literal_eval((HERE / "data/packages.txt").read_text())
        write(init, f'"""{texts.get(path.parent.relative_to(ROOT).as_posix(), "")}"""\n')
        git("add", str(init))


def references(pairs: dict[str, str]) -> None:
    """Dotted and slashed names of modules, in every file."""
    dotted = {"ownertag." + a.replace("/", "."): "ownertag." + b.replace("/", ".") for a, b in pairs.items()}
    slashed = {a + ".py": b + ".py" for a, b in pairs.items()}
    bare = {a.replace("/", "."): b.replace("/", ".") for a, b in pairs.items() if "/" in a}
    names = sorted(dotted, key=len, reverse=True)
    one = re.compile("(?:" + "|".join(map(re.escape, names)) + r")(?![\w])")
    two = re.compile(r"(src/ownertag/|ownertag/|(?<![\w/]))(" + "|".join(map(re.escape, sorted(slashed, key=len, reverse=True))) + r")\b")
    # `core.identity` in words: in backticks alone
    three = re.compile(r"`(" + "|".join(map(re.escape, sorted(bare, key=len, reverse=True))) + r")(?=[`.])")

    def fix(m: re.Match[str]) -> str:
        pkg, names = m[1], m[2]
        keep, out = [], []
        for n in [x.strip() for x in names.strip("()").split(",") if x.strip()]:
            base, _, alias = n.partition(" as ")
            key = f"ownertag.{pkg}.{base}"
            if key in dotted:
                np, _, nb = dotted[key].rpartition(".")
                out.append(f"from {np} import {nb}" + (f" as {alias or base}" if (alias or base) != nb else ""))
            else:
                keep.append(n)
        if not out:
            return m[0]
        return "\n".join(([f"from ownertag.{pkg} import {', '.join(keep)}"] if keep else []) + out)

    for path in tracked():
        if path.suffix in {".svg", ".png", ".lock", ".sha256", ".gz", ".zip"} or path.name == "package-lock.json":
            continue
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        new = one.sub(lambda m: dotted[m[0]], text)
        new = two.sub(lambda m: m[1] + slashed[m[2]], new)
        new = three.sub(lambda m: "`" + bare[m[1]], new)
        if path.suffix == ".py":
            new = re.sub(r"^from ownertag\.([\w.]+) import (\([^)]*\)|[^(\n]+)$", fix, new, flags=re.M)
        if new != text:
            write(path, new)


def parts(source: str) -> tuple[ast.Module, list[tuple[int, int]]]:
    """Each top-level statement's lines (from, to; 0-based, to excluded), with the comments right above it."""
    tree, lines = ast.parse(source), source.split("\n")
    spans, last = [], 0
    for node in tree.body:
        start = min([node.lineno] + [d.lineno for d in getattr(node, "decorator_list", [])]) - 1
        while start > last and lines[start - 1].startswith("#") and not lines[start - 1].startswith("# ---"):
            start -= 1
        spans.append((start, node.end_lineno))
        last = node.end_lineno
    return tree, spans


def is_import(node: ast.stmt) -> bool:
    return isinstance(node, (ast.Import, ast.ImportFrom)) or (
        isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING")


def is_doc(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def without_imports_of(text: str, modules: set[str]) -> str:
    tree, lines = ast.parse(text), text.split("\n")
    for node in reversed(list(ast.walk(tree))):
        if isinstance(node, ast.ImportFrom) and node.module in modules:
            lines[node.lineno - 1 : node.end_lineno] = []
    return "\n".join(lines)


def fold(src: str, dst: str, first: bool) -> None:
    a, b = ROOT / (src + ".py"), ROOT / (dst + ".py")
    if not a.exists() or not b.exists():
        note(f"modules: fold {src} into {dst}: {'no ' + str(a) if not a.exists() else 'no ' + str(b)}")
        return
    one, two = a.read_text("utf-8"), b.read_text("utf-8")
    ours = {"ownertag." + src.replace("/", "."), "ownertag." + dst.replace("/", ".")}

    def own_names(text: str) -> set[str]:
        tree = ast.parse(text)
        imported = {al.asname or al.name for n in ast.walk(tree) if isinstance(n, (ast.ImportFrom, ast.Import)) for al in n.names}
        return Analysis(text).module.bound - imported

    both = own_names(one) & own_names(two)
    if both:
        same = {n for n in both if _definition(one, n) == _definition(two, n)}
        if both - same:
            note(f"modules: fold {src} into {dst}: both have {sorted(both - same)}: not folded")
            return
        one = _drop(one, same)
    t1, s1 = parts(one)
    l1 = one.split("\n")
    doc1 = ast.get_docstring(t1) or ""
    imports1 = ["\n".join(l1[x:y]) for n, (x, y) in zip(t1.body, s1) if is_import(n)]
    body_from = next((x for n, (x, y) in zip(t1.body, s1) if not is_import(n) and not is_doc(n)), len(l1))
    body1 = "\n".join(l1[body_from:]).strip("\n")
    t2, s2 = parts(two)
    l2 = two.split("\n")
    doc_end = s2[0][1] if is_doc(t2.body[0]) else 0
    imports2 = ["\n".join(l2[x:y]) for n, (x, y) in zip(t2.body, s2) if is_import(n)]
    body_from = next((x for n, (x, y) in zip(t2.body, s2) if not is_import(n) and not is_doc(n)), len(l2))
    body2 = "\n".join(l2[body_from:]).strip("\n")
    docs = ast.literal_eval((HERE / "data/docs.txt").read_text())
    doc = f'"""{docs[dst]}"""' if dst in docs else "\n".join(l2[:doc_end])
    future = "from __future__ import annotations"
    imports = [i for i in dict.fromkeys([*imports2, *imports1]) if i.strip() != future]
    plain = [i for i in imports if not i.startswith("if ")] + [i for i in imports if i.startswith("if ")]
    if dst not in docs and doc1:
        note(f"modules: fold {src} into {dst}: its docstring went: {doc1.splitlines()[0]}")
    bodies = [body1, body2] if first else [body2, body1]
    text = f"{doc}\n\n{future}\n\n" + "\n".join(plain) + "\n\n\n" + "\n\n\n".join(bodies) + "\n"
    write(b, without_imports_of(text, ours))
    git("rm", "-f", "--cached", str(a))
    a.unlink()
    references({src: dst})
    b.write_text(without_imports_of(b.read_text(), {"ownertag." + dst.replace("/", ".")}))


def _definition(text: str, name: str) -> str | None:
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            return ast.dump(node.value)
    return name


def _drop(text: str, names: set[str]) -> str:
    tree, spans = parts(text)
    lines = text.split("\n")
    for node, (x, y) in reversed(list(zip(tree.body, spans))):
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id in names for t in node.targets):
            lines[x:y] = []
    return "\n".join(lines)


def extract(src: str, dst: str, names: list[str]) -> None:
    """Move definitions to another module, which is made where it is not there."""
    a, b = ROOT / (src + ".py"), ROOT / (dst + ".py")
    if not a.exists():
        note(f"modules: extract from {src}: not there")
        return
    source = a.read_text("utf-8")
    have = Analysis(source).module.bound
    if missing := [n for n in names if n not in have]:
        note(f"modules: extract {src} -> {dst}: {missing} not there")
        names = [n for n in names if n in have]
        if not names:
            return
    tree, spans = parts(source)
    lines = source.split("\n")
    moved, keep_lines, moved_nodes = [], lines[:], []
    for node, (x, y) in reversed(list(zip(tree.body, spans))):
        bound = set()
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            bound = {node.name}
        elif isinstance(node, ast.Assign):
            bound = {t.id for t in node.targets if isinstance(t, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            bound = {node.target.id}
        if bound and bound <= set(names):
            moved.insert(0, "\n".join(lines[x:y]))
            moved_nodes.insert(0, node)
            keep_lines[x:y] = []
    body = "\n\n\n".join(moved)
    rest = re.sub(r"\n{4,}", "\n\n\n", "\n".join(keep_lines))
    # what the moved part needs of the rest, and the other way round
    used = {n.id for m in moved_nodes for n in ast.walk(m) if isinstance(n, ast.Name)}
    rest_tree = ast.parse(rest)
    rest_used = {n.id for n in ast.walk(rest_tree) if isinstance(n, ast.Name)}
    imports = [("\n".join(lines[x:y])) for n, (x, y) in zip(tree.body, spans) if is_import(n)]
    imported = {al.asname or al.name for n in ast.walk(tree) if isinstance(n, (ast.ImportFrom, ast.Import)) for al in n.names}
    own = have - imported - set(names)
    src_mod, dst_mod = "ownertag." + src.replace("/", "."), "ownertag." + dst.replace("/", ".")
    need = sorted(used & own)
    back = sorted(rest_used & set(names))
    if need and back:
        note(f"modules: extract {src} -> {dst}: each needs the other ({need} / {back}): not done")
        return
    extra = [f"from {src_mod} import {', '.join(need)}"] if need else []
    if b.exists():
        text = b.read_text("utf-8")
        t2, s2 = parts(text)
        l2 = text.split("\n")
        at = max((y for n, (x, y) in zip(t2.body, s2) if is_import(n) and not isinstance(n, ast.If)), default=s2[0][1])
        wanted = [i for i in imports if i.strip() != "from __future__ import annotations" and i not in text and not i.startswith("if ")]
        wanted = _only(wanted, used)
        text = "\n".join(l2[:at] + wanted + extra + l2[at:]).rstrip("\n") + "\n\n\n" + body + "\n"
        text = without_imports_of(text, {dst_mod})
        if {n for n in names} & Analysis(b.read_text()).module.bound:
            text = without_imports_of_names(text, src_mod, set(names))
        write(b, text)
    else:
        package_of(b)
        docs = ast.literal_eval((HERE / "data/docs.txt").read_text())
        wanted = _only([i for i in imports if i.strip() != "from __future__ import annotations"], used)
        write(b, f'"""{docs[dst]}"""\n\nfrom __future__ import annotations\n\n' + "\n".join(wanted + extra) + "\n\n\n" + body + "\n")
        git("add", str(b))
    if back:
        t, s = parts(rest)
        l = rest.split("\n")
        at = max((y for n, (x, y) in zip(t.body, s) if is_import(n) and not isinstance(n, ast.If)), default=s[0][1])
        rest = "\n".join(l[:at] + [f"from {dst_mod} import {', '.join(back)}"] + l[at:])
    write(a, rest)
    for path in tracked("*.py"):
        if path == a:
            continue
        text = path.read_text("utf-8")
        if f"from {src_mod} import" not in text:
            continue
        new = split_import(text, src_mod, dst_mod, set(names), path == b)
        if new != text:
            write(path, new)


def without_imports_of_names(text: str, module: str, names: set[str]) -> str:
    return split_import(text, module, "", names, True)


def _only(imports: list[str], used: set[str]) -> list[str]:
    """Imports of what is used alone."""
    out = []
    for text in imports:
        node = ast.parse(text).body[0]
        if isinstance(node, (ast.ImportFrom, ast.Import)):
            kept = [al for al in node.names if (al.asname or al.name).split(".")[0] in used]
            if kept:
                node.names = kept
                out.append(ast.unparse(node))
    return out


def split_import(text: str, src: str, dst: str, names: set[str], drop: bool) -> str:
    def fix(m: re.Match[str]) -> str:
        items = [x.strip() for x in re.sub(r"#.*", "", m[2]).strip("() \n").split(",") if x.strip()]
        gone = [x for x in items if x.split(" as ")[0] in names]
        keep = [x for x in items if x.split(" as ")[0] not in names]
        if not gone:
            return m[0]
        out = []
        if keep:
            out.append(f"{m[1]}from {src} import {', '.join(keep)}")
        if not drop:
            out.append(f"{m[1]}from {dst} import {', '.join(gone)}")
        return "\n".join(out)

    return re.sub(rf"^([ \t]*)from {re.escape(src)} import (\([^)]*\)|[^(\n]+)$", fix, text, flags=re.M)


def run() -> None:
    pairs: dict[str, str] = {}

    def flush() -> None:
        if pairs:
            references(pairs)
            pairs.clear()

    for line in (HERE / "data/modules.txt").read_text().splitlines():
        line = line.partition("#")[0].strip()
        if not line:
            continue
        command, *args = line.split()
        if command == "move":
            a, b = ROOT / (args[0] + ".py"), ROOT / (args[1] + ".py")
            if not a.exists():
                note(f"modules: no {a}")
                continue
            package_of(b)
            git("mv", str(a), str(b))
            pairs[args[0]] = args[1]
            continue
        if command == "testmove":
            a, b = Path(args[0]), Path(args[1])
            if a.exists():
                b.parent.mkdir(parents=True, exist_ok=True)
                git("mv", str(a), str(b))
                old, new = str(a), str(b)
                for path in tracked("*.md", "*.py", "*.toml"):
                    text = path.read_text("utf-8")
                    dot_a, dot_b = a.stem, b.stem
                    fixed = text.replace(old, new)
                    if path.suffix == ".py":
                        fixed = re.sub(rf"(?<=[\w.] import ){dot_a}\b|(?<=from ){dot_a}\b(?= import)", dot_b, fixed)
                    if fixed != text:
                        write(path, fixed)
            else:
                note(f"modules: no {a}")
            continue
        flush()
        if command == "fold":
            fold(args[0], args[1], len(args) > 2 and args[2] == "first")
        elif command == "extract":
            extract(args[0], args[1], args[2].split(","))
        elif command == "rename":
            symbols._rename(args[0].replace("/", "."), args[1], args[2], tracked("*.py"))
        else:
            raise SystemExit(line)
    flush()
