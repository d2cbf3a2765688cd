"""Writes the generated catalogue anew: `python -m derive`."""

from __future__ import annotations

import sys
from collections import defaultdict

from derive import grouping, writing
from derive.reference import ROOT
from derive.rows import TypeEntry

TARGET = ROOT / "src/ownertag/catalogue/generated"


def files() -> dict[str, str]:
    """The text of every generated file of rows, by its name."""
    by_source = defaultdict(list)
    for creation in grouping.creations():
        by_source[creation.source].append(creation)
    types: dict[str, dict[str, TypeEntry]] = defaultdict(dict)
    for name, entry in grouping.entries().items():
        types[grouping.homes()[name]][name] = entry
    found = {
        f"{source.removesuffix('.amazonaws.com')}.toml": writing.source_file(source, creations, types[source])
        for source, creations in by_source.items()
    }
    return found | {"not_rows.toml": writing.not_rows_file(grouping.no_rows())}


def main() -> None:
    """Writes all files, and removes those of sources that are gone."""
    texts = files()
    TARGET.mkdir(exist_ok=True)
    for name, text in texts.items():
        (TARGET / name).write_text(text, "utf-8")
    sys.stdout.write(f"{len(grouping.creations())} rows, {len(grouping.no_rows())} operations that are none\n")


if __name__ == "__main__":
    main()
