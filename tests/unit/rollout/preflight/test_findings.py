"""Findings are grouped by cause, so that 200 accounts with one cause are a line."""

from __future__ import annotations

from ownertag.rollout.preflight.findings import PreflightCheck, PreflightFinding, Verdict, count_verdicts, grouped


def finding(
    account: str, region: str | None = None, verdict: Verdict = Verdict.STOPS, seen: str = "no trail"
) -> PreflightFinding:
    return PreflightFinding(PreflightCheck.TRAIL, verdict, account, region, seen, "in {account}, {region}")


def test_accounts_with_the_same_cause_in_the_same_regions_are_one_group() -> None:
    found = [
        *(finding(account, "eu-south-2") for account in ("3", "1")),
        finding("2", "eu-west-1"),
        finding("2", "eu-south-2"),
        finding("1", None, Verdict.FINE, "logs"),
        finding("4", "eu-south-2", Verdict.STOPS, "logging is stopped"),
    ]
    groups = grouped(found)
    assert [(group.first.seen, group.accounts, group.regions) for group in groups] == [
        ("no trail", ("1", "3"), ("eu-south-2",)),
        ("logging is stopped", ("4",), ("eu-south-2",)),
        ("no trail", ("2",), ("eu-south-2", "eu-west-1")),
        ("logs", ("1",), ()),
    ]
    assert groups[0].first.to_do == "in 1, eu-south-2"


def test_the_gravest_come_first_and_the_largest_of_them() -> None:
    found = [
        finding("1", verdict=Verdict.FINE),
        finding("1", verdict=Verdict.TOLD),
        finding("1", verdict=Verdict.UNKNOWN),
        finding("1", seen="one"),
        finding("1", seen="two"),
        finding("2", seen="two"),
    ]
    groups = grouped(found)
    assert [group.first.verdict for group in groups] == [
        Verdict.STOPS,
        Verdict.STOPS,
        Verdict.UNKNOWN,
        Verdict.TOLD,
        Verdict.FINE,
    ]
    assert groups[0].first.seen == "two"
    assert count_verdicts(found) == {Verdict.STOPS: 3, Verdict.UNKNOWN: 1, Verdict.TOLD: 1, Verdict.FINE: 1}
