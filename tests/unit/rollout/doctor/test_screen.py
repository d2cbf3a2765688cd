"""What `ownertag doctor` prints of 200 accounts and 17 Regions with twelve kinds of fault: one screen, all named."""

from __future__ import annotations

import re
from typing import Any

import pytest
from msgspec.structs import replace

from ownertag.cli.doctor_output import report
from ownertag.cli.terminal import folded
from ownertag.render.documents import REGION_STACK, ROLES_STACK
from ownertag.rollout.doctor.causes import Cause
from ownertag.rollout.doctor.commands import Caller
from ownertag.rollout.doctor.examine import Stacks, examine, units
from ownertag.rollout.doctor.facts import (
    AccountFacts,
    HubFacts,
    Missing,
    OrganizationFacts,
    RegionFacts,
    StackInstanceState,
    StackSetFacts,
    Unread,
)
from ownertag.rollout.doctor.findings import Finding
from ownertag.rollout.doctor.grouping import Scale
from rollout.doctor import healthy
from rollout.doctor.healthy import HOME, HUB, MANAGEMENT, wanted

COLUMNS, LINES = 80, 50
REGIONS = (
    "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
    "ca-central-1", HOME, "eu-north-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1",
    "us-east-2", "us-west-2",
)  # fmt: skip
MEMBERS = tuple(str(100000000000 + number) for number in range(198))
ACCOUNTS = frozenset({MANAGEMENT, HUB, *MEMBERS})
UNIT = "ou-ab12-workload"
REASON = "ResourceLogicalId:Audit, ResourceStatusReason: exceeds the quota of roles"


class TwelveFaults:
    """The facts of the organization: what is not named here is well."""

    def organization(self) -> OrganizationFacts:
        found = healthy.organization()
        members = sorted(ACCOUNTS - {MANAGEMENT})

        def state(account: str, region: str, name: str) -> StackInstanceState:
            old = account in MEMBERS[:23] and region == "ap-northeast-3" and name == REGION_STACK
            status, reason = ("OUTDATED", REASON) if old else ("CURRENT", "")
            unit = UNIT if account in MEMBERS[25:42] else "ou-ab12-others"
            return StackInstanceState(account, region, status, f"{name}/{account}", reason, unit=unit)

        def instances(name: str, regions: tuple[str, ...]) -> StackSetFacts:
            held = tuple(state(account, region, name) for account in members for region in regions)
            well = found.stack_sets[name]
            assert isinstance(well, StackSetFacts)
            return replace(well, instances=held)

        sets = {ROLES_STACK: instances(ROLES_STACK, (HOME,)), REGION_STACK: instances(REGION_STACK, REGIONS)}
        return replace(found, accounts=ACCOUNTS - {MANAGEMENT}, enabled=frozenset(REGIONS), stack_sets=sets)

    def hub(self) -> HubFacts:
        hub = healthy.hub()
        letters: Any = hub.dead_letters
        return replace(hub, dead_letters=replace(letters, messages=37))

    def account(self, account: str, regions: tuple[str, ...], stacks: Stacks) -> AccountFacts:
        assert regions == REGIONS
        assert isinstance(stacks, dict)
        number = MEMBERS.index(account) if account in MEMBERS else -1
        if number in range(23, 25):
            return AccountFacts(
                account, Unread("denied (AccessDenied): the role lacks the permission, or an SCP or boundary denies it")
            )
        facts = replace(healthy.account(account, REGIONS), enabled=frozenset(REGIONS))
        if number in range(25, 42):
            roles: dict[str, Any] = dict(facts.roles)
            roles["auto-tag-role"] = replace(roles["auto-tag-role"], inline={"ownertag-tagger": {"Statement": []}})
            facts = replace(facts, roles=roles)
        if number in range(42, 54):
            off = "ap-south-1"
            places = tuple(place for place in facts.places if place.region != off)
            facts = replace(facts, enabled=frozenset(REGIONS) - {off}, places=places)
        return replace(facts, places=tuple(_broken(number, place) for place in facts.places))


def _broken(number: int, place: RegionFacts) -> RegionFacts:
    first, *others = place.rules
    rule: Any = first
    last: Any = place.rules[-1]
    sent: Any = place.sent[0]
    queue: Any = place.undelivered
    trail: Any = place.trails[0]  # type: ignore[index] # healthy
    match number, place.region:
        case 54, "us-west-2":
            return replace(place, bus_key="arn:aws:kms:us-west-2:100000000054:key/0f1e2d3c-0000-1111-2222-333344445555")
        case 55 | 56 | 57 | 58, _:
            return replace(place, trails=(replace(trail, logging=False),))
        case _, "eu-south-2" if number in range(59, 100):
            return replace(place, rules=(Missing(), *others))
        case 100 | 101 | 102, "us-east-1":
            return replace(place, rules=(replace(rule, state="DISABLED"), *others))
        case 103, "eu-west-1":
            spy = replace(last.targets[0], arn="arn:aws:lambda:eu-west-1:100000000103:function:spy", id="spy")
            return replace(place, rules=(*place.rules[:-1], replace(last, targets=(*last.targets, spy))))
        case _, "eu-west-2" if number in range(104, 113):
            return replace(place, sent=(replace(sent, failed=3), *place.sent[1:]))
        case _, "eu-west-3" | "sa-east-1" if number in range(113, 120) and (number % 2) == (
            place.region == "sa-east-1"
        ):
            return replace(place, undelivered=replace(queue, messages=number))
    return place


