"""The demo's launches by every persona, and whether each resource ended up with its tags."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from ownertag.sandbox.console_reporter import ConsoleReporter
from ownertag.sandbox.personas import ACCOUNTS, PERSONAS, Persona
from ownertag.sandbox.sandbox import Sandbox

#: An image that moto knows.
IMAGE = "ami-12c6146b"
LINK = "https://wiki.internal/ownertag"
#: How long everything may take to be tagged before the demo says that something is wrong.
PATIENCE_SECONDS = 45.0

# A launch with a second volume, as many have.
DISKS = [
    {"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 8}},
    {"DeviceName": "/dev/sdb", "Ebs": {"VolumeSize": 20}},
]


@dataclass
class DemoLaunch:
    """A launch by a persona, what it made, and what was found of it afterwards."""

    persona: Persona
    what: str
    token: str
    at: float
    ids: list[str] = field(default_factory=list)
    volumes: int = 0
    interfaces: int = 0
    owner: str = ""
    created: str = ""
    tagged: int = 0
    confidence: str | None = None
    seconds: float | None = None
    problems: list[str] = field(default_factory=list)

    def as_object(self) -> dict[str, Any]:
        """The launch for `--json`."""
        return {
            "schema": 1,
            "part": "launch",
            "who": self.persona.name,
            "kind": self.persona.kind.value,
            "account": self.persona.account,
            "account_name": ACCOUNTS[self.persona.account],
            "region": self.persona.region,
            "did": self.what,
            "owner": self.owner or None,
            "confidence": self.confidence,
            "dateCreated": self.created or None,
            "resources": len(self.ids) + self.volumes + self.interfaces,
            "tagged": self.tagged,
            "seconds": None if self.seconds is None else round(self.seconds, 2),
            "problems": self.problems,
        }


def launch_and_check(sandbox: Sandbox, reporter: ConsoleReporter, say: Callable[[str], None]) -> list[DemoLaunch]:
    """Launches, waits for the tags, reads them back with each account's own credentials, and compares.

    Args:
        sandbox: A running sandbox, whose function reports to `reporter`.
        reporter: Knows which events are done, and since when.
        say: Takes a line of progress.
    """
    by_name = {persona.name: persona for persona in PERSONAS}
    launches = [_run(sandbox, persona, 2, "2 instances", say) for persona in PERSONAS]
    launches.append(_run(sandbox, by_name["carol"], 60, "60 instances in one call", say))
    launches.append(_run(sandbox, by_name["erin"], 1, "1 instance with owner=ceo", say, claims={"owner": "ceo"}))
    launches.append(_volume(sandbox, by_name["alice"], say))
    launches.append(_fail(sandbox, by_name["alice"], say))
    say("reading the tags back with each account's own credentials")
    for launch in launches:
        _check(sandbox, launch, reporter)
    return launches


def _run(
    sandbox: Sandbox,
    persona: Persona,
    count: int,
    what: str,
    say: Callable[[str], None],
    claims: dict[str, str] | None = None,
) -> DemoLaunch:
    say(step(persona, f"launches {what}"))
    token = str(uuid4())
    ec2 = sandbox.client(sandbox.session(persona.name), "ec2")
    tags = [{"Key": key, "Value": value} for key, value in (claims or {}).items()]
    answer = ec2.run_instances(
        ImageId=IMAGE,
        InstanceType="t3.micro",
        MinCount=count,
        MaxCount=count,
        ClientToken=token,
        BlockDeviceMappings=DISKS,
        **({"TagSpecifications": [{"ResourceType": "instance", "Tags": tags}]} if tags else {}),
    )
    ids = [instance["InstanceId"] for instance in answer["Instances"]]
    return DemoLaunch(persona, what, token, time.monotonic(), ids)


def _volume(sandbox: Sandbox, persona: Persona, say: Callable[[str], None]) -> DemoLaunch:
    say(step(persona, "creates a volume"))
    token = str(uuid4())
    ec2 = sandbox.client(sandbox.session(persona.name), "ec2")
    volume = ec2.create_volume(AvailabilityZone=f"{persona.region}a", Size=1, ClientToken=token)
    return DemoLaunch(persona, "1 volume", token, time.monotonic(), [volume["VolumeId"]])


def _fail(sandbox: Sandbox, persona: Persona, say: Callable[[str], None]) -> DemoLaunch:
    say(step(persona, "tries to launch into a subnet that is not there"))
    token = str(uuid4())
    launch = DemoLaunch(persona, "a launch that fails", token, time.monotonic())
    ec2 = sandbox.client(sandbox.session(persona.name), "ec2")
    try:
        ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, ClientToken=token, SubnetId="subnet-00000000000000000")
    except ClientError:
        return launch
    launch.problems.append("the launch did not fail")
    return launch


def _check(sandbox: Sandbox, launch: DemoLaunch, reporter: ConsoleReporter) -> None:
    """Waits until the launch is done, then compares its tags with what they should be."""
    record = _record(sandbox, launch)
    if record is None:
        launch.problems.append("CloudTrail has no record of it")
        return
    if not launch.ids:
        if not record.get("errorCode"):
            launch.problems.append("its record shows no error")
        if record["eventID"] in reporter.done:
            launch.problems.append("its event was sent to the hub")
        return
    if not is_done(launch, record, reporter):
        return
    ec2 = sandbox.client(sandbox.account_session(launch.persona.account, launch.persona.region), "ec2")
    ids = [*launch.ids, *_children(ec2, launch)]
    compare(launch, record, _tags(ec2, ids), ids)


def is_done(launch: DemoLaunch, record: dict[str, Any], reporter: ConsoleReporter) -> bool:
    """Waits until the hub has done a launch, and whether it has."""
    until = launch.at + PATIENCE_SECONDS
    while record["eventID"] not in reporter.done and time.monotonic() < until:
        time.sleep(0.05)
    if record["eventID"] not in reporter.done:
        launch.problems.append(f"not done after {PATIENCE_SECONDS:.0f} s")
        return False
    done_at, decision = reporter.done[record["eventID"]]
    launch.seconds, launch.confidence = done_at - launch.at, decision.owner.confidence.value
    if launch.confidence != launch.persona.confidence:
        launch.problems.append(f"its owner is {launch.confidence}, not {launch.persona.confidence}")
    return True


def compare(
    launch: DemoLaunch, record: dict[str, Any], tags: dict[str, dict[str, str]], ids: Sequence[str] = ()
) -> None:
    """Compares the tags of what was made, by id, with what they should be."""
    wanted = {"owner": launch.persona.owner, "dateCreated": record["eventTime"], "WhatIsThis": LINK}
    for id_ in ids or launch.ids:
        wrong = {key: tags.get(id_, {}).get(key) for key in wanted if tags.get(id_, {}).get(key) != wanted[key]}
        if wrong:
            launch.problems.append(f"{id_} has {wrong}")
        else:
            launch.tagged += 1
    first = tags.get(launch.ids[0], {})
    launch.owner, launch.created = first.get("owner", ""), first.get("dateCreated", "")


def _children(ec2: Any, launch: DemoLaunch) -> list[str]:
    """The volumes and network interfaces of the launched instances, as the account sees them."""
    ids = [id_ for id_ in launch.ids if id_.startswith("i-")]
    children: list[str] = []
    for start in range(0, len(ids), 100):
        for reservation in ec2.describe_instances(InstanceIds=ids[start : start + 100])["Reservations"]:
            for instance in reservation["Instances"]:
                volumes = [disk["Ebs"]["VolumeId"] for disk in instance["BlockDeviceMappings"]]
                interfaces = [
                    network_interface["NetworkInterfaceId"] for network_interface in instance["NetworkInterfaces"]
                ]
                launch.volumes += len(volumes)
                launch.interfaces += len(interfaces)
                children += [*volumes, *interfaces]
    return children


def _tags(ec2: Any, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for start in range(0, len(ids), 200):
        filters = [{"Name": "resource-id", "Values": list(ids[start : start + 200])}]
        for page in ec2.get_paginator("describe_tags").paginate(Filters=filters):
            for tag in page["Tags"]:
                found.setdefault(tag["ResourceId"], {})[tag["Key"]] = tag["Value"]
    return found


def _record(sandbox: Sandbox, launch: DemoLaunch) -> dict[str, Any] | None:
    for record in sandbox.recorder.records(launch.persona.account, launch.persona.region):
        if (record["requestParameters"] or {}).get("clientToken") == launch.token:
            return record
    return None


def step(persona: Persona, did: str) -> str:
    """A line of progress: the persona, what it does, and where."""
    return f"{persona.name} ({persona.kind.value}) {did} in {ACCOUNTS[persona.account]}, {persona.region}"
