"""An organization on moto, in this process, and the wire to it: it counts each call of the real SDK, and can fail it.

What moto lacks and we rely on is supplied on the wire: the filters `client-token` and `launch-time` (with EC2's
wildcards) and `reservation-id` of DescribeInstances, and EC2's limit of 200 values a filter.
What moto lets pass is not supplied and nothing here proves it: it assumes roles that do not exist, tags network
interfaces and others that do not exist, and knows no SCP. A test that needs one of these makes the wire refuse it.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, urlencode
from xml.sax.saxutils import escape

import boto3
import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.loaders import Loader
from moto import mock_aws
from moto.ec2.models import ec2_backends
from moto.ec2.models.elastic_block_store import Volume
from moto.iam.models import get_account_id_from
from moto.moto_api._internal import mock_random

HUB = "123456789012"  # the account of moto's default credentials; here it is the management account as well
HOME = "eu-central-1"
ROLE = "auto-tag-role"
IMAGE = "ami-12c6146b"

#: One attempt: a test that fails calls on purpose doesn't wait for botocore to try again.
ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1})


@dataclass(frozen=True)
class Call:
    """A call as it leaves the SDK."""

    service: str
    operation: str
    account: str
    region: str
    parameters: dict[str, str]
    request: AWSPreparedRequest

    @property
    def text(self) -> str:
        """The body as it is sent."""
        return _text(self.request.body)

    def values(self, prefix: str) -> list[str]:
        """The members of a list parameter, as the query protocol numbers them."""
        named = re.compile(re.escape(prefix) + r"\.[0-9]+")
        return [value for key, value in self.parameters.items() if named.fullmatch(key)]

    def send_instead(self, parameters: dict[str, str]) -> None:
        """Passes other parameters to moto than were sent."""
        self.parameters.clear()
        self.parameters.update(parameters)
        self.request.body = urlencode(parameters)


Rule = Callable[[Call], AWSResponse | None]


class _Body(BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def answer(call: Call, status: int, body: str) -> AWSResponse:
    """A response of AWS, made up."""
    return AWSResponse(str(call.request.url), status, HTTPHeaders(), _Body(body.encode()))


def error(call: Call, code: str, status: int = 400, message: str = "made up by a test") -> AWSResponse:
    """An error as the service of this call would write it."""
    match call.service:
        case "ec2":
            body = (
                f"<Response><Errors><Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
                "</Errors><RequestID>00000000-0000-0000-0000-000000000000</RequestID></Response>"
            )
        case "s3":
            body = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
        case "sts" | "sns":
            body = (
                f"<ErrorResponse><Error><Type>Sender</Type><Code>{escape(code)}</Code>"
                f"<Message>{escape(message)}</Message></Error></ErrorResponse>"
            )
        case _:
            body = json.dumps({"__type": code, "message": message})
    return answer(call, status, body)


class Wire:
    """All calls of a session's clients, in their order, and rules that answer instead of moto."""

    def __init__(self, session: boto3.Session) -> None:
        self.calls: list[Call] = []
        self._rules: list[Rule] = []
        # Clients copy the session's handlers when they are made, so this stands on the way of each of them.
        session.events.register_first("before-send", self._send)  # type: ignore[arg-type] # it may answer

    def rule(self, rule: Rule) -> None:
        """Adds a rule that may answer before moto; it may raise what botocore raises for a broken connection."""
        self._rules.append(rule)

    def fail(
        self,
        operation: str,
        code: str | Exception,
        status: int = 400,
        *,
        times: int | None = None,
        when: Callable[[Call], bool] = lambda _: True,
        message: str = "made up by a test",
    ) -> None:
        """Fails calls of an operation, all or the first so many, with an error code or a botocore exception."""
        left = [times]

        def rule(call: Call) -> AWSResponse | None:
            if call.operation != operation or left[0] == 0 or not when(call):
                return None
            if left[0] is not None:
                left[0] -= 1
            if isinstance(code, Exception):
                raise code
            return error(call, code, status, message)

        self.rule(rule)

    def heal(self) -> None:
        """Forgets all rules."""
        self._rules.clear()

    def clear(self) -> None:
        """Forgets the calls so far."""
        self.calls.clear()

    @property
    def counts(self) -> Counter[str]:
        """The number of calls of each operation."""
        return Counter(call.operation for call in self.calls)

    def _send(self, request: AWSPreparedRequest, event_name: str, **_others: Any) -> AWSResponse | None:
        _, service, operation = event_name.split(".", 2)
        signed = re.search(r"Credential=([^/]+)/[0-9]+/([^/]+)/", _text(request.headers.get("Authorization")))
        account = get_account_id_from(signed[1]) if signed else ""
        call = Call(
            service, operation, account, signed[2] if signed else "", dict(parse_qsl(_text(request.body))), request
        )
        self.calls.append(replace(call, parameters=dict(call.parameters)))
        for rule in self._rules:
            response = rule(call)
            if response is not None:
                break
        else:
            response = _supply(call)
        if response is not None:
            # The SDK takes the first answer, but asks every handler: moto would carry out what was just refused.
            request.url = "https://refused.invalid/"
        return response


