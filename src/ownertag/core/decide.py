"""Creations and facts to decisions: for each creation the owner, the tags, the resources, and what is waited for."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from ownertag.core import unnamed_launch
from ownertag.core.ask import Traces, account_of, made_of, tags_question
from ownertag.core.catalogue_types import Catalogue, QuestionKind
from ownertag.core.created_beside import tag_targets
from ownertag.core.launch import TagTargets
from ownertag.core.ownership import BORN_WITH, ResourceKey, Standing, key_of
from ownertag.core.request_tags import kept_keys
from ownertag.core.settings import Settings
from ownertag.core.tags import tags_for
from ownertag.core.upserts import seen_again, uncertain
from ownertag.core.values import (
    KEPT_IN_LEDGER,
    YOUNG,
    Absent,
    Creation,
    Decision,
    Fact,
    Facts,
    Found,
    Outcome,
    OutcomeKind,
    Reason,
    Refusal,
    Resource,
    TagPairs,
    Unavailable,
    Wait,
)

_NO_KEYS: frozenset[str] = frozenset()
_GONE = (Reason.GONE, "nothing of this launch can be seen any more")
_MANAGED = (Reason.MANAGED_BY_SERVICE, "an AWS service runs what was launched, and customers can't tag it")


def decide(
    creations: Iterable[Creation],
    facts: Facts,
    catalogue: Catalogue,
    settings: Settings,
    now: datetime,
    *,
    careful: bool = False,
    traces: Traces | None = None,
) -> tuple[list[Decision], list[Refusal]]:
    """The decisions of a batch, and what is refused.

    Args:
        creations: The creations of a batch, of any accounts and Regions.
        facts: The answers so far; a question without an answer counts as not asked.
        catalogue: The rows, for the types.
        settings: The tag policy and the owner rules.
        now: The time, with a time zone.
        careful: Write no key that a resource carries by what `facts` says: for when the ledger can't be asked.
        traces: The owners that were traced while the facts were gathered.
    """
    carried = carried_tags(facts)
    traces = traces or Traces(settings, catalogue.parents)
    decisions: list[Decision] = []
    refusals: list[Refusal] = []
    for creation in creations:
        decision = _decide(creation, facts, carried, catalogue, settings, now, traces, careful=careful)
        if isinstance(decision, Refusal):
            refusals.append(decision)
        else:
            decisions.append(decision)
    return decisions, refusals


def carried_tags(facts: Facts) -> Facts:
    """The facts that say which tags resources carry now."""
    return {question: fact for question, fact in facts.items() if question.kind is QuestionKind.TAGS}


def age_of(creation: Creation, now: datetime) -> timedelta:
    """Time since the event; a clock that is behind AWS's makes it zero, not negative."""
    age = max(now - creation.record.created_at, timedelta(0))
    return age if creation.found_at is None else max(age, YOUNG)  # what was found is there, however young


def _decide(
    creation: Creation,
    facts: Facts,
    carried: Facts,
    catalogue: Catalogue,
    settings: Settings,
    now: datetime,
    traces: Traces,
    *,
    careful: bool,
) -> Decision | Refusal:
    account = facts.get(account_of(creation))
    if isinstance(account, Absent):
        detail = f"account {creation.record.account} is not one of the organization's"
        return Refusal(creation.arrival.where, Reason.UNKNOWN_ACCOUNT, detail, creation.record)
    trace = traces.of(creation, facts)
    owner = trace.owner
    tags = tags_for(owner, creation.record, settings)
    if isinstance(account, Unavailable):
        return Decision(creation, owner, tags, waits=(account.wait(),))
    fact = made_of(creation, facts)
    if unnamed_launch.is_unnamed(creation):
        launched = unnamed_launch.launched_instances(creation, facts)
        if isinstance(launched, unnamed_launch.Uncertain):
            return Refusal(creation.arrival.where, Reason.RESPONSE_OMITTED, launched.reason, creation.record)
        if isinstance(launched, Unavailable):  # however old it is: other launches of that time are recorded late
            return Decision(creation, owner, tags, waits=(launched.wait(),))
    age = age_of(creation, now)
    targets = tag_targets(creation, fact, catalogue, facts, late=age > BORN_WITH)
    young = age < YOUNG
    waits = [wait for wait in targets.waits if young or wait.outcome is not OutcomeKind.NOT_READY]
    if fact is not None and not (targets.resources or targets.unseen or waits):
        reason, detail = _MANAGED if targets.managed else _GONE
        return Refusal(creation.arrival.where, reason, detail, creation.record, creation.resources)
    # A better owner is waited for only so long: after that the best answer stands.
    owner_waits = [wait for wait in trace.waits if young or wait.outcome is OutcomeKind.THROTTLED]
    waits += owner_waits
    unseen = () if young else targets.unseen
    settled = [Outcome(resource.arn, OutcomeKind.GONE, "not to be seen any more") for resource in unseen]
    again: dict[str, Outcome | Wait] = {}
    for resource in targets.resources if creation.may_exist else ():
        tags_now = carried.get(tags_question(resource, creation))
        if not uncertain(creation, resource):
            continue
        if found := seen_again(creation, resource, tags_now, tags, settings, young):
            again[resource.arn] = found
    if again:
        creation, targets = _without(creation, targets, again)
        settled += [outcome for outcome in again.values() if isinstance(outcome, Outcome)]
        waits += [wait for wait in again.values() if isinstance(wait, Wait)]
    settled += [kept_in_ledger(one) for one in targets.resources if not catalogue.types[one.type].tag_api]
    if careful:
        kept = _carried_keys(creation, targets.resources, carried)
    else:
        kept = kept_keys(creation, targets.resources, settings)
    for resource in targets.resources if carried or kept else ():
        if not catalogue.types[resource.type].tag_api:
            continue
        tags_now = carried.get(tags_question(resource, creation))
        if isinstance(tags_now, Unavailable):
            waits.append(tags_now.wait())
        elif not missing_tags(tags, tags_now, kept.get(resource.arn, _NO_KEYS)):
            settled.append(_has_them(resource))
    return Decision(creation, owner, tags, targets.resources, tuple(settled), tuple(waits), bool(owner_waits), kept)