@pytest.fixture(scope="module")
def found() -> tuple[list[Finding], Scale]:
    collector = TwelveFaults()
    return (
        examine(collector, wanted()),
        Scale(ACCOUNTS, frozenset(REGIONS), units(collector.organization())),
    )


CALLER = Caller(MANAGEMENT, {MANAGEMENT: "management", HUB: "security"})


def screen(found: tuple[list[Finding], Scale], *, everything: bool = False) -> list[str]:
    findings, scale = found
    return list(folded(report(findings, scale, CALLER, everything=everything), COLUMNS))


#: Each kind of fault: where it is, and what mends the first of them.
SAID = {
    Cause.DEAD_LETTERS_HELD: (
        f"dead-letters, {HUB} in {HOME}: 37 messages", "ownertag redrive --queue dead-letters --profile security",
    ),
    Cause.INSTANCE_NOT_CURRENT: ("instances, 23 accounts in ap-northeast-3", "ownertag deploy apply --profile manage"),
    Cause.AUDIT_ROLE_REFUSED: (
        "audit-role, 2 accounts", "ownertag deploy apply --recreate 100000000023,100000000024 --profile management",
    ),
    Cause.ROLE_PERMISSIONS: (f"tagger-role, all 17 accounts of {UNIT}", "deploy apply --recreate 100000000025 "),
    Cause.REGION_OFF: ("region, 12 accounts in ap-south-1", "aws account enable-region --region-name ap-south-1"),
    Cause.DEFAULT_BUS_KEY: ("default-bus, 100000000054 in us-west-2", "aws events update-event-bus --name default"),
    Cause.TRAIL_STOPPED: ("trail, 4 accounts in all 17 Regions", "aws cloudtrail start-logging --name arn:"),
    Cause.RULE_MISSING: (
        "rule, 41 accounts in eu-south-2: rule ownertag-creations-1 is not there", "apply --recreate 100000000059 ",
    ),
    Cause.RULE_DISABLED: ("rule, 3 accounts in us-east-1", "aws events enable-rule --name ownertag-creations-1"),
    Cause.TARGET_OTHERS: ("target, 100000000103 in eu-west-1", "aws events remove-targets --rule ownertag-tampering"),
    Cause.SENT_FAILED: ("sent, 9 accounts in eu-west-2", "say why"),
    Cause.UNDELIVERED_HELD: (
        "undelivered, 4 accounts in sa-east-1; 3 accounts in eu-west-3",
        "ownertag redrive --queue undelivered --accounts 100000000113 --regions sa-east-1 --profile security",
    ),
}  # fmt: skip


def test_all_twelve_are_found(found: tuple[list[Finding], Scale]) -> None:
    assert {finding.cause for finding in found[0] if finding.state in {"fault", "unreached"}} == {*SAID}


@pytest.mark.parametrize("caller", [CALLER, Caller(MANAGEMENT, {HUB: None})], ids=["profiles", "own credentials"])
def test_it_is_one_screen(found: tuple[list[Finding], Scale], caller: Caller) -> None:
    lines = list(folded(report(*found, caller, everything=False), COLUMNS))
    assert len(lines) <= LINES, "\n".join(lines)
    assert [line for line in lines if len(line) > COLUMNS] == []


@pytest.mark.parametrize("cause", SAID)
def test_each_kind_says_where_and_what_to_do(found: tuple[list[Finding], Scale], cause: Cause) -> None:
    text = " ".join(" ".join(screen(found)).replace(" \\", " ").split())
    where, command = SAID[cause]
    assert where in text
    assert command in text[text.index(where) :]


def test_accounts_without_a_profile_are_named_in_the_order_of_the_commands(
    found: tuple[list[Finding], Scale],
) -> None:
    text = " ".join(" ".join(report(*found, Caller("999999999999"), everything=False)).split())
    assert f"(1 of 12), in account {MEMBERS[42]}, then 999999999999: aws account enable-region" in text


def test_faults_come_first_and_one_line_counts_what_is_well(found: tuple[list[Finding], Scale]) -> None:
    lines = screen(found)
    heads = [line.partition(":")[0] for line in lines if line[:1] not in {" ", ""}]
    # How many are well follows from the number of rules.
    assert re.match(r"12 causes \(183 faults, 2 unread\); \d{2,3},\d{3} checks in 200 accounts well", heads[-1])
    assert heads.index("unreached") == max(number for number, head in enumerate(heads) if head == "fault") + 1


def test_all_names_every_place_and_what_is_well(found: tuple[list[Finding], Scale]) -> None:
    text = "\n".join(screen(found, everything=True))
    for number in range(59, 100):
        assert f"    {MEMBERS[number]} eu-south-2" in text
    assert f"ownertag deploy apply --recreate {','.join(MEMBERS[59:100])}" in " ".join(
        text.replace(" \\\n", " ").split()
    )
    assert "ok: forwarder-role, 198 accounts: trust and permissions are as rendered" in text
