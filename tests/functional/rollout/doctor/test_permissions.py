"""What doctor calls, held against what the audit and the canary role allow: no call more, no permission unused."""

from __future__ import annotations

import re
from typing import Any
from xml.sax.saxutils import escape

from botocore.awsrequest import AWSResponse

from contracts.emulated import Call, answer, error
from harness import fixtures
from ownertag.render.service_policies import AUDIT_BESIDES, audit_permissions, canary_permissions
from ownertag.rollout.doctor.canary import AwsPlacementGroup, CanaryClock, canary
from ownertag.rollout.doctor.examine import examine
from ownertag.rollout.doctor.findings import CheckState, Location
from rollout.doctor.deployed import HOME, MANAGEMENT, Deployed
from rollout.doctor.test_canary import FakeTold

#: Everybody may call it (doc: STS).
FREE = {"sts:GetCallerIdentity"}


def called(world: Deployed, but: str = "AssumeRole") -> set[str]:
    names = {"eventbridge": "events"}
    return {
        f"{names.get(call.service, call.service)}:{call.operation}"
        for call in world.wire.calls
        if call.operation != but
    }


def allowed(policy: dict[str, Any]) -> set[str]:
    return {
        action
        for statement in policy["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }


def test_the_audit_role_may_read_what_doctor_reads_and_what_is_named_besides(world: Deployed) -> None:
    # What is missing makes it ask CloudFormation, and a trail with selectors of its own for them.
    world.delete_rule(MANAGEMENT, HOME)
    world.select_events(world.member, {"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True}]})
    examine(world.looks, world.expected)
    assert called(world) - FREE == allowed(audit_permissions("auto-tag-role")) - set(AUDIT_BESIDES)
    assert all(AUDIT_BESIDES.values())


class Groups:
    """Placement groups, which moto has not, on the wire; they are tagged when they are looked at a second time."""

    def __init__(self) -> None:
        self.looks: int | None = None
        self.brought = ""
        self.left: list[str] = []

    def __call__(self, call: Call) -> AWSResponse | None:
        operation = call.operation
        if call.service != "ec2" or not re.fullmatch(r"\w+PlacementGroups?", operation):
            return None
        [name] = call.values("GroupName") or [call.parameters["GroupName"]]
        if operation == "CreatePlacementGroup":
            self.looks = 0
            self.brought = call.parameters.get("TagSpecification.1.Tag.1.Value", "")
        elif self.looks is None:
            return error(call, "InvalidPlacementGroup.Unknown")
        elif operation == "DeletePlacementGroup":
            self.looks = None
        else:
            self.looks += 1
            tags = "<item><key>owner</key><value>x</value></item>" if self.looks > 1 else ""
            group = f"<item><groupName>{escape(name)}</groupName><tagSet>{tags}</tagSet></item>"
            return answer(
                call, 200, f"<{operation}Response><placementGroupSet>{group}</placementGroupSet></{operation}Response>"
            )
        return answer(call, 200, f"<{operation}Response><return>true</return></{operation}Response>")


def test_the_canary_role_may_do_what_the_canary_does_and_nothing_else(world: Deployed) -> None:
    groups = Groups()
    world.wire.rule(groups)
    sessions = world.way.sessions("ownertag-canary")
    group = AwsPlacementGroup(sessions, world.member, "us-east-1")
    watch = CanaryClock(lambda: 0.0, lambda _: None)
    [finding, sent] = canary(group, FakeTold(), Location(world.member, "us-east-1"), fixtures.settings(), 10, watch)
    assert sent.state is CheckState.OK
    assert groups.brought == "this is a test by ownertag doctor --canary"
    assert (finding.state, finding.seen) == (CheckState.OK, "tagged 0.0 s after the call")
    assert groups.looks is None
    by_creation = {"ec2:CreateTags"}  # asked of whoever creates with tags (doc: EC2, granting permission to tag)
    assert called(world) | by_creation == allowed(canary_permissions())
    assert {(call.account, call.region) for call in world.wire.calls if call.service == "ec2"} == {
        (world.member, "us-east-1")
    }
    [assumed] = [call for call in world.wire.calls if call.operation == "AssumeRole"]
    assert assumed.parameters["RoleArn"].endswith(f":{world.member}:role/ownertag-canary")
    assert assumed.region == HOME


def test_a_canary_that_is_denied_is_unreached(world: Deployed) -> None:
    world.wire.fail("AssumeRole", "AccessDenied", 403)
    group = AwsPlacementGroup(world.way.sessions("ownertag-canary"), world.member, HOME)
    watch = CanaryClock(lambda: 0.0, lambda _: None)
    [finding] = canary(group, FakeTold(), Location(world.member, HOME), fixtures.settings(), 10, watch)
    assert finding.state is CheckState.UNREACHABLE
