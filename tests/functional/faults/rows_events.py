"""E1 to E8, E17, E18 and E22: events that come twice, in another order, late, broken, or of our own making."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from faults.inject import both, counted, made, one_creation_each
from faults.made import volume_of
from faults.row import WELL, Proof, Row
from faults.templates import resources
from faults.world import World
from harness import fixtures
from harness.events import envelope, omitted_launch, record, volume


def _again(world: World, name: str, times: int = 1, fields: Mapping[str, str] | None = None) -> None:
    body = next(body for id_, body in world.bodies.items() if world.message_name(id_) == name)
    for _ in range(times):
        world.send(name, json.dumps({**json.loads(body), **(fields or {})}))


def _copies(world: World) -> None:
    world.make("a1 La")
    _again(world, "a1", 49)
    _again(world, "La", 49)


def _copies_later(world: World) -> None:
    """Three batches: the event, and then its copies."""
    world.deliver()
    for _ in range(2):
        _again(world, "a1", 5)
        _again(world, "La", 5)
        world.deliver()


def _out_of_order(world: World) -> None:
    """Two creations of the same volume: the later one is heard of first."""
    record = world.record("a1", user="alice", age=timedelta(minutes=2))
    later = volume(world.a, volume_of("a1"), at=world.clock() - timedelta(minutes=1), user="bob", number=900)
    world.send("bob's", later)
    world.knows("first", record, [volume_of("a1")])
    del world.made["a1"]
    world.later = [("first", record)]


def _deliver_then_the_earlier(world: World) -> None:
    world.deliver()
    assert world.aws.tags(world.a)[volume_of("a1")]["owner"] == "bob"
    for name, detail in world.later:
        world.send(name, detail)
    world.deliver()


def _owner_is_alice(world: World) -> None:
    assert world.aws.tags(world.a)[volume_of("a1")]["owner"] == "alice"


def _replayed(world: World) -> None:
    """All is done, somebody changes an owner by hand; then the archive is replayed, in another order."""
    world.deliver()
    for name in ("a1", "b1"):
        account = world.made[name].account
        world.aws.ec2(account).create_tags(Resources=[volume_of(name)], Tags=[{"Key": "owner", "Value": "zoe"}])
    names = [*world.made]
    random.Random(3).shuffle(names)  # noqa: S311 - no secret
    for name in names:
        _again(world, name, fields={"replay-name": "after-the-outage"})
    world.deliver()


def _amended(world: World) -> None:
    record = world.record("La")
    world.send("La", record)
    addendum = {"reason": "UPDATED_DATA", "originalEventID": record["eventID"]}
    amended = {**record, "eventID": "00000000-0000-0000-0000-00000000000b", "addendum": addendum}
    world.knows("amended", amended, world.made["La"].ids)
    world.send("amended", amended)


def _omitted(world: World) -> None:
    launched = world.aws.launch(world.a, count=3, token="the-token")
    ids = [instance["InstanceId"] for instance in launched["Instances"]]
    children = [child for id_ in ids for child in world.aws.children(world.a, "eu-central-1", id_)]
    for name, token, number in (("token", "the-token", 801), ("none", None, 802)):
        detail = omitted_launch(world.a, token, count=3, at=world.clock(), number=number)
        world.knows(name, detail, [*ids, *children] if token else [])
        world.send(name, detail)
    nothing = omitted_launch(world.a, None, at=world.clock(), number=803, requestParameters={"omitted": True})
    world.knows("neither", nothing, [])
    world.send("neither", nothing)


def _created_as_the_event_says(world: World) -> None:
    [tags] = world.aws.tags(world.a).values()
    assert tags["dateCreated"] == (world.clock() - timedelta(hours=20)).strftime("%Y-%m-%dT%H:%M:%SZ")


POISON: dict[str, str] = {
    "not JSON": "no json at all",
    "an empty body": "",
    "null": "null",
    "a list": "[]",
    "a number": "7",
    "a text": '"text"',
    "an empty object": "{}",
    "cut in the middle": '{"detail": {"eventName": "Cre',
    "a byte order mark": "\ufeff{}",
    "half of a surrogate pair": "\ud800",
    "half of a pair, escaped": '{"detail-type": "\\ud800"}',
    "what bad UTF-8 became": '{"detail-type": "\ufffd\ufffd", "detail": "\ufffd"',
    "1,000 lists deep": "[" * 1000,
    "200,000 lists deep": "[" * 200_000,
    "200,000 lists deep in a field": '{"resources": ' + "[" * 200_000,
    "2,000 objects deep": '{"detail":' * 2000 + "1" + "}" * 2000,
    "2 MB of one letter": "x" * (1 << 21),
    "a text of 2 MB": json.dumps({"detail": "x" * (1 << 21)}),
    "NaN": '{"detail-type": NaN}',
    "5,000 digits": '{"version": ' + "9" * 5000 + ', "detail": {}}',
    "a number beyond all": '{"detail-type": 1e400}',
    "no detail": '{"detail-type": "AWS API Call via CloudTrail"}',
}


def wrong_in(**fields: Any) -> str:
    """An event that is right but for these fields of its record."""
    detail = {**volume("111111111111", volume_of("a1")), **fields}
    return json.dumps(envelope(volume("111111111111", volume_of("a1"))) | {"detail": detail})


POISON |= {
    "a time of the wrong type": wrong_in(eventTime=7),
    "a time that is none": wrong_in(eventTime="yesterday"),
    "an identity of the wrong type": wrong_in(userIdentity=[1]),
    "a detail twice": '{"detail": {}, "detail": '
    + json.dumps(volume("111111111111", volume_of("a1")))
    + ', "detail": 7}',
}


def _poisoned(world: World) -> None:
    world.make("a1")
    for name, body in POISON.items():
        world.send(name, body)
    world.make("b1")


def _redriven(world: World) -> None:
    """An outage put good events among the dead letters: they were handled meanwhile, and now all are sent again."""
    world.deliver()
    for name in [*world.made]:
        _again(world, name)
    world.deliver()


def _held_for_hours(world: World) -> None:
    names = [f"{account}{number}" for account in "ab" for number in range(1, 21)]
    random.Random(5).shuffle(names)  # noqa: S311 - no secret
    for name in names:
        world.make(name, age=timedelta(hours=23))


def _own_events(world: World) -> None:
    ours = fixtures.session("ownertag", "auto-tag-role", account=world.a)
    request = {
        "resourcesSet": {"items": [{"resourceId": volume_of("a1")}]},
        "tagSet": {"items": [{"key": "owner", "value": "alice"}]},
    }
    detail = record("CreateTags", world.a, "eu-central-1", {"_return": True}, request, at=world.clock(), number=700)
    detail["userIdentity"] = ours
    world.knows("ours", detail)
    world.send("ours", detail)


def _every_target_has_dead_letters(_: Path) -> None:
    rules = [
        resource["Properties"]
        for name in ("hub", "spoke_region")
        for resource in resources(name).values()
        if resource["Type"] == "AWS::Events::Rule" and "EventPattern" in resource["Properties"]
    ]
    targets = [target for rule in rules for target in rule["Targets"]]
    assert len(targets) >= 4
    assert all(target["DeadLetterConfig"]["Arn"] for target in targets)


ROWS = [
    Row(
        "E1",
        "an event is delivered a hundred times, in one batch",
        "one creation, one owner, one write",
        {"*": WELL},
        scene=_copies,
        also=both(counted(CreateTags=2, AssumeRole=1), one_creation_each),
        healed=None,
    ),
    Row(
        "E1",
        "copies of an event come in later batches",
        "finished before: one call to the ledger, none to EC2",
        {"*": WELL},
        scene=made("a1 La"),
        play=_copies_later,
        metrics="FinishedBefore=10 MessagesDone=10",
        also=both(counted(CreateTags=0, DescribeInstances=0, BatchGetItem=1, TransactWriteItems=0), one_creation_each),
        healed=None,
    ),
    Row(
        "E2",
        "a later creation of the same resource is heard of first",
        "the first creation owns, in whatever order they come",
        {"first": WELL},
        scene=_out_of_order,
        play=_deliver_then_the_earlier,
        also=_owner_is_alice,
        healed=None,
    ),
    Row(
        "E3",
        "the archive is replayed in another order, after an owner was changed by hand",
        "nothing is written: the later owner stays",
        {"La": WELL, "*": "done, other, finished tagged"},
        scene=made("a1 b1 La"),
        play=_replayed,
        metrics="FinishedBefore=3 MessagesDone=3",
        also=counted(CreateTags=0, TransactWriteItems=0),
        healed=None,
    ),
    Row(
        "E4",
        "CloudTrail amends an event (addendum)",
        "the same creation: one owner, one write",
        {"*": WELL},
        scene=_amended,
        also=counted(CreateTags=1),
        healed=None,
    ),
    Row(
        "E5",
        "CloudTrail left the response out",
        "the instances are asked for by the client token; a launch without one waits until CloudTrail has all launches "
        "of that time; where the request is left out as well it is a refusal with the reason, and an alarm",
        {"token": WELL, "none": "back, untagged, unknown", "neither": "done, untagged, unknown"},
        scene=_omitted,
        metrics="MessagesDone=2 MessagesReturned=1 Outcome.tagged=12 Refused.response-omitted=1",
        healed=None,
    ),
    Row(
        "E7",
        "an event arrives 20 hours late",
        "tagged, with the date of the event",
        {"*": WELL},
        scene=made("a1", age=timedelta(hours=20)),
        also=_created_as_the_event_says,
        healed=None,
    ),
    Row(
        "E8",
        "poison of every kind in one batch",
        "each comes back alone; the others are done at the first delivery",
        {"a1 b1": WELL, "*": "back"},
        scene=_poisoned,
        reason="",
        healed=None,
        also=counted(CreateTags=2),
    ),
    Row(
        "E17",
        "good events lay among the dead letters and are redriven after they were done",
        "one call to the ledger for all of them, none to EC2",
        {"*": WELL},
        scene=made(" ".join(f"{account}{number}" for account in "ab" for number in range(1, 26))),
        play=_redriven,
        metrics="FinishedBefore=50 MessagesDone=50",
        also=counted(BatchGetItem=1, TransactWriteItems=0, AssumeRole=0, CreateTags=0),
        healed=None,
    ),
    Row(
        "E18",
        "the hub is away for 23 hours, and all events come at once, in any order",
        "all are tagged, with the time of their event, in a call for each account and time",
        {"*": WELL},
        scene=_held_for_hours,
        also=counted(CreateTags=2),
        healed=None,
    ),
    Row(
        "E22",
        "our own tag calls come back as events",
        "no finding, nothing is called, done",
        {"ours": "done, untagged, unknown"},
        scene=_own_events,
        metrics="MessagesDone=1 Refused.no-finding=1",
        also=counted(CreateTags=0, AssumeRole=0, PutEvents=0),
        healed=None,
    ),
]


PROOFS = [
    Proof("E18", "a rule can't deliver", "every target of every rule has dead letters", _every_target_has_dead_letters),
]
