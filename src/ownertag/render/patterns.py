"""Renders the event patterns of the rules: what an account's bus sends to the hub, and what the hub's bus takes.

Rules are merged over the event sources: an account would need seventy, one for each source, and a Region takes 300 for
all. A name that no other service has needs no source beside it. The other names stand with their sources: sources share
a list of names as long as none of them has a name of it that is not wanted there; a pair that no service has does no
harm.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from ownertag.catalogue.event_names import LEFT_OUT, shared_names
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.parse import CLOUDTRAIL_DETAIL_TYPE
from ownertag.core.settings import Settings
from ownertag.render.documents import RULE_PREFIX, SHORTER_KEYS, TooLong, arn, compact, within_limit

#: EventBridge takes patterns of at most 2,048 characters (doc: PutRule).
MAX_PATTERN = 2048

_EC2 = "ec2.amazonaws.com"

Pair = tuple[str, str]
#: Sources, and names that are wanted of every one of them that has it; without sources, of all there are.
Block = tuple[tuple[str, ...], tuple[str, ...]]


def spoke_rules(catalogue: Catalogue, settings: Settings) -> dict[str, dict[str, Any]]:
    """The rules of an account's Region, pattern by name: creations with deletions, and changes of tags.

    The account and partition in them are CloudFormation's pseudo parameters.

    Raises:
        TooLong: AWS would not take one.
    """
    creations = {
        f"{RULE_PREFIX}creations-{number}": pattern for number, pattern in enumerate(spoke_patterns(catalogue), 1)
    }
    others = {
        f"{RULE_PREFIX}tampering-{number}": pattern
        for number, pattern in enumerate(tag_call_patterns(catalogue, settings), 2)
    }
    return {**creations, f"{RULE_PREFIX}tampering": tampering_pattern(settings), **others}


# --- creations and deletions


def spoke_patterns(catalogue: Catalogue) -> list[dict[str, Any]]:
    """As few patterns as possible, for successful calls of the catalogue's rows, and calls that delete what rows make.

    The record of a failed call has an `errorCode`, which the patterns exclude.
    """
    return patterns_of({**catalogue.rows, **catalogue.endings}, shared_names())


def patterns_of(wanted: Iterable[Pair], shared: Mapping[str, frozenset[str]]) -> list[dict[str, Any]]:
    """As few patterns as possible, for successful calls: `blocks_of` says of what."""
    return [_creations(held) for held in packed_blocks(blocks_of(wanted, shared))]


def blocks_of(wanted: Iterable[Pair], shared: Mapping[str, frozenset[str]]) -> list[Block]:
    """The wanted (event source, event name) as blocks; the one without sources comes first.

    Args:
        wanted: The pairs.
        shared: The sources of each name that several services have.
    """
    sources_of: dict[str, set[str]] = defaultdict(set)
    for source, name in wanted:
        sources_of[name].add(source)
    alone = [name for name, sources in sources_of.items() if not _is_elsewhere(name, sources, shared)]
    names_of: dict[str, set[str]] = defaultdict(set)
    for name in sources_of.keys() - set(alone):
        for source in sources_of[name]:
            names_of[source].add(name)
    blocks: list[tuple[list[str], set[str]]] = []
    # Those with most names first: they fit together with fewest.
    for source, names in sorted(names_of.items(), key=lambda item: (-len(item[1]), item[0])):
        for sources, together in blocks:
            if _fits(source, together, sources_of, shared) and all(
                _fits(other, names, sources_of, shared) for other in sources
            ):
                sources.append(source)
                together.update(names)
                break
        else:
            blocks.append(([source], set(names)))
    found: list[Block] = [((), tuple(sorted(alone)))] if alone else []
    return found + [(tuple(sorted(sources)), tuple(sorted(names))) for sources, names in blocks]


def _is_elsewhere(name: str, sources: set[str], shared: Mapping[str, frozenset[str]]) -> bool:
    """Whether a service besides these has the name, or may have it."""
    return name.startswith(LEFT_OUT) or not shared.get(name, frozenset()) <= sources


def _fits(
    source: str, names: set[str], sources_of: Mapping[str, set[str]], shared: Mapping[str, frozenset[str]]
) -> bool:
    """Whether each of the names is wanted of the source, or is no name that it has."""
    return all(
        source in sources_of[name] or (source not in shared.get(name, ()) and not name.startswith(LEFT_OUT))
        for name in names
    )


def packed_blocks(blocks: Iterable[Block]) -> list[list[Block]]:
    """Packs blocks into as few patterns as possible; one that is too long is cut.

    The larger blocks come first, each into the first pattern that has room for it, and names without sources fill up.
    """
    with_sources = [part for block in blocks if block[0] for part in _cut(block)]
    bins: list[list[Block]] = []
    for block in sorted(with_sources, key=lambda block: (-len(compact(_detail([block]))), block)):
        room = next((held for held in bins if _has_room([*held, block])), None)
        if room is None:
            bins.append(room := [])
        room.append(block)
    left = tuple(name for sources, names in blocks if not sources for name in names)
    for held in itertools.chain(list(bins), _more(bins)):
        if not left:
            break
        taken = _as_many_as_fit(left, partial(_has_room_for, held))
        if taken:
            held.append(((), taken))
        left = left[len(taken) :]
    return [held for held in bins if held]


def _more(bins: list[list[Block]]) -> Iterator[list[Block]]:
    """Further patterns, without end."""
    while True:
        bins.append([])
        yield bins[-1]


def _cut(block: Block) -> Iterator[Block]:
    """A block in parts that fit a pattern each: fewer names, or fewer sources where there is one name."""
    sources, names = block
    if _has_room([block]):
        yield block
    elif len(names) > 1:
        yield from _cut((sources, names[: len(names) // 2]))
        yield from _cut((sources, names[len(names) // 2 :]))
    else:
        yield from _cut((sources[: len(sources) // 2], names))
        yield from _cut((sources[len(sources) // 2 :], names))


def _as_many_as_fit(names: tuple[str, ...], fits: Callable[[tuple[str, ...]], bool]) -> tuple[str, ...]:
    """The first of the names, as many as fit: fewer fit always."""
    low, high = 0, len(names)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(names[:middle]) else (low, middle - 1)
    return names[:low]


def _has_room(blocks: list[Block]) -> bool:
    return len(compact(_creations(blocks))) <= MAX_PATTERN


def _has_room_for(held: list[Block], names: tuple[str, ...]) -> bool:
    return _has_room([*held, ((), names)])


def _creations(blocks: list[Block]) -> dict[str, Any]:
    return _pattern({"errorCode": [{"exists": False}], **_detail(blocks)})


def _detail(blocks: list[Block]) -> dict[str, Any]:
    """The condition on an event's detail: one of the blocks. EventBridge takes `$or` of two or more alone (doc)."""
    conditions = [
        ({"eventSource": list(sources)} if sources else {}) | {"eventName": list(names)} for sources, names in blocks
    ]
    return conditions[0] if len(conditions) == 1 else {"$or": conditions}


