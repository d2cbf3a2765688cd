"""The launches: as fast as EC2's own limits let one account and Region, and the events that tell of them."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import msgspec
from botocore.config import Config

from harness.limits.buckets import Buckets, tokens_of
from harness.limits.fleet import AccountRegion
from harness.limits.protocol import key_of
from harness.simulated.endpoint_process import EndpointProcess
from harness.simulated.events import START, BurstEvent, BurstShape, read_events
from ownertag.aws.times import read_times_quickly
from ownertag.sandbox.bus import as_event
from ownertag.sandbox.demo_launches import DISKS


def launch(remote: EndpointProcess, shape: BurstShape) -> None:
    """Launches everything, each launch as soon as EC2's buckets let it."""
    buckets = Buckets()
    tokens = tokens_of("RunInstances", {"MaxCount": str(shape.size)})
    calls: list[tuple[float, AccountRegion, int]] = []
    for place in shape.places:
        at = START
        for number in range(shape.launches):
            at += buckets.wait(*place, tokens, at)
            buckets.take(*place, tokens, at)
            calls.append((at, place, number))
    core = botocore.session.Session()
    read_times_quickly(core)
    session = boto3.Session("none", "none", botocore_session=core)  # one, for it reads EC2's model once
    clients: dict[AccountRegion, Any] = {}
    for at, place, number in sorted(calls):
        client = clients.get(place) or clients.setdefault(place, _client(session, remote.url, place))
        remote.time(at)
        client.run_instances(
            ImageId="ami-0a1b2c3d4e5f60718",
            MinCount=shape.size,
            MaxCount=shape.size,
            BlockDeviceMappings=DISKS,
            ClientToken=f"launch-{place[0]}-{place[1]}-{number}",
        )
    for client in clients.values():
        client.close()


def _client(session: boto3.Session, url: str, place: AccountRegion) -> Any:
    return session.client(
        "ec2",
        region_name=place[1],
        endpoint_url=url,
        aws_access_key_id=key_of(place[0]),
        aws_secret_access_key="none",  # noqa: S106 - opens nothing
        config=Config(retries={"total_max_attempts": 1}),
    )


def write_events(records: list[Mapping[str, Any]], shape: BurstShape, seed: int, path: Path) -> list[BurstEvent]:
    """Writes the events into a file, a line each, and says when each arrives; the first to arrive comes first."""
    chance = random.Random(f"{seed}/delivery")  # noqa: S311 - no secret
    found: list[tuple[float, Mapping[str, Any]]] = []
    for number, record in enumerate(records):
        event: Mapping[str, Any] = {**as_event(dict(record)), "id": record["eventID"]}
        made = datetime.fromisoformat(record["eventTime"]).timestamp()
        found.append((made + chance.uniform(*shape.delivery) + number * 1e-6, event))
    events: list[BurstEvent] = []
    with path.open("wb") as file:
        for number, (delivered, event) in enumerate(sorted(found, key=lambda pair: pair[0])):
            line = json.dumps(event).encode()
            offset = file.tell()
            events.append(BurstEvent(number, delivered, event["account"], event["region"], offset, len(line)))
            file.write(line + b"\n")
    path.with_suffix(".index").write_bytes(msgspec.json.encode(events))
    return events


def omitted(path: Path, events: list[BurstEvent]) -> int:
    """The number of events whose response CloudTrail left out."""
    return sum(
        "omitted" in (json.loads(body)["detail"]["responseElements"] or {}) for body in read_events(path, events)
    )
