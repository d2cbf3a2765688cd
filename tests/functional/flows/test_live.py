"""Batches through the live flow: which calls are made, what ends up tagged, and which messages come back."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from contracts.emulated import HOME, Emulated, emulated
from flows.hub import A, B, Hub, decision_of, kinds, on_fakes, outcomes, refusal_of, result_of, verdicts
from harness import fixtures
from harness.events import (
    CATALOGUE,
    SETTINGS,
    instance_id,
    launch,
    messages,
    omitted_launch,
    record,
    tags_for,
    volume,
    volume_id,
)
from harness.fakes import NOON, Budget, Clock, FakeAccounts, FakeAws, Launched
from harness.properties import examples
from ownertag.core.catalogue_types import QuestionKind
from ownertag.core.settings import Settings
from ownertag.core.values import Attached, Found, LaunchedInstance, OutcomeKind, Part, Question, Unavailable
from ownertag.flows.live import handle
from ownertag.flows.ports import Ports
from ownertag.sinks.tagging import DryRun

KEEP = Settings(tags=SETTINGS.tags, existing_tags={"owner": "keep"}, organization=SETTINGS.organization)
OWNER_ONLY = Settings(tags={"owner": "{owner}"}, organization=SETTINGS.organization)


@pytest.fixture
def world() -> Iterator[Emulated]:
    with emulated() as world:
        yield world


@pytest.fixture
def hub(world: Emulated) -> Hub:
    return Hub(world)


def instance(number: int, *, state: str = "running", volumes: int = 2, root: bool = True) -> LaunchedInstance:
    devices = ["/dev/sda1", "/dev/sdb"][:volumes] if root else []
    return LaunchedInstance(
        id=instance_id(number),
        state=state,
        root_device="/dev/sda1",
        root_is_ebs=True,
        devices=frozenset(devices),
        volumes=tuple(Attached(volume_id(number * 16 + n), NOON - timedelta(seconds=59)) for n in range(len(devices))),
        interfaces=(Attached(f"eni-{number:017x}", NOON - timedelta(seconds=60)),),
    )


def put(
    aws: FakeAws,
    *instances: LaunchedInstance,
    account: str = A,
    reservation: str = "r-0000000000000aaaa",
    token: str = "",
) -> None:
    for shown in instances:
        aws.places[account, HOME].launched[shown.id] = Launched(shown, reservation, token)


# --- the fewest calls, counted on the real SDK


def test_a_hundred_instances_with_their_volumes_and_interfaces_are_three_calls_cold_and_two_warm(hub: Hub) -> None:
    [account, _] = hub.world.spokes
    cold = hub.launch(account, 100)
    hub.world.wire.clear()
    answer = hub.handle(cold)
    assert hub.world.wire.counts == {"DescribeAccount": 1, "AssumeRole": 1, "DescribeInstances": 1, "CreateTags": 1}
    assert len(answer.done) == 1
    assert Counter(kinds(answer).values()) == {"tagged": 400}
    tags = hub.world.tags(account)
    assert Counter(id_.split("-")[0] for id_ in tags) == {"i": 100, "vol": 200, "eni": 100}
    assert all(tag == tags_for("alice", "RunInstances", hub.clock()) for tag in tags.values())

    # moto attaches by the real time: on a busy machine the first hundred take longer than a launch may.
    hub.clock.time = datetime.now(UTC).replace(microsecond=0)
    warm = hub.launch(account, 100, number=1)
    hub.world.wire.clear()
    hub.handle(warm)
    assert hub.world.wire.counts == {"DescribeInstances": 1, "CreateTags": 1}
    assert len(hub.world.tags(account)) == 800


def test_many_launches_of_an_account_and_region_share_session_look_up_and_write(hub: Hub) -> None:
    [one, two] = hub.world.spokes
    batch = [hub.launch(account, region=region) for account in (one, two) for region in (HOME, "us-east-1") * 3]
    hub.world.wire.clear()
    answer = hub.handle(*batch)
    assert len(answer.done) == 12
    made = Counter((call.operation, call.account, call.region) for call in hub.world.wire.calls)
    places = [(account, region) for account in (one, two) for region in (HOME, "us-east-1")]
    assert {key: count for key, count in made.items() if key[0] not in {"AssumeRole", "DescribeAccount"}} == {
        (operation, *place): 1 for place in places for operation in ("DescribeInstances", "CreateTags")
    }
    assert hub.world.wire.counts["AssumeRole"] == 2
    assert {region for _, _, region in made if _ == "AssumeRole"} <= {HOME}


def test_a_session_is_renewed_before_it_ends(hub: Hub) -> None:
    [account, _] = hub.world.spokes
    batch = hub.volume(account, volume_id(1))
    hub.handle(*batch)
    hub.clock.move(timedelta(minutes=11))
    hub.handle(*batch)
    assert hub.world.wire.counts["AssumeRole"] == 1
    hub.clock.move(timedelta(minutes=2))
    hub.handle(*batch)
    assert hub.world.wire.counts["AssumeRole"] == 2


@pytest.mark.parametrize("token", ["plain", "*", "?", "a?c*", "\\*"])
def test_a_launch_whose_response_was_left_out_is_found_by_its_token_alone(hub: Hub, token: str) -> None:
    [account, _] = hub.world.spokes
    own = hub.world.launch(account, count=3, token=token)
    for other in ("abc", "other", "*?"):
        hub.world.launch(account, token=other)
    answer = hub.handle(omitted_launch(account, token, count=3, at=hub.clock()))
    assert len(answer.done) == 1
    tagged = {id_ for id_ in hub.world.tags(account) if id_.startswith("i-")}
    assert tagged == {instance["InstanceId"] for instance in own["Instances"]}


# --- what is tagged, and where


def test_each_owner_gets_what_is_hers_wherever_it_is(hub: Hub) -> None:
    [one, two] = hub.world.spokes
    batch = [
        hub.launch(one, user="alice"),
        hub.launch(one, user="bob"),
        hub.launch(two, user="carol", region="us-east-1"),
        *hub.volume(two, volume_id(1), user="dave"),
    ]
    assert len(hub.handle(*batch).done) == 4
    owners = {place: Counter(tags["owner"] for tags in found.values()) for place, found in hub.world.all_tags().items()}
    assert owners == {
        (one, HOME): {"alice": 4, "bob": 4},
        (two, "us-east-1"): {"carol": 4},
        (two, HOME): {"dave": 1},
    }


def test_two_spokes_with_the_same_ids_and_only_the_events_account_and_region_change(hub: Hub) -> None:
    """Launches by the same seed: the other account and the other Region hold the very same ids."""
    [one, two] = hub.world.spokes
    places = [(one, HOME), (one, "us-east-1"), (two, HOME), (two, "us-east-1")]
    records = {place: hub.launch(place[0], 2, place[1], seed=1, user=f"user{n}") for n, place in enumerate(places)}
    held = {
        place: {id_, *hub.world.children(*place, id_)}
        for place, plain in records.items()
        for id_ in [item["instanceId"] for item in plain["responseElements"]["instancesSet"]["items"]]
    }
    assert len({frozenset(ids) for ids in held.values()}) == 1
    assert len(held[one, HOME]) == 4
    for number, place in enumerate(places):
        assert len(hub.handle(records[place]).done) == 1
        found = hub.world.all_tags()
        assert set(found) == set(places[: number + 1])
        for done, seen in enumerate(places[: number + 1]):
            assert {tags["owner"] for tags in found[seen].values()} == {f"user{done}"}
            assert len(found[seen]) == 8
    touched = {(call.account, call.region) for call in hub.world.wire.calls if call.operation == "CreateTags"}
    assert touched == set(places)


def test_one_call_recorded_in_two_accounts_is_one_creation_of_its_owner(hub: Hub) -> None:
    """T3: the record in the account that owns the instance counts, the copy doesn't."""
    [owning, other] = hub.world.spokes
    genuine = hub.launch(owning, sharedEventID="shared", user="alice")
    copy = {**genuine, "recipientAccountId": other, "eventID": "the-copy"}
    hub.world.wire.clear()
    for batch in ([genuine, copy], [copy, genuine], [copy]):
        answer = hub.handle(*batch)
        assert not answer.returned
    assert set(hub.world.all_tags()) == {(owning, HOME)}
    assert {tags["owner"] for tags in hub.world.tags(owning).values()} == {"alice"}
    roles = {call.parameters["RoleArn"] for call in hub.world.wire.calls if call.operation == "AssumeRole"}
    assert roles == {f"arn:aws:iam::{owning}:role/auto-tag-role"}
    [copied] = hub.handle(copy).done
    refusal = refusal_of(copied)
    assert refusal.reason.value == "other-account"


