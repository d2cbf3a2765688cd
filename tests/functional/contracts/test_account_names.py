"""Accounts, Elastic IPs and instances that `whois` looks up, on moto: found, absent and unavailable."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contracts.emulated import HOME, ONCE, ROLE, Call, Emulated, emulated
from harness.fakes import Clock
from ownertag.aws.sessions import Sessions
from ownertag.core.values import Absent, Account, Attachment, OutcomeKind, Unavailable
from ownertag.sources.ec2 import FILTER_VALUES
from ownertag.sources.ec2_state import ElasticIps, InstanceStates
from ownertag.sources.organization import AccountDetails

NOBODY = "999999999999"


@pytest.fixture
def world() -> Iterator[Emulated]:
    with emulated() as world:
        yield world


def accounts(world: Emulated, left: int = 99) -> AccountDetails:
    """The look-up of accounts' details, which begins no call once so many were made."""
    client = world.session.client("organizations", region_name=HOME, config=ONCE)
    return AccountDetails(client, "Owner", lambda: sum(world.wire.counts.values()) >= left)


def tag(world: Emulated, account: str, **tags: str) -> None:
    world.organizations.tag_resource(
        ResourceId=account, Tags=[{"Key": key, "Value": value} for key, value in tags.items()]
    )
    world.wire.clear()


def test_an_account_has_its_name_address_and_owner_tag(world: Emulated) -> None:
    one, other = world.spokes[:2]
    tag(world, one, OWNER="shop\u202e team", Name="x")
    tag(world, other, owner="unknown")
    found = accounts(world).find([one, other, one, NOBODY])
    described = {id_: world.organizations.describe_account(AccountId=id_)["Account"] for id_ in (one, other)}
    assert found == {
        one: Account(described[one]["Name"], described[one]["Email"], "shop team"),
        other: Account(described[other]["Name"], described[other]["Email"], None),
        NOBODY: Absent(),
    }


def test_no_permission_for_the_account_is_asked_once_and_is_not_absent(world: Emulated) -> None:
    world.wire.clear()
    world.wire.fail("DescribeAccount", "AccessDeniedException")
    found = accounts(world).find([*world.spokes, NOBODY])
    assert set(found) == {*world.spokes, NOBODY}
    assert all(isinstance(fact, Unavailable) and fact.outcome is OutcomeKind.FORBIDDEN for fact in found.values())
    assert dict(world.wire.counts) == {"DescribeAccount": 1}


def test_tags_that_can_not_be_read_leave_the_name(world: Emulated) -> None:
    world.wire.fail("ListTagsForResource", "TooManyRequestsException")
    one = world.spokes[0]
    found = accounts(world).find([one])[one]
    assert isinstance(found, Account)
    assert found.name
    assert isinstance(found.owner, Unavailable)
    assert found.owner.outcome is OutcomeKind.THROTTLED


@pytest.mark.parametrize(("left", "named", "owned"), [(0, 0, 0), (1, 1, 0), (2, 1, 1), (3, 2, 1)])
def test_no_call_begins_once_there_is_no_time(world: Emulated, left: int, named: int, owned: int) -> None:
    for spoke in world.spokes[:2]:
        tag(world, spoke, owner="team")
    world.wire.clear()
    found = accounts(world, left).find(world.spokes[:2])
    known = [fact for fact in found.values() if isinstance(fact, Account)]
    assert (len(known), [account.owner for account in known].count("team")) == (named, owned)
    assert all(
        isinstance(fact, Account) or (isinstance(fact, Unavailable) and fact.outcome is OutcomeKind.THROTTLED)
        for fact in found.values()
    )


# --- Elastic IP addresses


def elastic_ips(world: Emulated) -> ElasticIps:
    return ElasticIps(Sessions(world.session, role_name=ROLE, region=HOME, now=Clock(), config=ONCE))


def test_an_address_leads_to_an_instance_an_interface_or_nothing(world: Emulated) -> None:
    account = world.spokes[0]
    client = world.ec2(account)
    bare, used = (client.allocate_address(Domain="vpc")["AllocationId"] for _ in range(2))
    instance = client.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)["Instances"][0]
    client.associate_address(AllocationId=used, InstanceId=instance["InstanceId"])
    gone = "eipalloc-00000000"
    found = elastic_ips(world).find(account, HOME, [bare, used, gone])
    assert (found[bare], found[gone]) == (Attachment(), Absent())
    led = found[used]
    assert isinstance(led, Attachment)
    assert (led.instance, led.interface) == (
        instance["InstanceId"],
        instance["NetworkInterfaces"][0]["NetworkInterfaceId"],
    )


def test_an_address_of_another_account_or_region_is_absent(world: Emulated) -> None:
    account, other = world.spokes[:2]
    theirs = world.ec2(other).allocate_address(Domain="vpc")["AllocationId"]
    far = world.ec2(account, "us-east-1").allocate_address(Domain="vpc")["AllocationId"]
    assert elastic_ips(world).find(account, HOME, [theirs, far]) == {theirs: Absent(), far: Absent()}


def test_many_are_asked_for_in_calls_of_200(world: Emulated) -> None:
    asked: list[int] = []

    def seen(call: Call) -> None:
        if call.operation == "DescribeAddresses":
            asked.append(len(call.values("Filter.1.Value")))

    world.wire.rule(seen)
    ids = [f"eipalloc-{number:08x}" for number in range(FILTER_VALUES + 1)]
    found = elastic_ips(world).find(world.spokes[0], HOME, ids)
    assert found == dict.fromkeys(ids, Absent())
    assert asked == [FILTER_VALUES, 1]


def test_no_permission_is_not_absent(world: Emulated) -> None:
    world.wire.fail("DescribeAddresses", "UnauthorizedOperation", 403)
    [found] = elastic_ips(world).find(world.spokes[0], HOME, ["eipalloc-00000000"]).values()
    assert isinstance(found, Unavailable)
    assert found.outcome is OutcomeKind.FORBIDDEN


# --- whether instances still run


def states(world: Emulated) -> InstanceStates:
    return InstanceStates(Sessions(world.session, role_name=ROLE, region=HOME, now=Clock(), config=ONCE))


def test_each_instance_has_its_state_and_what_is_not_shown_is_absent(world: Emulated) -> None:
    account, other = world.spokes[:2]
    ids = [launch_in(world, account) for _ in range(3)]
    theirs = launch_in(world, other)
    world.ec2(account).terminate_instances(InstanceIds=ids[1:2])
    world.ec2(account).stop_instances(InstanceIds=ids[2:])
    never = "i-0fffffffffffffff0"
    found = states(world).find(account, HOME, [*ids, never, theirs])
    assert [found[id_] for id_ in ids] == ["running", "terminated", "stopped"]
    assert (found[never], found[theirs]) == (Absent(), Absent())


def test_a_state_without_permission_is_not_absent(world: Emulated) -> None:
    world.wire.fail("DescribeInstances", "UnauthorizedOperation", 403)
    [found] = states(world).find(world.spokes[0], HOME, ["i-0fffffffffffffff0"]).values()
    assert isinstance(found, Unavailable)
    assert found.outcome is OutcomeKind.FORBIDDEN


def launch_in(world: Emulated, account: str) -> str:
    made = world.ec2(account).run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)["Instances"]
    return str(made[0]["InstanceId"])
