"""Protected keys that a creation brings along: its caller's own word for an owner, over which ours is written (T12)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ownertag.core.claims import ResourceKey, Standing
from ownertag.core.parameters import document_of, specified
from ownertag.core.plan import key_of
from ownertag.core.records import Record
from ownertag.core.resolve import principal_of
from ownertag.core.settings import Settings
from ownertag.core.tamper import Finding, restoring
from ownertag.core.values import Decision, Outcome, OutcomeKind

# Where calls of EC2 take the tags of what they create: `tagSpecificationSet`, in a wrapped request `TagSpecification`.
_HINT = b"agSpecification"
_OURS = frozenset({OutcomeKind.TAGGED, OutcomeKind.UNCHANGED})


def brought(
    decision: Decision, outcomes: Iterable[Outcome], standings: Mapping[ResourceKey, Standing], settings: Settings
) -> tuple[Finding, ...]:
    """A finding for each protected key that the creation's request gives another value than ours.

    Keys whose value the settings keep are the caller's to set, and none is made of them.

    Args:
        decision: Whose the resources are, and by which tags.
        outcomes: What became of each resource: where ours was written, the finding says so.
        standings: Whose each resource is by the ledger; the decision's own tags count where it says nothing.
        settings: The tag policy.
    """
    creation, record = decision.creation, decision.creation.record
    ours_stand = {each.arn for each in outcomes if each.kind in _OURS}
    claimed = dict(_claimed(record))
    found = []
    for each in decision.resources if claimed else ():
        standing = standings.get(key_of(each, creation))
        owner, tags = (standing.owner, standing.tags) if standing else (decision.owner, decision.tags)
        found += [
            Finding(
                record.account,
                record.region,
                each.arn,
                key,
                None,
                value,
                principal_of(record.identity),
                record.event_id,
                record.created_at,
                None if each.arn in ours_stand else restoring(each.arn, owner.name),
                overwritten=each.arn in ours_stand,
            )
            for key, ours in tags
            if key not in settings.kept_keys
            and (value := claimed.get((each.type.removeprefix("ec2:"), key))) is not None
            and value != ours
        ]
    return tuple(found)


def _claimed(record: Record) -> Iterator[tuple[tuple[str, str], str]]:
    """((type, key), value) of each tag that the request asks for; EC2 calls the types as the catalogue does."""
    if _HINT not in bytes(record.request):  # most bring none, and to read it again would cost much
        return
    for type_, key, value in specified(document_of(record)["request"]):
        if type_ is not None:
            yield (type_, key), value
