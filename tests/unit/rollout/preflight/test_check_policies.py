"""What policies of others deny of what a deployment needs, told from what they don't and from what is not known."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from ownertag.core.settings import OrganizationSettings, Settings
from ownertag.rollout.doctor.facts import Unread
from ownertag.rollout.preflight.check_policies import check_policies
from ownertag.rollout.preflight.collect_organization import RCP, SCP
from ownertag.rollout.preflight.facts import AttachedPolicy, OrganizationRules
from ownertag.rollout.preflight.findings import PreflightCheck, PreflightFinding, Verdict
from ownertag.rollout.preflight.needs import Needs
from rollout.preflight.policies import (
    DATA,
    HUB,
    MANAGEMENT,
    ORGANIZATION,
    ROOT,
    UNIT,
    WEB,
    allowing,
    attached,
    denying,
    organization,
    perimeter,
    region_deny,
)

HOME = "eu-central-1"
REGIONS = (HOME, "eu-south-2")
SETTINGS = Settings(tags={"owner": "{owner}", "WhatIsThis": "https://wiki.internal/ownertag"})
NEEDS = Needs(
    OrganizationSettings(id=ORGANIZATION, management_account=MANAGEMENT, hub_account=HUB, home_region=HOME),
    SETTINGS,
    "ownertag-packages",
)


def scp(*policies: AttachedPolicy, rules: OrganizationRules | None = None) -> list[PreflightFinding]:
    needs = {account: list(NEEDS.of_principals(account, REGIONS)) for account in (WEB, DATA)}
    needs[HUB] = [*NEEDS.of_principals(HUB, REGIONS), *NEEDS.at_hub("OrganizationAccountAccessRole", WEB)]
    return list(check_policies(rules or organization(*policies), SCP, needs, HOME, MANAGEMENT))


def rcp(*policies: AttachedPolicy) -> list[PreflightFinding]:
    needs = {account: list(NEEDS.of_resources(account, REGIONS)) for account in (HUB, WEB, DATA)}
    return list(check_policies(organization(*policies), RCP, needs, HOME, MANAGEMENT))


def verdicts(found: list[PreflightFinding]) -> set[Verdict]:
    return {finding.verdict for finding in found}


def test_an_organization_that_denies_nothing_is_fine() -> None:
    assert [finding.verdict for finding in (*scp(), *rcp())] == [Verdict.FINE, Verdict.FINE]


# --- the Region deny of Control Tower


def test_control_towers_region_deny_is_told_for_stack_sets_and_the_tagger_in_the_denied_region_alone() -> None:
    found = scp(attached(region_deny(), UNIT, name="aws-guardrails-AbCdEf"))
    assert verdicts(found) == {Verdict.TOLD}
    assert {finding.check for finding in found} == {PreflightCheck.REGION}
    assert {finding.region for finding in found} == {"eu-south-2"}
    assert {finding.account for finding in found} == {HUB, WEB, DATA}
    [rules] = [finding for finding in found if finding.account == WEB and "StackSets" in finding.seen]
    # IAM and STS are exempted, so roles are not named.
    for action in ("cloudformation:CreateStack", "events:PutRule", "sqs:CreateQueue"):
        assert action in rules.seen
    assert "iam:" not in "".join(finding.seen for finding in found)
    assert "aws-guardrails-AbCdEf (p-aws-guardrails-AbCdEf)" in rules.seen
    assert "describe-policy --policy-id p-aws-guardrails-AbCdEf`" in rules.to_do


def test_a_region_deny_that_exempts_stack_sets_still_denies_the_tagger() -> None:
    found = scp(attached(region_deny("arn:*:iam::*:role/stacksets-exec-*"), ROOT))
    assert verdicts(found) == {Verdict.TOLD}
    assert not any("StackSets" in finding.seen for finding in found)
    assert any("the tagger can't tag" in finding.seen for finding in found)


def test_a_region_deny_that_leaves_out_the_home_region_stops_everything() -> None:
    document: Any = region_deny()
    document["Statement"][0]["Condition"]["StringNotEquals"]["aws:RequestedRegion"] = ["us-east-1"]
    found = scp(attached(document, UNIT))
    stopped = {(finding.account, finding.region) for finding in found if finding.verdict is Verdict.STOPS}
    assert {(WEB, HOME), (WEB, None), (HUB, None)} <= stopped
    assert {finding.region for finding in found if finding.verdict is Verdict.TOLD} == {"eu-south-2"}


def test_a_policy_binds_the_accounts_below_its_target_and_no_others() -> None:
    assert {finding.account for finding in scp(attached(region_deny(), WEB))} == {WEB}
    assert {finding.account for finding in scp(attached(region_deny(), ROOT))} == {HUB, WEB, DATA}
    assert verdicts(scp(attached(region_deny(), "ou-ab12-elsewhere"))) == {Verdict.FINE}


# --- other denials


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (denying("ec2:CreateTags"), "the tagger can't tag"),
        (denying("ec2:CreateTags", ArnNotLike={"aws:PrincipalArn": "arn:aws:iam::*:role/tag-admin"}), "can't tag"),
        (denying("ec2:CreateTags", **{"ForAnyValue:StringEquals": {"aws:TagKeys": ["owner"]}}), "can't tag"),
        (
            denying("ec2:CreateTags", StringNotEquals={"aws:RequestTag/WhatIsThis": "https://other.internal"}),
            "can't tag",
        ),
        (denying("sqs:CreateQueue", Null={"aws:RequestTag/CostCenter": "true"}), "StackSets can't deploy the rules"),
        (denying("iam:CreateRole", Null={"iam:PermissionsBoundary": "true"}), "StackSets can't deploy the roles"),
        (denying("events:PutEvents", StringNotEquals={"aws:PrincipalTag/team": "events"}), "no event reaches the hub"),
        (denying(["iam:Create*"]), "the hub can't be deployed"),
        (denying("sts:AssumeRole", StringNotEquals={"aws:ResourceAccount": [HUB]}), "the hub can't tag in any account"),
    ],
)
def test_a_denial_that_does_not_go_by_region_stops(document: Any, words: str) -> None:
    found = scp(attached(document, ROOT))
    assert any(finding.verdict is Verdict.STOPS and words in finding.seen for finding in found), found


@pytest.mark.parametrize(
    "document",
    [
        denying("ec2:RunInstances"),
        denying("ec2:CreateTags", Null={"aws:TagKeys": "true"}),
        denying("ec2:CreateTags", **{"ForAnyValue:StringEquals": {"aws:TagKeys": ["Owner"]}}),
        denying("ec2:CreateTags", ArnNotLike={"aws:PrincipalArn": "arn:aws:iam::*:role/auto-tag-role"}),
        denying("*", StringEquals={"aws:RequestedRegion": "ap-south-1"}),
        denying("sts:AssumeRole", StringNotEquals={"aws:ResourceOrgID": ORGANIZATION}),
        denying("*", Bool={"aws:SecureTransport": "false"}),
        denying("*", StringLike={"aws:PrincipalArn": "arn:aws:iam::*:root"}),
        denying("ec2:CreateTags", StringEquals={"ec2:CreateAction": "RunInstances"}),
    ],
)
def test_what_is_not_denied_is_fine(document: Any) -> None:
    assert verdicts(scp(attached(document, ROOT))) == {Verdict.FINE}


@pytest.mark.parametrize(
    ("condition", "depends"),
    [
        ({"NotIpAddressIfExists": {"aws:SourceIp": ["10.0.0.0/8"]}}, "aws:SourceIp"),
        ({"StringNotEqualsIfExists": {"aws:SourceVpc": "vpc-1"}}, "aws:SourceVpc"),
        ({"StringNotEquals": {"aws:RequestTag/owner": ["alice", "bob"]}}, "aws:RequestTag/owner"),
        ({"StringNotLike": {"aws:PrincipalArn": "arn:aws:iam::${aws:PrincipalAccount}:role/x"}}, "variables"),
    ],
)
def test_what_depends_on_an_unknown_key_is_not_known_and_names_it(condition: Any, depends: str) -> None:
    found = scp(attached(denying("ec2:CreateTags", **condition), UNIT))
    assert verdicts(found) == {Verdict.UNKNOWN}
    assert all(depends in finding.seen for finding in found)


def test_an_allow_list_without_our_services_stops_at_the_level_that_has_it() -> None:
    rules = organization(
        attached(allowing("ec2:*", "s3:*"), UNIT, name="allowed"), full_access_on=(ROOT, HUB, WEB, DATA, MANAGEMENT)
    )
    found = scp(rules=rules)
    assert verdicts(found) == {Verdict.STOPS}
    assert all("no statement that allows it" in finding.seen and f"on {UNIT}" in finding.seen for finding in found)
    named = " ".join(finding.seen for finding in found)
    assert "events:PutRule" in named
    assert "ec2:CreateTags" not in named
    beside = organization(attached(allowing("ec2:*"), UNIT, name="allowed"))
    assert verdicts(scp(rules=beside)) == {Verdict.FINE}


def test_an_allow_list_under_an_unknown_condition_is_not_known() -> None:
    document: Any = allowing("*")
    document["Statement"][0]["Condition"] = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    rules = organization(attached(document, WEB, name="allowed"), full_access_on=(ROOT, UNIT, HUB, DATA, MANAGEMENT))
    found = scp(rules=rules)
    assert verdicts(found) == {Verdict.UNKNOWN}
    assert {finding.account for finding in found} == {WEB}


def test_policies_that_cant_be_read_are_not_known() -> None:
    for rules in (
        replace(organization(), policies={SCP: Unread("denied"), RCP: ()}),
        replace(organization(), paths=Unread("denied")),
    ):
        [found] = scp(rules=rules)
        assert (found.verdict, "denied" in found.seen) == (Verdict.UNKNOWN, True)


# --- resource control policies


def test_a_perimeter_of_this_organization_lets_the_hub_and_eventbridge_in_as_far_as_it_can_be_known() -> None:
    assert verdicts(rcp(attached(perimeter(), ROOT, type_=RCP))) == {Verdict.FINE}


def test_a_perimeter_of_another_organization_stops_the_hub_unless_a_tag_of_the_resource_exempts_it() -> None:
    document: Any = perimeter("o-another000")
    found = rcp(attached(document, ROOT, type_=RCP))
    # Our roles and queues have no tag `dp:exclude:identity`, but a resource's tags are not known.
    assert any("EnforceOrgIdentities" in finding.seen and finding.verdict is Verdict.UNKNOWN for finding in found)
    stopped = [finding for finding in found if finding.verdict is Verdict.STOPS]
    assert {finding.account for finding in stopped} == {HUB, WEB, DATA}
    assert all("sqs:SendMessage" in finding.seen for finding in stopped)
    del document["Statement"][0]["Condition"]["StringNotEqualsIfExists"]["aws:ResourceTag/dp:exclude:identity"]
    found = rcp(attached(document, ROOT, type_=RCP))
    assert any(
        "sts:AssumeRole" in finding.seen and "the hub can't tag" in finding.seen and finding.verdict is Verdict.STOPS
        for finding in found
    )


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (denying("sts:AssumeRole", StringNotEquals={"aws:PrincipalAccount": ["999999999999"]}), "the hub can't tag"),
        (denying("sqs:SendMessage", Bool={"aws:PrincipalIsAWSService": "true"}), "can't be delivered is lost"),
        (denying("s3:GetObject", StringNotEquals={"aws:PrincipalAccount": WEB}), "can't be given its package"),
        (denying("sqs:*", StringNotEquals={"aws:PrincipalOrgID": "o-x"}), "can't take events from its queue"),
    ],
)
def test_a_resource_control_policy_that_shuts_the_hub_out_stops(document: Any, words: str) -> None:
    found = rcp(attached(document, ROOT, type_=RCP))
    assert any(finding.verdict is Verdict.STOPS and words in finding.seen for finding in found), found


def test_needs_of_the_hubs_own_queue_are_those_of_the_hub_alone() -> None:
    found = rcp(attached(denying("sqs:ReceiveMessage"), ROOT, type_=RCP))
    assert {finding.account for finding in found} == {HUB}