def test_another_partitions_role_and_arns_are_of_that_partition() -> None:
    organization = changed(SETTINGS.organization, home_region="cn-north-1") if SETTINGS.organization else None
    aws = FakeAws()
    answer = on_fakes(
        aws, volume(A, volume_id(1), "cn-northwest-1"), settings=Settings(tags=SETTINGS.tags, organization=organization)
    )
    [outcome] = outcomes(answer).values()
    assert outcome.arn == f"arn:aws-cn:ec2:cn-northwest-1:{A}:volume/{volume_id(1)}"


def test_a_kept_value_is_the_request_s_own_and_not_that_of_whoever_tags_first(hub: Hub) -> None:
    [account, _] = hub.world.spokes
    [brought] = hub.volume(account, volume_id(1), request=fixtures.brings({"owner": "ceo"}, "volume"))
    [raced] = hub.volume(account, volume_id(2))
    for id_, value in ((volume_id(1), "ceo"), (volume_id(2), "mallory")):
        hub.world.ec2(account).create_tags(Resources=[id_], Tags=[{"Key": "owner", "Value": value}])
    for _ in range(2):  # without a ledger it is decided anew
        hub.world.wire.clear()
        assert len(hub.handle(brought, raced, settings=KEEP).done) == 2
        written = tags_for("alice", "CreateVolume", hub.clock())
        assert hub.world.tags(account) == {volume_id(1): written | {"owner": "ceo"}, volume_id(2): written}
        assert hub.world.wire.counts["DescribeTags"] == 0
    assert len(hub.handle(brought).done) == 1
    assert hub.world.tags(account)[volume_id(1)]["owner"] == "alice"


