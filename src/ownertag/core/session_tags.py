"""Session tags: what the caller of AssumeRole said of itself. The later records of the session don't carry them."""

from __future__ import annotations

import msgspec

from ownertag.core.identity import UNKNOWN, clean
from ownertag.core.match import get, walk
from ownertag.core.records import Record
from ownertag.core.settings import Settings

_PLACES = (("principalTags",), ("tags",))


def owner_tag(maker: Record, settings: Settings) -> str | None:
    """The value of the session tag whose key is that of our owner tag.

    CloudTrail shows session tags as a map `principalTags` (IAM user guide, "Passing session tags"); a list of keys and
    values is read as well.
    """
    try:
        request = msgspec.json.decode(maker.request)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    keys = {key.lower() for key in settings.owner_keys}
    for place in _PLACES:
        for tags in walk(request, place):
            pairs = tags.items() if isinstance(tags, dict) else _listed(tags)
            for key, value in pairs:
                if isinstance(key, str) and isinstance(value, str) and key.lower() in keys:
                    name = clean(value)
                    return name if name and name != UNKNOWN else None
    return None


def _listed(tags: object) -> list[tuple[object, object]]:
    return [(get(each, "key"), get(each, "value")) for each in tags] if isinstance(tags, list) else []