def _without(creation: Creation, targets: TagTargets, again: Container[str]) -> tuple[Creation, TagTargets]:
    """A creation without the resources that are not its own, or not known to be: nothing claims them."""
    left = tuple(resource for resource in creation.resources if resource.arn not in again)
    to_tag = tuple(resource for resource in targets.resources if resource.arn not in again)
    return replace(creation, resources=left), replace(targets, resources=to_tag)


def _carried_keys(creation: Creation, resources: Iterable[Resource], carried: Facts) -> dict[str, frozenset[str]]:
    """The keys that each resource carries now, by its ARN."""
    facts = ((resource.arn, carried.get(tags_question(resource, creation))) for resource in resources)
    return {arn: frozenset(fact.tags) for arn, fact in facts if isinstance(fact, Found) and fact.tags}


def missing_tags(tags: TagPairs, fact: Fact | None, kept: frozenset[str] = _NO_KEYS) -> TagPairs:
    """The tags that have to be written on a resource.

    Args:
        tags: Those that it is to have.
        fact: Those that it carries now; None where that is not known.
        kept: The keys that stay as they are.
    """
    carried = fact.tags if isinstance(fact, Found) else None
    if not carried and not kept:
        return tags
    return tuple((key, value) for key, value in tags if key not in kept and not (carried and carried.get(key) == value))


# --- after the ledger was asked ------------------------------------------------------------------------------


def apply_standings(
    decisions: Sequence[Decision], standings: Mapping[ResourceKey, Standing], facts: Facts
) -> list[Decision]:
    """The decisions after the ledger said whose each resource is: nothing is left to do where that is written.

    Args:
        decisions: What `decide` came to.
        standings: Whose each resource is; what the ledger says nothing of stays as it was decided.
        facts: The answers from which it was decided.
    """
    carried = carried_tags(facts)
    return [_apply_standings(decision, standings, carried) for decision in decisions]


def _apply_standings(decision: Decision, standings: Mapping[ResourceKey, Standing], carried: Facts) -> Decision:
    settled = {outcome.arn: outcome for outcome in decision.settled}
    for resource in decision.resources:
        standing = standings.get(key_of(resource, decision.creation))
        if standing is None:
            continue
        if standing.outcome is not None:
            reason = _standing_reason(standing, decision.creation.record.event_id)
            settled[resource.arn] = Outcome(resource.arn, OutcomeKind.UNCHANGED, reason)
        elif standing.tags != decision.tags and not is_kept_in_ledger(decision, resource.arn):
            settled.pop(resource.arn, None)
            tags_now = carried.get(tags_question(resource, decision.creation))
            if not missing_tags(standing.tags, tags_now, decision.kept.get(resource.arn, _NO_KEYS)):
                settled[resource.arn] = _has_them(resource)
    return replace(decision, settled=tuple(settled.values()))


def _standing_reason(standing: Standing, event_id: str) -> str:
    """Why nothing is written on a resource whose tags are written already."""
    if standing.owner.evidence == "transfer":
        return "was given to somebody by hand, who keeps it"
    if standing.event_id == event_id:
        return f"is {standing.outcome.value if standing.outcome else 'done'} already"
    return f"seen again: event {standing.event_id} created it, and its owner stays"


def kept_in_ledger(resource: Resource) -> Outcome:
    """The outcome of a resource that has no tag API: whose it is, the ledger alone says."""
    return Outcome(resource.arn, OutcomeKind.KEPT, KEPT_IN_LEDGER)


def is_kept_in_ledger(decision: Decision, arn: str) -> bool:
    """Whether nothing is to be written on one of a decision's resources, since AWS does not tag it."""
    return any(outcome.kind is OutcomeKind.KEPT and outcome.arn == arn for outcome in decision.settled)


def _has_them(resource: Resource) -> Outcome:
    return Outcome(resource.arn, OutcomeKind.UNCHANGED, "has these tags already")
