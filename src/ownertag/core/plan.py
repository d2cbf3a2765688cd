"""Decisions to writes: each resource gets its owner's tags once, in as few calls as the tag API allows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from msgspec.structs import replace

from ownertag.core import unnamed_launch
from ownertag.core.ask import account_of, made_of, tags_question
from ownertag.core.catalogue_types import Catalogue, QuestionKind
from ownertag.core.created_beside import tag_targets
from ownertag.core.owner.resolve import trace
from ownertag.core.ownership import BORN_WITH, Claim, ResourceKey, Standing, key_of
from ownertag.core.request_tags import kept_keys
from ownertag.core.settings import Settings
from ownertag.core.tags import tags_for
from ownertag.core.values import (
    YOUNG,
    Absent,
    Creation,
    Decision,
    Fact,
    Facts,
    Found,
    Outcome,
    OutcomeKind,
    Plan,
    Question,
    Reason,
    Refusal,
    Resource,
    TagPairs,
    Unavailable,
    Wait,
    Write,
)

_NONE: frozenset[str] = frozenset()
_GONE = (Reason.GONE, "nothing of this launch can be seen any more")
_MANAGED = (Reason.MANAGED_BY_SERVICE, "an AWS service runs what was launched, and customers can't tag it")


def plan(
    creations: Iterable[Creation],
    facts: Facts,
    catalogue: Catalogue,
    settings: Settings,
    now: datetime,
    careful: bool = False,
) -> Plan:
    """What to write for a batch, and what to refuse or to wait for.

    Args:
        creations: The creations of a batch, of any accounts and Regions.
        facts: The answers so far; a question without an answer counts as not asked.
        catalogue: The rows, for the types and the sizes of calls.
        settings: The tag policy and the owner rules.
        now: The time, with a time zone.
        careful: Write no key that a resource carries by what `facts` says: for when the ledger can't be asked.
    """
    present = {question: fact for question, fact in facts.items() if question.kind is QuestionKind.TAGS}
    decided = [_decide(creation, facts, present, catalogue, settings, now, careful) for creation in creations]
    decisions = tuple(decision for decision in decided if isinstance(decision, Decision))
    refusals = tuple(decision for decision in decided if isinstance(decision, Refusal))
    return Plan(decisions, _writes(decisions, present, catalogue), refusals)


def age_of(creation: Creation, now: datetime) -> timedelta:
    """Time since the event; a clock that is behind AWS's makes it zero, not negative."""
    return max(now - creation.record.created_at, timedelta(0))


def _decide(
    creation: Creation,
    facts: Facts,
    present: Facts,
    catalogue: Catalogue,
    settings: Settings,
    now: datetime,
    careful: bool,
) -> Decision | Refusal:
    account = facts.get(account_of(creation))
    if isinstance(account, Absent):
        detail = f"account {creation.record.account} is not one of the organization's"
        return Refusal(creation.arrival.where, Reason.UNKNOWN_ACCOUNT, detail, creation.record)
    traced = trace(creation.record, settings, facts)
    owner = traced.owner
    tags = tags_for(owner, creation.record, settings)
    if isinstance(account, Unavailable):
        return Decision(creation, owner, tags, waits=(Wait(account.outcome, account.reason),))
    fact = made_of(creation, facts)
    if unnamed_launch.is_unnamed(creation):
        found = unnamed_launch.launched_instances(creation, facts)
        if isinstance(found, unnamed_launch.Uncertain):
            return Refusal(creation.arrival.where, Reason.RESPONSE_OMITTED, found.reason, creation.record)
        if isinstance(found, Unavailable):  # however old it is: what else was launched then is told late
            return Decision(creation, owner, tags, waits=(Wait(found.outcome, found.reason),))
    age = age_of(creation, now)
    made = tag_targets(creation, fact, catalogue, facts, late=age > BORN_WITH)
    young = age < YOUNG
    waits = [wait for wait in made.waits if young or wait.outcome is not OutcomeKind.NOT_READY]
    if fact is not None and not (made.resources or made.unseen or waits):
        reason, detail = _MANAGED if made.managed else _GONE
        return Refusal(creation.arrival.where, reason, detail, creation.record, creation.resources)
    owner_waits: tuple[Wait, ...] = ()
    if traced.waits:  # only so long: after that the best answer stands
        owner_waits = tuple(wait for wait in traced.waits if young or wait.outcome is OutcomeKind.THROTTLED)
        waits += owner_waits
    settled = [] if young else [Outcome(each.arn, OutcomeKind.GONE, "not to be seen any more") for each in made.unseen]
    stays = _carried(creation, made.resources, present) if careful else kept_keys(creation, made.resources, settings)
    for resource in made.resources if present or stays else ():
        carried = present.get(tags_question(resource, creation))
        if isinstance(carried, Unavailable):
            waits.append(Wait(carried.outcome, carried.reason))
        elif not _missing(tags, carried, stays.get(resource.arn, _NONE)):
            settled.append(_has_them(resource))
    return Decision(creation, owner, tags, made.resources, tuple(settled), tuple(waits), bool(owner_waits), stays)


def _carried(creation: Creation, resources: Iterable[Resource], present: Facts) -> dict[str, frozenset[str]]:
    """The keys that each resource carries now, by its ARN."""
    facts = ((resource.arn, present.get(tags_question(resource, creation))) for resource in resources)
    return {arn: frozenset(fact.tags) for arn, fact in facts if isinstance(fact, Found) and fact.tags}


