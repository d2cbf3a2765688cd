"""Collects what the preflight needs to know of an account and its Regions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from msgspec import Struct

from ownertag.aws.errors import AWS_ERRORS, failure_of
from ownertag.core.catalogue_types import Catalogue
from ownertag.render.documents import BUS, DEAD_LETTERS, HUB_ROLE, LEDGER_TABLE, RULE_PREFIX, UNDELIVERED
from ownertag.rollout.doctor.facts import Missing, NotGiven, Observed, TrailFacts, Unread
from ownertag.rollout.doctor.trails import Trails
from ownertag.rollout.preflight.access import DeployedAccount
from ownertag.rollout.preflight.facts import Leftover, PreflightAccount, PreflightRegion
from ownertag.rollout.preflight.sample import read_sample

Tags = Mapping[str, str]


class CollectedNames(Struct, frozen=True):
    """The names that our templates give: of roles in each account, and of rules in each Region."""

    roles: tuple[str, ...]
    rules: tuple[str, ...]


class AccountPlan(Struct, frozen=True):
    """What is still to be made in an account: the roles, the rules of these Regions, the hub."""

    account: str
    roles: bool
    rules: frozenset[str]
    hub: bool = False


def collect_account(
    account: DeployedAccount,
    plan: AccountPlan,
    names: CollectedNames,
    regions: Iterable[str],
    catalogue: Catalogue,
    now: datetime,
    known_trails: Mapping[str, TrailFacts],
) -> PreflightAccount:
    """Collects the facts of an account; a Region that it has not enabled is left out."""
    if refused := account.refused():
        return PreflightAccount(account.id, refused)
    enabled = _enabled_regions(account)
    usable = [region for region in regions if not isinstance(enabled, frozenset) or region in enabled]
    trails = Trails(account, known_trails)
    places = tuple(
        PreflightRegion(
            region,
            trails.reaching(region),
            _in_region(account, region, names) if region in plan.rules else None,
            read_sample(account, region, catalogue, now),
        )
        for region in usable
    )
    found: Observed[tuple[Leftover, ...]] | None = None
    if plan.roles or plan.hub:
        found = _joined(
            [_role(account, name) for name in names.roles] if plan.roles else [],
            _at_hub(account) if plan.hub else [],
        )
    return PreflightAccount(account.id, None, enabled, found, places)


def _enabled_regions(account: DeployedAccount) -> Observed[frozenset[str]]:
    def use(ec2: Any) -> frozenset[str]:
        regions = ec2.describe_regions(AllRegions=True)["Regions"]
        return frozenset(region["RegionName"] for region in regions if region["OptInStatus"] != "not-opted-in")

    return account.read("ec2", account.home, use)


# --- what has a name of ours

Found = Observed[tuple[Leftover, ...]]


def _joined(*parts: Iterable[Found]) -> Found:
    """All that is there; the reason for what could not be read comes first."""
    found: list[Leftover] = []
    for one in (one for part in parts for one in part):
        if isinstance(one, Unread | NotGiven):
            return one
        if not isinstance(one, Missing):
            found += one
    return tuple(found)


def _role(account: DeployedAccount, name: str) -> Found:
    def use(iam: Any) -> tuple[Leftover, ...]:
        role = iam.get_role(RoleName=name)["Role"]
        return (Leftover("role", name, _pairs(role.get("Tags", ()))),)

    return account.read("iam", account.home, use)


def _in_region(account: DeployedAccount, region: str, names: CollectedNames) -> Found:
    def rules(events: Any) -> tuple[Leftover, ...]:
        pages = events.get_paginator("list_rules").paginate(NamePrefix=RULE_PREFIX)
        here = [rule for page in pages for rule in page["Rules"] if rule["Name"] in names.rules]

        def one(rule: Mapping[str, Any]) -> Leftover:
            read = partial(events.list_tags_for_resource, ResourceARN=rule["Arn"])
            return Leftover("rule", rule["Name"], _tags(lambda: read()["Tags"]))

        return tuple(map(one, here))

    return _joined([account.read("events", region, rules)], [_queue(account, region, UNDELIVERED)])


def _queue(account: DeployedAccount, region: str, name: str) -> Found:
    def use(sqs: Any) -> tuple[Leftover, ...]:
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        return (Leftover("queue", name, _tags(lambda: sqs.list_queue_tags(QueueUrl=url).get("Tags", {}))),)

    return account.read("sqs", region, use)


def _at_hub(account: DeployedAccount) -> list[Found]:
    """What an earlier deployment retained at the hub, and what of the same names is somebody else's."""

    def table(dynamodb: Any) -> tuple[Leftover, ...]:
        arn = dynamodb.describe_table(TableName=LEDGER_TABLE)["Table"]["TableArn"]
        return (
            Leftover("table", LEDGER_TABLE, _tags(lambda: dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"])),
        )

    def bus(events: Any) -> tuple[Leftover, ...]:
        arn = events.describe_event_bus(Name=BUS)["Arn"]
        return (Leftover("bus", BUS, _tags(lambda: events.list_tags_for_resource(ResourceARN=arn)["Tags"])),)

    def function(client: Any) -> tuple[Leftover, ...]:
        return (Leftover("function", "ownertag", client.get_function(FunctionName="ownertag").get("Tags", {})),)

    def logs(client: Any) -> tuple[Leftover, ...]:
        name = "/aws/lambda/ownertag"
        groups = client.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        return tuple(Leftover("log group", name, {}) for group in groups if group["logGroupName"] == name)

    home = account.home
    return [
        account.read("dynamodb", home, table),
        account.read("events", home, bus),
        account.read("lambda", home, function),
        account.read("logs", home, logs),
        _queue(account, home, BUS),
        _queue(account, home, DEAD_LETTERS),
        _role(account, HUB_ROLE),
    ]


def _tags(read: Callable[[], Any]) -> Observed[Tags]:
    """Tags that say whose it is; that it is there counts, whether they can be read or not."""
    try:
        return _pairs(read())
    except AWS_ERRORS as error:
        return Unread(failure_of(error).code)


def _pairs(tags: Any) -> Tags:
    """Tags as AWS's services give them: a map, or a list of pairs."""
    return tags if isinstance(tags, Mapping) else {tag["Key"]: tag["Value"] for tag in tags}
