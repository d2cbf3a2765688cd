"""Protected keys that a creation brings along: its caller's own word for an owner, over which ours is written (T12)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from ownertag.core.claims import ResourceKey, Standing
from ownertag.core.findings import MAX_BY, MAX_CHANGES, Finding, TagChange, fit
from ownertag.core.parameters import document_of, specified
from ownertag.core.plan import key_of
from ownertag.core.records import Record, is_canary
from ownertag.core.resolve import principal_of
from ownertag.core.settings import Settings
from ownertag.core.values import Decision, Outcome, OutcomeKind

# Where calls of EC2 take the tags of what they create: `tagSpecificationSet`, in a wrapped request `TagSpecification`.
_HINT = b"agSpecification"
_OURS = frozenset({OutcomeKind.TAGGED, OutcomeKind.UNCHANGED})


def brought(
    decision: Decision, outcomes: Iterable[Outcome], standings: Mapping[ResourceKey, Standing], settings: Settings
) -> Finding | None:
    """The finding of a creation whose request gives protected keys other values than ours: one, whatever it made.

    Keys whose value the settings keep are the caller's to set, and none is made of them.

    Args:
        decision: Whose the resources are, and by which tags.
        outcomes: What became of each resource: where ours was written on all, the finding says so.
        standings: Whose each resource is by the ledger; the decision's own tags count where it says nothing.
        settings: The tag policy.
    """
    creation, record = decision.creation, decision.creation.record
    claimed = _claimed(record)
    if not claimed:
        return None
    ours_stand = {each.arn for each in outcomes if each.kind in _OURS}
    changes: dict[TagChange, None] = {}
    changed = []
    for each in decision.resources:
        values = claimed.get(each.type.removeprefix("ec2:"))
        if not values:
            continue
        standing = standings.get(key_of(each, creation))
        tags = standing.tags if standing else decision.tags
        found = [
            TagChange(key, None, values[key])
            for key, ours in tags
            if key not in settings.kept_keys and key in values and values[key] != ours
        ]
        changes |= dict.fromkeys(found)
        if found:
            changed.append((each, (standing.owner if standing else decision.owner).name))
    if not changed:
        return None
    # Where ours could not be written, somebody has to look: such a one is named.
    first, owner = next((each for each in changed if each[0].arn not in ours_stand), changed[0])
    overwritten = all(each.arn in ours_stand for each, _ in changed)
    return Finding(
        record.account,
        record.region,
        first.arn,
        len(changed),
        fit(tuple(changes)),
        principal_of(record.identity)[:MAX_BY],
        record.event_id,
        record.created_at,
        owner,
        more_changes=max(0, len(changes) - MAX_CHANGES),
        overwritten=overwritten,
        test=overwritten and is_canary(record),
    )


def _claimed(record: Record) -> dict[str, dict[str, str]]:
    """The tags that the request asks for, by the type of what gets them; EC2 calls the types as the catalogue does."""
    if _HINT not in bytes(record.request):  # most bring none, and to read it again would cost much
        return {}
    claimed: dict[str, dict[str, str]] = defaultdict(dict)
    for type_, key, value in specified(document_of(record)["request"]):
        if type_ is not None:
            claimed[type_][key] = value
    return claimed
