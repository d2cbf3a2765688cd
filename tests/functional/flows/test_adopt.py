"""Living resources that nobody saw being made: adopted by their own word, until a record comes that says more."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec import Struct, to_builtins
from msgspec.structs import replace

from harness import fixtures
from harness.fakes import Clock, FakeAccounts, FakeAws, FakeLookups, FakeTagger
from harness.memory_ledger import MemoryLedger
from ownertag.core.backfill.found import FoundResource
from ownertag.core.catalogue_types import QuestionKind
from ownertag.core.ownership import EventKey, ResourceKey
from ownertag.core.record_details import Actor
from ownertag.core.settings import Settings
from ownertag.core.values import Confidence, Failure, Found, OutcomeKind, Owner, Question, Resource
from ownertag.flows.adopt import AdoptOrder, adopt
from ownertag.flows.ports import Ports
from ownertag.flows.tag import TagOrder, tag
from ownertag.ledger.entries import Deleted, KnownResource
from ownertag.ledger.port import LedgerError
from ownertag.ledger.read_only import DryRunLedger
from ownertag.sinks.tagging import DryRun

ACCOUNT, REGION = fixtures.ACCOUNT, fixtures.REGION
NOW = fixtures.EVENT_TIME + timedelta(days=200)
MADE = fixtures.EVENT_TIME
VOLUME = "vol-1234567890abcdef0"
ARN = f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/{VOLUME}"
KEY = ResourceKey(ACCOUNT, REGION, ARN)
STACK = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/shop/0a1b2c3d-0000-4000-8000-000000000001"
GROUP = "web"


BARE: Mapping[str, str] = {}


def found(tags: Mapping[str, str] | None = BARE, **fields: Any) -> FoundResource:
    """A volume as AWS lists it."""
    plain = FoundResource(ACCOUNT, REGION, Resource(ARN, VOLUME, "ec2:volume"), tags, MADE)
    return replace(plain, **fields)


class World:
    """Fakes, and what they were told."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.aws, self.ledger, self.clock = FakeAws(), MemoryLedger(), Clock(NOW)
        self.settings = settings or fixtures.settings()
        self.accounts = FakeAccounts({ACCOUNT})

    def ports(self, dry: bool = False) -> Ports:
        lookups = FakeLookups(self.aws)
        if dry:
            return Ports(self.accounts, lookups, DryRun(), self.clock, ledger=DryRunLedger(self.ledger))
        return Ports(self.accounts, lookups, FakeTagger(self.aws), self.clock, ledger=self.ledger)

    def adopt(self, *resources: FoundResource, dry: bool = False) -> list[dict[str, Any]]:
        for one in resources:
            self.tags(one.resource.id).update(one.tags or {})
        answer = adopt(AdoptOrder(list(resources), dry), self.ports(dry), fixtures.catalogue(), self.settings)
        json.dumps(answer)
        results: list[dict[str, Any]] = sorted(answer["results"], key=lambda result: int(result["where"]))
        return results

    def tag(self, record: fixtures.Json) -> dict[str, Any]:
        [result] = tag(TagOrder([record]), self.ports(), fixtures.catalogue(), self.settings)["results"]
        return dict(result)

    def tags(self, id_: str = VOLUME) -> dict[str, str]:
        return self.aws.places[ACCOUNT, REGION].tags[id_]

    def know(self, arn: str, owner: Owner | None) -> None:
        question = Question(QuestionKind.OWNER_OF_RESOURCE, ACCOUNT, REGION, arn)
        self.aws.known[question] = Found(owner=owner)

    def know_account(self, name: str) -> None:
        question = Question(QuestionKind.OWNER_OF_ACCOUNT, ACCOUNT, "", "")
        fact = Found(owner=Owner(name, "account-owner", Confidence.ACCOUNT))

        class Knowing(Struct):
            """The organization's accounts, with an owner."""

            active: set[str]

            def find(self, questions: Any) -> dict[Question, Any]:
                plain = FakeAccounts(self.active).find(questions)
                return {one: fact if one == question else plain[one] for one in plain}

        self.accounts = Knowing({ACCOUNT})  # type: ignore[assignment] # another fake of the same port


def named(result: dict[str, Any]) -> tuple[str, str, str]:
    owner = result["owner"]
    return owner["name"], owner["evidence"], owner["confidence"]


ALICE = Owner("alice", "iam-user", Confidence.ASSERTED, ("arn:aws:iam::111122223333:user/alice",))


