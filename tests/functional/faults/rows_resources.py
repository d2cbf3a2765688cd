"""C7 to C15 and from C25: what is wrong with a resource, its tags, or what is seen of it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from botocore.awsrequest import AWSResponse
from moto.ec2.models import ec2_backends

from contracts.emulated import HOME, Call, answer, error
from faults.inject import (
    DEAD_FORBIDDEN,
    FORBIDDEN,
    OLD,
    THROTTLED,
    UNSEEN,
    counted,
    each_code,
    fails,
    made,
    tags_first,
)
from faults.made import volume_of
from faults.row import WELL, Lasting, NotBuilt, Row
from faults.world import World
from harness.events import launch


def _terminated(world: World) -> None:
    world.aws.ec2(world.a).terminate_instances(InstanceIds=[world.made["La"].ids[0]])


def _managed(world: World) -> None:
    record = launch(world.a, ["i-00000000000000001"], at=world.clock())
    record["responseElements"]["instancesSet"]["items"][0]["operator"] = {"managed": True, "principal": "eks"}
    world.knows("eks", record)
    world.send("eks", record)


def _attached_late(world: World) -> None:
    """The instance is there, pending, and shows no volume yet."""
    instance = ec2_backends[world.a][HOME].get_instance(world.made["La"].ids[0])
    mapping, state = dict(instance.block_device_mapping), (instance._state.code, instance._state.name)
    instance.block_device_mapping.clear()
    instance._state.code, instance._state.name = 0, "pending"

    def attach() -> None:
        instance.block_device_mapping.update(mapping)
        instance._state.code, instance._state.name = state

    world.undo.append(attach)


def _hidden(world: World) -> None:
    """DescribeInstances does not show it yet."""
    empty = '<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><reservationSet/></DescribeInstancesResponse>'
    world.wire.rule(lambda call: answer(call, 200, empty) if call.operation == "DescribeInstances" else None)


def _page_expires(world: World) -> None:
    account = {"Id": world.a, "State": "ACTIVE", "Name": "a"}

    def rule(call: Call) -> AWSResponse | None:
        if call.operation != "ListAccounts":
            return None
        if "NextToken" in call.text:
            return error(call, "PaginationTokenExpiredException")
        return answer(call, 200, json.dumps({"Accounts": [account], "NextToken": "page-2"}))

    world.wire.rule(rule)
    with pytest.raises(RuntimeError, match="accounts can't be read"):
        world.keep_accounts()


def _refuses(holding: str, code: str) -> Callable[[World], None]:
    """A call fails as a whole if this volume is in it."""

    def inject(world: World) -> None:
        id_ = volume_of(holding)
        world.wire.fail("CreateTags", code, when=lambda call: id_ in call.values("ResourceId"))

    return inject


def _at_most(world: World, **limit: int) -> None:
    for name, count in limit.items():
        assert world.wire.counts[name] <= count


ROWS = [
    Row(
        "C7",
        "not found, soon after the event",
        "not ready: comes back; found later, it is tagged",
        {"*": "back, untagged, open not-ready"},
        each_code(
            "CreateTags",
            "InvalidVolume.NotFound ResourceNotFoundException NoSuchEntity",
        ),
        scene=made("a1 a2"),
        reason="not found yet",
        metrics="MessagesReturned=2 Outcome.not-ready=2",
    ),
    Row(
        "C8",
        "not found for ten minutes",
        "not ready while young, at last gone, and done",
        {"*": "back, untagged, open not-ready"},
        {"": fails("CreateTags", "InvalidVolume.NotFound")},
        scene=made("a1 a2"),
        lasting=Lasting(7, {"*": "done, untagged, finished gone"}),
    ),
    Row(
        "C8",
        "not found, long after the event",
        "gone, and done",
        {"*": "done, untagged, finished gone"},
        {"an old event": fails("CreateTags", "InvalidVolume.NotFound")},
        scene=made("a1 a2", age=OLD),
        metrics="MessagesDone=2 Outcome.gone=2",
        healed=None,
    ),
    Row(
        "C9",
        "one id of many is not there: EC2 fails the whole call",
        "the others are tagged at once; few calls find the one",
        {"a7": "back, untagged, open not-ready", "*": WELL},
        {"": _refuses("a7", "InvalidVolume.NotFound")},
        scene=made(" ".join(f"a{number}" for number in range(1, 41))),
        metrics="MessagesDone=39 MessagesReturned=1 Outcome.not-ready=1 Outcome.tagged=39",
        also=lambda world: _at_most(world, CreateTags=14),
        lasting=Lasting(7, {"a7": "done, untagged, finished gone", "*": WELL}),
    ),
    Row(
        "C10",
        "EC2 calls an id malformed",
        "failed, and done: it will never be one; the others are tagged",
        {"a7": "done, untagged, finished failed", "*": WELL},
        {code: _refuses("a7", code) for code in ("InvalidVolumeID.Malformed", "InvalidID")},
        scene=made(" ".join(f"a{number}" for number in range(1, 41))),
        metrics="MessagesDone=40 Outcome.failed=1 Outcome.tagged=39",
        also=lambda world: _at_most(world, CreateTags=14),
        healed=None,
    ),
    Row(
        "C11",
        "somebody tags the same resource now (ConcurrentTagAccess and the like)",
        "comes back after a while",
        {"*": THROTTLED},
        each_code(
            "CreateTags",
            "ConcurrentTagAccess ConflictException OperationAborted",
        ),
        scene=made("a1 a2", age=OLD),
        reason="AWS asks for another try",
        metrics="MessagesReturned=2 Outcome.throttled=2",
    ),
    Row(
        "C12",
        "the resource is in a state in which it takes no tags",
        "not ready while young; failed later, and a dead letter at last",
        {"*": "back, untagged, open not-ready"},
        each_code("CreateTags", "IncorrectState ResourceInUseException"),
        scene=made("a1 a2"),
        reason="not in a state that can be tagged",
        metrics="MessagesReturned=2 Outcome.not-ready=2",
        lasting=Lasting(16, {"*": "dead failed, untagged, open failed"}),
    ),
    Row(
        "C13",
        "it has 49 tags: not all of ours fit",
        "the owner's tag is written alone, and no other is touched",
        {"a1": "done, owner, finished tagged", "*": WELL},
        {"49": tags_first("a1", 49)},
        scene=made("a1 b1"),
        metrics="MessagesDone=2 Outcome.tagged=2",
        healed=None,
    ),
    Row(
        "C13",
        "it has 50 tags",
        "forbidden, with the advice to remove one; then it is tagged",
        {"a1": FORBIDDEN, "*": WELL},
        {"50": tags_first("a1", 50)},
        scene=made("a1 b1"),
        reason="has 50 tags already (TagLimitExceeded): remove one",
        metrics="MessagesDone=1 MessagesReturned=1 Outcome.forbidden=1 Outcome.tagged=1",
        lasting=Lasting(16, {"a1": DEAD_FORBIDDEN, "*": WELL}),
    ),
    Row(
        "C14",
        "a key or value is refused, though they are cleaned",
        "failed, comes back, and a dead letter at last",
        {"*": "back, untagged, open failed"},
        each_code("CreateTags", "InvalidParameterValue ValidationException"),
        scene=made("a1 a2", age=OLD),
        reason="AWS refused",
        metrics="MessagesReturned=2 Outcome.failed=2",
        lasting=Lasting(16, {"*": "dead failed, untagged, open failed"}),
    ),
    Row(
        "C15",
        "the organization's tag policy refuses the value for one type",
        "forbidden, and the reason names the tag policy; the others are tagged",
        {"a1": FORBIDDEN, "*": WELL},
        {code: _refuses("a1", code) for code in ("TagPolicyViolation", "TagPolicyException")},
        reason="the organization's tag policy refuses the value",
        metrics="MessagesDone=3 MessagesReturned=1 Outcome.forbidden=1 Outcome.tagged=3",
        lasting=Lasting(16, {"a1": DEAD_FORBIDDEN, "*": WELL}),
    ),
    Row(
        "C25",
        "the instance is terminated before it is tagged, and EC2 still takes tags",
        "what is left of it is tagged; the ledger has the owner",
        {"*": "done, 2 of 4, finished tagged"},
        {"": _terminated},
        scene=made("La"),
        healed=None,
    ),
    Row(
        "C26",
        "an AWS service manages the instance",
        "refused before any call, and done",
        {"eks": "done, untagged, unknown"},
        scene=_managed,
        metrics="MessagesDone=1 Refused.managed-by-service=1",
        also=counted(AssumeRole=0, CreateTags=0, DescribeAccount=0),
        healed=None,
    ),
    Row(
        "C29",
        "the look-up shows less than was made: volumes are attached late",
        "what is there is tagged, the message comes back for the rest",
        {"*": "back, 2 of 4, open tagged"},
        {"volumes": _attached_late},
        scene=made("La"),
        reason="have not shown all their volumes yet",
    ),
    Row(
        "C29",
        "the look-up does not show the instance yet",
        "absent is not ready while young, never none: comes back",
        {"*": UNSEEN},
        {"instance": _hidden},
        scene=made("La"),
        reason="not to be seen yet",
    ),
    Row(
        "C30",
        "the token of a page expires within a listing",
        "an error that the alarm sees, and no half list is kept: each account is asked for instead",
        {"*": WELL},
        {"": _page_expires},
        scene=made("a1 b1"),
        also=counted(DescribeAccount=2, ListAccounts=0),
        healed=None,
    ),
]


NOT_BUILT = [
    NotBuilt("C27", "a bucket's tags can't be read", "S3 is not tagged yet"),
    NotBuilt("C28", "a bucket's tags change between reading and writing", "S3 is not tagged yet"),
]
