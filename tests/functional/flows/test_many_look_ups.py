"""Many look-ups of one account beside one of another: who asks most comes last, and is waited for then."""

from __future__ import annotations

from itertools import pairwise

from load.look_ups import MANY, SECONDS, run
from ownertag.aws.pacing import PATIENCE

REGIONS = (
    "eu-central-1", "eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1", "us-east-1", "us-east-2", "us-west-1",
    "us-west-2", "ca-central-1", "sa-east-1", "ap-south-1", "ap-northeast-1", "ap-northeast-2", "ap-southeast-1",
)  # fmt: skip


def test_the_other_accounts_creation_takes_no_more_than_twice_its_time_alone() -> None:
    alone, beside = run(0), run(MANY)
    one, other = alone.tagged(alone.quiet), beside.tagged(beside.quiet)
    assert len(alone.answer.done) == 1
    assert other <= 2 * one


def test_nor_where_the_many_are_spread_over_regions_each_of_which_has_a_quota_of_its_own() -> None:
    alone, beside = run(0), run(MANY, REGIONS)
    assert beside.tagged(beside.quiet) <= 2 * alone.tagged(alone.quiet)


def test_who_asks_most_is_waited_for_when_all_others_are_done_and_no_longer_than_the_patience() -> None:
    ran = run(MANY)
    asked = ran.looked_up(ran.busy)
    assert len(asked) > 3
    assert all(later - earlier >= 1.0 - 1e-6 for earlier, later in pairwise(asked))
    assert asked[1] > ran.tagged(ran.quiet)
    assert asked[-1] < ran.tagged(ran.quiet) + PATIENCE + len(asked) * SECONDS["LookupEvents"]
    assert {reason for returned in ran.answer.returned for reason in returned.reasons} == {
        "throttled: who assumed the role is not known: not sent: the share of the account's quota is used up"
    }
    assert len(ran.answer.done) + len(ran.answer.returned) == MANY + 1
