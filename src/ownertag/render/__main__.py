"""Writes the page and the numbers that are generated from the catalogue: `python -m ownertag.render FOLDER README`."""

from __future__ import annotations

import sys
from pathlib import Path

from ownertag.catalogue.loader import load_catalogue
from ownertag.render.pages import catalogue_page, with_numbers

folder, readme = map(Path, sys.argv[1:])
catalogue = load_catalogue()
(folder / "catalogue.md").write_text(catalogue_page(catalogue), "utf-8")
readme.write_text(with_numbers(readme.read_text("utf-8"), catalogue), "utf-8")
