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
    """A row for each golden identity or hop, those that nobody has seen marked."""
    rows = []
    for path in sorted((fixtures.GOLDEN / "hops").glob("*.json")):
        plain = json.loads(path.read_text("utf-8"))
        owner = plain["expected"]
        notes = [] if plain["basis"] != "memory" else ["unconfirmed"]
        if owner["waits"]:
            notes.append(f"comes back: {', '.join(owner['waits'])}")
        cells = [
            f"`{path.stem}`",
            plain["shows"],
            f"`{owner['name']}`",
            f"`{owner['evidence']}`",
            owner["confidence"],
            ", ".join(notes),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return MARK + _HEAD + "\n".join(rows) + "\n"


def with_table(page: str) -> str:
    """The page with its table written anew; the table is its end."""
    return page[: page.index(MARK)] + table()


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(with_table(target.read_text("utf-8")), "utf-8")
