"""A result as a plain object: what `--json` prints, and what the hub's function answers to an operator."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ownertag.core.values import Outcome, OutcomeKind, Owner, Question, Resource
from ownertag.flows.result import Result

SCHEMA = 1
#: What a dry run says instead of `tagged`.
WOULD_TAG = "would-tag"


def result_object(
    result: Result, owner: Owner | None, questions: Iterable[Question] = (), dry_run: bool = False
) -> dict[str, Any]:
    """One result; the fields are described in `docs/reference/json.md`."""
    refusal, decision = result.refusal, result.decision
    record = decision.creation.record if decision else (refusal.record if refusal else None)
    if result.finished is not None:
        record = result.finished.record
    resources: Sequence[Resource] = decision.resources if decision else (refusal.resources if refusal else ())
    return {
        "schema": SCHEMA,
        "where": result.where,
        "event_id": record.event_id if record else (refusal.event_id if refusal else None),
        "event_source": record and record.event_source,
        "event_name": record and record.event_name,
        "account": record and record.account,
        "region": record and record.region,
        "created_at": record and record.created_at.isoformat().replace("+00:00", "Z"),
        "resources": [{"arn": resource.arn, "id": resource.id, "type": resource.type} for resource in resources],
        "owner": owner
        and {
            "name": owner.name,
            "evidence": owner.evidence,
            "confidence": owner.confidence.value,
            "via": list(owner.via),
            "reason": owner.reason,
        },
        "tags": dict(decision.tags) if decision else None,
        "questions": [
            {
                "kind": question.kind.value,
                "account": question.account,
                "region": question.region,
                "value": question.value,
            }
            for question in questions
        ],
        "outcomes": [_outcome(outcome, dry_run) for outcome in result.outcomes]
        + [
            {"arn": None, "outcome": wait.outcome.value, "reason": wait.reason}
            for wait in (*result.waits, *(decision.waits if decision else ()))
        ]
        + ([{"arn": None, "outcome": "unchanged", "reason": "finished before"}] if result.finished else []),
        "refusal": refusal and {"reason": refusal.reason.value, "detail": refusal.detail},
    }


def _outcome(outcome: Outcome, dry_run: bool) -> dict[str, Any]:
    kind = WOULD_TAG if dry_run and outcome.kind is OutcomeKind.TAGGED else outcome.kind.value
    return {"arn": outcome.arn, "outcome": kind, "reason": outcome.reason or None}
