"""The table of `docs/reference/identities.md`, from the golden identities and hops: `python -m hops.page PAGE`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from harness import fixtures

MARK = "<!-- From tests/golden/hops, by `make generate`: change it there. -->\n"

_HEAD = """
| case | what happens | owner | evidence | confidence | |
|---|---|---|---|---|---|
"""


def table() -> str:
    """A row for each golden identity or hop, those that nobody has seen marked; its forged twin below."""
    rows = []
    for path in sorted((fixtures.GOLDEN / "hops").glob("*.json")):
        plain = json.loads(path.read_text("utf-8"))
        notes = [] if plain["basis"] != "memory" else ["unconfirmed"]
        rows.append(_row(f"`{path.stem}`", plain, notes))
        if "forged" in plain:
            rows.append(_row("", plain["forged"], ["forged"]))
    return MARK + _HEAD + "\n".join(rows) + "\n"


def _row(name: str, plain: fixtures.Json, notes: list[str]) -> str:
    owner = plain["expected"]
    if owner["waits"]:
        notes = [*notes, f"comes back: {', '.join(owner['waits'])}"]
    cells = [
        name,
        plain["shows"],
        f"`{owner['name']}`",
        f"`{owner['evidence']}`",
        owner["confidence"],
        ", ".join(notes),
    ]
    return f"| {' | '.join(cells)} |"


def with_table(page: str) -> str:
    """The page with its table written anew; the table is its end."""
    return page[: page.index(MARK)] + table()


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(with_table(target.read_text("utf-8")), "utf-8")
