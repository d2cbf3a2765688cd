"""Doctor's calls against the policies of the audit and the canary role: none is denied, no permission is unused."""

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
from rollout.doctor.test_canary import FakeTrace

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
    examine(world.collector, world.expected)
    assert called(world) - FREE == allowed(audit_permissions("auto-tag-role")) - set(AUDIT_BESIDES)
    assert all(AUDIT_BESIDES.values())


class Groups:
    """Placement groups on the wire, as moto has none; they are tagged when they are described a second time."""

    def __init__(self) -> None:
        self.descriptions: int | None = None
        self.brought = ""
        self.left: list[str] = []

    def __call__(self, call: Call) -> AWSResponse | None:
        operation = call.operation
        if call.service != "ec2" or not re.fullmatch(r"\w+PlacementGroups?", operation):
            return None
        [name] = call.values("GroupName") or [call.parameters["GroupName"]]
        if operation == "CreatePlacementGroup":
            self.descriptions = 0
            self.brought = call.parameters.get("TagSpecification.1.Tag.1.Value", "")
        elif self.descriptions is None:
            return error(call, "InvalidPlacementGroup.Unknown")
        elif operation == "DeletePlacementGroup":
            self.descriptions = None
        else:
            self.descriptions += 1
            tags = "<item><key>owner</key><value>x</value></item>" if self.descriptions > 1 else ""
            group = f"<item><groupName>{escape(name)}</groupName><tagSet>{tags}</tagSet></item>"
            return answer(
                call, 200, f"<{operation}Response><placementGroupSet>{group}</placementGroupSet></{operation}Response>"
            )
        return answer(call, 200, f"<{operation}Response><return>true</return></{operation}Response>")


def test_the_canary_role_may_do_what_the_canary_does_and_nothing_else(world: Deployed) -> None:
    groups = Groups()
    world.wire.rule(groups)
    sessions = world.account_access.sessions("ownertag-canary")
    group = AwsPlacementGroup(sessions, world.member, "us-east-1")
    watch = CanaryClock(lambda: 0.0, lambda _: None)
    [finding, sent] = canary(group, FakeTrace(), Location(world.member, "us-east-1"), fixtures.settings(), 10, watch)
    assert sent.state is CheckState.OK
    assert groups.brought == "this is a test by ownertag doctor --canary"
    assert (finding.state, finding.seen) == (CheckState.OK, "tagged 0.0 s after the call")
    assert groups.descriptions is None
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
    group = AwsPlacementGroup(world.account_access.sessions("ownertag-canary"), world.member, HOME)
    watch = CanaryClock(lambda: 0.0, lambda _: None)
    [finding] = canary(group, FakeTrace(), Location(world.member, HOME), fixtures.settings(), 10, watch)
    assert finding.state is CheckState.UNREACHABLE
