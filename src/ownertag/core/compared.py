"""A resource's owner tag against the ledger: what stands there and was written by nobody whom the ledger knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from ownertag.core.claims import ResourceKey, Standing
from ownertag.core.findings import MAX_CHANGES, Finding, TagChange, fit
from ownertag.core.identity import UNKNOWN
from ownertag.core.plan import key_of
from ownertag.core.settings import Settings
from ownertag.core.values import Decision, Fact, Found


def otherwise(standing: Standing, fact: Fact, stays: Iterable[str], settings: Settings) -> dict[str, str | None]:
    """The keys with the owner's name that say otherwise than the ledger, and what they say; None where one is missing.

    Of what carries no tag at all nothing is said: it is most often gone. Keys that stay as they are don't count.
    """
    carried = fact.tags if isinstance(fact, Found) else None
    if not carried:
        return {}
    wanted = {key: value for key, value in standing.tags if key in settings.owner_keys and key not in stays}
    return {key: carried.get(key) for key, value in wanted.items() if carried.get(key) != value}


def written_by_others(
    decision: Decision,
    standings: Mapping[ResourceKey, Standing],
    others: Mapping[ResourceKey, Mapping[str, str | None]],
    now: datetime,
) -> Finding | None:
    """One finding of the values that said otherwise, over which ours are written now, or when the creation comes back.

    Who wrote them only the records of those calls say.

    Args:
        decision: The creation that came to the resources again.
        standings: Whose each resource is.
        others: What was found on them.
        now: The time at which it was found.
    """
    changes: dict[TagChange, None] = {}
    changed: list[tuple[str, str]] = []
    for each in decision.resources:
        key = key_of(each, decision.creation)
        standing = standings.get(key)
        # What is missing was removed, or is not shown yet.
        values = {name: value for name, value in others.get(key, {}).items() if value is not None}
        if standing is not None and values:
            ours = dict(standing.tags)
            changes |= {TagChange(name, ours.get(name), value): None for name, value in values.items()}
            changed.append((each.arn, standing.owner.name))
    if not changed:
        return None
    first, owner = changed[0]
    record = decision.creation.record
    return Finding(
        record.account,
        record.region,
        first,
        len(changed),
        fit(tuple(changes)),
        UNKNOWN,
        record.event_id,
        now,
        owner,
        more_changes=max(0, len(changes) - MAX_CHANGES),
        overwritten=True,
    )
