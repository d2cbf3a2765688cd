"""Batches of a real queue through the function that is built for Lambda."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from msgspec import to_builtins

from contracts.emulated import HOME, Call, Emulated
from handler.lambdas import Context, Poller, environment, lines
from harness.events import SETTINGS, envelope, launch_of, tags_for, volume, volume_id
from harness.waiting import wait
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.backfill.found import FoundResource
from ownertag.core.judge import seconds_away
from ownertag.core.values import Resource
from ownertag.handler.telemetry import Telemetry
from ownertag.handler.wiring import Handler, build
from ownertag.render.tagger import removal_policies


def body(detail: dict[str, Any]) -> str:
    return json.dumps(envelope(detail))


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def delays(world: Emulated) -> list[int]:
    """How long messages were hidden, in the order of the calls."""
    return [
        entry["VisibilityTimeout"]
        for call in world.wire.calls
        if call.operation == "ChangeMessageVisibilityBatch"
        for entry in json.loads(call.text)["Entries"]
    ]


def test_what_is_done_leaves_the_queue_and_what_is_not_stays(
    world: Emulated, poller: Poller, function: Handler
) -> None:
    [open_, closed] = world.spokes
    at = now()
    world.add_volumes(open_, [volume_id(1)])
    world.wire.fail("AssumeRole", "AccessDenied", 403, when=lambda call: closed in call.parameters["RoleArn"])
    _, refused, poison, _ = poller.send(
        body(launch_of(world.launch(open_, count=2), open_, at=at)),
        body(volume(closed, volume_id(2), at=at)),
        "no json at all",
        body(volume(open_, volume_id(1), at=at)),
    )
    answer = poller.run(function)
    assert {batch_item_failure["itemIdentifier"] for batch_item_failure in answer["batchItemFailures"]} == {
        refused,
        poison,
    }
    assert poller.size() == 2
    tags = world.tags(open_)
    assert len(tags) == 9
    assert tags[volume_id(1)] == tags_for("alice", "CreateVolume", at)
    assert world.tags(closed) == {}


def test_a_returned_message_stays_away_15_seconds_doubling_to_5_minutes_jittered(
    world: Emulated, poller: Poller, function: Handler
) -> None:
    poller.send(*(["no json"] * 25))
    event = poller.receive()
    seen: dict[int, list[int]] = {}
    for receives in range(1, 9):
        for record in event["Records"]:
            record["attributes"]["ApproximateReceiveCount"] = str(receives)
        world.wire.clear()
        function(event, Context())
        seen[receives] = delays(world)
        asked = {"GetQueueAttributes": 1} if receives == 5 else {}  # whether it is the last time; then it is known
        assert world.wire.counts == {"ChangeMessageVisibilityBatch": 3, **asked}
    middles = [15, 30, 60, 120, 240, 300, 300, 300]
    for middle, found in zip(middles, seen.values(), strict=True):
        assert len(found) == 25
        assert middle * 0.8 - 1 <= min(found) <= max(found) <= middle * 1.2 + 1
        assert len(set(found)) > 1
    assert seconds_away(1, 1.2) == 18


@pytest.mark.parametrize(
    ("operation", "code", "status", "reason"),
    [
        ("AssumeRole", "AccessDenied", 403, "AccessDenied"),  # the role is gone, or refuses: STS says the same
        ("CreateTags", "OptInRequired", 401, "Region"),
        ("CreateTags", "AuthFailure", 401, "Region"),
        ("CreateTags", "UnauthorizedOperation", 403, "UnauthorizedOperation"),
    ],
    ids=["no role", "a Region that is off", "a Region that is off for the session", "a role that may not tag"],
)
def test_what_is_received_for_the_last_time_is_buried_with_the_reason(
    world: Emulated,
    report: Telemetry,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    operation: str,
    code: str,
    status: int,
    reason: str,
) -> None:
    """A spoke that can't be tagged: its message ends among the dead letters and says why; another spoke goes on."""
    poller = Poller(world, receives=16)
    function = build(environment(tmp_path, poller.url), world.session, report)
    [open_, closed] = world.spokes
    world.add_volumes(open_, [volume_id(1)])
    world.add_volumes(closed, [volume_id(2)])

    def theirs(call: Call) -> bool:
        return closed in call.parameters["RoleArn"] if operation == "AssumeRole" else volume_id(2) in call.text

    world.wire.fail(operation, code, status, when=theirs)
    text = body(volume(closed, volume_id(2), at=now()))
    poller.send(text, body(volume(open_, volume_id(1), at=now())))
    event = poller.receive()
    for receives, back in ((15, 1), (16, 0)):
        for record in event["Records"]:
            record["attributes"]["ApproximateReceiveCount"] = str(receives)
        assert len(function(event, Context())["batchItemFailures"]) == back
    assert world.tags(open_)
    assert world.tags(closed) == {}
    # What the alarm's metric counts.
    names = ["ApproximateNumberOfMessages"]
    size = poller.client.get_queue_attributes(QueueUrl=poller.dead_letters, AttributeNames=names)
    assert size["Attributes"] == {"ApproximateNumberOfMessages": "1"}
    [dead] = _all(poller.client, poller.dead_letters)
    assert dead["Body"] == text
    attributes = {name: attribute["StringValue"] for name, attribute in dead["MessageAttributes"].items()}
    assert attributes["ERROR_CODE"] == "forbidden"
    assert reason in attributes["ERROR_MESSAGE"]
    assert attributes["RECEIVES"] == "16"
    [told] = [line for line in lines(capsys.readouterr().out) if line.get("message") == "dead-lettered"]
    assert told["account"] == closed


