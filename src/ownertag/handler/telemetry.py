"""The function's log and metrics: a JSON line for each message, and counts.

Only ids and reasons are told, from a fixed list of fields. Records are never logged: they can hold session tokens,
and names in them are the texts of strangers.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from ownertag.core.records import ACCOUNT, REGION
from ownertag.core.values import Failure, Reason, Refusal, Unavailable
from ownertag.flows.live import BatchAnswer, Done, Returned

NAMESPACE = "ownertag"

# What is told of a record: only what has the form that AWS gives it, since a refused record can hold anything there.
_IDS = {"event_id": re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "account": ACCOUNT, "region": REGION}


class Telemetry:
    """Logs and counts answers. Metric names come from fixed lists, so nobody can make them many (T18)."""

    def __init__(self) -> None:
        # ASCII alone: U+2028 ends a line for some readers, and the library would leave it as it is.
        self._logger = Logger(service="ownertag", json_serializer=partial(json.dumps, ensure_ascii=True))
        self._metrics = AmazonCloudWatchEMFProvider(namespace=NAMESPACE)

    def answer(self, answer: BatchAnswer, failures: list[Failure]) -> None:
        """Tell of a batch: each message, each outcome by kind, each refusal by reason."""
        counts: Counter[str] = Counter(
            MessagesDone=len(answer.done),
            MessagesReturned=len(answer.returned),
            MessagesBuried=len(answer.dead_letters),
        )
        for done in answer.done:
            if (refusal := _not_found(done)) is None:
                self._logger.info("done", extra=_fields(done))
            else:
                extra = {"event_name": _event_name(refusal), "reasons": [refusal.detail]}
                self._logger.warning("done", extra=_fields(done) | extra)
        for returned in answer.returned:
            unexpected = returned.result is not None and returned.result.unexpected
            say = self._logger.error if unexpected else self._logger.warning
            say("returned", extra=_fields(returned) | {"reasons": _reasons(returned)})
        for dead_letters in answer.dead_letters:
            self._logger.error("dead-lettered", extra=_fields(dead_letters) | {"reasons": _reasons(dead_letters)})
        for failure in failures:
            self._logger.warning("delay failed", extra={"code": failure.code})
        results = [done.result for done in answer.done]
        results += [each.result for each in (*answer.returned, *answer.dead_letters) if each.result is not None]
        for result in results:
            if result.unexpected:
                counts["Unexpected"] += 1
            if result.finding:
                counts["Findings"] += 1
            if result.refusal is not None:
                counts[f"Refused.{result.refusal.reason.value}"] += 1
            if result.finished is not None:
                counts["FinishedBefore"] += 1
            for outcome in result.outcomes:
                counts[f"Outcome.{outcome.kind.value}"] += 1
        for name, count in counts.items():
            self._metrics.add_metric(name, MetricUnit.Count, count)
        self._metrics.flush_metrics()

    def accounts(self, kept: int | Unavailable) -> None:
        """Tell how many accounts are kept, or why their list could not be read or kept."""
        if isinstance(kept, int):
            self._logger.info("accounts kept", extra={"accounts": kept})
        else:
            self._logger.warning("accounts not kept", extra={"outcome": kept.outcome.value, "reason": kept.reason})


def _not_found(done: Done) -> Refusal | None:
    """What was created and can't be found, of which an alarm of the template tells."""
    refusal = done.result.refusal
    return refusal if refusal is not None and refusal.reason is Reason.RESPONSE_OMITTED else None


def _event_name(refusal: Refusal) -> str | None:
    """That of a row of the catalogue: nothing else is refused for what it can't be found by."""
    return refusal.record.event_name if refusal.record else None


def _fields(verdict: Done | Returned) -> dict[str, Any]:
    fields: dict[str, Any] = {"message_id": verdict.message.id, "receives": verdict.message.receives}
    result = verdict.result
    if result is None:
        return fields
    record = None
    if result.finding:
        found = result.finding
        fields["changed"] = found.resources
        ids = {"event_id": found.event_id, "account": found.account, "region": found.region}
        return fields | {name: value for name, value in ids.items() if _IDS[name].fullmatch(value)}
    if result.refusal is not None:
        record = result.refusal.record
        fields["refused"] = result.refusal.reason.value
    elif result.decision is not None:
        record = result.decision.creation.record
        fields["event_name"] = record.event_name
        fields["confidence"] = result.decision.owner.confidence.value
        fields["evidence"] = result.decision.owner.evidence
        fields["outcomes"] = dict(Counter(outcome.kind.value for outcome in result.outcomes))
    elif result.finished is not None:
        record = result.finished.record
        fields["finished_before"] = True
    if record is not None:
        ids = {"event_id": record.event_id, "account": record.account, "region": record.region}
        fields |= {name: value for name, value in ids.items() if _IDS[name].fullmatch(value)}
    return fields


def _reasons(returned: Returned) -> list[str]:
    """Why it comes back. What a refusal says in detail can quote the record; `ownertag explain` tells it."""
    if returned.result is not None and returned.result.refusal is not None:
        return [returned.result.refusal.reason.value]
    return list(returned.reasons[:5])
