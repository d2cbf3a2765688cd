"""Resources of other services than EC2, from their creation on: ledger, whois, transfer, what is observed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness import fixtures
from harness.fakes import FakeAccounts, FakeAws, FakeLookups, FakeTagger
from harness.memory_ledger import MemoryLedger
from harness.services import services
from ownertag.cli.options import Output
from ownertag.cli.whois.objects import NotChecked, Today, Told, as_object
from ownertag.cli.whois.output import print_answers
from ownertag.core.findings import TagChange, TamperFinding
from ownertag.core.ownership import EventKey, Observation, ResourceKey
from ownertag.core.transfer import TransferOrder
from ownertag.core.values import OutcomeKind
from ownertag.flows.live import Message, handle
from ownertag.flows.ports import Ports
from ownertag.flows.result import Decided
from ownertag.flows.run import run
from ownertag.flows.tag import TagOrder, tag
from ownertag.flows.tag_observed import tag_observed
from ownertag.flows.transfer import Transfer, transfer
from ownertag.flows.whois import Wanted, whois
from ownertag.ledger.entries import Ended
from ownertag.ledger.port import LedgerError

ACCOUNT, OTHER, REGION = fixtures.ACCOUNT, fixtures.OTHER_ACCOUNT, fixtures.REGION
HERE = f"{REGION}:{ACCOUNT}"
UUID = "0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f"

BUCKET = "arn:aws:s3:::shop-logs"
TABLE = f"arn:aws:dynamodb:{HERE}:table/web"
FUNCTION = f"arn:aws:lambda:{HERE}:function:web"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/deploy"
STACK = f"arn:aws:cloudformation:{HERE}:stack/web/{UUID}"
SERVICE = f"arn:aws:ecs:{HERE}:service/shop/web"
GROUP = f"arn:aws:autoscaling:{HERE}:autoScalingGroup:*:autoScalingGroupName/web-asg"
ZONE = "arn:aws:route53:::hostedzone/Z0123456789AB"
SHAFT = f"arn:aws:mines:{HERE}:shaft/s1"


class World:
    """A hub over fakes, with a ledger that remembers, and a catalogue of several services."""

    def __init__(self) -> None:
        self.aws, self.ledger = FakeAws(), MemoryLedger()

    @property
    def ports(self) -> Ports:
        look, tagger = FakeLookups(self.aws), FakeTagger(self.aws)
        return Ports(FakeAccounts({ACCOUNT, OTHER}), look, tagger, lambda: fixtures.SOON, ledger=self.ledger)

    def deliver(self, *records: dict[str, Any]) -> None:
        messages = [Message(str(number), json.dumps(fixtures.event(record))) for number, record in enumerate(records)]
        answer = handle(messages, self.ports, services(), fixtures.settings())
        assert answer.returned == ()

    def give(self, resource: str, to: str = "bob") -> Transfer:
        order = TransferOrder(f"order-{resource}"[-64:], resource, to, "ops", "moved teams")
        return transfer(order, self.ports, self.ledger, services(), fixtures.settings())

    def whois(self, **wanted: Any) -> dict[str, str]:
        return {found.key.arn: found.owner.name for found in whois(Wanted(**wanted), self.ledger).answers}

    def tags(self, arn: str, region: str = REGION) -> dict[str, str]:
        return self.aws.places[ACCOUNT, region].tags[arn]


def made(source: str, event: str, number: int, user: str = "alice", **fields: Any) -> dict[str, Any]:
    return fixtures.record(
        event,
        eventSource=f"{source}.amazonaws.com",
        userIdentity=fixtures.user(user),
        eventID=f"00000000-0000-4000-8000-{number:012}",
        **fields,
    )


RECORDS = (
    made("s3", "CreateBucket", 1, requestParameters={"bucketName": "shop-logs"}, responseElements=None),
    made("dynamodb", "CreateTable", 2, responseElements={"tableDescription": {"tableArn": TABLE}}),
    made("lambda", "CreateFunction20150331", 3, responseElements={"functionArn": FUNCTION}),
    made("iam", "CreateRole", 4, awsRegion="us-east-1", responseElements={"role": {"arn": ROLE}}),
    made("cloudformation", "CreateStack", 5, responseElements={"stackId": STACK}),
    made("ecs", "CreateService", 6, responseElements={"service": {"serviceArn": SERVICE}}),
    made("autoscaling", "CreateAutoScalingGroup", 7, requestParameters={"autoScalingGroupName": "web-asg"},
         responseElements=None),
    made("route53", "CreateHostedZone", 8, awsRegion="us-east-1",
         responseElements={"hostedZone": {"id": "/hostedzone/Z0123456789AB"}}),
    made("mines", "CreateShaft", 9, responseElements={"id": "s1"}),
)  # fmt: skip


@pytest.fixture
def world() -> World:
    found = World()
    found.deliver(*RECORDS)
    return found


@pytest.mark.parametrize(
    ("name", "arns"),
    [
        (BUCKET, [BUCKET]),
        ("shop-logs", [BUCKET]),
        ("web", [TABLE, FUNCTION, STACK, SERVICE]),
        (ROLE, [ROLE]),
        ("team/deploy", [ROLE]),
        ("deploy", [ROLE]),
        (STACK, [STACK]),
        (SERVICE, [SERVICE]),
        ("web-asg", [GROUP]),
        (GROUP, [GROUP]),
        (ZONE, [ZONE]),
        ("Z0123456789AB", [ZONE]),
        (SHAFT, [SHAFT]),
        ("shop", []),
        ("hostedzone/Z0123456789AB", []),
    ],
)
def test_a_resource_is_found_by_its_arn_and_by_its_name(world: World, name: str, arns: list[str]) -> None:
    assert world.whois(id=name) == dict.fromkeys(arns, "alice")


def test_a_name_that_several_have_is_narrowed_by_type_account_and_region(world: World) -> None:
    assert list(world.whois(id="web", type="dynamodb:table")) == [TABLE]
    assert list(world.whois(id="web", type="lambda:")) == [FUNCTION]
    assert world.whois(id="web", type="s3:") == {}
    assert world.whois(id="web", account=OTHER) == {}
    assert list(world.whois(id="deploy", region="us-east-1")) == [ROLE]
    assert world.whois(id="deploy", region=REGION) == {}


@pytest.mark.parametrize(
    ("name", "arn", "region"),
    [
        (TABLE, TABLE, REGION),
        (ROLE, ROLE, "us-east-1"),
        ("deploy", ROLE, "us-east-1"),
        (GROUP.replace("*", UUID), GROUP, REGION),
        (ZONE, ZONE, "us-east-1"),
    ],
)
def test_a_transfer_changes_ledger_and_tags(world: World, name: str, arn: str, region: str) -> None:
    done = world.give(name)
    assert (done.done, done.arn, done.was, done.detail) == (True, arn, "alice", "")
    assert world.tags(arn, region)["owner"] == "bob"
    assert world.whois(id=arn) == {arn: "bob"}


@pytest.mark.parametrize("arn", [SHAFT, BUCKET, STACK])
def test_what_aws_does_not_tag_is_given_in_the_ledger_alone(world: World, arn: str) -> None:
    writes = world.aws.calls[:]
    done = world.give(arn)
    assert (done.done, done.was) == (True, "alice")
    assert done.detail.startswith("AWS tags no ")
    assert done.detail.endswith(": the ledger alone has it")
    assert world.aws.calls == writes
    assert world.whois(id=arn) == {arn: "bob"}


def test_of_several_with_one_name_none_is_given(world: World) -> None:
    done = world.give("web")
    assert not done.done
    for arn in (TABLE, FUNCTION, STACK, SERVICE):
        assert arn in done.detail
    assert set(world.whois(id="web").values()) == {"alice"}


@pytest.mark.parametrize(
    ("arn", "id_", "region"),
    [
        (f"arn:aws:iam::{ACCOUNT}:role/other", "other", "us-east-1"),
        (f"arn:aws:ecs:{HERE}:service/shop/other", "shop/other", REGION),
        (f"arn:aws:autoscaling:{HERE}:autoScalingGroup:{UUID}:autoScalingGroupName/other", "other", REGION),
    ],
)
def test_what_nobody_saw_created_is_given_by_its_arn_and_keeps_its_type(
    world: World, arn: str, id_: str, region: str
) -> None:
    done = world.give(arn)
    assert (done.done, done.was) == (True, None)
    assert done.arn
    assert world.tags(done.arn, region) == {"owner": "bob"}
    [found] = whois(Wanted(id=done.arn), world.ledger).answers
    assert (found.id, found.type.partition(":")[0]) == (id_, arn.split(":")[2])
    assert world.give(arn, "carol").done
    assert world.tags(done.arn, region)["owner"] == "carol"


def test_an_arn_that_does_not_say_its_account_is_not_guessed_at(world: World) -> None:
    done = world.give("arn:aws:s3:::other-logs")
    assert not done.done
    assert done.detail.endswith("the ledger does not know it, and its ARN does not say in which account it is")


def test_a_creation_of_what_aws_does_not_tag_is_settled_without_a_write() -> None:
    world = World()
    order = TagOrder([RECORDS[0], RECORDS[8]])
    for result in tag(order, world.ports, services(), fixtures.settings())["results"]:
        [outcome] = result["outcomes"]
        assert outcome["outcome"] == "kept"
        assert outcome["reason"] == "AWS tags no such resource: kept in the ledger"
        assert result["left"] is False
    # It comes again: nothing is looked up, and nothing is left to do.
    for result in tag(order, world.ports, services(), fixtures.settings())["results"]:
        assert [outcome["outcome"] for outcome in result["outcomes"]] == ["unchanged"]
    assert {call.name for call in world.aws.calls} == set()
    [ended] = [one for one in world.ledger.history(ResourceKey(ACCOUNT, REGION, SHAFT)) if isinstance(one, Ended)]
    assert (ended.kind, ended.final) == (OutcomeKind.UNCHANGED, True)
    assert ended.reason == "AWS tags no such resource: kept in the ledger"


def test_another_creation_of_the_same_name_keeps_it_with_its_first_owner() -> None:
    world = World()
    world.deliver(RECORDS[0])
    world.deliver(made("s3", "CreateBucket", 20, "mallory", requestParameters={"bucketName": "shop-logs"}))
    assert world.whois(id=BUCKET) == {BUCKET: "alice"}
    assert world.aws.calls == []


def test_while_the_ledger_is_away_nothing_is_asked_of_what_aws_does_not_tag() -> None:
    world = World()
    world.ledger.fails = LedgerError("ledger: is busy", OutcomeKind.THROTTLED)
    answer = tag(TagOrder([RECORDS[8], RECORDS[1]]), world.ports, services(), fixtures.settings())
    shaft, table = answer["results"]
    assert shaft["outcomes"][0]["outcome"] == "kept"
    assert world.tags(TABLE)["owner"] == "alice"
    assert [call.values for call in world.aws.calls if call.name == "tags"] == [(TABLE,)]
    assert shaft["left"]
    assert table["left"]


def test_what_was_observed_is_tagged_later_and_what_aws_does_not_tag_is_kept(world: World) -> None:
    keys = [ResourceKey(ACCOUNT, REGION, TABLE), ResourceKey(ACCOUNT, REGION, SHAFT)]
    for key, number in zip(keys, (2, 9), strict=True):
        event = EventKey(ACCOUNT, REGION, f"00000000-0000-4000-8000-{number:012}")
        observed = Observation(fixtures.SOON)
        world.ledger.append(
            [Ended(key, event, event.event_id, "alice", OutcomeKind.UNCHANGED, "", True, fixtures.SOON, observed)]
        )
    world.aws.places.clear()
    done = tag_observed([ACCOUNT], world.ports, world.ledger, services(), fixtures.settings())
    assert done.outcomes == {OutcomeKind.TAGGED: 1, OutcomeKind.KEPT: 1}
    assert not done.is_left
    assert world.tags(TABLE)["owner"] == "alice"
    assert SHAFT not in world.aws.places[ACCOUNT, REGION].tags


# --- tags that the creation's own request sets

#: Where services take the tags of what they make (their API references), and what is made.
CEO = {"key": "owner", "value": "ceo"}
CEO_IN_CAPITALS = {"Key": "owner", "Value": "ceo"}
DISTRIBUTION = f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1ABCDEFGHIJ"
WITH_TAGS = {
    "map": (
        FUNCTION,
        made("lambda", "CreateFunction20150331", 31, requestParameters={"tags": {"owner": "ceo", "stage": "prod"}},
             responseElements={"functionArn": FUNCTION}),
    ),
    "list": (
        TABLE,
        made("dynamodb", "CreateTable", 32, requestParameters={"tags": [CEO]},
             responseElements={"tableDescription": {"tableArn": TABLE}}),
    ),
    "list with capitals": (
        ROLE,
        made("iam", "CreateRole", 33, awsRegion="us-east-1", requestParameters={"Tags": [CEO_IN_CAPITALS]},
             responseElements={"role": {"arn": ROLE}}),
    ),
    "of a group": (
        GROUP,
        made("autoscaling", "CreateAutoScalingGroup", 34, responseElements=None,
             requestParameters={"autoScalingGroupName": "web-asg", "tags": [{**CEO, "propagateAtLaunch": True}]}),
    ),
    "in the object that is made": (
        DISTRIBUTION,
        made("cloudfront", "CreateDistribution", 35, awsRegion="us-east-1",
             requestParameters={"distributionConfigWithTags": {"tags": {"items": [CEO]}}},
             responseElements={"distribution": {"aRN": DISTRIBUTION}}),
    ),
    "without a tag API": (
        BUCKET,
        made("s3", "CreateBucket", 36, requestParameters={
            "bucketName": "shop-logs", "createBucketConfiguration": {"tags": {"TagSet": [CEO_IN_CAPITALS]}},
        }),
    ),
}  # fmt: skip


def findings(world: World, record: dict[str, Any], settings: str = "") -> list[TamperFinding]:
    arrivals = [fixtures.live_arrival(record)]
    results = run(arrivals, world.ports, services(), fixtures.settings(settings))
    return [result.finding for result in results if isinstance(result, Decided) and result.finding]


@pytest.mark.parametrize("name", WITH_TAGS)
def test_an_owner_that_the_request_sets_is_a_finding(name: str) -> None:
    arn, record = WITH_TAGS[name]
    world = World()
    [finding] = findings(world, record)
    assert (finding.resource, finding.resources, finding.owner) == (arn, 1, "alice")
    assert finding.changes == (TagChange("owner", None, "ceo"),)
    assert finding.overwritten is (arn != BUCKET)
    if arn != BUCKET:
        assert world.tags(arn, record["awsRegion"])["owner"] == "alice"


@pytest.mark.parametrize("name", [name for name in WITH_TAGS if name != "without a tag API"])
def test_a_key_that_the_settings_keep_stays_as_the_request_set_it(name: str) -> None:
    arn, record = WITH_TAGS[name]
    world = World()
    assert findings(world, record, '\n[existing_tags]\nowner = "keep"\n') == []
    assert world.tags(arn, record["awsRegion"]).keys() == {"dateCreated", "WhatIsThis"}


@pytest.mark.parametrize(
    "request_",
    [
        {"tags": {"Owner": "ceo"}},
        {"tags": {"stage": "owner"}},
        {"tags": {"owner": "alice"}},
        {"computeResources": {"tags": {"owner": "ceo"}}},
        {"environment": {"variables": {"tags": {"owner": "ceo"}}}},
        {"description": "tags owner ceo"},
        None,
    ],
)
def test_what_sets_no_other_owner_is_none(request_: Any) -> None:
    record = made("lambda", "CreateFunction20150331", 40, requestParameters=request_,
                  responseElements={"functionArn": FUNCTION})  # fmt: skip
    world = World()
    assert findings(world, record) == []
    assert world.tags(FUNCTION)["owner"] == "alice"


def test_whois_says_that_aws_tags_no_such_resource(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    [shaft] = whois(Wanted(id=SHAFT), world.ledger).answers
    [table] = whois(Wanted(id=TABLE), world.ledger).answers
    assert (shaft.is_untagged, table.is_untagged) == (True, False)
    told = Told("name: s1", Today(), NotChecked())
    assert as_object(shaft, told)["not_checked"] == "AWS tags no such resource: the ledger alone says whose it is"
    print_answers([shaft], told, Output.TABLE)
    lines = capsys.readouterr().out.splitlines()
    assert "  kept       owner = alice" in lines
    assert not [line for line in lines if line.startswith("  tags  ")]
