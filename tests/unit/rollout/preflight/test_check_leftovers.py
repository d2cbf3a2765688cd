"""What is there already under a name of ours: an earlier deployment's, another stack's, or somebody's."""

from __future__ import annotations

import pytest

from ownertag.rollout.doctor.facts import Unread
from ownertag.rollout.preflight.check_leftovers import check_bucket, check_leftovers
from ownertag.rollout.preflight.facts import Leftover, PreflightAccount, PreflightRegion, Sample
from ownertag.rollout.preflight.findings import PreflightFinding, Verdict

HOME, WEB = "eu-central-1", "333333333333"
STACK = "aws:cloudformation:stack-name"


def check(*leftovers: Leftover, region: str | None = None) -> list[PreflightFinding]:
    here = PreflightRegion(region or HOME, (), leftovers if region else None, Sample(0, 0, 24, whole=True))
    account = PreflightAccount(WEB, leftovers=None if region else leftovers, places=(here,))
    return list(check_leftovers(account, HOME, "auto-tag-role"))


@pytest.mark.parametrize(
    ("leftover", "verdict", "seen", "advice"),
    [
        (Leftover("role", "auto-tag-role", {}), Verdict.STOPS, "made by hand", "hub.tagger_role"),
        (Leftover("role", "ownertag-audit", {"team": "x"}), Verdict.STOPS, "made by hand", "team=x"),
        (Leftover("role", "ownertag-audit", Unread("no")), Verdict.STOPS, "made by hand", "get-role --role-name"),
        (Leftover("role", "auto-tag-role", {STACK: "theirs"}), Verdict.STOPS, "of another stack", "of stack theirs"),
        (
            Leftover("role", "auto-tag-role", {STACK: "StackSet-ownertag-spoke-account-1"}),
            Verdict.STOPS,
            "of an earlier deployment",
            "delete-stack --region eu-central-1 --stack-name StackSet-ownertag-spoke-account-1",
        ),
        (Leftover("role", "ownertag-hub", {STACK: "ownertag-hub"}), Verdict.STOPS, "of an earlier", "delete-stack"),
        (Leftover("table", "ownertag-ledger", {}), Verdict.TOLD, "apply keeps", "describe-table"),
        (Leftover("queue", "ownertag-dead-letters", {}), Verdict.TOLD, "apply keeps", "get-queue-url"),
        (Leftover("log group", "/aws/lambda/ownertag", {}), Verdict.TOLD, "apply keeps", "describe-log-groups"),
        (Leftover("queue", "ownertag", {}), Verdict.STOPS, "made by hand", "get-queue-url"),
        (Leftover("bus", "ownertag", {}), Verdict.STOPS, "made by hand", "describe-event-bus"),
        (Leftover("function", "ownertag", {}), Verdict.STOPS, "made by hand", "get-function"),
    ],
)
def test_whose_it_is_decides_what_to_do(leftover: Leftover, verdict: Verdict, seen: str, advice: str) -> None:
    [found] = check(leftover)
    assert (found.verdict, seen in found.text, advice in found.to_do) == (verdict, True, True), found


def test_what_is_in_a_region_is_looked_at_there() -> None:
    [found] = check(Leftover("rule", "ownertag-creations-1", {}), region="eu-west-1")
    assert (found.region, found.verdict) == ("eu-west-1", Verdict.STOPS)
    assert "aws events describe-rule --region eu-west-1 --name ownertag-creations-1" in found.to_do
    assert WEB in found.to_do


def test_nothing_is_said_where_nothing_was_looked_for_or_found() -> None:
    assert check() == []


def test_what_cant_be_read_is_not_known() -> None:
    [found] = list(check_leftovers(PreflightAccount(WEB, leftovers=Unread("denied")), HOME, "auto-tag-role"))
    assert (found.verdict, "denied" in found.seen) == (Verdict.UNKNOWN, True)


@pytest.mark.parametrize(("exists", "to_create", "told"), [(True, True, 1), (True, False, 0), (False, True, 0)])
def test_a_bucket_from_before_is_told_where_the_hub_is_still_to_be_made(
    exists: bool, to_create: bool, told: int
) -> None:
    assert len(list(check_bucket(exists, "ownertag-packages", WEB, to_create))) == told
