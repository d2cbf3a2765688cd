"""Tags what was observed, in accounts that are observed no longer: as it was decided then, not decided anew.

It is done in portions, while there is time; what is left follows the next time. A portion is taken off the list of what
was observed when its outcomes are kept: if the function ends between, the same tags are written once more. The tags
that stand there are read before. What others wrote over the owner's name is kept in the ledger and published first, as
for a creation that comes again (`repair_overwrites`).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

from msgspec import Struct

from ownertag.core.ask import tags_question_in
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.decide import kept_in_ledger, missing_tags
from ownertag.core.findings import TamperFinding
from ownertag.core.owner.principal import UNKNOWN
from ownertag.core.ownership import EventKey, Standing
from ownertag.core.plan import group_writes
from ownertag.core.recognize import recognize
from ownertag.core.record_details import Actor
from ownertag.core.settings import Settings
from ownertag.core.tag_drift import differing_tags, finding_of_drift
from ownertag.core.values import Facts, Outcome, OutcomeKind, Question, Resource, TagPairs, Unavailable
from ownertag.flows.apply import apply_writes
from ownertag.flows.findings import publish_findings
from ownertag.flows.isolate_failures import wait_for
from ownertag.flows.ledger_entries import ended
from ownertag.flows.ports import Ports
from ownertag.ledger.entries import Entry, KnownResource, TagChanged, Unobserved
from ownertag.ledger.port import LedgerError, Store

#: As many resources of one account are tagged at a time: one look-up reads the tags of so many.
PORTION = 200
#: And of all accounts together.
MOST_AT_ONCE = 2000


class TaggedObserved(Struct, frozen=True):
    """What became of what was observed: outcomes by kind, why some of it is left, and whether any is."""

    outcomes: Mapping[OutcomeKind, int] = {}
    reasons: tuple[str, ...] = ()
    is_left: bool = False


def tag_observed(
    accounts: Sequence[str], ports: Ports, ledger: Store, catalogue: Catalogue, settings: Settings
) -> TaggedObserved:
    """Tags what was observed in these accounts, while there is time; each account gets its turn.

    Args:
        accounts: Accounts that are observed no longer.
        ports: The world; `ledger` is the same as its ledger.
        ledger: Knows what was observed.
        catalogue: The rows, for the tag APIs and the sizes of their calls.
        settings: Which tags hold the owner's name.
    """
    counts: Counter[OutcomeKind] = Counter()
    reasons: dict[str, None] = {}
    left = False
    portions = deque(ledger.observed(account, PORTION) for account in accounts)
    try:
        while portions and not ports.expired():
            for outcome in _isolated(_portion(portions), ports, catalogue, settings):
                counts[outcome.kind] += 1
                if outcome.is_retried:
                    reasons[f"{outcome.kind.value}: {outcome.reason}"] = None
                    left = True
    except LedgerError as error:
        reasons[f"{error.outcome.value}: the ledger can't be used: {error}"] = None
        left = True
    return TaggedObserved(counts, tuple(reasons), left or bool(portions))


def _portion(portions: deque[Iterator[list[KnownResource]]]) -> list[KnownResource]:
    """The next resources; whose account has more is asked for it after the others."""
    found: list[KnownResource] = []
    for _ in range(len(portions)):
        if len(found) >= MOST_AT_ONCE:
            break
        account = portions.popleft()
        part = next(account, None)
        if part is not None:
            portions.append(account)
            found += part
    return found


def _isolated(known: Sequence[KnownResource], ports: Ports, catalogue: Catalogue, settings: Settings) -> list[Outcome]:
    """The outcomes of these resources; where one causes an exception, it is separated from the others."""
    try:
        return _tag(known, ports, catalogue, settings) if known else []
    except LedgerError:
        raise
    except Exception as error:  # noqa: BLE001 - a fault of ours: nobody knows which it is
        if len(known) == 1:
            wait = wait_for(error)
            return [Outcome(known[0].key.arn, wait.outcome, wait.reason, is_retried=True)]
    middle = len(known) // 2
    return [
        outcome
        for part in (known[:middle], known[middle:])
        for outcome in (() if ports.expired() else _isolated(part, ports, catalogue, settings))
    ]


def _tag(known: Sequence[KnownResource], ports: Ports, catalogue: Catalogue, settings: Settings) -> list[Outcome]:
    """The outcomes of these resources, after they are kept. What was written meanwhile has none.

    Raises:
        LedgerError: They can't be kept.
    """
    now = ports.now()
    written = [one for one in known if one.holding.outcome is not None]
    waiting = [one for one in known if one.holding.outcome is None]
    outcomes: dict[str, Outcome] = {}
    resources: dict[str, Resource] = {}
    for one in waiting:
        found = _resource(one, catalogue)
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
    questions = {one.key.arn: _question(one, resources[one.key.arn]) for one in waiting if one.key.arn in resources}
    facts = ports.lookups.find(tuple(questions.values())) if questions else {}
    outcomes |= _unanswered(questions, facts)
    outcomes |= _unpublished(
        [one for one in waiting if one.key.arn in questions], outcomes, questions, facts, ports, settings
    )

    groups: dict[tuple[str, str, str, TagPairs], list[Resource]] = {}
    ages: dict[str, timedelta] = {}
    for one in waiting:
        if one.key.arn in outcomes:
            continue
        resource = resources[one.key.arn]
        tags = missing_tags(one.holding.tags, facts[questions[one.key.arn]], _kept(one))
        if not tags:
            outcomes[one.key.arn] = Outcome(one.key.arn, OutcomeKind.UNCHANGED, "has these tags already")
            continue
        ages[one.key.arn] = now - one.holding.claim.created_at
        api = catalogue.types[resource.type].tag_api
        groups.setdefault((one.key.account, one.key.region, api, tags), []).append(resource)
    outcomes |= apply_writes(group_writes(groups, catalogue), ages, ports, catalogue, settings)

    entries: list[Entry] = [Unobserved(one.key) for one in written]
    for one in waiting:
        outcome, claim = outcomes[one.key.arn], one.holding.claim
        if outcome.not_sent:
            continue
        event = EventKey(one.key.account, one.key.region, claim.event_id)
        entries.append(ended(one.key, event, claim.event_id, one.holding.owner.name, outcome, _kept(one), now))
        if not outcome.is_retried and outcome.kind is not OutcomeKind.OBSERVED:
            entries.append(Unobserved(one.key))
    if entries:
        ports.ledger.append(entries)
    return [outcomes[one.key.arn] for one in waiting]


def _resource(known: KnownResource, catalogue: Catalogue) -> Resource | None:
    """The resource as the catalogue has it now; None where it has no such type."""
    if known.type in catalogue.types:
        return Resource(known.key.arn, known.id, known.type)
    found = recognize(known.key.arn, catalogue)  # given to somebody by hand, when nobody had seen its creation
    return Resource(known.key.arn, found.resource.id, found.type.name) if found else None


def _question(known: KnownResource, resource: Resource) -> Question:
    return tags_question_in(known.key.account, known.key.region, resource)


def _kept(known: KnownResource) -> frozenset[str]:
    return frozenset(known.holding.observed.kept if known.holding.observed else ())


def _unanswered(questions: Mapping[str, Question], facts: Facts) -> dict[str, Outcome]:
    """The outcomes of what can't be compared: it is not written, since nothing would show what stood there."""
    found = {}
    for arn, question in questions.items():
        fact = facts[question]
        if isinstance(fact, Unavailable):
            found[arn] = Outcome(arn, fact.outcome, fact.reason, is_retried=True, not_sent=fact.not_sent)
    return found


def _unpublished(
    waiting: Iterable[KnownResource],
    settled: Mapping[str, Outcome],
    questions: Mapping[str, Question],
    facts: Facts,
    ports: Ports,
    settings: Settings,
) -> dict[str, Outcome]:
    """Keeps and publishes the owners that others wrote; returns the outcomes of those of which nobody could be told.

    Raises:
        LedgerError: They can't be kept.
    """
    by_event: dict[EventKey, dict[KnownResource, Mapping[str, str | None]]] = {}
    for one in waiting:
        if one.key.arn in settled:
            continue
        holding = one.holding
        standing = Standing(holding.claim.event_id, holding.owner, holding.tags)
        differing = differing_tags(standing, facts[questions[one.key.arn]], _kept(one), settings)
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


__all__ = ["MOST_AT_ONCE", "PORTION", "TaggedObserved", "tag_observed"]
