"""Tag policies as AWS documents them: how they are merged on the way to an account, and what EC2 refuses by them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ownertag.sandbox.personas import HOME_REGION, MANAGEMENT
from ownertag.sandbox.sandbox import Sandbox

WEB = "333333333333"
ASSIGN = "@@assign"


@contextmanager
def attached(sandbox: Sandbox, **policies: dict[str, Any]) -> Iterator[Any]:
    """Tag policies, each attached to a target: `root`, `unit` or `account`."""
    organizations = sandbox.client(sandbox.account_session(MANAGEMENT), "organizations")
    root = organizations.list_roots()["Roots"][0]["Id"]
    organizations.enable_policy_type(RootId=root, PolicyType="TAG_POLICY")
    targets = {"root": root, "unit": sandbox.organization.unit, "account": WEB}
    made = []
    for where, content in policies.items():
        policy = organizations.create_policy(
            Content=json.dumps(content), Description="", Name=where, Type="TAG_POLICY"
        )["Policy"]["PolicySummary"]["Id"]
        organizations.attach_policy(PolicyId=policy, TargetId=targets[where])
        made.append((policy, targets[where]))
    try:
        yield organizations
    finally:
        for policy, target in made:
            organizations.detach_policy(PolicyId=policy, TargetId=target)
            organizations.delete_policy(PolicyId=policy)
        organizations.disable_policy_type(RootId=root, PolicyType="TAG_POLICY")
        organizations.close()


def effective(organizations: Any, account: str) -> dict[str, Any]:
    found = organizations.describe_effective_policy(PolicyType="TAG_POLICY", TargetId=account)["EffectivePolicy"]
    assert (found["TargetId"], found["PolicyType"]) == (account, "TAG_POLICY")
    content: dict[str, Any] = json.loads(found["PolicyContent"])
    return content["tags"]  # type: ignore[no-any-return] # of JSON


def test_a_child_overwrites_what_it_assigns_and_adds_to_what_it_appends(sandbox: Sandbox) -> None:
    parent = {
        "tags": {
            "costcenter": {
                "tag_key": {ASSIGN: "CostCenter"},
                "tag_value": {ASSIGN: ["100", "200"]},
                "enforced_for": {ASSIGN: ["ec2:instance"]},
            }
        }
    }
    child = {"tags": {"CostCenter": {"tag_key": {ASSIGN: "costCenter"}, "tag_value": {"@@append": ["300"]}}}}
    own = {"tags": {"costcenter": {"tag_value": {"@@remove": ["100"]}}, "team": {"tag_key": {ASSIGN: "Team"}}}}
    with attached(sandbox, root=parent, unit=child, account=own) as organizations:
        assert effective(organizations, MANAGEMENT)["costcenter"]["tag_value"] == ["100", "200"]
        assert effective(organizations, "444444444444") == {
            "costcenter": {
                "tag_key": "costCenter",
                "tag_value": ["100", "200", "300"],
                "enforced_for": ["ec2:instance"],
            }
        }
        found = effective(organizations, WEB)
        assert found["costcenter"]["tag_value"] == ["200", "300"]
        assert found["team"] == {"tag_key": "Team"}


def test_an_account_without_one_is_told_so(sandbox: Sandbox) -> None:
    with attached(sandbox, account={"tags": {"team": {"tag_key": {ASSIGN: "Team"}}}}) as organizations:
        assert effective(organizations, WEB)
        for account, type_ in (("444444444444", "TAG_POLICY"), (WEB, "BACKUP_POLICY")):
            with pytest.raises(ClientError, match="EffectivePolicyNotFoundException"):
                organizations.describe_effective_policy(PolicyType=type_, TargetId=account)
    organizations = sandbox.client(sandbox.account_session(MANAGEMENT), "organizations")
    with pytest.raises(ClientError, match="EffectivePolicyNotFoundException"):  # the type is not enabled any more
        organizations.describe_effective_policy(PolicyType="TAG_POLICY", TargetId=WEB)


def enforced(*types: str, **rule: Any) -> dict[str, Any]:
    parts = {"tag_key": "Team", "enforced_for": list(types), **rule}
    return {"tags": {"team": {name: {ASSIGN: value} for name, value in parts.items()}}}


@pytest.mark.parametrize(
    ("policy", "key", "value", "refused"),
    [
        (enforced("ec2:volume"), "team", "x", True),
        (enforced("ec2:volume"), "Team", "x", False),
        (enforced("ec2:*"), "TEAM", "x", True),
        (enforced("ec2:ALL_SUPPORTED"), "team", "x", True),
        (enforced("ec2:instance"), "team", "x", False),
        (enforced(), "team", "x", False),
        (enforced("ec2:volume", tag_value=["a", "b*"]), "Team", "bc", False),
        (enforced("ec2:volume", tag_value=["a", "b*"]), "Team", "A", True),
        (enforced("ec2:volume", tag_value=["a"]), "Other", "x", False),
    ],
)
def test_ec2_refuses_a_tag_that_an_enforced_policy_does_not_accept_at_creation_too(
    sandbox: Sandbox, policy: dict[str, Any], key: str, value: str, refused: bool
) -> None:
    ec2 = sandbox.client(sandbox.account_session(WEB, HOME_REGION), "ec2")
    given: Any = {"AvailabilityZone": f"{HOME_REGION}a", "Size": 1}
    volume = ec2.create_volume(**given)["VolumeId"]
    tags = [{"Key": key, "Value": value}]
    calls: list[Callable[[], Any]] = [
        lambda: ec2.create_tags(Resources=[volume], Tags=tags),
        lambda: ec2.create_volume(**given, TagSpecifications=[{"ResourceType": "volume", "Tags": tags}]),
    ]
    with attached(sandbox, unit=policy):
        for call in calls:
            if refused:
                with pytest.raises(ClientError, match="TagPolicyViolation"):
                    call()
            else:
                call()
    ec2.close()
