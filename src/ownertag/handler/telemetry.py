"""The function's log and metrics: a JSON line for each message, and counts.

Only ids and reasons are logged, from a fixed list of fields. Records are never logged: they can hold session tokens,
and names in them are the texts of strangers.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider
from msgspec import to_builtins

from ownertag.core.findings import TamperFinding
from ownertag.core.records import ACCOUNT, REGION, Record
from ownertag.core.values import Failure, OutcomeKind, Reason, Refusal, Unavailable
from ownertag.flows.live import BatchAnswer, Done, Returned
from ownertag.flows.result import Decided, DeletionKept, FinishedBefore, Refused, Result, Tampered, Unexpected
from ownertag.flows.tag_observed import TaggedObserved

if TYPE_CHECKING:
    from ownertag.flows.reconcile.legs import Leg
    from ownertag.flows.reconcile.report import PlaceReport

NAMESPACE = "ownertag"
#: A log line of a place names so many events at most.
MOST_IDS = 20

# An id is logged only in the form that AWS gives it, since a refused record can hold anything there.
_IDS = {"event_id": re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "account": ACCOUNT, "region": REGION}


class Telemetry:
    """Logs and counts answers. Metric names come from fixed lists, so nobody can make them many (T18)."""

    def __init__(self) -> None:
        # ASCII alone: U+2028 ends a line for some readers, and the library would leave it as it is.
        self._logger = Logger(service="ownertag", json_serializer=partial(json.dumps, ensure_ascii=True))
        self._metrics = AmazonCloudWatchEMFProvider(namespace=NAMESPACE)

    def answer(self, answer: BatchAnswer, failures: list[Failure]) -> None:
        """Logs and counts a batch: each message, each outcome by kind, each refusal by reason."""
        for done in answer.done:
            refusal = _not_found(done.result)
            if reasons := _never_tagged(done.result):
                self._logger.warning("done", extra=_fields(done) | {"reasons": reasons})
            elif refusal is None:
                self._logger.info("done", extra=_fields(done))
            else:
                extra = {"event_name": _event_name(refusal), "reasons": [refusal.detail]}
                self._logger.warning("done", extra=_fields(done) | extra)
        for returned in answer.returned:
            log = self._logger.error if isinstance(returned.result, Unexpected) else self._logger.warning
            log("returned", extra=_fields(returned) | {"reasons": _reasons(returned)})
        for dead_letter in answer.dead_letters:
            self._logger.error("dead-lettered", extra=_fields(dead_letter) | {"reasons": _reasons(dead_letter)})
        for failure in failures:
            self._logger.warning("delay failed", extra={"code": failure.code})
        for name, count in _counts(answer).items():
            self._metrics.add_metric(name, MetricUnit.Count, count)
        self._metrics.flush_metrics()

    def accounts(self, kept: int | Unavailable) -> None:
        """Logs how many accounts are kept, or why their list could not be read or kept."""
        if isinstance(kept, int):
            self._logger.info("accounts kept", extra={"accounts": kept})
        else:
            self._logger.warning("accounts not kept", extra={"outcome": kept.outcome.value, "reason": kept.reason})

    def reconciled(self, leg: Leg, dry_run: bool) -> None:
        """Logs each place in which something was found, and counts; of a dry run nothing is counted."""
        from ownertag.flows.reconcile.report import totals_of  # noqa: PLC0415 - what works off the queue never needs it

        for report in leg.reports:
            if report.is_notable:
                self._logger.warning("reconciled", extra=_fields_of_place(report, dry_run))
        done = totals_of(leg.reports)
        extra = {"leg": leg.number, "goes_on": leg.next is not None, "places": done.places, "unreached": leg.unreached}
        self._logger.info("reconciled leg", extra=extra)
        if dry_run:
            return
        counts = to_builtins(done) | {"not_reached": done.not_reached + leg.unreached}
        for name, count in counts.items():
            metric = "MissedCreations" if name == "missed" else f"Reconciled.{name.replace('_', '-')}"
            self._metrics.add_metric(metric, MetricUnit.Count, count)
        self._metrics.flush_metrics()

    def observed(self, tagged: TaggedObserved) -> None:
        """Logs and counts what was tagged of what was observed, and why some of it is left."""
        if not tagged.outcomes and not tagged.is_left:
            return
        outcomes = {kind.value: count for kind, count in tagged.outcomes.items()}
        if tagged.is_left:
            reasons = list(tagged.reasons[:5]) or ["there was no time left for it"]
            self._logger.warning("observed before, some left", extra={"outcomes": outcomes, "reasons": reasons})
        else:
            self._logger.info("observed before", extra={"outcomes": outcomes})
        for name, count in outcomes.items():
            self._metrics.add_metric(f"ObservedBefore.{name}", MetricUnit.Count, count)
        self._metrics.flush_metrics()


def _fields_of_place(report: PlaceReport, dry_run: bool) -> dict[str, Any]:
    """Counts and ids alone: ARNs and values are texts of strangers. `ownertag reconcile` prints them."""
    from ownertag.flows.reconcile.report import totals_of  # noqa: PLC0415 - as above

    fields: dict[str, Any] = {"account": report.account, "region": report.region, "dry_run": dry_run}
    counts = to_builtins(totals_of([report]))
    fields |= {name: count for name, count in counts.items() if count and name != "places"}
    ids = [missed.event_id for missed in report.missed if _IDS["event_id"].fullmatch(missed.event_id)]
    reasons = [*report.left, *(one.reason for one in report.unlisted if not one.lasting)]
    return fields | {"event_ids": ids[:MOST_IDS], "reasons": list(dict.fromkeys(reasons))[:5]}


def _counts(answer: BatchAnswer) -> Counter[str]:
    counts: Counter[str] = Counter(
        MessagesDone=len(answer.done),
        MessagesReturned=len(answer.returned),
        MessagesDeadLettered=len(answer.dead_letters),
    )
    verdicts: list[Done | Returned] = [*answer.done, *answer.returned, *answer.dead_letters]
    for verdict in verdicts:
        match verdict.result:
            case Refused(refusal):
                counts[f"Refused.{refusal.reason.value}"] += 1
            case Decided() as decided:
                counts.update(f"Outcome.{outcome.kind.value}" for outcome in decided.outcomes)
                if decided.finding:
                    counts["Findings.observed" if decided.observed else "Findings"] += 1
            case FinishedBefore():
                counts["FinishedBefore"] += 1
            case DeletionKept(ending):
                counts["Deletions"] += len(ending.resources)
            case Tampered() as tampered:
                counts["Findings.observed" if tampered.observed else "Findings"] += 1
            case Unexpected():
                counts["Unexpected"] += 1
    return counts


def _not_found(result: Result) -> Refusal | None:
    """The refusal of a creation whose resources can't be found; an alarm of the template counts these."""
    if isinstance(result, Refused) and result.refusal.reason is Reason.RESPONSE_OMITTED:
        return result.refusal
    return None


