"""A record of a call that writes or removes tags: which keys and values, on which resources."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from ownertag.core.match import walk
from ownertag.core.parameters import document_of
from ownertag.core.records import Record

#: (event source, event name) to whether the call writes (true) or removes.
TAG_CALLS: Mapping[tuple[str, str], bool] = {
    ("ec2.amazonaws.com", "CreateTags"): True,
    ("ec2.amazonaws.com", "DeleteTags"): False,
}


class TagCall(Struct, frozen=True):
    """What a tag call names.

    `tags` holds each key with its value, None where the call gave none. A removal that names no key removes every tag
    (doc: DeleteTags). `ids` are the resources as the request names them. `omitted`: CloudTrail left the request out, as
    it does above 100 KB (doc: record contents), so that the record tells neither.
    """

    writes: bool
    tags: Mapping[str, str | None]
    ids: tuple[str, ...]
    omitted: bool = False

    @property
    def removes_all(self) -> bool:
        """Whether every tag of the resources goes."""
        return not self.writes and not self.tags and not self.omitted

    def touches(self, keys: frozenset[str]) -> frozenset[str]:
        """Which of these keys the call touches, whatever their letter case, as in the policy that protects them."""
        if self.removes_all:
            return keys
        named = {key.casefold() for key in self.tags}
        return frozenset(key for key in keys if key.casefold() in named)


def tag_call(record: Record) -> TagCall | None:
    """What a record of a tag call names; None for any other record. A request that can't be read is one left out."""
    writes = TAG_CALLS.get((record.event_source, record.event_name))
    if writes is None:
        return None
    request = document_of(record)["request"]
    if request is None or str(request.get("omitted", "")).lower() == "true":
        return TagCall(writes, {}, (), omitted=True)
    tags: dict[str, str | None] = {}
    for tag in walk(request, ("tagSet", "items", "[]")):
        if isinstance(tag, dict) and isinstance(key := tag.get("key"), str):
            value = tag.get("value")
            tags[key] = value if isinstance(value, str) else None
    found = walk(request, ("resourcesSet", "items", "[]", "resourceId"))
    return TagCall(writes, tags, tuple(dict.fromkeys(each for each in found if isinstance(each, str))))
