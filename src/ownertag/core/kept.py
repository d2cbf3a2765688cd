"""Which keys a creation's own request brought: under `keep` their values stay, and no others.

To keep what is found on a resource would let whoever writes first, between its creation and its tagging, name the
owner. So nothing is looked up, and the record alone counts: it says the same each time it comes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from ownertag.core.match import get, walk
from ownertag.core.parameters import document_of, pairs, specified
from ownertag.core.settings import Settings
from ownertag.core.values import Creation, Resource

#: Where an answer shows the tags of what was made.
_TAGS = ("tagSet", "tags")
#: An answer of instances that were launched further from its call than this is a repeat's, in milliseconds.
_JUST = 5000


def kept(creation: Creation, resources: Iterable[Resource], settings: Settings) -> dict[str, frozenset[str]]:
    """The keys that stay as they are, by the ARN of each resource on which any do.

    A request says what it brings for each type (`TagSpecifications`); so do the requests of services that hand on the
    tags of a group or a stack. Where the request is left out, or points to a launch template, the answer tells of what
    it names with which tags that was made. What a template brings for other types no record says.
    """
    if not settings.kept_keys:
        return {}
    document = document_of(creation.record)
    by_type: dict[str, set[str]] = defaultdict(set)
    for type_, key, _ in specified(document["request"]):
        by_type[type_ or ""].add(key)
    shown = {} if creation.told else _shown(creation, document)
    found = {}
    for each in resources:
        keys = settings.kept_keys & (by_type.get(each.type.partition(":")[2], set()) | shown.get(each.id, set()))
        if keys:
            found[each.arn] = frozenset(keys)
    return found


def _shown(creation: Creation, document: Mapping[str, Any]) -> dict[str, set[str]]:
    """The keys of the tags that the answer shows, by the id of what carries them and was launched just then.

    With a client token a call can be repeated, and is answered with the tags that are there by then.
    """
    found: dict[str, set[str]] = {}
    at = int(creation.record.created_at.timestamp() * 1000)
    for makes in creation.row.makes if document["response"] else ():
        for node in (each for path in makes.each for each in walk(document, path)):
            id_ = get(node, makes.id) if makes.id else None
            launched = get(node, "launchTime")  # in milliseconds (seen)
            if isinstance(id_, str) and isinstance(launched, int) and abs(launched - at) <= _JUST:
                found[id_] = {key for name in _TAGS for key, _ in pairs(get(node, name))}
    return found
