"""What the trails of a Region come to: only one that is known to log and to record writes is enough."""

from __future__ import annotations

import pytest

from ownertag.rollout.doctor.facts import Missing, Observed, TrailFacts, Unread
from ownertag.rollout.preflight.check_trails import check_trails, judge_trails
from ownertag.rollout.preflight.facts import PreflightAccount, PreflightRegion, Sample
from ownertag.rollout.preflight.findings import Verdict

ARN = "arn:aws:cloudtrail:eu-central-1:333333333333:trail/one"


def trail(
    home: str = "eu-central-1",
    *,
    multi: bool = True,
    logging: Observed[bool] = True,
    writes: Observed[bool] = True,
) -> TrailFacts:
    return TrailFacts(ARN, home, multi, logging, writes)


@pytest.mark.parametrize(
    ("trails", "expected", "words"),
    [
        ((trail(),), Verdict.FINE, "logs"),
        ((trail("eu-west-1", multi=False),), Verdict.FINE, "logs"),
        ((trail(multi=False),), Verdict.STOPS, "no trail logs here"),
        ((), Verdict.STOPS, "no trail logs here"),
        (Missing(), Verdict.STOPS, "no trail logs here"),
        ((trail(logging=False),), Verdict.STOPS, "logging is stopped: one"),
        ((trail(writes=False),), Verdict.STOPS, "no trail logs management events that write: one"),
        ((trail(logging=False), trail()), Verdict.FINE, "logs"),
        ((trail(logging=False, writes=True), trail(logging=True, writes=False)), Verdict.STOPS, "logging is stopped"),
        ((trail(logging=Unread("denied")),), Verdict.UNKNOWN, "denied"),
        ((trail(writes=Unread("denied")),), Verdict.UNKNOWN, "denied"),
        ((trail(logging=False), trail(writes=Unread("denied"))), Verdict.UNKNOWN, "denied"),
        (Unread("denied"), Verdict.UNKNOWN, "denied"),
    ],
)
def test_a_region_is_fine_by_one_whole_trail_and_not_known_where_one_could_be(
    trails: Observed[tuple[TrailFacts, ...]], expected: Verdict, words: str
) -> None:
    verdict, seen, advice = judge_trails(trails, "eu-west-1")
    assert (verdict, words in seen) == (expected, True)
    assert bool(advice) == (verdict is not Verdict.FINE)


def test_advice_names_the_trail_where_it_is() -> None:
    _, _, stopped = judge_trails((trail(logging=False),), "eu-west-1")
    assert f"aws cloudtrail start-logging --region eu-central-1 --name {ARN}" in stopped
    assert "333333333333" in stopped
    _, _, narrow = judge_trails((trail(writes=False),), "eu-west-1")
    assert f"put-event-selectors --region eu-central-1 --trail-name {ARN}" in narrow


def test_each_region_of_an_account_has_its_own_finding() -> None:
    places = tuple(
        PreflightRegion(region, trails, None, Sample(0, 0, 24, whole=True))
        for region, trails in (("eu-central-1", (trail(multi=False),)), ("eu-west-1", ()))
    )
    found = list(check_trails(PreflightAccount("333333333333", places=places)))
    assert [(finding.region, finding.verdict) for finding in found] == [
        ("eu-central-1", Verdict.FINE),
        ("eu-west-1", Verdict.STOPS),
    ]
