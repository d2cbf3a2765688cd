"""A resource's owner tag against the ledger: what stands there and was written by nobody whom the ledger knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from ownertag.core.claims import ResourceKey, Standing
from ownertag.core.identity import UNKNOWN
from ownertag.core.plan import key_of
from ownertag.core.settings import Settings
from ownertag.core.tamper import Finding, restoring
from ownertag.core.values import Decision, Fact, Found, Outcome, OutcomeKind

_OURS = frozenset({OutcomeKind.TAGGED, OutcomeKind.UNCHANGED})


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
    outcomes: Iterable[Outcome],
    standings: Mapping[ResourceKey, Standing],
    others: Mapping[ResourceKey, Mapping[str, str | None]],
    now: datetime,
) -> tuple[Finding, ...]:
    """A finding for each value that said otherwise. Who wrote it only the record of that call says.

    Args:
        decision: The creation that came to the resources again.
        outcomes: What became of each resource: where ours was written again, the finding says so.
        standings: Whose each resource is.
        others: What was found on them.
        now: The time at which it was found.
    """
    record = decision.creation.record
    ours_stand = {each.arn for each in outcomes if each.kind in _OURS}
    return tuple(
        Finding(
            record.account,
            record.region,
            each.arn,
            key,
            dict(standing.tags).get(key),
            value,
            UNKNOWN,
            record.event_id,
            now,
            None if each.arn in ours_stand else restoring(each.arn, standing.owner.name),
            overwritten=each.arn in ours_stand,
        )
        for each in decision.resources
        if (standing := standings.get(key_of(each, decision.creation)))
        for key, value in others.get(key_of(each, decision.creation), {}).items()
        if value is not None  # what is missing was removed, or is not shown yet
    )