@pytest.mark.parametrize("operation", ["SendMessage", "GetQueueAttributes"])
def test_what_can_not_be_buried_comes_back_and_sqs_moves_it(
    world: Emulated, report: Telemetry, tmp_path: Path, operation: str
) -> None:
    poller = Poller(world, receives=5)
    function = build(environment(tmp_path, poller.url), world.session, report)
    [poison] = poller.send("no json")
    event = poller.receive()
    event["Records"][0]["attributes"]["ApproximateReceiveCount"] = "5"
    world.wire.fail(operation, "AccessDenied", 403)
    assert function(event, Context()) == {"batchItemFailures": [{"itemIdentifier": poison}]}
    assert _all(poller.client, poller.dead_letters) == []


def _all(client: Any, url: str) -> list[dict[str, Any]]:
    answer = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
    found = answer.get("Messages", [])
    assert isinstance(found, list)
    return found


def test_a_delay_that_fails_is_logged_and_the_message_is_named_all_the_same(
    world: Emulated, poller: Poller, function: Handler, capsys: pytest.CaptureFixture[str]
) -> None:
    [poison] = poller.send("no json")
    world.wire.fail("ChangeMessageVisibilityBatch", "AccessDeniedException", 403)
    assert poller.run(function) == {"batchItemFailures": [{"itemIdentifier": poison}]}
    assert [line["code"] for line in lines(capsys.readouterr().out) if line.get("message") == "delay failed"] == [
        "AccessDeniedException"
    ]


def test_a_batch_of_done_messages_changes_no_visibility(world: Emulated, poller: Poller, function: Handler) -> None:
    world.add_volumes(world.spokes[0], [volume_id(1)])
    poller.send(body(volume(world.spokes[0], volume_id(1), at=now())))
    assert poller.run(function) == {"batchItemFailures": []}
    assert poller.size() == 0
    assert "ChangeMessageVisibilityBatch" not in world.wire.counts


def test_without_time_everything_comes_back(world: Emulated, poller: Poller, function: Handler) -> None:
    world.add_volumes(world.spokes[0], [volume_id(1)])
    poller.send(body(volume(world.spokes[0], volume_id(1), at=now())))
    assert len(poller.run(function, Context(0))["batchItemFailures"]) == 1
    assert "CreateTags" not in world.wire.counts
    assert world.all_tags() == {}


def test_work_stops_at_80_percent_of_the_remaining_time(
    world: Emulated, poller: Poller, report: Telemetry, tmp_path: Path
) -> None:
    """Each tag call takes a quarter of a second of the function's clock, and the function has two."""
    seconds = [0.0]
    function = build(environment(tmp_path, poller.url), world.session, report, clock=lambda: seconds[0])
    [account, _] = world.spokes
    ids = [volume_id(number) for number in range(10)]
    world.add_volumes(account, ids)
    poller.send(*(body(volume(account, id_, user=f"user{n}", number=n, at=now())) for n, id_ in enumerate(ids)))

    begun: list[float] = []

    def slow(call: Call) -> None:
        if call.operation == "CreateTags":
            begun.append(seconds[0])
            seconds[0] += 0.25

    world.wire.rule(slow)
    event = poller.receive()
    answer = function(event, Context(2000))
    assert begun == [0.25 * number for number in range(7)]
    assert len(answer["batchItemFailures"]) == 3
    assert len(world.tags(account)) == 7


