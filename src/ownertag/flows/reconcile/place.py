"""Compares one account and Region with the ledger, looks for the records of what nobody knows, and puts it right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace as with_fields
from datetime import datetime
from hashlib import sha256

from msgspec.structs import replace

from ownertag.core.backfill.found import FoundResource
from ownertag.core.backfill.makers import windows
from ownertag.core.match import match
from ownertag.core.match_deletion import is_deletion
from ownertag.core.ownership import EventKey
from ownertag.core.records import Arrival
from ownertag.core.values import Creation, OutcomeKind, Unavailable
from ownertag.flows.adopt import adopted as adopted_by_word
from ownertag.flows.isolate_failures import isolate_failures
from ownertag.flows.ledger_entries import ended, event_of
from ownertag.flows.reconcile.compare import compare, kept_of
from ownertag.flows.reconcile.report import MOST_TEXT, Foreign, Missed, NotListed, PlaceReport, Put
from ownertag.flows.reconcile.telling import TellingTagger, tell_unexplained
from ownertag.flows.reconcile.vanished import find_gone
from ownertag.flows.reconcile.world import LAG, World, portions
from ownertag.flows.result import Decided, Refused, Result
from ownertag.flows.run import run
from ownertag.flows.tag_from_ledger import tag_from_ledger
from ownertag.ledger.entries import KnownResource
from ownertag.ledger.port import LedgerError

NO_TIME = "no time was left for it"


def reconcile_place(account: str, region: str, since: datetime, world: World) -> PlaceReport:
    """What was found in an account and Region, after it is put right.

    Args:
        account: The account.
        region: The Region.
        since: No record from before is looked for.
        world: The world. Its tagger writes nothing in an observed account.
    """
    report = PlaceReport(account=account, region=region)
    observed = world.is_observed(account)
    if isinstance(observed, Unavailable):
        return replace(report, unlisted=(NotListed((), observed.reason),))
    try:
        return _Place(replace(report, observed=observed), since, world).reconciled()
    except LedgerError as error:
        return replace(report, left=(f"{error.outcome.value}: the ledger can't be used: {error}",), is_done=False)


class _Place:
    def __init__(self, report: PlaceReport, since: datetime, world: World) -> None:
        self._report, self._since, self._world = report, since, world
        self._account, self._region = report.account, report.region
        self._started = world.ports.now()
        self._until = self._started - LAG
        self._left: dict[str, None] = {}
        self._forged: list[Foreign] = []
        #: What a record explains, by ARN: a dry run's ledger does not keep it.
        self._explained: set[str] = set()
        self._records_unread = False

    def reconciled(self) -> PlaceReport:
        world, report = self._world, self._report
        compared = compare(self._account, self._region, self._started, world)
        restored = [] if report.observed else self._restore(compared.stale)
        wanted, older = self._of_age(compared.unknown)
        missed = self._missed(wanted)
        unexplained, adopted, unknown = self._without_record(wanted)
        gone: tuple[str, ...] = ()
        if not report.observed and not world.ports.expired():
            gone = find_gone(self._account, self._region, compared, self._started, world)
        if compared.unread:
            self._left[f"the tags of {compared.unread} resources could not be read"] = None
        expired = world.ports.expired()
        if expired:
            self._left[NO_TIME] = None
        return replace(
            report,
            listed=len(compared.arns),
            right=compared.right,
            missed=tuple(missed),
            adopted=tuple(adopted),
            restored=tuple(restored),
            forged=tuple(self._forged),
            unexplained=tuple(unexplained),
            gone=gone,
            unlisted=tuple(NotListed(one.types, one.why.reason, one.lasting) for one in compared.unlisted),
            left=tuple(self._left),
            unknown=unknown + older,
            is_done=not expired,
        )

    # --- what the ledger knows

    def _restore(self, stale: Sequence[tuple[FoundResource, KnownResource]]) -> list[Put]:
        """Writes the ledger's tags again. What others wrote is kept and published before (`tag_from_ledger`)."""
        world, settings = self._world, self._world.settings
        restored: list[Put] = []
        for portion in portions(stale):
            if world.ports.expired():
                break
            kept = {one.key: kept_of(found, settings) for found, one in portion}
            known = [one for _, one in portion]
            with world.settling:
                outcomes = tag_from_ledger(known, kept, world.ports, world.catalogue, settings)
            now, entries = world.ports.now(), []
            for found, one in portion:
                outcome, claim, owner = outcomes[one.key.arn], one.holding.claim, one.holding.owner.name
                if outcome.is_retried:
                    self._left[f"{outcome.kind.value}: {outcome.reason}"] = None
                if outcome.kind is OutcomeKind.UNCHANGED:  # it was put right since it was listed
                    continue
                if not outcome.not_sent:
                    # An event of its own, so that each time that it is put right stands in the history.
                    event = EventKey(self._account, self._region, _event_id(claim.event_id, now))
                    entries.append(ended(one.key, event, claim.event_id, owner, outcome, kept[one.key], now))
                restored.append(Put(one.key.arn, owner, outcome.kind.value, outcome.reason))
                self._forged += self._foreign(found, one)
            if entries:
                world.ports.ledger.append(entries)
        return restored

    def _foreign(self, found: FoundResource, known: KnownResource) -> list[Foreign]:
        ours, settings = dict(known.holding.tags), self._world.settings
        keys = settings.owner_keys - kept_of(found, settings)
        return [
            Foreign(known.key.arn, key, value[:MOST_TEXT], known.holding.owner.name)
            for key, value in (found.tags or {}).items()
            if key in keys and value != ours.get(key)
        ]

    # --- what it does not know

    def _of_age(self, unknown: Iterable[FoundResource]) -> tuple[list[FoundResource], int]:
        """(that for which records are looked for, how much is older). At what is younger the live flow may be still."""
        wanted, older = [], 0
        for one in unknown:
            if one.made_at is not None and one.made_at < self._since:
                older += 1
            elif one.made_at is None or one.made_at <= self._until:
                wanted.append(one)
        return wanted, older

    def _missed(self, wanted: Sequence[FoundResource]) -> list[Missed]:
        """Settles the creations whose records are there; returns those that the ledger had never seen."""
        found = {one.resource.arn: one for one in wanted}
        missed: list[Missed] = []
        for portion in portions(self._arrivals(wanted)):
            if not self._world.ports.expired():
                missed += self._settled(portion, found)
        return missed

    def _arrivals(self, wanted: Sequence[FoundResource]) -> list[Arrival]:
        world = self._world
        arrivals: dict[str, Arrival] = {}
        for event, of_event in windows(wanted, world.makers, self._since, self._until).items():
            for window in of_event:
                if world.ports.expired():
                    self._records_unread = True
                    return list(arrivals.values())
                read = world.history.records(self._account, self._region, event, window)
                if isinstance(read, Unavailable):
                    self._records_unread = True
                    self._left[f"records of {event[1]} can't be read: {read.reason}"] = None
                    continue
                for arrival in read:
                    if (arrival.record.account, arrival.record.region) == (self._account, self._region):
                        arrivals[arrival.where] = arrival
        return list(arrivals.values())

    def _settled(self, arrivals: Sequence[Arrival], found: Mapping[str, FoundResource]) -> list[Missed]:
        world = self._world
        creations: dict[str, Creation] = {}
        for arrival in arrivals:
            if not is_deletion(arrival.record, world.catalogue):
                matched = match(arrival, world.catalogue, world.settings)
                if isinstance(matched, Creation):
                    creations[matched.record.event_id] = matched
        seen = world.ports.ledger.seen([event_of(one) for one in creations.values()]) if creations else {}
        telling = TellingTagger(world.ports.tagger, found, creations, world.ports, world.settings)
        ports = with_fields(world.ports, tagger=telling)

        def work(part: Sequence[Arrival]) -> list[Result]:
            return run(part, ports, world.catalogue, world.settings)

        with world.settling:
            results = isolate_failures(arrivals, work, lambda arrival: arrival.where, world.ports.expired)
        self._forged += telling.told
        missed = []
        for result in results:
            self._note(result)
            if isinstance(result, Decided) and event_of(result.decision.creation) not in seen:
                missed.append(_missed_of(result))
                self._forged += _requested(result)
        return missed

    def _note(self, result: Result) -> None:
        if isinstance(result, Refused):
            self._explained.update(one.arn for one in result.refusal.resources)
            return
        if isinstance(result, Decided):
            self._explained.update(outcome.arn for outcome in result.outcomes)
        if result.is_retried:
            self._left.update(dict.fromkeys(result.reasons))

    def _without_record(self, wanted: Sequence[FoundResource]) -> tuple[list[Foreign], list[Put], int]:
        """(owner tags that nobody explains, what was taken for what it says itself, how many nobody knows)."""
        world = self._world
        left = [one for one in wanted if one.resource.arn not in self._explained]
        known = {one.key for one in world.ports.ledger.by_key([one.key for one in left])} if left else set()
        left = [one for one in left if one.key not in known]
        # Where not all records could be read, one of them may be that of the creation.
        if self._records_unread or world.ports.expired():
            return [], [], len(left)
        dated = [one for one in left if one.made_at is not None and one.tags is not None]
        carrying = [one for one in dated if not world.settings.owner_keys.isdisjoint(one.tags or ())]
        with world.settling:
            unexplained, told = tell_unexplained(carrying, world.ports, world.store, world.settings)
        if not told:
            self._left["the findings can't be told"] = None
        untagged = [one for one in dated if world.settings.owner_keys.isdisjoint(one.tags or ())]
        adopted = self._adopted(untagged)
        return unexplained, adopted, len(left) - len(adopted)

    def _adopted(self, found: Sequence[FoundResource]) -> list[Put]:
        """Gives what no record explains the owner that it says itself. A record that comes later takes it over."""
        world, adopted = self._world, list[Put]()

        def work(part: Sequence[FoundResource]) -> list[Result]:
            placed = [(one.resource.arn, one) for one in part]
            return adopted_by_word(placed, world.ports, world.catalogue, world.settings)

        with world.settling:
            results = isolate_failures(found, work, lambda one: one.resource.arn, world.ports.expired)
        for result in results:
            self._note(result)
            if isinstance(result, Decided):
                adopted += [
                    Put(outcome.arn, result.decision.owner.name, outcome.kind.value, outcome.reason)
                    for outcome in result.outcomes
                ]
        return adopted


def _event_id(event_id: str, now: datetime) -> str:
    return f"reconcile-{sha256(f'{event_id} {now.isoformat()}'.encode()).hexdigest()[:32]}"


def _missed_of(result: Decided) -> Missed:
    record = result.decision.creation.record
    return Missed(
        record.event_id,
        record.event_name,
        record.created_at,
        result.decision.owner.name,
        tuple(outcome.arn for outcome in result.outcomes),
        tuple(dict.fromkeys(outcome.kind.value for outcome in result.outcomes)),
    )


def _requested(result: Decided) -> list[Foreign]:
    """The owner tags that the creation's own request set, which are told with it."""
    finding = result.finding
    if finding is None:
        return []
    return [
        Foreign(finding.resource, change.key, (change.new or "")[:MOST_TEXT], finding.owner or "")
        for change in finding.changes
        if change.new is not None
    ]