def test_the_stack_that_its_tags_name_says_whose_it_is_and_its_true_date_is_written() -> None:
    world = World()
    world.know(STACK, ALICE)
    [result] = world.adopt(found({"aws:cloudformation:stack-id": STACK}))
    assert named(result) == ("alice", "stack", "inferred")
    assert result["outcomes"] == [{"arn": ARN, "outcome": "tagged", "reason": None}]
    assert world.tags()["owner"] == "alice"
    assert world.tags()["dateCreated"] == "2026-03-02T09:14:05Z"
    [known] = world.ledger.by_id(VOLUME)
    assert (known.type, known.holding.claim.created_at, known.holding.claim.named) == ("ec2:volume", NOW, False)
    created = world.ledger.creation(EventKey(ACCOUNT, REGION, known.holding.claim.event_id))
    assert created is not None
    assert (created.event_source, created.event_name, created.created_at) == ("ownertag", "Found", MADE)


@pytest.mark.parametrize(
    ("tags", "made_by", "expected"),
    [
        # An Auto Scaling group launches by a template, whose author counts only where the group's maker is not known.
        ({"aws:autoscaling:groupName": GROUP}, "", ("alice", "auto-scaling-group", "inferred")),
        ({"aws:autoscaling:groupName": GROUP, "owner": "mallory"}, "", ("alice", "auto-scaling-group", "inferred")),
        # Tags that a customer can write lead nowhere, whatever they say.
        ({"elasticbeanstalk:environment-name": "shop"}, "", ("team-of-the-account", "account-owner", "account")),
        ({"owner": "carol"}, "", ("carol", "owner-tag", "asserted")),
        ({"owner": " "}, "", ("team-of-the-account", "account-owner", "account")),
        ({}, f"arn:aws:iam::{ACCOUNT}:user/bob", ("bob", "iam-user", "asserted")),
        (
            {"owner": "carol"},
            f"arn:aws:sts::{ACCOUNT}:assumed-role/admin/dave",
            ("dave", "role-session-name", "asserted"),
        ),
        ({}, f"arn:aws:iam::{fixtures.OUTSIDE_ACCOUNT}:user/bob", ("team-of-the-account", "account-owner", "account")),
        ({}, "somebody", ("team-of-the-account", "account-owner", "account")),
        ({}, "", ("team-of-the-account", "account-owner", "account")),
    ],
)
def test_its_makers_by_aws_s_word_come_before_its_owner_tag_and_that_before_the_account(
    tags: dict[str, str], made_by: str, expected: tuple[str, str, str]
) -> None:
    world = World()
    world.know_account("team-of-the-account")
    world.know(f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:autoScalingGroup:*:autoScalingGroupName/{GROUP}", ALICE)
    [result] = world.adopt(found(tags, made_by=made_by))
    assert named(result) == expected
    assert world.tags()["owner"] == expected[0]


def test_another_name_that_it_carried_is_kept_with_the_owner_before_it_is_written_over() -> None:
    world = World()
    world.know(STACK, ALICE)
    one = found({"aws:cloudformation:stack-id": STACK, "owner": "carol"})
    world.aws.refuses = lambda call: Failure("UnauthorizedOperation", 403) if call.name == "ec2.CreateTags" else None
    [result] = world.adopt(one)
    assert result["owner"]["reason"] == "its owner tag said 'carol', and nobody knows who wrote that"
    [known] = world.ledger.by_id(VOLUME)
    assert (known.holding.owner.name, known.holding.owner.reason) == ("alice", result["owner"]["reason"])
    assert world.tags()["owner"] == "carol"
    [right] = World().adopt(found({"owner": "carol"}))
    assert right["owner"]["reason"] is None


def test_a_date_that_is_not_that_of_the_creation_is_not_written() -> None:
    bucket = Resource("arn:aws:s3:::logs", "logs", "s3:bucket")
    [result] = World().adopt(found(resource=bucket))
    assert "dateCreated" not in result["tags"]


def test_what_nobody_can_know_is_said_with_whom_to_ask() -> None:
    [result] = World().adopt(found())
    assert named(result) == ("unknown", "not-seen", "none")
    assert "ask whoever uses the account" in result["owner"]["reason"]


def test_without_a_date_no_tag_says_one() -> None:
    world = World()
    [result] = world.adopt(found(made_at=None))
    assert result["tags"] == {"owner": "unknown", "WhatIsThis": f"Found in {REGION}"}


@pytest.mark.parametrize(
    "made_at", [MADE - timedelta(hours=9), None, MADE + timedelta(days=3), NOW + timedelta(days=1)]
)
def test_a_record_that_comes_later_takes_it_over_whatever_date_it_has(made_at: datetime | None) -> None:
    world = World()
    world.adopt(found({"owner": "carol"}, made_at=made_at))
    assert world.tags()["owner"] == "carol"
    world.clock.move(timedelta(days=2))
    assert named(world.tag(fixtures.record()))[0] == "alice"
    assert world.tags()["owner"] == "alice"
    [known] = world.ledger.by_id(VOLUME)
    assert (known.holding.owner.name, known.holding.outcome) == ("alice", OutcomeKind.TAGGED)


def test_what_a_record_holds_stays_with_it() -> None:
    world = World()
    world.tag(fixtures.record())
    [result] = world.adopt(found({"owner": "alice"}))
    assert result["outcomes"][0]["outcome"] == "unchanged"
    [known] = world.ledger.by_id(VOLUME)
    assert known.holding.owner.name == "alice"


def test_twice_is_once_and_a_new_life_is_another() -> None:
    world = World()
    world.adopt(found({"owner": "carol"}, made_at=None))
    writes = world.aws.count("ec2.CreateTags")
    world.clock.move(timedelta(days=1))
    world.adopt(found(made_at=None))
    assert (world.aws.count("ec2.CreateTags"), len(world.ledger.created)) == (writes, 1)
    ended = world.clock()
    world.ledger.append([Deleted(KEY, EventKey(ACCOUNT, REGION, "d"), Actor("x"), ended)])
    world.clock.move(timedelta(days=1))
    world.tags().clear()
    [result] = world.adopt(found({"owner": "erin"}, made_at=None))
    assert named(result)[0] == "erin"
    [known] = world.ledger.by_id(VOLUME)
    assert (known.holding.owner.name, known.holding.claim.created_at > ended) == ("erin", True)


def test_a_dry_run_says_the_same_and_writes_and_keeps_nothing() -> None:
    world = World()
    world.know(STACK, ALICE)
    one = found({"aws:cloudformation:stack-id": STACK})
    [would] = world.adopt(one, dry=True)
    assert would["outcomes"] == [{"arn": ARN, "outcome": "would-tag", "reason": None}]
    assert (world.aws.count("ec2.CreateTags"), world.ledger.created, world.ledger.holdings) == (0, {}, {})
    [done] = world.adopt(one)
    assert (done["owner"], done["tags"], done["event_id"]) == (would["owner"], would["tags"], would["event_id"])


def test_tags_that_were_not_told_are_read_and_what_cant_be_read_waits() -> None:
    world = World()
    world.know(STACK, ALICE)
    world.tags()["aws:cloudformation:stack-id"] = STACK
    world.aws.refuses = lambda call: Failure("UnauthorizedOperation", 403) if call.name == "tags" else None
    [result] = world.adopt(found(tags=None))
    assert (result["left"], result["outcomes"][0]["outcome"]) == (True, "forbidden")
    assert world.ledger.created == {}
    world.aws.refuses = lambda _: None
    assert named(world.adopt(found(tags=None))[0])[0] == "alice"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"account": "12"}, "bad-id"),
        ({"account": fixtures.OTHER_ACCOUNT}, "bad-id"),
        ({"region": "eu-west-1"}, "bad-id"),
        ({"region": "nowhere"}, "bad-id"),
        ({"resource": Resource(ARN, VOLUME, "ec2:instance")}, "bad-id"),
        ({"resource": Resource(ARN, "vol-1", "ec2:volume")}, "bad-id"),
        ({"resource": Resource(ARN, VOLUME, "ec2:nothing")}, "not-covered"),
        ({"made_by": f"arn:aws:iam::{ACCOUNT}:user/robot"}, "ignored-principal"),
    ],
)
def test_what_is_not_where_it_was_found_or_of_no_type_is_refused(fields: dict[str, Any], reason: str) -> None:
    ignoring = fixtures.settings('\n[ignore]\nprincipals = ["arn:aws:iam::*:user/robot"]\n')
    [bad, good] = World(ignoring).adopt(found(**fields), found())
    assert (bad["refusal"]["reason"], good["refusal"]) == (reason, None)