def test_a_dry_run_reads_and_writes_nothing(hub: Hub) -> None:
    [account, _] = hub.world.spokes
    real = hub.ports()
    ports = Ports(real.accounts, real.lookups, DryRun(), real.now)
    answer = handle(messages(hub.launch(account)), ports, CATALOGUE, SETTINGS)
    assert Counter(kinds(answer).values()) == {"tagged": 4}
    assert hub.world.all_tags() == {}
    assert "CreateTags" not in hub.world.wire.counts
    assert hub.world.wire.counts["DescribeInstances"] == 1


# --- what isn't there yet


def test_volumes_that_are_attached_late_are_tagged_with_the_next_delivery() -> None:
    aws = FakeAws()
    put(aws, instance(1, state="pending", root=False))
    event = launch(A, [instance_id(1)])
    first = on_fakes(aws, event)
    assert verdicts(first) == {"m0": "not-ready: 1 instances have not shown all their volumes yet"}
    assert set(aws.places[A, HOME].tags) == {instance_id(1), "eni-00000000000000001"}
    put(aws, instance(1))
    second = on_fakes(aws, event)
    assert verdicts(second) == {"m0": "done"}
    assert set(aws.places[A, HOME].tags) == {
        instance_id(1),
        "eni-00000000000000001",
        volume_id(16),
        volume_id(17),
    }


def test_after_ten_minutes_nothing_more_is_waited_for() -> None:
    aws = FakeAws()
    put(aws, instance(1, state="pending", root=False))
    event = launch(A, [instance_id(1)], at=NOON)
    early = on_fakes(aws, event, now=Clock(NOON + timedelta(minutes=9, seconds=59)))
    late = on_fakes(aws, event, now=Clock(NOON + timedelta(minutes=10)))
    assert [len(early.returned), len(late.done)] == [1, 1]


def test_a_launch_that_can_not_be_seen_yet_comes_back_and_one_that_is_long_gone_does_not() -> None:
    event = launch(A, [instance_id(1), instance_id(2)], at=NOON)
    aws = FakeAws()
    assert len(on_fakes(aws, event).returned) == 1
    late = on_fakes(aws, event, now=Clock(NOON + timedelta(minutes=10)))
    assert len(late.done) == 1
    assert kinds(late) == {instance_id(1): "gone", instance_id(2): "gone"}
    assert not any(aws.places[A, HOME].tags.values())


