"""Session tags: what the caller of AssumeRole said of itself. The later records of the session don't carry them."""

from __future__ import annotations

from collections.abc import Iterator

from ownertag.core.identity import UNKNOWN, named
from ownertag.core.parameters import document_of, pairs
from ownertag.core.records import Record
from ownertag.core.settings import Settings


def session_tags(maker: Record) -> Iterator[tuple[str, str]]:
    """(key, value) of each session tag that an AssumeRole record shows.

    CloudTrail shows them as a list `tags`, as a map `principalTags`, and those that an earlier session of the chain
    handed on as `incomingTransitiveTags` (IAM user guide, "Logging IAM and AWS STS API calls", its examples).
    """
    request = document_of(maker)["request"] or {}
    for place in ("incomingTransitiveTags", "principalTags", "tags"):
        yield from pairs(request.get(place))


def owner_tag(maker: Record, settings: Settings) -> str | None:
    """The value of the session tag whose key is that of our owner tag."""
    keys = {key.lower() for key in settings.owner_keys}
    for key, value in session_tags(maker):
        if key.lower() in keys:
            name = named(value)
            return None if name == UNKNOWN else name
    return None