def apply_standings(
    decided: Plan, standings: Mapping[ResourceKey, Standing], facts: Facts, catalogue: Catalogue
) -> Plan:
    """A plan after the ledger said whose each resource is: the tags of whoever holds it, where they aren't written yet.

    Args:
        decided: What `plan` came to.
        standings: Whose each resource is; what the ledger says nothing of stays as it was planned.
        facts: The answers from which it was planned.
        catalogue: As for `plan`.
    """
    present = {question: fact for question, fact in facts.items() if question.kind is QuestionKind.TAGS}
    decisions = tuple(_stand(decision, standings, present) for decision in decided.decisions)
    return Plan(decisions, _writes(decisions, present, catalogue, standings), decided.refusals)


def untagged_only(decided: Plan, settings: Settings) -> Plan:
    """The plan while the ledger is unavailable: only resources without an owner tag are written.

    It was made carefully, so that a write without the owner's key is one of a resource that has an owner.
    """
    writes = tuple(write for write in decided.writes if settings.owner_keys <= {key for key, _ in write.tags})
    left = {resource.arn for write in decided.writes if write not in writes for resource in write.resources}
    decisions = tuple(
        replace(
            decision,
            settled=(
                *decision.settled,
                *(
                    Outcome(resource.arn, OutcomeKind.UNCHANGED, "has an owner already")
                    for resource in decision.resources
                    if resource.arn in left
                ),
            ),
        )
        for decision in decided.decisions
    )
    return replace(decided, decisions=decisions, writes=writes)


def _stand(decision: Decision, standings: Mapping[ResourceKey, Standing], present: Facts) -> Decision:
    settled = {each.arn: each for each in decision.settled}
    for resource in decision.resources:
        standing = standings.get(key_of(resource, decision.creation))
        if standing is None:
            continue
        if standing.outcome is not None:
            why = _why(standing, decision.creation.record.event_id)
            settled[resource.arn] = Outcome(resource.arn, OutcomeKind.UNCHANGED, why)
        elif standing.tags != decision.tags:
            settled.pop(resource.arn, None)
            carried = present.get(tags_question(resource, decision.creation))
            if not _missing(standing.tags, carried, decision.kept.get(resource.arn, _NONE)):
                settled[resource.arn] = _has_them(resource)
    return replace(decision, settled=tuple(settled.values()))


def _why(standing: Standing, event_id: str) -> str:
    if standing.owner.evidence == "transfer":
        return "was given to somebody by hand, who keeps it"
    if standing.event_id == event_id:
        return f"is {standing.outcome.value if standing.outcome else 'done'} already"
    return f"seen again: event {standing.event_id} created it, and its owner stays"


def _has_them(resource: Resource) -> Outcome:
    return Outcome(resource.arn, OutcomeKind.UNCHANGED, "has these tags already")


def _missing(tags: TagPairs, carried: Fact | None, stays: frozenset[str]) -> TagPairs:
    """The tags that have to be written on a resource that carries these now, but for the keys that stay as they are."""
    has = carried.tags if isinstance(carried, Found) else None
    if not has and not stays:
        return tags
    return tuple((key, value) for key, value in tags if key not in stays and not (has and has.get(key) == value))


def _writes(
    decisions: tuple[Decision, ...],
    present: Facts,
    catalogue: Catalogue,
    standings: Mapping[ResourceKey, Standing] | None = None,
) -> tuple[Write, ...]:
    groups: dict[tuple[str, str, str, TagPairs], list[Resource]] = {}
    apis = {name: each.tag_api for name, each in catalogue.types.items()}
    for decision, resource in _claims(decisions):
        record = decision.creation.record
        account, region = record.account, record.region
        carried = present.get(Question(QuestionKind.TAGS, account, region, resource.id)) if present else None
        standing = standings.get(ResourceKey(account, region, resource.arn)) if standings else None
        if standing is not None and standing.outcome is not None:
            continue
        stays = decision.kept.get(resource.arn, _NONE)
        tags = _missing(standing.tags if standing else decision.tags, carried, stays)
        if tags and not isinstance(carried, Unavailable):
            groups.setdefault((account, region, apis[resource.type], tags), []).append(resource)
    writes = []
    for (account, region, api, tags), resources in sorted(groups.items()):
        most = catalogue.tag_apis[api].most
        resources.sort()
        writes += [
            Write(account, region, api, tags, tuple(resources[start : start + most]))
            for start in range(0, len(resources), most)
        ]
    return tuple(writes)


def _claims(decisions: tuple[Decision, ...]) -> Iterable[tuple[Decision, Resource]]:
    """Each resource once, with the decision that owns it.

    Of several creations that come to the same resource, the earlier owns it, by the same order as in the ledger: so the
    order of a batch changes nothing.
    """
    claims: dict[str, tuple[Decision, Resource]] = {}
    for decision in decisions:
        for resource in decision.resources:
            known = claims.setdefault(resource.arn, (decision, resource))
            if known[0] is not decision and _rank(decision, resource) < _rank(known[0], resource):
                claims[resource.arn] = (decision, resource)
    return claims.values()


def _rank(decision: Decision, resource: Resource) -> tuple[datetime, bool, str, bool, str]:
    return claim_of(decision, resource).rank


def claim_of(decision: Decision, resource: Resource) -> Claim:
    """What a decision claims of a resource; of one creation's records the amendment is the better."""
    creation, record = decision.creation, decision.creation.record
    named = resource in creation.resources
    return Claim(record.created_at, record.event_id, record.creation_id, named, record.addendum is not None)
