"""Every tag API that is derived or by hand, whether a row of the catalogue needs it or not."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from ownertag.catalogue.files import shipped_text
from ownertag.catalogue.loader import build
from ownertag.catalogue.merge import TAG_APIS, merge_apis
from ownertag.catalogue.source_file import Compiled
from ownertag.core.catalogue_types import TagApi


@cache
def all_tag_apis() -> Mapping[str, TagApi]:
    """Tag APIs by name, such as `rds.AddTagsToResource`."""
    texts = (shipped_text(f"{folder}/{TAG_APIS}") for folder in ("generated", "overlay"))
    return build(Compiled([], merge_apis(*texts))).tag_apis
