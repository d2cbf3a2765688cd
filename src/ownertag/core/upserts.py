"""Calls that make a resource or change the one that is there: to whom a success makes it belong.

Such a call (EventBridge's PutRule, CloudWatch's PutMetricAlarm) succeeds for anybody who may change the resource, so
its success is no creation. What the answer says decides, then the ledger, then the owner tag that the living resource
carries (docs/decisions/0070).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from ownertag.core.catalogue_types import CatalogueRow
from ownertag.core.parameters import parameters_of, set_tags
from ownertag.core.paths import all_hold, values_at
from ownertag.core.records import Record
from ownertag.core.settings import Settings
from ownertag.core.values import Creation, Fact, Found, Outcome, OutcomeKind, Resource, TagPairs, Unavailable, Wait

UPSERT = "upsert"

SEEN_AGAIN = "seen again: it has an owner tag from before, and its owner stays"

# What services call the time of a creation in their answers (API models of all services), without regard to case.
_CREATED = frozenset({"createdat", "createddate", "createdtime", "createtime", "creationdate", "creationtime"})
#: A creation's own time is that of its record, to the second or the next: what is older was there before.
_JUST = timedelta(seconds=60)
# As CloudTrail writes a time in an answer: "Oct 28, 2016 1:18:07 AM" (seen and documented), or as ISO 8601 has it.
_WORDS = re.compile(r"([A-Z][a-z]{2} [0-9]{1,2}, [0-9]{4},? [0-9]{1,2}:[0-9]{2}:[0-9]{2}\s[AP]M)")


def existed(record: Record, row: CatalogueRow) -> bool | None:
    """Whether the answer says that the resource was there before; None where it says neither that nor the opposite."""
    document = parameters_of(record)
    if row.new_if and all(values_at(document, condition.path) for condition in row.new_if):
        return not all_hold(row.new_if, document)
    times = [time for time in _times(document["response"]) if time is not None]
    if times:
        return record.created_at - min(times) > _JUST
    return None


def _times(answer: Any) -> Iterable[datetime | None]:
    """The times of creation at the top of an answer, or in an object there."""
    for key, value in answer.items() if isinstance(answer, dict) else ():
        if key.lower() in _CREATED:
            yield _time(value)
        elif isinstance(value, dict):
            yield from (_time(inner) for name, inner in value.items() if name.lower() in _CREATED)


def _time(value: Any) -> datetime | None:
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
        if isinstance(value, str) and (found := _WORDS.fullmatch(value)):
            plain = re.sub(r"[\s,]+", " ", found[1])
            return datetime.strptime(plain, "%b %d %Y %I:%M:%S %p").replace(tzinfo=UTC)
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None
    return time if time is None or time.tzinfo else time.replace(tzinfo=UTC)


def uncertain(creation: Creation, resource: Resource) -> bool:
    """Whether a resource may have been there before, for all that its record and the ledger tell."""
    return creation.may_exist and resource.arn not in creation.known


def seen_again(
    creation: Creation, resource: Resource, tags_now: Fact | None, tags: TagPairs, settings: Settings, young: bool
) -> Outcome | Wait | None:
    """What becomes of a resource that may have been there before: None if it is this call's.

    Args:
        creation: The call.
        resource: One that its record names.
        tags_now: The tags that it carries; None where they were not asked for.
        tags: Those that the call's owner would give it. It has them already where they were written without the ledger.
        settings: The keys of the owner tag.
        young: Whether it may not be to be seen yet.
    """
    if isinstance(tags_now, Unavailable):
        if not young and tags_now.outcome in {OutcomeKind.NOT_READY, OutcomeKind.GONE}:
            return Outcome(resource.arn, OutcomeKind.GONE, "not to be seen any more")
        return tags_now.wait(f"whether {resource.id} was there before")
    if not isinstance(tags_now, Found) or not tags_now.tags:
        return None
    owned = {key: tags_now.tags[key] for key in settings.owner_keys if key in tags_now.tags}
    # The request's own tags are the caller's claim, as in any creation.
    asked_for = dict(set_tags(parameters_of(creation.record)["request"]))
    if not owned or owned.items() <= asked_for.items() or owned.items() <= dict(tags).items():
        return None
    return Outcome(resource.arn, OutcomeKind.UNCHANGED, SEEN_AGAIN)
