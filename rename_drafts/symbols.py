"""Rename symbols of modules, in the module and wherever they are imported (after modules.py)."""
from __future__ import annotations

import re
from pathlib import Path

from lib import Analysis, module_path, note, rename_refs, tracked, write

HERE = Path(__file__).parent


def _rename(module: str, old: str, new: str, files: list[tuple[Path, str]]) -> None:
    home = module_path(module)
    full = "ownertag." + module
    if not home.exists():
        note(f"symbols: no module {module} (for {old})")
        return
    source = home.read_text("utf-8")
    a = Analysis(source)
    if old not in a.module.bound:
        if new not in a.module.bound:
            note(f"symbols: {module} has no {old}")
        return
    if new in a.module.bound:
        note(f"symbols: {module} has {new} already: {old} left")
        return

    def own(a: Analysis, ref) -> str | None:
        return new if ref.name == old and a.resolved(ref) is a.module else None

    result, n, problem = rename_refs(source, own)
    if problem:
        note(f"symbols: {module}.{old} -> {new}: {problem}")
        return
    write(home, result)
    _exported(home, old, new)
    word = re.compile(rf"\b{re.escape(old)}\b")
    last = full.rpartition(".")[2]
    for path in files:
        if path == home or not path.exists():
            continue
        text = path.read_text("utf-8")
        if not word.search(text):
            continue
        if full in text and re.search(rf"from {re.escape(full)} import", text):
            def importer(a: Analysis, ref) -> str | None:
                if ref.name != old:
                    return None
                if ref.imported == full:
                    return new
                if not ref.binds:
                    return None
                scope = a.resolved(ref)
                if scope is None:
                    return None
                bound = [r for r in a.refs if r.name == old and r.imported == full and r.binds and a.resolved(r) is scope]
                return new if bound else None

            result, n, problem = rename_refs(text, importer)
            if problem:  # keep the old name here, under which it is imported
                def alias(a: Analysis, ref) -> str | None:
                    return f"{new} as {old}" if ref.name == old and ref.imported == full and ref.binds else new if ref.imported == full and ref.name == old else None
                note(f"symbols: {path}: {old} -> {new}: {problem}; imported `as {old}`")
                result = re.sub(rf"(from {re.escape(full)} import (?:\([^)]*?|[^(\n]*?))\b{old}\b(?! as)", rf"\1{new} as {old}", text)
            text = result
        # module.symbol
        pkg = full.rpartition(".")[0]
        m = re.search(rf"from {re.escape(pkg)} import (?:\([^)]*?\b{last}\b(?: as (\w+))?[^)]*\)|[^(\n]*?\b{last}\b(?: as (\w+))?[^\n]*)", text)
        if m:
            name = m[1] or m[2] or last
            text = re.sub(rf"(?<![\w.]){name}\.{old}\b", f"{name}.{new}", text)
        text = _tidy(path, text, [])
        if text != path.read_text("utf-8"):
            write(path, text)
            _exported(path, old, new)


def _tidy(path: Path, text: str, pairs: list[tuple[str, str]]) -> str:
    """`__all__`, and `import x as x`."""
    text = re.sub(r"(from ownertag[\w.]* import [^\n]*?)\b(\w+) as \2\b", r"\1\2", text)
    text = re.sub(r"^(    )(\w+) as \2,$", r"\1\2,", text, flags=re.M)
    return text


def _exported(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    if "__all__" in text:
        fixed = re.sub(r"(?s)^__all__ = \[.*?\]", lambda m: m[0].replace(f'"{old}"', f'"{new}"'), text, flags=re.M)
        if fixed != text:
            write(path, fixed)


def run() -> None:
    files = tracked("*.py")
    for line in (HERE / "data/symbols.txt").read_text().splitlines():
        line = line.partition("#")[0].strip()
        if not line:
            continue
        module, old, new = line.split()
        _rename(module, old, new, files)
