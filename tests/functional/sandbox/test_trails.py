"""The organization's trail, as its members see it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from ownertag.sandbox.organization import TRAIL
from ownertag.sandbox.personas import HUB, MANAGEMENT
from ownertag.sandbox.sandbox import Sandbox

ARN = f"arn:aws:cloudtrail:us-east-1:{MANAGEMENT}:trail/{TRAIL}"


def _cloudtrail(sandbox: Sandbox, account: str, region: str) -> Any:
    return sandbox.client(sandbox.account_session(account, region), "cloudtrail")


@pytest.mark.parametrize("account", [MANAGEMENT, HUB, "333333333333"])
@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_every_account_sees_in_every_region_that_the_trail_logs(sandbox: Sandbox, account: str, region: str) -> None:
    cloudtrail = _cloudtrail(sandbox, account, region)
    [trail] = cloudtrail.describe_trails()["trailList"]
    assert (trail["TrailARN"], trail["HomeRegion"]) == (ARN, "us-east-1")
    assert trail["IsOrganizationTrail"]
    assert trail["IsMultiRegionTrail"]
    assert cloudtrail.get_trail_status(Name=ARN)["IsLogging"]


def test_a_trail_that_is_stopped_logs_nowhere(sandbox: Sandbox) -> None:
    owner = _cloudtrail(sandbox, MANAGEMENT, "us-east-1")
    owner.stop_logging(Name=TRAIL)
    status = _cloudtrail(sandbox, HUB, "eu-west-1").get_trail_status(Name=ARN)
    owner.start_logging(Name=TRAIL)
    assert not status["IsLogging"]


def test_a_member_has_its_own_trails_beside_it(sandbox: Sandbox) -> None:
    account = "555555555555"
    sandbox.client(sandbox.account_session(account, "us-east-1"), "s3").create_bucket(Bucket="own-trail")
    cloudtrail = _cloudtrail(sandbox, account, "us-east-1")
    cloudtrail.create_trail(Name="own", S3BucketName="own-trail")
    assert {trail["Name"] for trail in cloudtrail.describe_trails()["trailList"]} == {"own", TRAIL}
    assert [trail["Name"] for trail in cloudtrail.describe_trails(includeShadowTrails=False)["trailList"]] == ["own"]
    assert not cloudtrail.get_trail_status(Name="own")["IsLogging"]
    with pytest.raises(ClientError, match="TrailNotFound"):
        cloudtrail.get_trail_status(Name=TRAIL)
    assert len(_cloudtrail(sandbox, HUB, "us-east-1").describe_trails()["trailList"]) == 1