def _text(part: Any) -> str:
    return part.decode() if isinstance(part, bytes) else str(part or "")


def _supply(call: Call) -> AWSResponse | None:
    """Adds what moto lacks: the limit on a filter's values, and three filters of DescribeInstances."""
    names = {
        key.split(".")[1]: value for key, value in call.parameters.items() if re.fullmatch(r"Filter\.\d+\.Name", key)
    }
    for number, name in names.items():
        values = call.values(f"Filter.{number}.Value")
        if len(values) > 200:
            return error(call, "FilterLimitExceeded")
        if call.operation == "DescribeInstances" and name in {"reservation-id", "client-token", "launch-time"}:
            _by_instance_id(call, number, name, values)
    return None


def _by_instance_id(call: Call, number: str, name: str, values: list[str]) -> None:
    """Writes the filter as one over the ids of the instances that pass it."""
    wanted = [_pattern(value) for value in values]
    ids = [
        instance.id
        for reservation in ec2_backends[call.account][call.region].all_reservations()
        for instance in reservation.instances
        for has in [
            {
                "reservation-id": reservation.id,
                "client-token": instance.client_token,
                "launch-time": instance.launch_time.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            }[name]
        ]
        if any(pattern.fullmatch(str(has)) for pattern in wanted)
    ]
    kept = {key: value for key, value in call.parameters.items() if not key.startswith(f"Filter.{number}.")}
    kept[f"Filter.{number}.Name"] = "instance-id"
    kept |= {f"Filter.{number}.Value.{index}": id_ for index, id_ in enumerate(ids or ["i-00000000"], 1)}
    call.send_instead(kept)


def _pattern(value: str) -> re.Pattern[str]:
    """EC2 user guide, "List and filter": `*` and `?` are wildcards, a backslash takes that from them."""
    parts = re.findall(r"\\.|.", value, re.DOTALL)
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(part) or re.escape(part[-1]) for part in parts), re.DOTALL)


_LOADER = Loader()


def session() -> boto3.Session:
    """A session of the hub. All share the service models, which take most of the time of making a client."""
    core = botocore.session.Session()
    core.register_component("data_loader", _LOADER)
    return boto3.Session("testing", "testing", region_name=HOME, botocore_session=core)


