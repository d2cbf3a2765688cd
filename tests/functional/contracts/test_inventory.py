"""The behaviour of every `Inventory`, and the lists, pages and tags of the real one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from socket import gaierror
from typing import Any, Protocol

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import EndpointConnectionError
from msgspec.structs import replace

from contracts.emulated import HOME, ONCE, Call, Emulated, answer, emulated
from harness.fakes import Clock, FakeAws, FakeCall, FakeInventory
from harness.fixtures import catalogue
from ownertag.aws.sessions import Sessions
from ownertag.core.arn import fill_template, parse_arn
from ownertag.core.backfill.found import FoundResource, Unlisted
from ownertag.core.values import Failure, OutcomeKind, Resource
from ownertag.flows.ports import Inventory
from ownertag.sources.inventory import AwsInventory
from ownertag.sources.inventory.inventory import NO_LIST

TOPICS, ROLE = "sns:topic", "ownertag-audit"
#: The other type of which the stages have some.
TABLES = "dynamodb:table"
GLOBAL = "us-east-1"


class Stage(Protocol):
    """Accounts with something in them, the port, and a way to make AWS refuse."""

    inventory: Inventory
    spokes: list[str]

    def put(self, account: str, type_: str, names: Sequence[str], tags: dict[str, str], region: str = HOME) -> None:
        """Makes topics or tables with these names and tags."""

    def fail(self, type_: str, code: str, page: int = 1) -> None:
        """Refuses the list of a type, from a page on."""

    def without_time(self) -> Inventory:
        """The same inventory, without time for a single call."""

    def calls(self) -> int:
        """How many lists' pages were asked for."""


class FakeStage:
    """The fake."""

    def __init__(self) -> None:
        self.spokes = ["111111111111", "222222222222"]
        self.aws = FakeAws()
        self.inventory: Inventory = FakeInventory(self.aws, (TOPICS, TABLES))

    def put(self, account: str, type_: str, names: Sequence[str], tags: dict[str, str], region: str = HOME) -> None:
        template = catalogue().types[type_].arn
        for name in names:
            resource = Resource(fill_template(template, "aws", region, account, name), name, type_)
            self.aws.places[account, region].listed.append(FoundResource(account, region, resource, tags))

    def fail(self, type_: str, code: str, page: int = 1) -> None:
        def refuses(call: FakeCall) -> Failure | None:
            failing = call.values[0] == type_ and int(call.values[1]) >= page
            return Failure(code, 403) if failing else None

        self.aws.refuses = refuses

    def without_time(self) -> Inventory:
        return FakeInventory(self.aws, (TOPICS, TABLES), expired=lambda: True)

    def calls(self) -> int:
        return self.aws.count("list")


class MotoStage:
    """The adapter, on moto."""

    def __init__(self, world: Emulated) -> None:
        self.world = world
        self.spokes = world.spokes
        # moto's credentials expire by the real time, so this clock begins with it.
        self.clock = Clock(datetime.now(UTC))
        self.sessions = Sessions(
            world.session, role_name=ROLE, region=HOME, now=self.clock, config=ONCE, max_clients=200
        )
        self.inventory: Inventory = self.of(TOPICS, TABLES)

    def of(self, *types: str, expired: Callable[[], bool] = lambda: False) -> AwsInventory:
        """The inventory of these types alone."""
        known = catalogue()
        return AwsInventory(self.sessions, replace(known, types={name: known.types[name] for name in types}), expired)

    def client(self, service: str, account: str, region: str = HOME) -> Any:
        """A client of a principal in this account, whose calls the wire does not count."""
        return self.world.client(service, account, region)

    def put(self, account: str, type_: str, names: Sequence[str], tags: dict[str, str], region: str = HOME) -> None:
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        for name in names:
            if type_ == TOPICS:
                self.client("sns", account, region).create_topic(Name=name, Tags=listed)
            else:
                self.client("dynamodb", account, region).create_table(
                    TableName=name, Tags=listed, BillingMode="PAY_PER_REQUEST", **TABLE
                )

    def fail(self, type_: str, code: str, page: int = 1) -> None:
        operation, token = {TOPICS: ("ListTopics", "NextToken"), TABLES: ("ListTables", "Exclusive")}[type_]
        self.world.wire.fail(
            operation, code, 403, when=lambda call: page == 1 or any(token in key for key in call.parameters)
        )

    def without_time(self) -> Inventory:
        return self.of(TOPICS, TABLES, expired=lambda: True)

    def calls(self) -> int:
        return sum(call.operation.startswith("List") for call in self.world.wire.calls)


