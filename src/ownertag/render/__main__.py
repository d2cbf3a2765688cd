"""Write anew what is generated from the catalogue: `python -m ownertag.render FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from ownertag.catalogue.loader import load
from ownertag.render.catalogue_table import catalogue_page

Path(sys.argv[1], "catalogue.md").write_text(catalogue_page(load()), "utf-8")
