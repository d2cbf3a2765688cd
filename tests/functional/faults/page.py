"""The table of `docs/reference/faults.md`, from the rows: `python -m faults.page PAGE`."""

from __future__ import annotations

import sys
from pathlib import Path

from faults.matrix import IDS, NOT_BUILT, PROOFS, ROWS
from faults.row import Row

MARK = "<!-- From tests/functional/faults, by `make generate`: change it there. -->\n"

_HEAD = """
| fault | what happens | outcome | if it lasts |
|---|---|---|---|
"""


def table() -> str:
    """A row for each fault, in the order of the ids."""
    lines = []
    for id_ in IDS:
        lines += [f"| {id_} | {row.fault} | {row.outcome} | {_lasting(row)} |" for row in ROWS if row.id == id_]
        lines += [f"| {id_} | {proof.fault} | {proof.outcome} | |" for proof in PROOFS if proof.id == id_]
        lines += [
            f"| {id_} | {not_built.fault} | *not built yet: {not_built.reason}* | |"
            for not_built in NOT_BUILT
            if not_built.id == id_
        ]
    return MARK + _HEAD + "\n".join(lines) + "\n"


def _lasting(row: Row) -> str:
    if row.lasting is None:
        return ""
    ends = sorted({state.split(",")[0] for state in row.lasting.states.values()} - {"done"})
    if not ends:
        return f"done at delivery {row.lasting.deliveries}"
    codes = ", ".join(f"`{end.removeprefix('dead ')}`" for end in ends)
    return f"dead letter after {row.lasting.deliveries} deliveries: {codes}"


def with_table(page: str) -> str:
    """The page with its table written anew; the table is its end."""
    return page[: page.index(MARK)] + table()


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(with_table(target.read_text("utf-8")), "utf-8")