@pytest.mark.parametrize("region", ["us-east-1@evil", "us-east-1.evil.example", "us-east-1/../x", "evil"])
def test_t24_a_region_that_is_none_builds_no_client(
    world: Emulated, poller: Poller, function: Handler, region: str
) -> None:
    detail = volume(world.spokes[0], volume_id(1), region)
    poller.send(body(detail))
    world.wire.clear()
    answer = poller.run(function)
    assert len(answer["batchItemFailures"]) == 1
    assert set(world.wire.counts) == {"ChangeMessageVisibilityBatch"}


def event_of(poller: Poller) -> dict[str, Any]:
    """What is visible now, if anything is."""
    event = poller.receive()
    return event if event["Records"] else {}


def test_e14_visibility_that_ends_while_working_ends_in_the_same_state(
    world: Emulated, report: Telemetry, tmp_path: Path
) -> None:
    """While the first function writes, the message comes back, and a second one handles and deletes it."""
    poller = Poller(world, visibility=1)
    one, two = (build(environment(tmp_path, poller.url), world.session, report) for _ in range(2))
    [account, _] = world.spokes
    at = now()
    poller.send(body(launch_of(world.launch(account), account, at=at)))
    event = poller.receive()
    overtaken: list[dict[str, Any]] = []

    def overtake(call: Call) -> None:
        if call.operation == "CreateTags" and not overtaken:
            overtaken.append({})
            again = wait(lambda: event_of(poller))
            assert [record["messageId"] for record in again["Records"]] == [event["Records"][0]["messageId"]]
            overtaken[0] = two(again, Context())
            poller.settle(again, overtaken[0])

    world.wire.rule(overtake)
    answer = one(event, Context())
    assert answer == overtaken[0] == {"batchItemFailures": []}
    with pytest.raises(ClientError, match="ReceiptHandleIsInvalid"):  # the first one's receipt is of no use any more
        poller.client.change_message_visibility(
            QueueUrl=poller.url, ReceiptHandle=event["Records"][0]["receiptHandle"], VisibilityTimeout=1
        )
    poller.settle(event, answer)
    assert poller.size() == 0
    tags = world.tags(account)
    assert len(tags) == 4
    assert all(tag == tags_for("alice", "RunInstances", at) for tag in tags.values())


def test_e14_a_receipt_that_is_no_longer_valid_does_not_stop_the_others(
    poller: Poller, function: Handler, capsys: pytest.CaptureFixture[str]
) -> None:
    poller.send("poison 1", "poison 2")
    event = poller.receive()
    poller.client.delete_message(QueueUrl=poller.url, ReceiptHandle=event["Records"][0]["receiptHandle"])
    assert len(function(event, Context())["batchItemFailures"]) == 2
    codes = [line["code"] for line in lines(capsys.readouterr().out) if line.get("message") == "delay failed"]
    assert codes == ["ReceiptHandleIsInvalid"]


def test_identifiers_are_those_of_the_input_even_where_a_message_comes_twice(poller: Poller, function: Handler) -> None:
    poller.send("poison")
    event = poller.receive()
    answer = function({"Records": event["Records"] * 3}, Context())
    named = Counter(batch_item_failure["itemIdentifier"] for batch_item_failure in answer["batchItemFailures"])
    assert named == {event["Records"][0]["messageId"]: 3}


def test_sessions_and_accounts_are_kept_from_batch_to_batch(world: Emulated, poller: Poller, function: Handler) -> None:
    [account, _] = world.spokes
    world.add_volumes(account, [volume_id(number) for number in range(3)], HOME)
    for number in range(3):
        poller.send(body(volume(account, volume_id(number), number=number, at=now())))
        poller.run(function)
    assert world.wire.counts == {"DescribeAccount": 1, "AssumeRole": 1, "CreateTags": 3}


