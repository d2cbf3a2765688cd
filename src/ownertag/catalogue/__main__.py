"""Writes `compiled.json`, `uncovered.json` and `lists.json` anew: `python -m ownertag.catalogue`.

Exits with 2 where a file is wrong, and writes nothing then.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ownertag.catalogue import lists
from ownertag.catalogue.checked import read_catalogue
from ownertag.catalogue.files import CatalogueError
from ownertag.catalogue.loader import COMPILED
from ownertag.catalogue.merge import as_json, merged, select
from ownertag.catalogue.uncovered import UNCOVERED, uncovered
from ownertag.catalogue.uncovered import as_json as uncovered_as_json


def main() -> int:
    """Writes the files, or says in a line why not, and returns the exit code."""
    try:
        every = merged()
        whole = select(every)
        catalogue = read_catalogue(whole)
        off = uncovered(every)
        found = lists.joined(catalogue.types)
    except CatalogueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    Path(__file__).with_name(COMPILED).write_bytes(as_json(whole))
    Path(__file__).with_name(UNCOVERED).write_bytes(uncovered_as_json(off))
    Path(__file__).with_name(lists.LISTS).write_bytes(lists.as_json(found))
    sources = {source for source, _ in catalogue.rows}
    sys.stdout.write(
        f"{len(catalogue.rows)} rows of {len(sources)} event sources are on, with {len(catalogue.types)} types and "
        f"{len(catalogue.tag_apis)} tag APIs; {sum(map(len, off.values()))} calls that make something are not; "
        f"{sum(not entry.none for entry in found.values())} types have a list\n"
    )
    return 0


sys.exit(main())
