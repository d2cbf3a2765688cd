"""Writes `compiled.json` anew: `python -m ownertag.catalogue`."""

from __future__ import annotations

import sys
from pathlib import Path

from ownertag.catalogue.loader import COMPILED, read_catalogue
from ownertag.catalogue.merge import as_json, compiled

whole = compiled()
catalogue = read_catalogue(whole)
Path(__file__).with_name(COMPILED).write_bytes(as_json(whole))
sources = {source for source, _ in catalogue.rows}
sys.stdout.write(
    f"{len(catalogue.rows)} rows of {len(sources)} event sources are on, with {len(catalogue.types)} types and "
    f"{len(catalogue.tag_apis)} tag APIs\n"
)