def test_another_region_or_account_than_the_organization_s_is_refused() -> None:
    elsewhere = fixtures.settings().organization
    assert elsewhere is not None
    only_here = replace(fixtures.settings(), organization=replace(elsewhere, regions=("eu-west-1",)))
    assert World(only_here).adopt(found())[0]["refusal"]["reason"] == "other-region"
    world = World()
    world.accounts = FakeAccounts({fixtures.OTHER_ACCOUNT})
    assert world.adopt(found())[0]["refusal"]["reason"] == "unknown-account"
    assert world.adopt(found(tags=None))[0]["refusal"]["reason"] == "unknown-account"


def test_while_the_ledger_is_away_nothing_is_written_and_it_is_left() -> None:
    class Away(MemoryLedger):
        def by_key(self, keys: Iterable[ResourceKey]) -> list[KnownResource]:  # noqa: ARG002 - it answers nothing
            raise LedgerError("throttled", OutcomeKind.THROTTLED)

    world = World()
    world.ledger = Away()
    [result] = world.adopt(found())
    assert (result["left"], result["outcomes"][0]["outcome"]) == (True, "throttled")
    assert world.aws.count("ec2.CreateTags") == 0


def test_the_order_is_what_found_resources_are_as_json() -> None:
    order = {"resources": [to_builtins(found({"a": "b"}))], "dry_run": True}
    again = msgspec.convert(json.loads(json.dumps(order)), AdoptOrder)
    assert again == AdoptOrder([found({"a": "b"})], dry_run=True)
