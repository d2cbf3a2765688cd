"""The surroundings of the function: its launches, its settings, its table."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import boto3
from msgspec import Struct

from benchmarks.steady.queue import StreamMessage
from harness.limits.fleet import AccountRegion
from harness.limits.protocol import HUB, key_of
from harness.simulated.endpoint_process import EndpointProcess
from ownertag.handler.settings import CONCURRENCY, CONFIG, QUEUE_URL
from ownertag.ledger.opening import LEDGER
from ownertag.ledger.table import DEFINITION
from ownertag.sandbox.bus import as_event
from ownertag.sandbox.demo_launches import DISKS

HOME_REGION = "eu-central-1"
ACCOUNTS = tuple(f"3333333333{number:02}" for number in range(20))
_REGIONS = (HOME_REGION, "us-east-1", "us-west-2", "eu-west-1", "ap-southeast-2")
PLACES: tuple[AccountRegion, ...] = tuple((account, region) for region in _REGIONS for account in ACCOUNTS)
#: Launches a second that EC2 lets go on in a place (doc: request throttling, RunInstances).
LAUNCHES = 2
#: Seconds between a launch and its event: by then an instance runs, and one look is enough.
_DELIVERY = 60.0
_TABLE = "ownertag-ledger"
SETTINGS_FILE = "ownertag.toml"
SETTINGS = f"""\
[organization]
id = "o-a1b2c3d4e5"
management_account = "{HUB}"
hub_account = "{HUB}"
home_region = "{HOME_REGION}"
"""


class StreamLaunch(Struct, frozen=True):
    """A launched instance, its event, and the second of the stream in which that arrives."""

    at: float
    instance: str
    event: dict[str, Any]


def launches(ec2: EndpointProcess, rate: int, seconds: int, places: Sequence[AccountRegion]) -> list[StreamLaunch]:
    """Launches so many events a second for so long in these places in turn, as if begun `_DELIVERY` ago.

    Where the events come faster than EC2 lets launch, they are those of a longer stretch.
    """
    session = boto3.Session()
    clients = {
        (account, region): session.client(
            "ec2",
            region,
            endpoint_url=ec2.url,
            aws_access_key_id=key_of(account),
            aws_secret_access_key="none",  # noqa: S106 - nobody's
        )
        for account, region in places
    }
    disks: Any = DISKS
    start = time.time() - _DELIVERY
    count, launched = rate * seconds, min(rate, LAUNCHES * len(places))
    for number in range(count):
        if number % launched == 0:
            ec2.time(start + number / launched)
        client = clients[places[number % len(places)]]
        client.run_instances(ImageId="ami-0a1b2c3d4e5f60718", MinCount=1, MaxCount=1, BlockDeviceMappings=disks)
    for client in clients.values():
        client.close()
    ec2.time(None)
    records = enumerate(islice(ec2.records(), count))
    return [StreamLaunch(number / rate, _instance(record), as_event(dict(record))) for number, record in records]


def environment(ec2: str, ministack: str) -> dict[str, str]:
    """The function's variables: each service's own endpoint, as every AWS SDK reads it."""
    return {
        **{f"AWS_ENDPOINT_URL_{name}": ec2 for name in ("EC2", "STS", "ORGANIZATIONS")},
        **{f"AWS_ENDPOINT_URL_{name}": ministack for name in ("DYNAMODB", "SQS", "EVENTBRIDGE")},
        "AWS_ACCESS_KEY_ID": key_of(HUB),
        "AWS_SECRET_ACCESS_KEY": "none",
        CONFIG: SETTINGS_FILE,
        CONCURRENCY: "1",
        QUEUE_URL: f"{ministack}/{HUB}/ownertag",
        LEDGER: f"dynamodb:{_TABLE}",
    }


def make_table(url: str) -> None:
    """The ledger's table, as the hub's template defines it."""
    client = boto3.Session(key_of(HUB), "none", region_name=HOME_REGION).client("dynamodb", endpoint_url=url)
    client.create_table(TableName=_TABLE, **{key: value for key, value in DEFINITION.items() if key != "TableName"})
    client.close()


def record(message: StreamMessage) -> dict[str, Any]:
    """A message as Lambda hands it to the function."""
    return {
        "messageId": f"m{message.number}",
        "receiptHandle": f"r{message.number}-{message.receives}",
        "body": message.body,
        "attributes": {"ApproximateReceiveCount": str(message.receives)},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{HOME_REGION}:{HUB}:ownertag",
        "awsRegion": HOME_REGION,
    }


def _instance(record: Mapping[str, Any]) -> str:
    [instance] = record["responseElements"]["instancesSet"]["items"]
    found: str = instance["instanceId"]
    return found
