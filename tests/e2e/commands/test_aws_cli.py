"""The real AWS CLI against a running sandbox."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

AWS = Path(__file__).parents[3] / ".venv-awscli" / "bin" / "aws"
PATIENCE_SECONDS = 15.0

pytestmark = pytest.mark.skipif(not AWS.exists(), reason="no AWS CLI in .venv-awscli: `make test` installs it")


def aws(environment: dict[str, str], *arguments: str) -> Any:
    answer = subprocess.run(
        [str(AWS), *arguments], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout) if answer.stdout else None


@pytest.mark.parametrize(
    ("profile", "owner", "reader"),
    [("alice", "alice", "web"), ("carol", "carol@example.com", "data"), ("ci", "team-platform", "data")],
)
def test_what_the_aws_cli_launches_is_tagged_with_its_volumes_and_interfaces(
    environment: dict[str, str], profile: str, owner: str, reader: str
) -> None:
    launched = aws(
        environment, "--profile", profile, "ec2", "run-instances", "--image-id", "ami-12c6146b", "--count", "2",
        "--block-device-mappings", "DeviceName=/dev/sda1,Ebs={VolumeSize=8}", "DeviceName=/dev/sdb,Ebs={VolumeSize=8}",
    )["Instances"]  # fmt: skip
    until = time.monotonic() + PATIENCE_SECONDS
    region = aws(environment, "--profile", profile, "ec2", "describe-availability-zones")["AvailabilityZones"][0]
    read = ("--profile", f"admin-{reader}", "--region", region["RegionName"], "ec2")
    ids = ",".join(instance["InstanceId"] for instance in launched)
    seen = aws(environment, *read, "describe-instances", "--instance-ids", *ids.split(","))
    wanted = set(ids.split(","))
    for reservation in seen["Reservations"]:
        for instance in reservation["Instances"]:
            wanted |= {disk["Ebs"]["VolumeId"] for disk in instance["BlockDeviceMappings"]}
            wanted |= {network_interface["NetworkInterfaceId"] for network_interface in instance["NetworkInterfaces"]}
    assert len(wanted) == 2 + 4 + 2
    owned: set[str] = set()
    while not wanted <= owned and time.monotonic() < until:
        filters = f"Name=key,Values=owner Name=value,Values={owner}".split()
        tags = aws(environment, *read, "describe-tags", "--filters", *filters)["Tags"]
        owned = {tag["ResourceId"] for tag in tags}
    assert wanted <= owned
