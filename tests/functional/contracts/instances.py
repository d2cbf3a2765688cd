"""EC2's DescribeInstances on the wire, for made-up launches that moto cannot emulate.

As the API reference has it: `launch-time` is the time of the last start and takes a wildcard; a filter leaves out
single instances of a reservation; a page holds so many instances, wherever that cuts a reservation; a terminated
instance has no network interface.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from xml.sax.saxutils import escape

from botocore.awsrequest import AWSResponse

from contracts.emulated import Call, answer


@dataclass(frozen=True)
class Machine:
    """An instance. `started`: its last start; `launched`: its first, None once it is terminated."""

    id: str
    started: datetime
    launched: datetime | None
    image: str = "ami-0abcdef1234567890"
    type: str = "t3.micro"
    subnet: str = "subnet-0b1c2d3e4f5061728"
    zone: str = "eu-central-1a"
    key: str | None = None
    token: str = ""
    lifecycle: str | None = None
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Launch:
    """A reservation, its owner, and the requester who launched it on the owner's behalf."""

    id: str
    owner: str
    machines: tuple[Machine, ...]
    requester: str | None = None


class Instances:
    """A rule of the wire. `page`: how many instances one holds."""

    def __init__(self, page: int = 1000) -> None:
        self.launches: list[tuple[str, Launch]] = []
        self.page = page

    def add(self, account: str, launch: Launch) -> None:
        """Adds a launch that this account sees."""
        self.launches.append((account, launch))

    def __call__(self, call: Call) -> AWSResponse | None:
        if call.operation != "DescribeInstances":
            return None
        [name] = [value for key, value in call.parameters.items() if re.fullmatch(r"Filter\.1\.Name", key)]
        values = call.values("Filter.1.Value")
        shown = [
            (launch, machine)
            for account, launch in self.launches
            if account == call.account
            for machine in launch.machines
            if any(fnmatchcase(_value(name, launch, machine), value) for value in values)
        ]
        first = int(call.parameters.get("NextToken", "0"))
        page = shown[first : first + self.page]
        sets = []
        for launch in dict.fromkeys(launch for launch, _ in page):
            items = "".join(f"<item>{_item(machine)}</item>" for of, machine in page if of == launch)
            requester = f"<requesterId>{launch.requester}</requesterId>" if launch.requester else ""
            sets.append(
                f"<item><reservationId>{launch.id}</reservationId><ownerId>{launch.owner}</ownerId>{requester}"
                f"<instancesSet>{items}</instancesSet></item>"
            )
        token = f"<nextToken>{first + self.page}</nextToken>" if first + self.page < len(shown) else ""
        body = f"<reservationSet>{''.join(sets)}</reservationSet>{token}"
        return answer(call, 200, f"<DescribeInstancesResponse>{body}</DescribeInstancesResponse>")


def _value(name: str, launch: Launch, machine: Machine) -> str:
    return {"launch-time": _time(machine.started), "reservation-id": launch.id}[name]


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _item(machine: Machine) -> str:
    texts = {
        "instanceId": machine.id,
        "imageId": machine.image,
        "instanceType": machine.type,
        "launchTime": _time(machine.started),
        "subnetId": machine.subnet,
        "keyName": machine.key,
        "clientToken": machine.token,
        "instanceLifecycle": machine.lifecycle,
        "rootDeviceType": "instance-store",
    }
    parts = [f"<{key}>{escape(value)}</{key}>" for key, value in texts.items() if value is not None]
    state = "running" if machine.launched else "terminated"
    parts.append(f"<instanceState><name>{state}</name></instanceState>")
    parts.append(f"<placement><availabilityZone>{machine.zone}</availabilityZone></placement>")
    tags = "".join(f"<item><key>{key}</key><value>{value}</value></item>" for key, value in machine.tags)
    parts.append(f"<tagSet>{tags}</tagSet>")
    if machine.launched:
        time = f"<attachTime>{_time(machine.started)}</attachTime>"
        later = "".join(
            f"<item><networkInterfaceId>eni-{machine.id[3:]}{card}</networkInterfaceId><attachment><deviceIndex>{device}"
            f"</deviceIndex><networkCardIndex>{card}</networkCardIndex>{time}</attachment></item>"
            for card, device in ((1, 0), (0, 1))  # a device 0 of a second card is an EFA-only interface
        )
        first = f"<item><networkInterfaceId>eni-{machine.id[3:]}a</networkInterfaceId><attachment><deviceIndex>0"
        first += f"</deviceIndex><attachTime>{_time(machine.launched)}</attachTime></attachment></item>"
        others = later if machine.started != machine.launched else ""
        parts.append(f"<networkInterfaceSet>{others}{first}</networkInterfaceSet>")
    return "".join(parts)
