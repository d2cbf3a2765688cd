"""Lists the modules that the function runs: the entry point and all that it imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import ownertag

#: The modules that a template may name as the function's handler.
ENTRIES = ("ownertag.handler.lambda_function",)


#: What modules read beside them. The catalogue's own files are joined in `compiled.json`, and lie in folders.
_DATA = ("*.json",)


def function_files() -> list[Path]:
    """The files, relative to the folder that holds ownertag: modules, and the data files beside them.

    Imports inside functions count.
    """
    found: dict[str, Path] = {}
    waiting = list(ENTRIES)
    while waiting:
        name = waiting.pop()
        path = None if name in found else _path(name)
        if path is not None:
            found[name] = path
            # Importing a module imports the packages that it is in.
            waiting += [name.rpartition(".")[0], *_imported(path)]
    folders = [path.parent for path in found.values() if path.name == "__init__.py"]
    data = [file for folder in folders for pattern in _DATA for file in folder.glob(pattern)]
    return sorted(path.relative_to(_ROOT) for path in (*found.values(), *data))


_ROOT = Path(ownertag.__file__).parents[1]


def _path(name: str) -> Path | None:
    if not name:
        return None
    place = _ROOT.joinpath(*name.split("."))
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


def _imported(path: Path) -> Iterator[str]:
    """The modules of ownertag that a module imports, and the names that it imports from them."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Import():
                yield from (name.name for name in node.names if name.name.partition(".")[0] == "ownertag")
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] == "ownertag":
                yield module
                yield from (f"{module}.{name.name}" for name in node.names)
