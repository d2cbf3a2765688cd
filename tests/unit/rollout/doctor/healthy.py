"""An organization in which all is well, as facts: what the tests break, one thing at a time."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from functools import cache

from harness import fixtures
from ownertag.core.settings_file import read_settings
from ownertag.render.documents import FORWARDER_ROLE, REGION_STACK, ROLES_STACK
from ownertag.rollout.doctor.access import declared_in
from ownertag.rollout.doctor.commands import Caller, line
from ownertag.rollout.doctor.examine import Stacks
from ownertag.rollout.doctor.expected import Expected, expected
from ownertag.rollout.doctor.facts import (
    AccountFacts,
    BusFacts,
    EventSourceMapping,
    Function,
    HubFacts,
    OrganizationFacts,
    PolicyFacts,
    QueueFacts,
    RegionFacts,
    Role,
    Rule,
    RuleTarget,
    Schedule,
    Sent,
    StackFacts,
    StackInstanceState,
    StackSetFacts,
    TrailFacts,
    Unread,
)
from ownertag.rollout.doctor.findings import Finding

HUB, MANAGEMENT, MEMBER, OTHER = fixtures.HUB_ACCOUNT, "123456789012", fixtures.ACCOUNT, fixtures.OTHER_ACCOUNT
HOME, ABROAD = fixtures.REGION, "us-east-1"
REGIONS = (HOME, ABROAD, "us-west-2")
SHA256 = "ab" * 32
NOW = datetime(2026, 3, 2, 9, 14, tzinfo=UTC)
LINK = 'WhatIsThis = "https://wiki.internal/ownertag"'


@cache
def wanted(more: str = "") -> Expected:
    """What should be there."""
    text = fixtures.SETTINGS_TEXT.replace('WhatIsThis = "{event_name} in {region}"', LINK)
    protection = "" if "[protection]" in more else '[protection]\nunits = ["r-ab12"]\n'
    settings = read_settings(text + protection + more, "ownertag.toml")
    assert settings.organization is not None
    return expected(fixtures.catalogue(), settings, settings.organization)


def stack(template: str, **parameters: str) -> StackFacts:
    """A complete stack of this template, which holds all of it."""
    return StackFacts("CREATE_COMPLETE", template, parameters, declared_in(template), declared_in(template))


def account(account: str = MEMBER, regions: tuple[str, ...] = REGIONS) -> AccountFacts:
    """An account with all that it should have."""
    want = wanted()
    roles = {
        name: Role(
            want.filled_for(role.trust, account),
            {role.policy_name: want.filled_for(role.permissions, account)},
            tuple(want.arn("iam", f"policy/{managed}", account) for managed in role.managed),
            managed={managed: want.filled_for(document, account) for managed, document in role.managed.items()},
        )
        for name, role in want.roles.items()
    }
    places = tuple(region(account, name) for name in regions)
    return AccountFacts(account, None, frozenset(REGIONS), roles, stack(want.stack_sets[ROLES_STACK]), places)


def region(account: str = MEMBER, name: str = HOME) -> RegionFacts:
    """A Region with all that it should have."""
    want = wanted()
    queue = want.arn("sqs", "ownertag-undelivered", account, name)
    target = RuleTarget(want.bus_arn, want.arn("iam", f"role/{FORWARDER_ROLE}", account), queue)
    url = f"https://sqs.{name}.amazonaws.com/{account}/ownertag-undelivered"
    return RegionFacts(
        name,
        None,
        (TrailFacts(f"arn:aws:cloudtrail:{HOME}:{MANAGEMENT}:trail/all", HOME, True, True, True),),
        tuple(Rule("ENABLED", want.filled_for(pattern, account), (target,)) for pattern in want.rules.values()),
        tuple(Sent(NOW, 0) for _ in want.rules),
        QueueFacts(0, want.filled_for(want.undelivered_policy, account, name), 30, url=url),
        stack(want.stack_sets[REGION_STACK]),
    )


def hub() -> HubFacts:
    """A hub with all that it should have."""
    want = wanted()
    policy = want.filled_for(want.queue_policy, HUB, HOME)
    queue, letters = (want.arn("sqs", name, HUB, HOME) for name in ("ownertag", "ownertag-dead-letters"))
    statement = want.filled_for(want.bus_statement, HUB)
    return HubFacts(
        stack=stack(want.hub_template, PackageKey=f"ownertag-{want.version}-arm64-{SHA256}.zip"),
        bus=BusFacts({"Version": "2012-10-17", "Statement": [statement]}),
        rule=Rule("ENABLED", want.hub_pattern, (RuleTarget(queue, None, letters),)),
        queue=QueueFacts(0, policy, want.visibility, letters, want.receives),
        oldest=None,
        dead_letters=QueueFacts(0, policy, 30),
        function=Function("Active", ("arm64",), want.timeout, base64.b64encode(bytes.fromhex(SHA256)).decode()),
        sources=(EventSourceMapping(queue, "Enabled", ("ReportBatchItemFailures",)),),
        alarms=dict.fromkeys(want.alarms.values(), "OK"),
        subscriptions=("arn:aws:sns:eu-central-1:777788889999:ownertag-alarms:1",),
        waiting={},
        reconcile=Function("Active", ("arm64",), 900, base64.b64encode(bytes.fromhex(SHA256)).decode()),
        schedule=Schedule("ENABLED", (want.arn("lambda", "function:ownertag-reconcile", HUB, HOME),)),
    )


def organization() -> OrganizationFacts:
    """An organization of a member, another, and the hub's account, all deployed to."""
    want = wanted()
    accounts = frozenset({MEMBER, OTHER, HUB})

    def instances(name: str, regions: tuple[str, ...]) -> StackSetFacts:
        held = tuple(
            StackInstanceState(account, region, "CURRENT", f"{name}/{account}")
            for account in sorted(accounts)
            for region in regions
        )
        return StackSetFacts(want.stack_sets[name], True, "IN_SYNC", held)

    return OrganizationFacts(
        "r-ab12",
        accounts,
        frozenset(REGIONS),
        {ROLES_STACK: instances(ROLES_STACK, (HOME,)), REGION_STACK: instances(REGION_STACK, REGIONS)},
        {name: PolicyFacts(scp, frozenset({"r-ab12"})) for name, scp in want.scps.items()},
    )


def told(finding: Finding) -> str:
    """A finding's advice, and its commands as an administrator of every account types them."""
    caller = Caller(MANAGEMENT)
    return "\n".join([finding.advice, *(line(command, caller) for command in finding.commands)])


class FakeCollector:
    """What is there, as facts: healthy, or what a test put in."""

    def __init__(self) -> None:
        self.whole: OrganizationFacts | Unread = organization()
        self.at_hub: HubFacts | Unread = hub()
        self.accounts: dict[str, AccountFacts] = {}
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def organization(self) -> OrganizationFacts | Unread:
        return self.whole

    def hub(self) -> HubFacts | Unread:
        return self.at_hub

    def account(self, name: str, regions: tuple[str, ...], stacks: Stacks) -> AccountFacts:
        assert isinstance(stacks, dict)
        self.asked.append((name, regions))
        return self.accounts.get(name) or account(name, regions)