def test_a_launch_by_token_waits_for_as_many_instances_as_were_asked_for() -> None:
    aws = FakeAws()
    put(aws, instance(1), instance(2), token="token")
    event = omitted_launch(A, "token", count=3)
    first = on_fakes(aws, event)
    assert len(first.returned) == 1
    assert instance_id(1) in aws.places[A, HOME].tags
    put(aws, instance(3), token="token")
    assert len(on_fakes(aws, event).done) == 1
    assert instance_id(3) in aws.places[A, HOME].tags


# --- accounts


def test_an_unknown_account_is_refused_without_assuming_a_role(hub: Hub) -> None:
    answer = hub.handle(volume("999999999999", volume_id(1)), launch("999999999999", [instance_id(1)], number=1))
    assert [result_of(done).reasons[0].split(":")[0] for done in answer.done] == ["unknown-account"] * 2
    assert set(hub.world.wire.counts) == {"DescribeAccount"}


def test_while_the_organization_can_not_be_read_messages_come_back_and_no_role_is_assumed(hub: Hub) -> None:
    hub.world.wire.fail("DescribeAccount", "ServiceException", 500, times=1)
    batch = [*hub.volume(hub.world.spokes[0], volume_id(1)), volume("999999999999", volume_id(2))]
    answer = hub.handle(*batch)
    assert not answer.done
    assert all("accounts can't be read" in returned.reasons[0] for returned in answer.returned)
    assert set(hub.world.wire.counts) == {"DescribeAccount"}
    assert verdicts(hub.handle(*batch)) == {"m0": "done", "m1": "done"}
    assert set(hub.world.tags(hub.world.spokes[0])) == {volume_id(1)}


def test_a_refused_role_is_asked_for_once_a_minute_and_other_accounts_go_on(hub: Hub) -> None:
    [closed, open_] = hub.world.spokes
    hub.world.wire.fail("AssumeRole", "AccessDenied", 403, when=lambda call: closed in call.parameters["RoleArn"])
    batch = [launch(closed, [instance_id(n)], reservation=f"r-{n:017x}", number=n) for n in range(300)]
    batch += [volume(closed, volume_id(n), number=500 + n, user=f"user{n}") for n in range(20)]
    batch += hub.volume(open_, volume_id(1))
    for _ in range(2):
        answer = hub.handle(*batch)
        assert len(answer.returned) == 320
        assert len(answer.done) == 1
        assert all(returned.reasons[0].startswith("forbidden: denied (AccessDenied)") for returned in answer.returned)
        hub.clock.move(timedelta(seconds=29))
    asked = [call for call in hub.world.wire.calls if closed in call.parameters.get("RoleArn", "")]
    assert len(asked) == 1
    assert set(hub.world.all_tags()) == {(open_, HOME)}
    hub.clock.move(timedelta(seconds=2))
    hub.world.wire.heal()
    hub.world.add_volumes(closed, [volume_id(0)])
    assert len(hub.handle(volume(closed, volume_id(0), at=hub.clock())).done) == 1


# --- the verdicts


def test_a_message_stays_away_longer_with_each_receive() -> None:
    unavailable = FakeAccounts(set(), Unavailable(OutcomeKind.THROTTLED, "down"))
    seconds = [
        on_fakes(FakeAws(), volume(A, volume_id(1)), accounts=unavailable, receives=receives).returned[0].seconds
        for receives in range(1, 8)
    ]
    assert seconds == [15, 30, 60, 120, 240, 300, 300]


def test_when_time_is_up_before_the_look_up_nothing_is_taken_for_absent() -> None:
    aws = FakeAws()
    put(aws, instance(1))
    batch = [launch(A, [instance_id(1)]), volume(A, volume_id(1), number=1), volume(B, volume_id(2), number=2)]
    for asks in range(4):
        answer = on_fakes(aws, *batch, expired=Budget(asks))
        assert len(answer.done) + len(answer.returned) == 3
        assert len(answer.done) == asks
        assert all("no time left" in returned.reasons[0] for returned in answer.returned)


