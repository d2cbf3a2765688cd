"""E9 to E25: the function, its answer, its time, its settings, and what stands around it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from contracts.emulated import Call
from faults.inject import both, fails, made, one_creation_each
from faults.made import volume_of
from faults.row import WELL, Inject, Lasting, Proof, Row
from faults.templates import resources
from faults.world import World, worlds
from handler.lambdas import CONFIG
from ownertag.core.settings import HubSettings, SettingsError
from ownertag.handler.settings import read_environment
from ownertag.handler.wiring import build


def _slow(world: World) -> None:
    """Each tag call takes a quarter of a second, and the function has two."""
    world.milliseconds = 2000

    def slow(call: Call) -> None:
        if call.operation == "CreateTags":
            world.seconds += 0.25

    world.wire.rule(slow)


def _by_ten_people(world: World) -> None:
    for number in range(1, 11):
        world.make(f"a{number}", user=f"user{number}", requestID=str(number))


def _part_is_done(world: World) -> None:
    done = [name for name, verdict in world.last.verdicts.items() if verdict == "done"]
    assert len(done) == 7  # each takes a quarter of a second, and work stops at 80% of two
    assert len(world.aws.tags(world.a)) == len(done)
    for told in world.last.log:
        if told["message"] == "returned":
            assert "no time left" in "; ".join(told["reasons"])
    world.milliseconds = 60_000


def _overtaken(operation: str) -> Inject:
    """Before the first call of this operation, the messages come back, and a second function handles them."""

    def inject(world: World) -> None:
        second = world.build()
        world.start()
        overtaken: list[bool] = []

        def overtake(call: Call) -> None:
            if call.operation == operation and not overtaken:
                overtaken.append(True)
                world.show_all()
                redelivered = world.poller.receive()
                assert len(redelivered["Records"]) == len(world.made)
                answer = world.run_quietly(second, redelivered)
                assert answer == {"batchItemFailures": []}
                world.poller.settle(redelivered, answer)

        world.wire.rule(overtake)

    return inject


def _receipt_is_of_no_use(world: World) -> None:
    assert world.poller.size() == 0
    with pytest.raises(ClientError, match="ReceiptHandleIsInvalid"):
        world.poller.client.change_message_visibility(
            QueueUrl=world.poller.url, ReceiptHandle=world.receipts[0], VisibilityTimeout=1
        )


def _flood(world: World) -> None:
    for number in range(1, 151):
        world.make(f"a{number}", user=f"user{number}", requestID=str(number))
    world.make("b1 b2")


def _few_are_done(world: World) -> None:
    order = [call.account for call in world.wire.calls if call.operation == "CreateTags"]
    assert order[0] == world.b
    assert len(world.aws.tags(world.b)) == 2
    # EC2's bucket holds 100 calls, and half of it is ours. Of that one function has 2 for itself and 40 in common with
    # the others, less the 8 that leases may be late; on a busy machine some leases end unused.
    done = len(world.aws.tags(world.a))
    assert 30 <= done < 100, done
    for told in world.last.log:
        if told["message"] == "returned":
            assert told["reasons"][0].startswith("throttled: ")


def _broken_settings(world: World) -> None:
    world.settings_file.write_text('[tags]\nowner = "{whose}"\n', "utf-8")
    world.undo.append(lambda: world.settings_file.write_text(CONFIG, "utf-8") and None)


def _said_what_is_wrong(world: World) -> None:
    assert "ownertag.toml" in str(world.last.raised)
    assert not world.wire.calls


def _twice(world: World) -> None:
    world.deliver()
    world.deliver()


def _never_none(world: World) -> None:
    assert world.answers == [{"batchItemFailures": []}] * 2


def _no_failures_of_another_batch(folder: Path) -> None:
    """E10: a message that came twice is named twice; a body that claims to be another message is none."""
    with worlds(folder) as world:
        world.send("poison", json.dumps({"messageId": "another", "itemIdentifier": ""}))
        event = world.poller.receive()
        [id_] = [record["messageId"] for record in event["Records"]]
        answer = world.run_quietly(world.build(), {"Records": event["Records"] * 3})
        assert answer == {"batchItemFailures": [{"itemIdentifier": id_}] * 3}
        assert world.run_quietly(world.build(), {"Records": []}) == {"batchItemFailures": []}


def _ten_thousand(folder: Path) -> None:
    with worlds(folder) as world:
        # The answer alone is looked at: hiding ten thousand messages takes moto long.
        world.wire.fail("ChangeMessageVisibilityBatch", "AccessDenied", 403)
        one = {"body": "poison", "receiptHandle": "x", "attributes": {"ApproximateReceiveCount": "1"}}
        event = {
            "Records": [{**one, "messageId": f"{number:08}-0000-0000-0000-000000000000"} for number in range(10_000)]
        }
        answer = world.run_quietly(world.build(), event)
        assert len(answer["batchItemFailures"]) == 10_000
        assert len(json.dumps(answer)) < 1_000_000  # Lambda takes 6 MB


def _topic_has_its_own_key(_: Path) -> None:
    hub = resources("hub")
    topics = [resource["Properties"] for resource in hub.values() if resource["Type"] == "AWS::SNS::Topic"]
    assert topics
    for topic in topics:
        name = topic["KmsMasterKeyId"].removeprefix("!Ref ")
        statements = json.dumps(hub[name]["Properties"]["KeyPolicy"])
        assert "cloudwatch.amazonaws.com" in statements
        assert "kms:GenerateDataKey" in statements


def _in_flight(_: Path) -> None:
    [mapping] = [
        resource for resource in resources("hub").values() if resource["Type"] == "AWS::Lambda::EventSourceMapping"
    ]
    batch = mapping["Properties"]["BatchSize"]
    assert batch * HubSettings().maximum_concurrency <= 120_000  # SQS: messages in flight in a queue
    assert mapping["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def _unset(folder: Path) -> None:
    """The function raises at its start, before it takes a message."""
    path = folder / "ownertag.toml"
    with pytest.raises(SettingsError, match="can't be read"):
        build(
            read_environment(
                {
                    "OWNERTAG_CONFIG": str(path),
                    "OWNERTAG_QUEUE_URL": "q",
                    "OWNERTAG_LEDGER": "sqlite:x",
                    "OWNERTAG_CONCURRENCY": "1",
                }
            )
        )


ROWS = [
    Row(
        "E9",
        "there is nothing to say: an empty batch, or one that is done as a whole",
        "the answer is never None and always names what comes back",
        {"*": WELL},
        play=_twice,
        also=_never_none,
        healed=None,
    ),
    Row(
        "E11",
        "there is not enough time for the batch",
        "the function stops at 80% of its time; what is left comes back and is done next time",
        None,
        {"": _slow},
        scene=_by_ten_people,
        also=_part_is_done,
    ),
    Row(
        "E14",
        "visibility ends while the function works, and a second one handles the message",
        "both end in the same state; the first one's receipt is of no use",
        {"*": WELL},
        {operation: _overtaken(operation) for operation in ("BatchGetItem", "DescribeInstances", "CreateTags")},
        scene=made("a1 La"),
        also=both(one_creation_each, _receipt_is_of_no_use),
        healed=None,
    ),
    Row(
        "E15",
        "two functions write the same line of the ledger",
        "one wins by the condition, the other reads it: one creation, the same tags",
        {"*": WELL},
        {"claim": _overtaken("TransactWriteItems")},
        scene=made("a1 La"),
        also=one_creation_each,
        healed=None,
    ),
    Row(
        "E15",
        "another function tags the same resource at the same time",
        "ConcurrentTagAccess: comes back, and then the tags are the same",
        {"*": "back, untagged, open throttled"},
        {"tags": fails("CreateTags", "ConcurrentTagAccess", times=1)},
        scene=made("a1"),
    ),
    Row(
        "E21",
        "one account floods the hub, with more calls than its share of the quota",
        "who creates little is done first; the flood gets its share, and the rest of it comes back",
        None,
        scene=_flood,
        also=_few_are_done,
        healed=None,
    ),
    Row(
        "E16",
        "a message brings about what nobody foresaw, again and again",
        "the others are done at once; it comes back, from the third time on it is done after the others, and dies with"
        " the line that raised",
        {"a1": "back, untagged, decided", "*": WELL},
        {"": fails("CreateTags", RuntimeError("the text of a record"), holding=volume_of("a1"))},
        reason="failed: unexpected RuntimeError at sinks/tagging.py:",
        metrics="MessagesDone=3 MessagesReturned=1 Outcome.tagged=3 Unexpected=1",
        lasting=Lasting(16, {"a1": "dead failed, untagged, decided", "*": WELL}),
    ),
    Row(
        "E23",
        "the settings are wrong",
        "the function says what is wrong at its start; nothing is tagged, and all messages come back",
        {"*": "failed, untagged, unknown"},
        {"": _broken_settings},
        also=_said_what_is_wrong,
    ),
]


PROOFS = [
    Proof(
        "E10",
        "a message comes twice, or claims to be another",
        "only the input's ids are named",
        _no_failures_of_another_batch,
    ),
    Proof(
        "E20",
        "CloudWatch may not use the alarm topic's key",
        "the topic has a key of its own, which CloudWatch may use",
        _topic_has_its_own_key,
    ),
    Proof("E23", "the settings can't be read", "the start fails and says which file", _unset),
    Proof("E24", "ten thousand messages come back", "the answer is far below Lambda's limit", _ten_thousand),
    Proof("E25", "too many messages in flight", "batch size times concurrency stays below SQS's limit", _in_flight),
]
