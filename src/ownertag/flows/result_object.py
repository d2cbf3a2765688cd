"""A result as a plain object: what `--json` prints, and what the hub's function answers to an operator."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ownertag.core.records import Record
from ownertag.core.values import Outcome, OutcomeKind, Owner, Question, Resource, Wait
from ownertag.flows.result import Decided, DeletionKept, FinishedBefore, Refused, Result, Tampered, Undecided

SCHEMA = 1
#: What a dry run says instead of `tagged`.
WOULD_TAG = "would-tag"
#: What became of what a record deleted.
DELETED = "deleted"


def result_object(
    result: Result, owner: Owner | None, questions: Iterable[Question] = (), dry_run: bool = False
) -> dict[str, Any]:
    """The object of one result; the fields are described in `docs/reference/json.md`."""
    record: Record | None = None
    resources: Sequence[Resource] = ()
    tags: dict[str, str] | None = None
    outcomes: list[dict[str, Any]] = []
    refusal: dict[str, Any] | None = None
    event_id: str | None = None
    match result:
        case Refused(refused):
            record, resources, event_id = refused.record, refused.resources, refused.event_id
            refusal = {"reason": refused.reason.value, "detail": refused.detail}
        case Decided(decision):
            record, resources, tags = decision.creation.record, decision.resources, dict(decision.tags)
            outcomes = [_outcome(outcome, dry_run) for outcome in result.outcomes]
            outcomes += [_of_the_whole(wait) for wait in (*result.waits, *decision.waits)]
        case FinishedBefore():
            record = result.record
            outcomes = [{"arn": None, "outcome": "unchanged", "reason": "finished before"}]
        case DeletionKept(ending):
            record, resources = ending.record, ending.resources
            by = f"by {ending.by}" if ending.by else None
            outcomes = [{"arn": one.arn, "outcome": DELETED, "reason": by} for one in ending.resources]
        case Tampered():
            outcomes = [_of_the_whole(wait) for wait in result.waits]
        case Undecided():
            outcomes = [_of_the_whole(result.wait)]
    return {
        "schema": SCHEMA,
        "where": result.where,
        "event_id": record.event_id if record else event_id,
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
        "tags": tags,
        "questions": [
            {
                "kind": question.kind.value,
                "account": question.account,
                "region": question.region,
                "value": question.value,
            }
            for question in questions
        ],
        "outcomes": outcomes,
        "refusal": refusal,
    }


def _outcome(outcome: Outcome, dry_run: bool) -> dict[str, Any]:
    kind = WOULD_TAG if dry_run and outcome.kind is OutcomeKind.TAGGED else outcome.kind.value
    return {"arn": outcome.arn, "outcome": kind, "reason": outcome.reason or None}


def _of_the_whole(wait: Wait) -> dict[str, Any]:
    return {"arn": None, "outcome": wait.outcome.value, "reason": wait.reason}
