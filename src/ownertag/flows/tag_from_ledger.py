"""Writes the tags that the ledger has for resources, where they don't carry them: as it was decided, not decided anew.

The tags that stand there are read before. What others wrote over the owner's name is kept in the ledger and published
first, as for a creation that comes again (`repair_overwrites`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from ownertag.core.ask import tags_question_in
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.decide import kept_in_ledger, missing_tags
from ownertag.core.findings import TamperFinding
from ownertag.core.owner.principal import UNKNOWN
from ownertag.core.ownership import EventKey, ResourceKey, Standing
from ownertag.core.plan import group_writes
from ownertag.core.recognize import recognize
from ownertag.core.record_details import Actor
from ownertag.core.settings import Settings
from ownertag.core.tag_drift import differing_tags, finding_of_drift
from ownertag.core.values import Facts, Outcome, OutcomeKind, Question, Resource, TagPairs, Unavailable
from ownertag.flows.apply import apply_writes
from ownertag.flows.findings import publish_findings
from ownertag.flows.ports import Ports
from ownertag.ledger.entries import KnownResource, TagChanged

#: The keys of each resource that stay as they are.
Kept = Mapping[ResourceKey, frozenset[str]]


def tag_from_ledger(
    known: Sequence[KnownResource], kept: Kept, ports: Ports, catalogue: Catalogue, settings: Settings
) -> dict[str, Outcome]:
    """Writes the tags that the ledger has for these resources; an outcome for each, by its ARN. They are not kept.

    Args:
        known: The resources, with their owners and tags.
        kept: The keys of each that stay as they are.
        ports: The world.
        catalogue: The rows, for the tag APIs and the sizes of their calls.
        settings: Which tags hold the owner's name.

    Raises:
        LedgerError: A finding can't be kept.
    """
    now = ports.now()
    outcomes: dict[str, Outcome] = {}
    resources: dict[str, Resource] = {}
    for one in known:
        found = resource_of(one, catalogue)
        if found is None:
            reason = f"there is no row for {one.type or 'its type'} any more"
            outcomes[one.key.arn] = Outcome(one.key.arn, OutcomeKind.FAILED, reason)
        elif not catalogue.types[found.type].tag_api:
            outcomes[one.key.arn] = kept_in_ledger(found)
        elif ports.throttled(one.key.account, one.key.region, catalogue.client_of(found.type)):
            reason = "AWS throttles the service in this account and Region just now"
            outcomes[one.key.arn] = Outcome(one.key.arn, OutcomeKind.THROTTLED, reason, is_retried=True)
        else:
            resources[one.key.arn] = found
    asked = [one for one in known if one.key.arn in resources]
    questions = {one.key.arn: _question(one, resources[one.key.arn]) for one in asked}
    facts = ports.lookups.find(tuple(questions.values())) if questions else {}
    outcomes |= _unanswered(questions, facts)
    outcomes |= _unpublished(asked, outcomes, questions, facts, kept, ports, settings)

    groups: dict[tuple[str, str, str, TagPairs], list[Resource]] = {}
    ages: dict[str, timedelta] = {}
    for one in asked:
        if one.key.arn in outcomes:
            continue
        resource = resources[one.key.arn]
        tags = missing_tags(one.holding.tags, facts[questions[one.key.arn]], kept.get(one.key, frozenset()))
        if not tags:
            outcomes[one.key.arn] = Outcome(one.key.arn, OutcomeKind.UNCHANGED, "has these tags already")
            continue
        ages[one.key.arn] = now - one.holding.claim.created_at
        api = catalogue.types[resource.type].tag_api
        groups.setdefault((one.key.account, one.key.region, api, tags), []).append(resource)
    return outcomes | apply_writes(group_writes(groups, catalogue), ages, ports, catalogue, settings)


def resource_of(known: KnownResource, catalogue: Catalogue) -> Resource | None:
    """The resource as the catalogue has it now; None where it has no such type."""
    if known.type in catalogue.types:
        return Resource(known.key.arn, known.id, known.type)
    found = recognize(known.key.arn, catalogue)  # given to somebody by hand, when nobody had seen its creation
    return Resource(known.key.arn, found.resource.id, found.type.name) if found else None


def _question(known: KnownResource, resource: Resource) -> Question:
    return tags_question_in(known.key.account, known.key.region, resource)


def _unanswered(questions: Mapping[str, Question], facts: Facts) -> dict[str, Outcome]:
    """The outcomes of what can't be compared: it is not written, since nothing would show what stood there."""
    found = {}
    for arn, question in questions.items():
        fact = facts[question]
        if isinstance(fact, Unavailable):
            found[arn] = Outcome(arn, fact.outcome, fact.reason, is_retried=True, not_sent=fact.not_sent)
    return found


def _unpublished(
    known: Iterable[KnownResource],
    settled: Mapping[str, Outcome],
    questions: Mapping[str, Question],
    facts: Facts,
    kept: Kept,
    ports: Ports,
    settings: Settings,
) -> dict[str, Outcome]:
    """Keeps and publishes the owners that others wrote; returns the outcomes of those of which nobody could be told.

    Raises:
        LedgerError: They can't be kept.
    """
    by_event: dict[EventKey, dict[KnownResource, Mapping[str, str | None]]] = {}
    for one in known:
        if one.key.arn in settled:
            continue
        holding = one.holding
        standing = Standing(holding.claim.event_id, holding.owner, holding.tags)
        differing = differing_tags(standing, facts[questions[one.key.arn]], kept.get(one.key, frozenset()), settings)
        if any(value is not None for value in differing.values()):
            event = EventKey(one.key.account, one.key.region, holding.claim.event_id)
            by_event.setdefault(event, {})[one] = differing
    findings: dict[EventKey, TamperFinding] = {}
    now = ports.now()
    for event, found in by_event.items():
        foreign = {
            one.key: (Standing(event.event_id, one.holding.owner, one.holding.tags), values)
            for one, values in found.items()
        }
        if (finding := finding_of_drift(event, foreign, now)) is not None:
            findings[event] = finding
    if not findings:
        return {}
    ports.ledger.append(
        [
            TagChanged(finding.key, event, Actor(UNKNOWN), finding.changes, finding.resources, finding.at)
            for event, finding in findings.items()
        ]
    )
    published = publish_findings(tuple(findings.values()), ports)
    unpublished = {}
    for event, finding in findings.items():
        if wait := published.waits.get(finding):
            for one in by_event[event]:
                unpublished[one.key.arn] = Outcome(
                    one.key.arn, wait.outcome, wait.reason, is_retried=True, not_sent=wait.not_sent
                )
    return unpublished
