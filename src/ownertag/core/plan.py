"""Decisions to writes: each resource gets its owner's tags once, in as few calls as the tag API allows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from ownertag.core.ask import tags_question_in
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.decide import carried_tags, missing_tags
from ownertag.core.ownership import Claim, ResourceKey, Standing
from ownertag.core.settings import Settings
from ownertag.core.values import (
    Decision,
    Facts,
    Outcome,
    OutcomeKind,
    Plan,
    Refusal,
    Resource,
    TagPairs,
    Unavailable,
    Write,
)


def plan_writes(
    decisions: Sequence[Decision],
    refusals: Sequence[Refusal],
    facts: Facts,
    catalogue: Catalogue,
    standings: Mapping[ResourceKey, Standing] | None = None,
) -> Plan:
    """The plan that carries decisions out.

    Args:
        decisions: What was decided, after the ledger was asked if there is one.
        refusals: What was refused.
        facts: The answers from which it was decided.
        catalogue: The rows, for the tag APIs and the sizes of their calls.
        standings: Whose each resource is by the ledger; where it says nothing, the decision counts.
    """
    carried = carried_tags(facts)
    writes = tuple(_writes(decisions, carried, catalogue, standings or {}))
    return Plan(tuple(decisions), writes, tuple(refusals))


def untagged_only(planned: Plan, settings: Settings) -> Plan:
    """The plan while the ledger is unavailable: only resources without an owner tag are written.

    It was made carefully, so that a write without the owner's key is one of a resource that has an owner.
    """
    writes = tuple(write for write in planned.writes if settings.owner_keys <= {key for key, _ in write.tags})
    owned = {resource.arn for write in planned.writes if write not in writes for resource in write.resources}

    def settled(decision: Decision) -> Decision:
        unchanged = (
            Outcome(resource.arn, OutcomeKind.UNCHANGED, "has an owner already")
            for resource in decision.resources
            if resource.arn in owned
        )
        return replace(decision, settled=(*decision.settled, *unchanged))

    return replace(planned, decisions=tuple(settled(decision) for decision in planned.decisions), writes=writes)


def _writes(
    decisions: Sequence[Decision], carried: Facts, catalogue: Catalogue, standings: Mapping[ResourceKey, Standing]
) -> list[Write]:
    groups: dict[tuple[str, str, str, TagPairs], list[Resource]] = {}
    for decision, resource in _first_claims(decisions):
        api = catalogue.types[resource.type].tag_api
        if not api:
            continue
        account, region = decision.creation.record.account, decision.creation.record.region
        standing = standings.get(ResourceKey(account, region, resource.arn)) if standings else None
        if standing is not None and standing.outcome is not None:
            continue
        tags_now = carried.get(tags_question_in(account, region, resource)) if carried else None
        kept = decision.kept.get(resource.arn, frozenset())
        tags = missing_tags(standing.tags if standing else decision.tags, tags_now, kept)
        if tags and not isinstance(tags_now, Unavailable):
            groups.setdefault((account, region, api, tags), []).append(resource)
    return group_writes(groups, catalogue)


def group_writes(groups: Mapping[tuple[str, str, str, TagPairs], list[Resource]], catalogue: Catalogue) -> list[Write]:
    """The writes of resources by (account, Region, tag API, tags), each of as many as a call takes."""
    writes = []
    for (account, region, api, tags), resources in sorted(groups.items()):
        size = catalogue.tag_apis[api].most
        in_order = sorted(resources)
        writes += [
            Write(account, region, api, tags, tuple(in_order[start : start + size]))
            for start in range(0, len(in_order), size)
        ]
    return writes


def _first_claims(decisions: Sequence[Decision]) -> Iterable[tuple[Decision, Resource]]:
    """Each resource once, with the decision that owns it.

    Of several creations that come to the same resource, the earlier owns it, by the same order as in the ledger: so the
    order of a batch changes nothing.
    """
    claims: dict[str, tuple[Decision, Resource]] = {}
    for decision in decisions:
        for resource in decision.resources:
            first, _ = claims.setdefault(resource.arn, (decision, resource))
            if first is not decision and claim_of(decision, resource).rank < claim_of(first, resource).rank:
                claims[resource.arn] = (decision, resource)
    return claims.values()


def claim_of(decision: Decision, resource: Resource) -> Claim:
    """What a decision claims of a resource; of one creation's records the amendment is the better.

    What was only found there claims it from then on: any record of the same life is from before.
    """
    creation, record = decision.creation, decision.creation.record
    if creation.found_at is not None:
        return Claim(creation.found_at, record.event_id, record.creation_id, named=False)
    named = resource in creation.resources
    return Claim(record.created_at, record.event_id, record.creation_id, named, record.addendum is not None)