def test_refusals_are_done_and_what_is_no_event_comes_back() -> None:
    failed = volume(A, volume_id(1), errorCode="Client.UnauthorizedOperation")
    unknown = record("DescribeVolumes", A, HOME, {})
    answer = on_fakes(FakeAws(), failed, unknown, "no json", "[]", '{"detail-type": "Scheduled Event"}')
    assert verdicts(answer).keys() == {"m0", "m1", "m2", "m3", "m4"}
    assert {done.message.id for done in answer.done} == {"m0", "m1", "m4"}
    assert {returned.message.id for returned in answer.returned} == {"m2", "m3"}


def _made(account: str, number: int, user: str, minutes: int) -> dict[str, Any]:
    same_event = zlib.crc32(f"{account} {number} {user} {minutes}".encode())  # an id belongs to one event alone
    return volume(account, volume_id(number), user=user, number=same_event, at=NOON - timedelta(minutes=minutes))


_BATCHES = st.lists(
    st.builds(_made, st.sampled_from([A, B]), st.integers(0, 6), st.sampled_from(["alice", "bob"]), st.integers(0, 3)),
    max_size=12,
)


@examples(1000)
@given(_BATCHES, st.randoms(use_true_random=False))
def test_order_and_repetition_of_messages_change_no_tag(batch: list[dict[str, Any]], random: Any) -> None:
    def tagged(records: list[dict[str, Any]]) -> dict[Any, Any]:
        aws = FakeAws()
        assert not on_fakes(aws, *records).returned
        return {place: {id_: tags for id_, tags in held.tags.items() if tags} for place, held in aws.places.items()}

    shuffled = batch + batch[: len(batch) // 2]
    random.shuffle(shuffled)
    assert tagged(batch) == tagged(shuffled)


@examples(1000)
@given(_BATCHES)
def test_what_happens_in_one_account_never_shows_in_another(batch: list[dict[str, Any]]) -> None:
    concurrency, alone = FakeAws(), FakeAws()
    on_fakes(concurrency, *batch)
    on_fakes(alone, *(message for message in batch if message["recipientAccountId"] == A))
    assert concurrency.places[A, HOME].tags == alone.places[A, HOME].tags


def test_an_outcome_stands_for_every_resource_of_a_decision() -> None:
    aws = FakeAws()
    put(aws, instance(1), instance(2))
    answer = on_fakes(aws, launch(A, [instance_id(1), instance_id(2)]))
    [verdict] = answer.done
    decision = decision_of(verdict)
    assert {resource.arn for resource in decision.resources} == {outcome.arn for outcome in outcomes(answer).values()}
    assert len(decision.resources) == 8


# --- what hangs on an instance and what is made beside a resource


def test_a_volume_of_somebody_else_that_is_attached_within_the_minute_is_left_alone() -> None:
    """AttachVolume right after a launch, of a volume whose creation nobody saw: its twin is as old as the launch."""
    for born, tagged in ((NOON - timedelta(days=30), False), (NOON - timedelta(seconds=60), True)):
        aws = FakeAws()
        late = Attached(volume_id(7), NOON - timedelta(seconds=40))
        shown = instance(1)
        put(aws, changed(shown, volumes=(*shown.volumes, late)))
        aws.places[A, HOME].born[late.id] = born
        answer = on_fakes(aws, launch(A, [instance_id(1)]))
        assert not answer.returned
        assert (late.id in aws.places[A, HOME].tags) is tagged
        assert instance_id(1) in aws.places[A, HOME].tags


def test_a_hundred_vpcs_ask_for_what_they_are_born_with_once() -> None:
    aws = FakeAws()
    ids = [f"vpc-{number:017x}" for number in range(100)]
    for number, vpc in enumerate(ids):
        parts = (Part("ec2:security-group", f"sg-{number:017x}"), Part("ec2:network-acl", f"acl-{number:017x}"))
        aws.known[Question(QuestionKind.PARTS_OF_VPC, A, HOME, vpc)] = Found(parts=parts)
    made = [record("CreateVpc", A, HOME, {"vpc": {"vpcId": vpc, "ownerId": A}}, number=n) for n, vpc in enumerate(ids)]
    answer = on_fakes(aws, *made)
    assert not answer.returned
    assert aws.count("parts-of-vpc") == 1
    assert aws.count("ec2.CreateTags") == 1
    assert len(aws.places[A, HOME].tags) == 300
