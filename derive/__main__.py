"""Writes the generated catalogue anew: `python -m derive`; `python -m derive rds:CreateDBInstance` explains a row."""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

from derive import deletions, grouping, report, writing
from derive.explain import explain
from derive.reference import ROOT
from derive.rows import TypeEntry

TARGET = ROOT / "src/ownertag/catalogue/generated"
#: What other parts of this package write there.
OTHERS = frozenset({"tag_apis.toml", "ec2_at_creation.toml", "lists.toml"})


def files() -> dict[str, str]:
    """The text of every generated file of rows, by its name."""
    by_source = defaultdict(list)
    for creation in grouping.creations():
        by_source[creation.source].append(creation)
    ended = defaultdict(list)
    for deletion in deletions.deletions():
        ended[deletion.source].append(deletion)
    types: dict[str, dict[str, TypeEntry]] = defaultdict(dict)
    for name, entry in grouping.entries().items():
        types[grouping.homes()[name]][name] = entry
    found = {
        f"{source.removesuffix('.amazonaws.com')}.toml": writing.source_file(
            source, creations, types[source], ended[source]
        )
        for source, creations in by_source.items()
    }
    return found | {"not_rows.toml": writing.not_rows_file(grouping.no_rows())}


def written(folder: Path) -> dict[str, str]:
    """The text of every file of rows that a folder has, by its name."""
    return {path.name: path.read_text("utf-8") for path in sorted(folder.glob("*.toml")) if path.name not in OTHERS}


def main() -> None:
    """Writes all files, removes those of sources that are gone, and tells what changed."""
    if sys.argv[1:]:
        sys.stdout.write("".join(f"{explain(wanted)}\n" for wanted in sys.argv[1:]))
        return
    before, after = written(TARGET), files()
    TARGET.mkdir(exist_ok=True)
    for name in before.keys() - after.keys():
        (TARGET / name).unlink()
    for name, text in after.items():
        (TARGET / name).write_text(text, "utf-8")
    sys.stdout.write(
        f"{len(grouping.creations())} rows of {len(after) - 1} event sources, {len(grouping.entries())} types; "
        f"{len(deletions.deletions())} deletions; "
        f"{len(grouping.no_rows())} operations are no rows\n{report.changes(report.rows(before), report.rows(after))}\n"
    )


if __name__ == "__main__":
    main()