def test_an_order_to_tag_is_done_by_the_function_and_what_is_no_order_says_so(
    world: Emulated, function: Handler
) -> None:
    account = world.spokes[0]
    world.add_volumes(account, [volume_id(1)])
    order = {"records": [volume(account, volume_id(1), at=now())]}
    [would] = function({"tag": {**order, "dry_run": True}}, Context())["results"]
    assert ([outcome["outcome"] for outcome in would["outcomes"]], world.tags(account)) == (["would-tag"], {})
    [done] = function({"tag": order}, Context())["results"]
    assert [outcome["outcome"] for outcome in done["outcomes"]] == ["tagged"]
    assert world.tags(account)[volume_id(1)]["owner"] == "alice"
    [again] = function({"tag": order}, Context())["results"]
    assert [outcome["reason"] for outcome in again["outcomes"]] == ["is tagged already"]
    orders: list[Any] = [{}, {"records": 7}, {"records": [], "more": 1}, [], {"records": ["x"]}]
    for wrong in orders:
        answer = function({"tag": wrong}, Context())
        assert answer["results"] is None
        assert "no order to tag" in answer["detail"]


def test_an_order_to_adopt_is_done_by_the_function_and_what_is_no_order_says_so(
    world: Emulated, function: Handler
) -> None:
    account = world.spokes[0]
    id_ = volume_id(1)
    world.add_volumes(account, [id_])
    arn = f"arn:aws:ec2:{HOME}:{account}:volume/{id_}"
    maker = f"arn:aws:iam::{account}:user/bob"
    found = FoundResource(account, HOME, Resource(arn, id_, "ec2:volume"), None, now() - timedelta(days=400), maker)
    order = {"resources": [to_builtins(found)]}
    [would] = function({"adopt": {**order, "dry_run": True}}, Context())["results"]
    assert ([outcome["outcome"] for outcome in would["outcomes"]], world.tags(account)) == (["would-tag"], {})
    for outcome in ("tagged", "unchanged"):
        [done] = function({"adopt": order}, Context())["results"]
        assert [one["outcome"] for one in done["outcomes"]] == [outcome]
        assert (done["owner"]["name"], world.tags(account)[id_]["owner"]) == ("bob", "bob")
    orders: list[Any] = [{}, {"resources": 7}, {"resources": [], "more": 1}, [], {"resources": [{"account": "1"}]}]
    for wrong in orders:
        answer = function({"adopt": wrong}, Context())
        assert answer["results"] is None
        assert "no order to adopt" in answer["detail"]


def test_an_order_to_restore_is_done_by_sessions_of_its_own_and_what_is_no_order_says_so(
    world: Emulated, function: Handler
) -> None:
    account = world.spokes[0]
    id_ = volume_id(1)
    world.add_volumes(account, [id_])
    function({"tag": {"records": [volume(account, id_, at=now())]}}, Context())
    written = world.tags(account)[id_]
    arn = f"arn:aws:ec2:{HOME}:{account}:volume/{id_}"
    before = {key: "carol" if key == "owner" else None for key in written}
    item = {"account": account, "region": HOME, "arn": arn, "before": before, "written": written}
    order = {"run": "run-1", "resources": [item], "by": "ops"}
    world.wire.clear()
    [would] = function({"restore": {**order, "dry_run": True}}, Context())["results"]
    assert (would["outcome"], world.tags(account)[id_]) == ("would-restore", written)
    for outcome in ("restored", "unchanged"):
        [done] = function({"restore": order}, Context())["results"]
        assert (done["outcome"], done["left"], world.tags(account)[id_]) == (outcome, False, {"owner": "carol"})
    assert {name: world.wire.counts[name] for name in ("CreateTags", "DeleteTags")} == {
        "CreateTags": 1,
        "DeleteTags": 1,
    }
    [removing] = [call for call in world.wire.calls if call.operation == "AssumeRole"]
    assert json.loads(removing.parameters["Policy"]) == removal_policies(load_catalogue(), SETTINGS).other
    orders: list[Any] = [{}, {"run": 7}, {**order, "more": 1}, [], {**order, "resources": [{"account": "1"}]}]
    for wrong in orders:
        answer = function({"restore": wrong}, Context())
        assert answer["results"] is None
        assert "no order to restore" in answer["detail"]
