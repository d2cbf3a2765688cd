"""Completes profiles and Regions in the shell: from files alone, since nobody waits for AWS after a tab.

What can't be read is not completed: an error would be printed into the line that is being typed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

#: Where the profiles are (doc: AWS SDKs and Tools, location of the shared files), and how a section names one.
_FILES = (
    ("AWS_CONFIG_FILE", "~/.aws/config", "profile "),
    ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", ""),
)


def complete_profile(incomplete: str) -> list[str]:
    """The profiles of the AWS config and credentials files that begin so."""
    from configparser import Error, RawConfigParser

    found: dict[str, None] = {}
    for variable, usual, before in _FILES:
        parser = RawConfigParser(strict=False)
        try:
            parser.read(Path(os.environ.get(variable) or usual).expanduser(), "utf-8")
        except (OSError, RuntimeError, UnicodeError, Error):
            continue
        for section in parser.sections():
            if section == "default" or section.startswith(before):
                name = section.removeprefix(before).strip().strip("\"'")
                found[name] = None
    return [name for name in found if name.startswith(incomplete)]


def complete_region(incomplete: str) -> list[str]:
    """The Regions that botocore knows and that begin so."""
    return [region for region in _regions() if region.startswith(incomplete)]


def complete_regions(incomplete: str) -> list[str]:
    """The same, for an option that takes several with commas between."""
    before, comma, last = incomplete.rpartition(",")
    chosen = set(before.split(","))
    return [f"{before}{comma}{region}" for region in complete_region(last) if region not in chosen]


def _regions() -> Iterator[str]:
    """From botocore's data, without botocore, whose import takes longer than a tab may."""
    import json
    from importlib.util import find_spec

    spec = find_spec("botocore")
    try:
        [folder] = spec.submodule_search_locations or [] if spec else []
        partitions = json.loads((Path(folder) / "data" / "partitions.json").read_text("utf-8"))["partitions"]
        yield from (region for one in partitions for region in one["regions"] if not region.endswith("-global"))
    except (OSError, ValueError, KeyError, TypeError):
        return
