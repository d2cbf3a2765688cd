"""Two policies are the same where AWS means the same, and only there."""

from __future__ import annotations

from typing import Any

import pytest

from ownertag.rollout.doctor.checks import same, statements

STATEMENT: dict[str, Any] = {
    "Sid": "X",
    "Effect": "Allow",
    "Action": ["sqs:A", "sqs:B"],
    "Resource": "arn",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}, "StringEquals": {"k": ["v"]}},
}


def changed(**changes: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{**STATEMENT, **changes}]}


@pytest.mark.parametrize(
    "other",
    [
        changed(),
        changed(Action=["sqs:B", "sqs:A"]),
        changed(Resource=["arn"]),
        changed(Condition={"StringEquals": {"k": "v"}, "Bool": {"aws:SecureTransport": False}}),
        {"Statement": STATEMENT, "Version": "2012-10-17"},
    ],
)
def test_order_and_lists_of_one_do_not_count(other: dict[str, Any]) -> None:
    assert same(changed(), other)


@pytest.mark.parametrize(
    "other",
    [
        changed(Action=["sqs:A"]),
        changed(Action=["sqs:A", "sqs:B", "sqs:C"]),
        changed(Effect="Deny"),
        changed(Resource="*"),
        changed(Condition={}),
        changed(Condition={"Bool": {"aws:SecureTransport": "true"}, "StringEquals": {"k": ["v"]}}),
        {"Version": "2012-10-17", "Statement": [STATEMENT, {**STATEMENT, "Sid": "Y"}]},
        {"Version": "2012-10-17", "Statement": []},
        {},
    ],
)
def test_anything_else_counts(other: dict[str, Any]) -> None:
    assert not same(changed(), other)


def test_a_statement_may_stand_alone() -> None:
    assert statements({"Statement": STATEMENT}) == statements({"Statement": [STATEMENT]}) == [STATEMENT]
    assert statements({}) == []
