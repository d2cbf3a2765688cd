"""What changed of the rows since they were written last: new, gone and changed ones, by count and name."""

from __future__ import annotations

import textwrap
import tomllib
from collections.abc import Mapping

Rows = dict[str, object]
_WIDTH = 80


def rows(texts: Mapping[str, str]) -> Rows:
    """What each row says, by its name: "rds:CreateDBInstance"; and of each type, each operation that is no row.

    Args:
        texts: Files by name, as they are generated.
    """
    found: Rows = {}
    files = {name: tomllib.loads(text) for name, text in texts.items()}
    all_types = {name: entry for file in files.values() for name, entry in file.get("types", {}).items()}
    for name, file in files.items():
        for creation in file.get("creation", ()):
            types = {made["type"]: all_types.get(made["type"]) for made in creation["makes"]}
            found[f"{name.removesuffix('.toml')}:{creation['event']}"] = (creation, types)
        for operation, reason in file.get("operations", {}).items():
            found[f"{operation} (no row)"] = reason
    return found


def changes(before: Rows, after: Rows) -> str:
    """What changed, in 80 columns; a line alone where nothing did."""
    new = sorted(after.keys() - before.keys())
    gone = sorted(before.keys() - after.keys())
    changed = sorted(name for name in after.keys() & before.keys() if after[name] != before[name])
    if not (new or gone or changed):
        return "nothing changed"
    parts = []
    for label, names in (("new", new), ("gone", gone), ("changed", changed)):
        text = f"{len(names)} {label}" + (f": {', '.join(names)}" if names else "")
        parts.append("\n".join(textwrap.wrap(text, _WIDTH, subsequent_indent="  ", break_on_hyphens=False)))
    return "\n".join(parts)