def _never_tagged(result: Result) -> list[str]:
    """Why resources of a message that is done are not tagged, and never will be by themselves."""
    if not isinstance(result, Decided):
        return []
    return sorted({outcome.reason for outcome in result.outcomes if outcome.kind is OutcomeKind.FAILED})[:5]


def _event_name(refusal: Refusal) -> str | None:
    """The event's name, which the catalogue has: a row was found before its resources were not."""
    return refusal.record.event_name if refusal.record else None


def _fields(verdict: Done | Returned) -> dict[str, Any]:
    fields: dict[str, Any] = {"message_id": verdict.message.id, "receives": verdict.message.receives}
    match verdict.result:
        case Tampered(finding=finding) as tampered:
            observed = {"observed": True} if tampered.observed else {}
            return fields | {"changed": finding.resources} | observed | _ids(finding)
        case Decided(finding=TamperFinding() as finding) as decided:
            observed = {"observed": True} if decided.observed else {}
            return fields | {"changed": finding.resources} | observed | _ids(finding)
        case Refused(refusal):
            fields["refused"] = refusal.reason.value
            return fields | (_ids(refusal.record) if refusal.record else {})
        case Decided(decision, outcomes):
            fields["event_name"] = decision.creation.record.event_name
            fields["confidence"] = decision.owner.confidence.value
            fields["evidence"] = decision.owner.evidence
            fields["outcomes"] = dict(Counter(outcome.kind.value for outcome in outcomes))
            return fields | _ids(decision.creation.record)
        case DeletionKept(ending):
            fields |= {"event_name": ending.record.event_name, "deleted": len(ending.resources)}
            return fields | _ids(ending.record)
        case FinishedBefore(record=record):
            fields["finished_before"] = True
            return fields | _ids(record)
    return fields


def _ids(source: Record | TamperFinding) -> dict[str, str]:
    ids = {"event_id": source.event_id, "account": source.account, "region": source.region}
    return {name: value for name, value in ids.items() if _IDS[name].fullmatch(value)}


def _reasons(returned: Returned) -> list[str]:
    """Why a message comes back. The detail of a refusal can quote the record; `ownertag explain` prints it."""
    if isinstance(returned.result, Refused):
        return [returned.result.refusal.reason.value]
    return list(returned.reasons[:5])