TABLE: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
}


@pytest.fixture(params=["fake", "moto"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    if request.param == "fake":
        yield FakeStage()
        return
    with emulated() as world:
        yield MotoStage(world)


@pytest.fixture
def moto_stage() -> Iterator[MotoStage]:
    """The adapter alone, for what the fake does not have: services, calls, tags of other sources."""
    with emulated() as world:
        yield MotoStage(world)


def listed(inventory: Inventory, account: str, region: str = HOME) -> tuple[list[FoundResource], list[Unlisted]]:
    everything = list(inventory.resources(account, region))
    found = [one for one in everything if isinstance(one, FoundResource)]
    return found, [one for one in everything if isinstance(one, Unlisted)]


def named(found: Sequence[FoundResource]) -> dict[str, set[str]]:
    ids: dict[str, set[str]] = {}
    for one in found:
        ids.setdefault(one.resource.type, set()).add(one.resource.id)
    return ids


def test_what_is_there_is_listed_with_its_tags(stage: Stage) -> None:
    account = stage.spokes[0]
    stage.put(account, TOPICS, ["orders"], {"owner": "alice", "team": ""})
    stage.put(account, TABLES, ["prices"], {"owner": "bob"})
    found, unlisted = listed(stage.inventory, account)
    assert unlisted == []
    by_type = {one.resource.type: one for one in found}
    topic, table = by_type[TOPICS], by_type[TABLES]
    assert len(found) == 2
    assert topic.resource == Resource(f"arn:aws:sns:{HOME}:{account}:orders", "orders", TOPICS)
    assert topic.tags == {"owner": "alice", "team": ""}
    assert (topic.account, topic.region) == (account, HOME)
    assert table.resource.arn == f"arn:aws:dynamodb:{HOME}:{account}:table/prices"
    assert table.tags == {"owner": "bob"}


def test_what_is_elsewhere_is_not_listed_here(stage: Stage) -> None:
    here, there = stage.spokes
    stage.put(here, TOPICS, ["orders"], {"owner": "alice"})
    for account, region in ((there, HOME), (here, "us-west-2")):
        assert listed(stage.inventory, account, region) == ([], [])


def test_each_of_1200_resources_is_listed_once_over_all_pages(stage: Stage) -> None:
    account = stage.spokes[0]
    names = [f"topic-{number:04}" for number in range(1200)]
    stage.put(account, TOPICS, names, {"owner": "alice"})
    found, unlisted = listed(stage.inventory, account)
    assert unlisted == []
    assert Counter(one.resource.id for one in found) == Counter(names)
    assert all(one.tags == {"owner": "alice"} for one in found)
    assert stage.calls() >= 12 + 1


def test_a_list_that_is_forbidden_is_told_and_the_others_are_read(stage: Stage) -> None:
    account = stage.spokes[0]
    stage.put(account, TOPICS, ["orders"], {})
    stage.put(account, TABLES, ["prices"], {"owner": "bob"})
    stage.fail(TOPICS, "AccessDenied")
    found, [unlisted] = listed(stage.inventory, account)
    assert named(found) == {TABLES: {"prices"}}
    assert (unlisted.account, unlisted.region, unlisted.types) == (account, HOME, (TOPICS,))
    assert unlisted.why.outcome is OutcomeKind.FORBIDDEN
    assert "AccessDenied" in unlisted.why.reason
    assert not unlisted.lasting


def test_a_page_that_fails_is_told_and_what_came_before_is_kept(stage: Stage) -> None:
    account = stage.spokes[0]
    stage.put(account, TOPICS, [f"topic-{number:04}" for number in range(250)], {})
    stage.fail(TOPICS, "Throttling", page=2)
    found, [unlisted] = listed(stage.inventory, account)
    assert len({one.resource.id for one in found}) == len(found) == 100
    assert unlisted.types == (TOPICS,)
    assert unlisted.why.outcome is OutcomeKind.THROTTLED


def test_without_time_nothing_is_asked_and_nothing_counts_as_not_there(stage: Stage) -> None:
    account = stage.spokes[0]
    stage.put(account, TOPICS, ["orders"], {})
    before = stage.calls()
    found, unlisted = listed(stage.without_time(), account)
    assert found == []
    assert {name for one in unlisted for name in one.types} == {TOPICS, TABLES}
    assert all(one.why.outcome is OutcomeKind.THROTTLED for one in unlisted)
    assert stage.calls() == before


# --- the real one

VPC_PARTS = ("ec2:dhcp-options", "ec2:internet-gateway", "ec2:network-acl", "ec2:route-table", "ec2:security-group")
INSTANCES, IMAGES, TEMPLATES = "ec2:instance", "ec2:image", "ec2:launch-template"


def test_what_aws_made_with_the_account_is_told_as_such(moto_stage: MotoStage) -> None:
    account = moto_stage.spokes[0]
    ec2 = moto_stage.client("ec2", account)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)["GroupId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    found, unlisted = listed(moto_stage.of("ec2:vpc", "ec2:subnet", *VPC_PARTS), account)
    assert unlisted == []
    ours = named([one for one in found if not one.by_aws])
    assert (ours["ec2:vpc"], ours.get("ec2:subnet")) == ({vpc}, None)
    # A VPC's own default group, main table and default ACL are its maker's.
    assert len(ours["ec2:security-group"]) == 2
    assert group in ours["ec2:security-group"]
    assert len(ours["ec2:route-table"]) == 2
    assert table in ours["ec2:route-table"]
    assert len(ours["ec2:network-acl"]) == 1
    theirs = named([one for one in found if one.by_aws])
    [default] = theirs["ec2:vpc"]
    assert len(theirs["ec2:subnet"]) == 3
    assert {name: len(ids) for name, ids in theirs.items() if name in VPC_PARTS[2:]} == dict.fromkeys(VPC_PARTS[2:], 1)
    assert default != vpc


def test_what_can_only_be_told_by_its_vpc_is_unlisted_where_vpcs_are(moto_stage: MotoStage) -> None:
    account = moto_stage.spokes[0]
    ec2 = moto_stage.client("ec2", account)
    own = ec2.create_security_group(GroupName="web", Description="web")["GroupId"]
    moto_stage.world.wire.fail("DescribeVpcs", "UnauthorizedOperation", 403)
    found, unlisted = listed(moto_stage.of("ec2:vpc", "ec2:security-group"), account)
    assert named(found) == {"ec2:security-group": {own}}
    assert {name for one in unlisted for name in one.types} == {"ec2:vpc", "ec2:security-group"}


def test_what_others_share_or_publish_is_not_asked_for(moto_stage: MotoStage) -> None:
    account = moto_stage.spokes[0]
    moto_stage.world.launch(account)
    ec2 = moto_stage.client("ec2", account)
    [reservation] = ec2.describe_instances()["Reservations"]
    image = ec2.create_image(InstanceId=reservation["Instances"][0]["InstanceId"], Name="golden")["ImageId"]
    found, _ = listed(moto_stage.of(IMAGES, "ec2:snapshot"), account)
    assert named(found)[IMAGES] == {image}
    assert all(one.made_at for one in found)
    asked = {call.operation: call.parameters for call in moto_stage.world.wire.calls if call.service == "ec2"}
    assert asked["DescribeImages"]["Owner.1"] == asked["DescribeSnapshots"]["Owner.1"] == "self"


def test_what_another_account_owns_is_not_listed(moto_stage: MotoStage) -> None:
    """A subnet that another account shares is shown with its owner (doc: EC2 API reference, Subnet)."""
    here, there = moto_stage.spokes
    subnet = "<item><subnetId>{}</subnetId><ownerId>{}</ownerId></item>"
    items = "".join(subnet.format(f"subnet-0000000{number}", owner) for number, owner in enumerate((here, there)))
    body = f"<DescribeSubnetsResponse><subnetSet>{items}</subnetSet></DescribeSubnetsResponse>"
    moto_stage.world.wire.rule(lambda call: answer(call, 200, body) if call.operation == "DescribeSubnets" else None)
    found, _ = listed(moto_stage.of("ec2:subnet"), here)
    assert named(found) == {"ec2:subnet": {"subnet-00000000"}}


def test_when_and_by_whom_a_launch_template_was_made_is_told(moto_stage: MotoStage) -> None:
    account = moto_stage.spokes[0]
    moto_stage.client("ec2", account).create_launch_template(
        LaunchTemplateName="web", LaunchTemplateData={"InstanceType": "t3.micro"}
    )
    [found], _ = listed(moto_stage.of(TEMPLATES), account)
    assert parse_arn(found.made_by) is not None
    assert found.made_at is not None
    assert found.made_at.tzinfo is UTC


def test_a_terminated_instance_is_not_there(moto_stage: MotoStage) -> None:
    account = moto_stage.spokes[0]
    gone, stays = [one["InstanceId"] for one in moto_stage.world.launch(account, count=2)["Instances"]]
    moto_stage.client("ec2", account).terminate_instances(InstanceIds=[gone])
    [found], _ = listed(moto_stage.of(INSTANCES), account)
    assert found.resource.id == stays
    assert found.made_at is not None


def test_tags_of_users_are_read_one_by_one_and_those_of_others_in_bulk(moto_stage: MotoStage) -> None:
    account = moto_stage.spokes[0]
    for name in ("ann", "ben"):
        moto_stage.client("iam", account, GLOBAL).create_user(UserName=name, Tags=[{"Key": "owner", "Value": name}])
    moto_stage.put(account, TOPICS, ["orders", "prices"], {"owner": "ann"}, GLOBAL)
    found, unlisted = listed(moto_stage.of("iam:user", TOPICS), account, GLOBAL)
    assert unlisted == []
    owners = {"ann": "ann", "ben": "ben", "orders": "ann", "prices": "ann"}
    assert {one.resource.id: one.tags for one in found} == {name: {"owner": owner} for name, owner in owners.items()}
    counts = moto_stage.world.wire.counts
    assert (counts["ListUserTags"], counts["ListTagsForResource"], counts["GetResources"]) == (2, 0, 1)
    # What is in no Region is listed with the one in which its service records, and in no other.
    assert listed(moto_stage.of("iam:user"), account) == ([], [])


def test_where_tags_cannot_be_read_in_bulk_none_are_told(moto_stage: MotoStage) -> None:
    account = moto_stage.spokes[0]
    moto_stage.put(account, TOPICS, ["orders"], {"owner": "alice"})
    moto_stage.world.wire.fail("GetResources", "AccessDeniedException", 400)
    [found], _ = listed(moto_stage.inventory, account)
    assert (found.resource.id, found.tags) == ("orders", None)


def test_what_a_forbidden_list_hides_the_tagging_api_shows_as_far_as_it_is_tagged(moto_stage: MotoStage) -> None:
    account = moto_stage.spokes[0]
    moto_stage.put(account, TOPICS, ["orders"], {"owner": "alice"})
    moto_stage.fail(TOPICS, "AuthorizationError")
    [found], [unlisted] = listed(moto_stage.of(TOPICS), account)
    assert (found.resource.id, found.tags) == ("orders", {"owner": "alice"})
    assert unlisted.types == (TOPICS,)


def test_a_type_that_no_call_lists_is_told_as_unlisted_for_good(moto_stage: MotoStage) -> None:
    [unlisted] = listed(moto_stage.of("iotsitewise:asset"), moto_stage.spokes[0])[1]
    assert (unlisted.types, unlisted.why, unlisted.lasting) == (("iotsitewise:asset",), NO_LIST, True)


def test_a_service_that_is_not_in_the_region_is_told_and_not_taken_for_empty(moto_stage: MotoStage) -> None:
    def without_address(call: Call) -> AWSResponse | None:
        if call.service != "memorydb":
            return None
        raise EndpointConnectionError(
            endpoint_url="https://memory-db.xx.amazonaws.com", error=gaierror(-2, "Name or service not known")
        )

    moto_stage.world.wire.rule(without_address)
    found, [unlisted] = listed(moto_stage.of("memorydb:cluster"), moto_stage.spokes[0], "ap-southeast-7")
    assert (found, unlisted.types, unlisted.lasting) == ([], ("memorydb:cluster",), True)
    assert "not in Region" in unlisted.why.reason


def test_a_throttled_service_is_asked_no_more_and_the_others_are(moto_stage: MotoStage) -> None:
    account = moto_stage.spokes[0]
    moto_stage.put(account, TABLES, ["prices"], {})
    moto_stage.world.wire.fail("DescribeVolumes", "RequestLimitExceeded", 503)
    inventory = moto_stage.of("ec2:volume", "ec2:vpc", TABLES)
    moto_stage.world.wire.clear()
    found, unlisted = listed(inventory, account)
    counts = moto_stage.world.wire.counts
    assert counts["DescribeVolumes"] + counts["DescribeVpcs"] <= 2
    assert {name for one in unlisted for name in one.types} >= {"ec2:volume"}
    assert all(one.why.outcome is OutcomeKind.THROTTLED for one in unlisted)
    assert named(found).keys() >= {TABLES}


def test_a_role_that_is_refused_leaves_nothing_listed(moto_stage: MotoStage) -> None:
    moto_stage.world.wire.fail("AssumeRole", "AccessDenied", 403)
    found, unlisted = listed(moto_stage.inventory, moto_stage.spokes[0])
    assert found == []
    assert {name for one in unlisted for name in one.types} == {TOPICS, TABLES}
    assert all(one.why.outcome is OutcomeKind.FORBIDDEN for one in unlisted)


def test_an_expired_session_is_renewed_in_the_middle_and_nothing_is_listed_twice(moto_stage: MotoStage) -> None:
    account = moto_stage.spokes[0]
    names = [f"topic-{number:04}" for number in range(150)]
    moto_stage.put(account, TOPICS, names, {})
    moto_stage.world.wire.fail(
        "ListTopics", "ExpiredToken", 403, times=1, when=lambda call: "NextToken" in call.parameters
    )
    found, unlisted = listed(moto_stage.of(TOPICS), account)
    assert unlisted == []
    assert Counter(one.resource.id for one in found) == Counter(names)


def test_a_key_that_aws_manages_is_aws_s_and_one_that_cannot_be_described_makes_the_list_unread(
    moto_stage: MotoStage,
) -> None:
    account = moto_stage.spokes[0]
    kms = moto_stage.client("kms", account)
    first, second = (kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
    found, unlisted = listed(moto_stage.of("kms:key"), account)
    assert (named(found), unlisted) == ({"kms:key": {first, second}}, [])
    moto_stage.world.wire.fail("DescribeKey", "AccessDeniedException", 400, times=1)
    found, [untold] = listed(moto_stage.of("kms:key"), account)
    assert len(found) == 1
    assert untold.why.outcome is OutcomeKind.FORBIDDEN


def test_what_stands_in_something_that_was_deleted_meanwhile_is_gone_with_it(moto_stage: MotoStage) -> None:
    account = moto_stage.spokes[0]
    moto_stage.client("ecs", account).create_cluster(clusterName="web")
    moto_stage.world.wire.fail("ListServices", "ClusterNotFoundException", 400)
    found, unlisted = listed(moto_stage.of("ecs:cluster", "ecs:service"), account)
    assert (named(found), unlisted) == ({"ecs:cluster": {"web"}}, [])