class Emulated:
    """The organization: a hub, spokes, and clients in their accounts whose calls the wire does not count."""

    def __init__(self, spokes: int = 2) -> None:
        self.session = session()
        self.wire = Wire(self.session)
        self._plain = session()
        self._clients: dict[tuple[str, str, str], Any] = {}
        self.organizations = self._plain.client("organizations", region_name="us-east-1")
        self.organizations.create_organization(FeatureSet="ALL")
        self.spokes = [self.add_account(f"spoke{number}") for number in range(spokes)]

    def add_account(self, name: str) -> str:
        """Adds an account to the organization."""
        status = self.organizations.create_account(Email=f"{name}@example.com", AccountName=name)
        return str(status["CreateAccountStatus"]["AccountId"])

    def ec2(self, account: str, region: str = HOME) -> Any:
        """An EC2 client of a principal in this account."""
        return self.client("ec2", account, region)

    def client(self, service: str, account: str, region: str = HOME) -> Any:
        """A client of a principal in this account."""
        key = (service, account, region)
        if key not in self._clients:
            given = self._plain.client("sts").assume_role(
                RoleArn=f"arn:aws:iam::{account}:role/somebody", RoleSessionName="somebody"
            )["Credentials"]
            made: Any = self._plain.client  # of any service
            self._clients[key] = made(
                service,
                region_name=region,
                aws_access_key_id=given["AccessKeyId"],
                aws_secret_access_key=given["SecretAccessKey"],
                aws_session_token=given["SessionToken"],
            )
        return self._clients[key]

    def launch(
        self, account: str, region: str = HOME, count: int = 1, *, token: str = "", seed: int | None = None
    ) -> dict[str, Any]:
        """Launches instances with two volumes and one interface each; returns RunInstances' answer.

        With the same seed, what is launched in another account and Region gets the same ids.
        """
        client = self.ec2(account, region)
        client.describe_subnets()  # the place's default network takes random numbers when it is made
        if seed is not None:
            mock_random.seed(seed)
        extra = {"ClientToken": token} if token else {}
        answered: dict[str, Any] = client.run_instances(
            ImageId=IMAGE,
            MinCount=count,
            MaxCount=count,
            BlockDeviceMappings=[{"DeviceName": name, "Ebs": {"VolumeSize": 8}} for name in ("/dev/sda1", "/dev/sdb")],
            **extra,
        )
        return answered

    def add_volumes(self, account: str, ids: Iterable[str], region: str = HOME) -> None:
        """Adds volumes with these ids, without the calls that would create them."""
        backend = ec2_backends[account][region]
        zone = backend.get_zone_by_name(f"{region}a")
        made: Any = Volume  # its base class declares methods that it lacks
        for id_ in ids:
            backend.volumes[id_] = made(backend, volume_id=id_, size=8, zone=zone)

    def children(self, account: str, region: str, instance_id: str) -> list[str]:
        """The volumes and interfaces of an instance."""
        [reservation] = self.ec2(account, region).describe_instances(InstanceIds=[instance_id])["Reservations"]
        [instance] = reservation["Instances"]
        return [block_device_mapping["Ebs"]["VolumeId"] for block_device_mapping in instance["BlockDeviceMappings"]] + [
            network_interface["NetworkInterfaceId"] for network_interface in instance["NetworkInterfaces"]
        ]

    def tags(self, account: str, region: str = HOME) -> dict[str, dict[str, str]]:
        """All tags in this account's Region, by resource id."""
        return {id_: dict(tags) for id_, tags in ec2_backends[account][region].tags.items() if tags}

    def all_tags(self) -> dict[tuple[str, str], dict[str, dict[str, str]]]:
        """All tags anywhere, by account and Region; places without any are left out."""
        return {
            (account, region): found
            for account, regions in list(ec2_backends.items())
            for region in list(regions)
            if (found := self.tags(account, region))
        }


@contextmanager
def emulated(spokes: int = 2) -> Iterator[Emulated]:
    """An organization on moto, as long as the block lasts."""
    with moto():
        yield Emulated(spokes)


@contextmanager
def moto() -> Iterator[None]:
    """An empty moto for as long as the block lasts, without its 500 images: to load them takes half of each test."""
    name = "MOTO_EC2_LOAD_DEFAULT_AMIS"
    before = os.environ.get(name)
    os.environ[name] = "false"
    try:
        with mock_aws():
            yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def instance_ids(launched: dict[str, Any]) -> list[str]:
    """The ids in an answer of RunInstances."""
    return [instance["InstanceId"] for instance in launched["Instances"]]


def per_place(calls: Sequence[Call]) -> Counter[tuple[str, str, str]]:
    """The number of calls by operation, account and Region."""
    return Counter((call.operation, call.account, call.region) for call in calls)
