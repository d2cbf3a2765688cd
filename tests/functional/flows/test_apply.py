"""What is tried when writes fail: one bad id doesn't cost its siblings, nor more calls than there are tokens."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from flows.hub import A, B, kinds, on_fakes, outcomes, verdicts
from harness.events import HOME, SETTINGS, launch, tags_for, volume, volume_id
from harness.fakes import NOON, Budget, FakeAws, FakeCall, Launched
from ownertag.core.values import Attached, Failure, LaunchedInstance

CREATE_TAGS = "ec2.CreateTags"
HOUR_AGO = NOON - timedelta(hours=1)


class Picky(FakeAws):
    """Fails a write that holds one of the bad ids, as EC2 does: the whole call."""

    def __init__(self, bad: set[str], code: str, *, seen: bool = False) -> None:
        super().__init__()
        self.bad = bad
        self.code = code
        self.seen = seen  # whether a describe call shows them
        self.refuses = self._refuse

    def _refuse(self, call: FakeCall) -> Failure | None:
        return Failure(self.code, 400) if call.name == CREATE_TAGS and self.bad.intersection(call.values) else None

    def hold(self, ids: set[str]) -> None:
        """Let a describe call show what exists."""
        there = ids if self.seen else ids - self.bad
        volumes = tuple(Attached(id_) for id_ in sorted(there))
        self.places[A, HOME].launched["i-00000000"] = Launched(
            LaunchedInstance("i-00000000", "running", None, True, volumes=volumes), "r-00000000"
        )


def run(aws: Picky, count: int = 1000, **fields: Any) -> tuple[dict[str, str], dict[str, str], Counter[str]]:
    ids = [volume_id(number) for number in range(count)]
    aws.hold(set(ids))
    answer = on_fakes(aws, *(volume(A, id_, number=number, **fields) for number, id_ in enumerate(ids)))
    return kinds(answer), verdicts(answer), Counter(call.name for call in aws.calls)


def scattered(count: int) -> set[str]:
    return {volume_id(number) for number in random.Random(count).sample(range(1000), count)}  # noqa: S311 - no secret


def adjacent(count: int, start: int = 0) -> set[str]:
    return {volume_id(number) for number in range(start, start + count)}


def test_a_thousand_that_share_their_tags_are_one_call() -> None:
    aws = FakeAws()
    answer = on_fakes(aws, *(volume(A, volume_id(number), number=number) for number in range(1000)))
    assert aws.count(CREATE_TAGS) == 1
    assert len(answer.done) == 1000
    place = aws.places[A, HOME]
    assert place.tags == {volume_id(number): tags_for("alice", "CreateVolume") for number in range(1000)}


def test_one_more_is_one_call_more() -> None:
    aws = FakeAws()
    on_fakes(aws, *(volume(A, volume_id(number), number=number) for number in range(1001)))
    assert [len(call.values) for call in aws.calls] == [1000, 1]


@pytest.mark.parametrize("bad", [scattered(1), scattered(10), adjacent(10), adjacent(30, 500)])
def test_ids_that_are_gone_are_dropped_by_asking_once(bad: set[str]) -> None:
    aws = Picky(bad, "InvalidVolume.NotFound")
    outcome, verdict, calls = run(aws, at=HOUR_AGO)
    assert outcome == {volume_id(number): "gone" if volume_id(number) in bad else "tagged" for number in range(1000)}
    assert set(verdict.values()) == {"done"}
    assert calls == {CREATE_TAGS: 2, "DescribeVolumes": 1}


def test_young_ids_that_are_not_there_yet_come_back_and_the_others_are_tagged() -> None:
    bad = scattered(10)
    outcome, verdict, calls = run(Picky(bad, "InvalidVolume.NotFound"))
    assert Counter(outcome.values()) == {"tagged": 990, "not-ready": 10}
    assert Counter(verdict.values()) == {"done": 990, "not-ready: not found yet (InvalidVolume.NotFound)": 10}
    assert calls == {CREATE_TAGS: 2, "DescribeVolumes": 1}


@pytest.mark.parametrize(
    ("bad", "limit"),
    [(scattered(1), 21), (scattered(3), 60), (scattered(10), 160), (adjacent(10), 60), (adjacent(10, 495), 80)],
)
@pytest.mark.parametrize("code", ["InvalidVolumeID.Malformed", "InvalidVolume.NotFound"])
def test_ids_that_no_describe_call_tells_are_found_by_splitting(bad: set[str], limit: int, code: str) -> None:
    """Seen by a describe call and refused by CreateTags, or malformed: nothing but splitting finds them."""
    outcome, verdict, calls = run(Picky(bad, code, seen=True), at=HOUR_AGO)
    wanted = "failed" if "Malformed" in code else "gone"
    assert outcome == {volume_id(number): wanted if volume_id(number) in bad else "tagged" for number in range(1000)}
    assert set(verdict.values()) == {"done"}
    assert calls[CREATE_TAGS] <= limit


@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize("code", ["InvalidVolume.NotFound", "InvalidVolumeID.Malformed", "NobodyKnowsThis"])
def test_where_all_are_bad_splitting_ends_soon(code: str, seen: bool) -> None:
    bad = {volume_id(number) for number in range(1000)}
    outcome, _, calls = run(Picky(bad, code, seen=seen))
    assert len(outcome) == 1000
    assert "tagged" not in outcome.values()
    assert calls[CREATE_TAGS] <= 60


def test_where_none_is_there_asking_once_is_enough() -> None:
    bad = {volume_id(number) for number in range(1000)}
    outcome, verdict, calls = run(Picky(bad, "InvalidVolume.NotFound"), at=HOUR_AGO)
    assert set(outcome.values()) == {"gone"}
    assert set(verdict.values()) == {"done"}
    assert calls == {CREATE_TAGS: 1, "DescribeVolumes": 1}


def test_a_describe_call_that_fails_is_not_taken_for_none_there() -> None:
    bad = scattered(1)
    aws = Picky(bad, "InvalidVolume.NotFound")
    write_refused = aws.refuses
    aws.refuses = lambda call: (
        Failure("UnauthorizedOperation", 403) if call.name == "DescribeVolumes" else write_refused(call)
    )
    outcome, _, _ = run(aws, at=HOUR_AGO)
    assert Counter(outcome.values()) == {"tagged": 999, "gone": 1}


def test_the_same_error_means_another_thing_for_a_young_resource_than_for_an_old_one() -> None:
    bad = {volume_id(1), volume_id(2)}
    aws = Picky(bad, "InvalidVolume.NotFound")
    settings = type(SETTINGS)(tags={"owner": "{owner}"}, organization=SETTINGS.organization)
    answer = on_fakes(aws, volume(A, volume_id(1)), volume(A, volume_id(2), at=HOUR_AGO, number=2), settings=settings)
    assert kinds(answer) == {volume_id(1): "not-ready", volume_id(2): "gone"}
    assert verdicts(answer)["m1"] == "done"


def test_one_throttled_account_does_not_stop_the_others() -> None:
    aws = FakeAws()
    aws.refuses = lambda call: Failure("RequestLimitExceeded", 503) if call.account == A else None
    batch = [volume(account, volume_id(number), number=number) for number, account in enumerate([A, B] * 5)]
    answer = on_fakes(aws, *batch)
    assert Counter(verdicts(answer).values()) == {"done": 5, "throttled: throttled (RequestLimitExceeded)": 5}
    assert len(aws.places[B, HOME].tags) == 5


def test_after_a_throttle_no_more_calls_are_made_in_that_account_and_region() -> None:
    aws = FakeAws()
    aws.refuses = lambda call: Failure("RequestLimitExceeded", 503) if call.region == HOME else None
    batch = [
        volume(A, volume_id(number), region, user=f"user{number}", number=number)
        for number, region in enumerate([HOME, "us-east-1"] * 10)
    ]
    answer = on_fakes(aws, *batch)
    assert Counter(call.region for call in aws.calls) == {HOME: 1, "us-east-1": 10}
    assert len(answer.done) == 10


@pytest.mark.parametrize(("has", "wanted"), [(47, "all"), (48, "owner"), (49, "owner"), (50, "nothing")])
def test_without_room_for_all_tags_the_owner_is_written_alone(has: int, wanted: str) -> None:
    aws = FakeAws()
    id_ = volume_id(1)
    aws.places[A, HOME].tags[id_] = {f"key{number}": "x" for number in range(has)}
    answer = on_fakes(aws, volume(A, id_))
    owned = {key: value for key, value in aws.places[A, HOME].tags[id_].items() if not key.startswith("key")}
    full = tags_for("alice", "CreateVolume")
    assert owned == {"all": full, "owner": {"owner": "alice"}, "nothing": {}}[wanted]
    assert len(answer.done) == (wanted != "nothing")
    if wanted == "owner":
        assert outcomes(answer)[id_].reason.startswith("the owner alone")
    if wanted == "nothing":
        assert "remove one" in verdicts(answer)["m0"]


def test_an_owner_tag_is_overwritten_on_a_full_resource() -> None:
    aws = FakeAws()
    id_ = volume_id(1)
    aws.places[A, HOME].tags[id_] = {f"key{number}": "x" for number in range(49)} | {"owner": "ceo"}
    assert len(on_fakes(aws, volume(A, id_)).done) == 1
    assert aws.places[A, HOME].tags[id_]["owner"] == "alice"


def test_one_full_resource_of_many_does_not_cost_the_others_their_tags() -> None:
    aws = FakeAws()
    full = volume_id(77)
    aws.places[A, HOME].tags[full] = {f"key{number}": "x" for number in range(49)}
    answer = on_fakes(aws, *(volume(A, volume_id(number), number=number) for number in range(100)))
    assert len(answer.done) == 100
    tags = aws.places[A, HOME].tags
    assert tags[full]["owner"] == "alice"
    assert all(tags[volume_id(n)] == tags_for("alice", "CreateVolume") for n in range(100) if volume_id(n) != full)
    assert aws.count(CREATE_TAGS) <= 20


def test_many_full_resources_all_get_their_owner_in_few_calls() -> None:
    """A launch template with 49 tags: every instance of every launch is full."""
    aws = FakeAws()
    for number in range(1000):
        aws.places[A, HOME].tags[volume_id(number)] = {f"key{key}": "x" for key in range(49)}
    answer = on_fakes(aws, *(volume(A, volume_id(number), number=number) for number in range(1000)))
    assert len(answer.done) == 1000
    assert all(aws.places[A, HOME].tags[volume_id(number)]["owner"] == "alice" for number in range(1000))
    assert aws.count(CREATE_TAGS) <= 80


def test_when_time_is_up_the_rest_is_returned() -> None:
    aws = FakeAws()
    batch = [volume(A, volume_id(number), user=f"user{number}", number=number) for number in range(10)]
    answer = on_fakes(aws, *batch, expired=Budget(4))
    assert aws.count(CREATE_TAGS) == 4
    assert len(answer.done) == 4
    assert Counter(verdicts(answer).values()) == {"done": 4, "throttled: there was no time left for it": 6}
    assert len(aws.places[A, HOME].tags) == 4


def test_time_that_ends_while_splitting_leaves_each_with_an_outcome() -> None:
    bad = scattered(1)
    aws = Picky(bad, "InvalidVolumeID.Malformed")
    ids = [volume_id(number) for number in range(1000)]
    answer = on_fakes(aws, *(volume(A, id_, number=n) for n, id_ in enumerate(ids)), expired=Budget(5))
    assert aws.count(CREATE_TAGS) == 5
    assert len(answer.done) + len(answer.returned) == 1000
    written = {id_ for id_, tags in aws.places[A, HOME].tags.items() if tags}
    assert {id_ for id_, kind in kinds(answer).items() if kind == "tagged"} == written


def test_two_creations_of_one_resource_write_it_once() -> None:
    aws = FakeAws()
    id_ = volume_id(1)
    answer = on_fakes(aws, volume(A, id_), volume(A, id_), volume(A, id_, user="mallory", number=2, at=NOON))
    assert aws.count(CREATE_TAGS) == 1
    assert aws.places[A, HOME].tags[id_]["owner"] == "alice"
    assert len(answer.done) == 3


def test_a_failure_of_a_shared_resource_returns_every_message_that_names_it() -> None:
    aws = FakeAws()
    aws.refuses = lambda call: Failure("RequestLimitExceeded", 503) if call.name == CREATE_TAGS else None
    id_ = volume_id(1)
    assert len(on_fakes(aws, volume(A, id_), volume(A, id_, number=2)).returned) == 2


def test_launches_and_volumes_of_one_person_share_a_call_where_the_tags_are_the_same() -> None:
    aws = FakeAws()
    settings = type(SETTINGS)(tags={"owner": "{owner}"}, organization=SETTINGS.organization)
    on_fakes(aws, volume(A, volume_id(1)), launch(A, ["i-00000001"], number=2), settings=settings)
    assert aws.count(CREATE_TAGS) == 1
