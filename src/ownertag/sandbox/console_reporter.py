"""Tells on the console what the hub's function does, and keeps when each event was done."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from ownertag.core.findings import TagChange, TamperFinding
from ownertag.core.owner.principal import clean
from ownertag.core.records import Record
from ownertag.core.values import Decision, Failure, Outcome, Unavailable
from ownertag.flows.live import BatchAnswer, Done, Returned
from ownertag.flows.reconcile.legs import Leg
from ownertag.flows.reconcile.report import totals_of
from ownertag.flows.result import Decided, DeletionKept, Refused, Result, Tampered
from ownertag.flows.tag_observed import TaggedObserved
from ownertag.sandbox.personas import ACCOUNTS

#: How much of a finding stands in its line: changes, and characters of a text.
MOST_CHANGES, MOST_TEXT = 3, 80


class ConsoleReporter:
    """Keeps what was decided for each event and when it was done, and tells of it.

    Args:
        say: Takes a line.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self.done: dict[str, tuple[float, Decision]] = {}

    def answer(self, answer: BatchAnswer, failures: list[Failure]) -> None:
        """Tells of a batch."""
        at = time.monotonic()
        verdicts: list[Done | Returned] = [*answer.done, *answer.returned, *answer.dead_letters]
        for verdict in verdicts:
            if isinstance(verdict, Done) and isinstance(verdict.result, Decided):
                decision = verdict.result.decision
                self.done[decision.creation.record.event_id] = (at, decision)
            self._say(line(verdict))
        for failure in failures:
            self._say(f"a message could not be delayed: {failure.code}")

    def accounts(self, kept: int | Unavailable) -> None:
        """Tells why the list of accounts is not kept; nothing where it is."""
        if not isinstance(kept, int):
            self._say(f"the list of accounts is not kept: {kept.reason}")

    def reconciled(self, leg: Leg, dry_run: bool) -> None:
        """Tells what was found by reconciling."""
        done = totals_of(leg.reports)
        would = " (a dry run)" if dry_run else ""
        self._say(
            f"reconciled {done.places} places{would}: {done.missed} creations were missed, {done.forged} owners forged,"
            f" {done.gone} resources found gone"
        )

    def observed(self, tagged: TaggedObserved) -> None:
        """Tells what was tagged of what was observed before; nothing where nothing was."""
        outcomes = ", ".join(f"{count} {kind.value}" for kind, count in tagged.outcomes.items())
        if outcomes or tagged.is_left:
            left = f"; some is left: {'; '.join(tagged.reasons) or 'no time'}" if tagged.is_left else ""
            self._say(f"observed before: {outcomes or 'nothing done'}{left}")


def line(verdict: Done | Returned) -> str:
    """One message in one line: time, place, call, owner, and outcome."""
    result = verdict.result
    clock = datetime.now(UTC).strftime("%H:%M:%S")
    if result is None:
        return f"{clock}  a message comes back: nothing was decided for it"
    record = _record(result)
    head = clock
    if record is not None:
        place = f"{ACCOUNTS.get(record.account, record.account)} {record.region}"
        head = f"{clock}  {place:<24} {record.event_name}"
    if isinstance(verdict, Returned):
        return f"{head}  comes back in {verdict.seconds} s: {'; '.join(verdict.reasons)}"
    match result:
        case Refused(refusal):
            return f"{head}  refused, {refusal.reason.value}: {refusal.detail}"
        case Tampered(finding=finding):
            return f"{head}  finding: {_finding(finding)}"
        case DeletionKept(ending):
            gone = ", ".join(_text(one.id) for one in ending.resources[:MOST_CHANGES])
            return f"{head}  deleted by {_text(ending.by) or 'nobody who is named'}: {gone}"
        case Decided(decision):
            found = f"; finding: {_finding(result.finding)}" if result.finding else ""
            return f"{head}  {_decided(decision, result.outcomes)}{found}"
    return head


def _record(result: Result) -> Record | None:
    match result:
        case Decided(decision):
            return decision.creation.record
        case Refused(refusal):
            return refusal.record
        case DeletionKept(ending):
            return ending.record
        case Tampered(record=record):
            return record
    return None


def _finding(finding: TamperFinding) -> str:
    """Who changed which tags of what, and from what to what; texts that strangers choose are cut."""
    if finding.omitted:
        return f"{_text(finding.by)} changed tags, and CloudTrail left out which"
    named = [_change(change) for change in finding.changes[:MOST_CHANGES]]
    more = len(finding.changes) + finding.more_changes - len(named)
    changes = f"{', '.join(named)}{f' and {more} more tags' if more else ''}"
    others = f" and {finding.resources - 1} more" if finding.resources > 1 else ""
    over = ", and ownertag wrote over it" if finding.overwritten else ""
    return f"{_text(finding.by)} {changes} on {_text(finding.resource.rpartition(':')[2])}{others}{over}"


def _change(change: TagChange) -> str:
    key, was = _text(change.key), "" if change.old is None else f" '{_text(change.old)}'"
    if change.new is None:
        return f"removed {key}{was}"
    new = f"to '{_text(change.new)}'"
    return f"changed {key}{was} {new}" if was else f"set {key} {new}"


def _text(text: str) -> str:
    shown = clean(text[: 2 * MOST_TEXT])
    return f"{shown[:MOST_TEXT]}..." if len(shown) > MOST_TEXT else shown


def _decided(decision: Decision, outcomes: Iterable[Outcome]) -> str:
    types = Counter(resource.type.partition(":")[2] for resource in decision.resources)
    resources = ", ".join(f"{count} {name}{'s' if count > 1 else ''}" for name, count in types.items())
    kinds = ", ".join(dict.fromkeys(outcome.kind.value for outcome in outcomes))
    owner = decision.owner
    return f"owner={owner.name} ({owner.confidence.value} by {owner.evidence})  {kinds}: {resources}"
