"""The calls of the article's sequence and of Cloud Custodian for each event, recorded at the endpoint."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from msgspec.structs import replace

from benchmarks import article
from benchmarks.custodian import CustodianRun
from benchmarks.custodian import run as run_custodian
from harness.limits.fleet import Instance
from harness.limits.protocol import HUB, TracedCall, key_of
from harness.process import peak_kb
from harness.simulated.endpoint_process import EndpointProcess, ask
from harness.simulated.events import BurstEvent, BurstShape, read_events, read_index

ROOT = Path(__file__).parents[2]
#: Of more events than this, Custodian handles every tenth: it takes a quarter of a second for one.
MANY, EVERY = 200, 10
#: Each event's calls, by its number.
Steps = dict[int, list[TracedCall]]


def article_side(url: str, path: Path, most: int) -> None:
    """Handles the first events by the article's function, each at its time. Run as a process of its own."""
    events = read_index(path)[:most]
    for event, body in zip(events, read_events(path, events), strict=True):
        ask(url, "time", {"at": event.delivered})
        article.handle(json.loads(body), _client_of(url))


def _client_of(url: str) -> article.ClientFactory:
    session = boto3.Session(key_of(HUB), "none")

    def client(service: str, region: str, keys: Mapping[str, str]) -> Any:
        return session.client(service, region_name=region, endpoint_url=url, **keys)  # type: ignore[call-overload] # any service

    return client


def the_article(
    remote: EndpointProcess, shape: BurstShape, path: Path, events: Sequence[BurstEvent], omitted: bool
) -> tuple[Steps, int]:
    """The article's calls for every event, and its peak memory in KB.

    Where CloudTrail leaves ids out it makes none, which is recorded for every event. Otherwise it is recorded for the
    first, and each other event's are the same calls for its own instances and volumes: its sequence depends on nothing
    else.
    """
    command = [
        sys.executable,
        "-m",
        "benchmarks.burst.other_tools",
        remote.url,
        str(path),
        str(len(events) if omitted else 1),
    ]
    peak = int(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout)
    recorded = remote.trace()
    if omitted:
        return _by_event(recorded, events), peak
    fleet = _instances(remote, shape)
    first = [call.operation for call in recorded]
    size = shape.size
    pattern = recorded[: len(recorded) // size]
    if first != [call.operation for call in pattern] * size:
        raise SystemExit(f"the article's calls were not the same for each instance: {first}")
    steps: Steps = {}
    for event, body in zip(events, read_events(path, events), strict=True):
        launched = [fleet[id_] for id_ in _ids_in(body)]
        steps[event.number] = [step for instance in launched for step in _for_instance(pattern, instance, event)]
    return steps, peak


def _for_instance(pattern: Sequence[TracedCall], instance: Instance, event: BurstEvent) -> list[TracedCall]:
    """The calls for one instance; a volume that isn't attached when the event arrives is not found."""
    attached = [part.id for part in instance.volumes if part.attached_at <= event.delivered]
    targets = iter([instance.id, *attached])
    found = []
    for step in pattern:
        if step.operation != "CreateTags":
            found.append(_placed(step, event))
        elif (id_ := next(targets, None)) is not None:
            found.append(_placed(step, event, (id_,)))
    return found


def custodian(
    remote: EndpointProcess, shape: BurstShape, path: Path, events: Sequence[BurstEvent]
) -> tuple[Steps, CustodianRun]:
    """Cloud Custodian's calls for every event, and what its process tells.

    In one account it runs there; for several, in the hub with a member role, as its documentation has it. Of many
    events it handles every tenth; what it calls for the others is the same for their own instances.
    """
    alone = len(shape.accounts) == 1
    account, role = (shape.accounts[0], None) if alone else (HUB, "arn:aws:iam::{account_id}:role/custodian")
    keys = {"AWS_ACCESS_KEY_ID": key_of(account), "AWS_SECRET_ACCESS_KEY": "none"}
    every = EVERY if len(events) > MANY else 1
    told = run_custodian(
        remote.url, keys, path, account, shape.regions[0], member_role=role, tell_time=True, every=every
    )
    recorded = _by_event(remote.trace(), events)
    if not recorded:
        return {}, told
    pattern = [(call.service, call.operation, bool(call.ids)) for call in recorded[0]]
    for number, calls in recorded.items():
        if [(call.service, call.operation, bool(call.ids)) for call in calls] != pattern:
            raise SystemExit(f"Cloud Custodian's calls were not the same for event {number}: {calls}")
    return {
        event.number: recorded.get(event.number) or _for_launch(recorded[0], event, _ids_in(body))
        for event, body in zip(events, read_events(path, events), strict=True)
    }, told


def _ids_in(body: str) -> tuple[str, ...]:
    items = json.loads(body)["detail"]["responseElements"]["instancesSet"]["items"]
    return tuple(item["instanceId"] for item in items)


def _for_launch(pattern: Sequence[TracedCall], event: BurstEvent, ids: tuple[str, ...]) -> list[TracedCall]:
    """The same calls for another launch."""
    return [_placed(step, event, ids if step.ids else ()) for step in pattern]


def _placed(step: TracedCall, event: BurstEvent, ids: tuple[str, ...] = ()) -> TracedCall:
    """The same call for another event: of the hub's own quota, or in the event's account and Region."""
    own = step.service == "sts"
    return replace(step, account=HUB if own else event.account, region=step.region if own else event.region, ids=ids)


def _by_event(trace: Sequence[TracedCall], events: Sequence[BurstEvent]) -> Steps:
    """The endpoint's time stood still for each event: it tells them apart."""
    numbers = {event.delivered: event.number for event in events}
    steps: Steps = defaultdict(list)
    for called in trace:
        steps[numbers[called.at]].append(called)
    return steps


def _instances(remote: EndpointProcess, shape: BurstShape) -> dict[str, Instance]:
    return {instance.id: instance for its in remote.fleet(shape.places).values() for instance in its}


if __name__ == "__main__":
    article_side(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
    print(peak_kb())