def _pattern(detail: dict[str, Any]) -> dict[str, Any]:
    return {"source": [{"prefix": "aws."}], "detail-type": [CLOUDTRAIL_DETAIL_TYPE], "detail": detail}


# --- changes of tags


def tampering_pattern(settings: Settings) -> dict[str, Any]:
    """Successful tag calls of EC2 with a protected key in any letter case, or without keys, that are not the tagger's.

    The tagger makes most of these calls, and an event that no rule matches costs nothing. A removal without keys
    removes all tags.

    Raises:
        TooLong: AWS would not take it.
    """
    key: dict[str, Any] = {"tagSet": {"items": {"key": [{"equals-ignore-case": tag} for tag in sorted(settings.tags)]}}}
    none: dict[str, Any] = {"tagSet": {"items": {"key": [{"exists": False}]}}}
    pattern = _not_ours(
        {
            "eventSource": [_EC2],
            "eventName": ["CreateTags", "DeleteTags"],
            "requestParameters": {"$or": [key, none]},
        },
        settings,
    )
    return within_limit(pattern, MAX_PATTERN, "the event pattern for tampering", SHORTER_KEYS)


def tag_call_patterns(catalogue: Catalogue, settings: Settings) -> list[dict[str, Any]]:
    """Successful calls of the other services that change tags, and are not the tagger's.

    Services write keys in many forms, and some name resources by what only they know: the hub looks into them. A name
    that speaks of tags is such a call wherever it comes from, so it needs no source.
    """
    calls = [pair for pair in catalogue.tag_calls if pair[0] != _EC2]
    left = tuple(sorted({name for _, name in calls if "tag" in name.lower()}))
    found = []
    while left:
        taken = _as_many_as_fit(left, partial(_is_short, settings))
        if not taken:
            raise TooLong(f"the event pattern for tampering has no room for {left[0]}: name a shorter role in [hub]")
        found.append(_other_tag_calls(settings, taken))
        left = left[len(taken) :]
    by_source: dict[str, list[str]] = defaultdict(list)
    for source, name in sorted(calls):
        if "tag" not in name.lower():
            by_source[source].append(name)
    found += [_not_ours({"eventSource": [source], "eventName": named}, settings) for source, named in by_source.items()]
    return found


def _other_tag_calls(settings: Settings, names: tuple[str, ...]) -> dict[str, Any]:
    return _not_ours({"eventSource": [{"anything-but": [_EC2]}], "eventName": list(names)}, settings)


def _is_short(settings: Settings, names: tuple[str, ...]) -> bool:
    return len(compact(_other_tag_calls(settings, names))) <= MAX_PATTERN


def _not_ours(detail: dict[str, Any], settings: Settings) -> dict[str, Any]:
    own = arn("iam", f"role/{settings.hub.tagger_role}")
    who = [_issuer([{"exists": False}]), _issuer([{"anything-but": own}])]
    return _pattern({**detail, "errorCode": [{"exists": False}], "$or": who})


def _issuer(filters: list[Any]) -> dict[str, Any]:
    return {"userIdentity": {"sessionContext": {"sessionIssuer": {"arn": filters}}}}


# --- at the hub


def hub_pattern() -> dict[str, Any]:
    """The pattern of the hub's rule: CloudTrail's events of AWS's own sources."""
    return {"source": [{"prefix": "aws."}], "detail-type": [CLOUDTRAIL_DETAIL_TYPE]}
