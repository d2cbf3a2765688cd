"""The same launches handled by the article's sequence, Cloud Custodian and ownertag: calls, time, and what is tagged.

Each side gets the records that the sandbox's recorder wrote for its own launches, as EventBridge delivers them. AWS's
limits are not modelled here (`make bench-burst` does); calls are counted on the clients, at the last step before they
are sent, and Cloud Custodian's, which runs in a process of its own, by the sandbox.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import article, custodian
from harness.memory_account_list import MemoryAccountList
from harness.results import show
from ownertag.aws.sessions import Sessions
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.settings import Settings
from ownertag.flows.live import Message, handle
from ownertag.flows.ports import Ports
from ownertag.sandbox.bus import as_event
from ownertag.sandbox.demo_launches import DISKS, IMAGE
from ownertag.sandbox.organization import sandbox_session
from ownertag.sandbox.personas import HOME_REGION
from ownertag.sandbox.sandbox import Sandbox
from ownertag.sinks.tagging import Tagger
from ownertag.sources.lookups import AwsLookups
from ownertag.sources.organization import OrganizationAccounts

ACCOUNT, REGION = "333333333333", "us-east-1"
#: (launches, instances in each); above about forty in one launch, CloudTrail leaves the ids out of its record.
SIZES = ((1, 1), (1, 10), (10, 10), (1, 100))


class Counted:
    """A session of the hub that counts the calls of all its clients."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.session = sandbox_session(sandbox.organization.hub_keys, HOME_REGION)
        self.calls: Counter[str] = Counter()
        self.seconds: float | None = None  # as a side in another process measured them itself
        self._endpoint_url = sandbox.endpoint_url
        self.session.events.register("before-send", self._count)

    def _count(self, event_name: str, **_: object) -> None:
        self.calls[event_name.rpartition(".")[2]] += 1

    def client(self, service: str, region: str, keys: Mapping[str, str]) -> Any:
        """A client of the sandbox."""
        return self.session.client(service, region_name=region, endpoint_url=self._endpoint_url, **keys)  # type: ignore[call-overload] # any service


def launch(sandbox: Sandbox, count: int) -> tuple[dict[str, Any], list[str]]:
    """Launches instances with two volumes and an interface each, and returns the event and the ids."""
    ec2 = sandbox.client(sandbox.session("alice", REGION), "ec2")
    answer = ec2.run_instances(ImageId=IMAGE, MinCount=count, MaxCount=count, BlockDeviceMappings=DISKS)
    record = sandbox.recorder.records(ACCOUNT, REGION)[-1]
    return as_event(record), [instance["InstanceId"] for instance in answer["Instances"]]


def tagged(sandbox: Sandbox, ids: list[str]) -> Counter[str]:
    """The number of these instances, their volumes and interfaces that carry an owner."""
    ec2 = sandbox.client(sandbox.account_session(ACCOUNT, REGION), "ec2")
    filters = [{"Name": "key", "Values": ["owner"]}]
    pages = ec2.get_paginator("describe_tags").paginate(Filters=filters)
    owned = {tag["ResourceId"] for page in pages for tag in page["Tags"]}
    found: Counter[str] = Counter()
    for page in ec2.get_paginator("describe_instances").paginate(InstanceIds=ids):
        for reservation in page["Reservations"]:
            for instance in reservation["Instances"]:
                found["instances"] += instance["InstanceId"] in owned
                found["volumes"] += sum(disk["Ebs"]["VolumeId"] in owned for disk in instance["BlockDeviceMappings"])
                found["interfaces"] += sum(
                    network_interface["NetworkInterfaceId"] in owned
                    for network_interface in instance["NetworkInterfaces"]
                )
    return found


Side = Callable[[list[dict[str, Any]]], None]


def the_article(_: Sandbox, counted: Counted) -> Side:
    """The article's function, called once for each event."""

    def run(events: list[dict[str, Any]]) -> None:
        for event in events:
            article.handle(event, counted.client)

    return run


def ownertag(sandbox: Sandbox, counted: Counted) -> Side:
    """The live flow with the adapters of the hub."""
    catalogue, settings = load_catalogue(), Settings()

    def now() -> datetime:
        return datetime.now(UTC)

    sessions = Sessions(
        counted.session,
        role_name=settings.hub.tagger_role,
        region=HOME_REGION,
        now=now,
        endpoint_url=sandbox.endpoint_url,
    )
    hub, kept = sandbox_session(sandbox.organization.hub_keys, HOME_REGION), MemoryAccountList()
    OrganizationAccounts(
        sandbox.client(hub, "organizations"), now, kept=kept
    ).keep_list()  # as the schedule does, uncounted
    organization = OrganizationAccounts(counted.client("organizations", HOME_REGION, {}), now, kept=kept)
    lookups, tagger = AwsLookups(sessions, settings, catalogue.parents, now), Tagger(sessions, catalogue.tag_apis, now)
    ports = Ports(organization, lookups, tagger, now)

    def run(events: list[dict[str, Any]]) -> None:
        messages = [Message(str(number), json.dumps(event)) for number, event in enumerate(events)]
        answer = handle(messages, ports, catalogue, settings)
        if answer.returned:
            raise SystemExit(f"not tagged: {answer.returned[0].reasons}")

    return run


def cloud_custodian(sandbox: Sandbox, counted: Counted) -> Side:
    """Cloud Custodian in the account, by the root user's credentials; its calls are told by the sandbox."""
    given = sandbox.account_session(ACCOUNT, REGION).get_credentials()
    if given is None:
        raise SystemExit("the sandbox has no credentials for the account")
    keys = {"AWS_ACCESS_KEY_ID": given.access_key, "AWS_SECRET_ACCESS_KEY": given.secret_key}

    def run(events: list[dict[str, Any]]) -> None:
        before = sandbox.front.calls.copy()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "events.jsonl"
            path.write_text("".join(json.dumps(event) + "\n" for event in events), "utf-8")
            told = custodian.run(sandbox.endpoint_url, keys, path, ACCOUNT, REGION)
        if told.failed:
            raise SystemExit(f"Cloud Custodian failed: {told.failed}")
        for (_, call), count in (sandbox.front.calls - before).items():
            counted.calls[call.partition(":")[2]] += count
        counted.seconds = told.seconds

    return run


SIDES: Mapping[str, Callable[[Sandbox, Counted], Side]] = {
    "the article's sequence": the_article,
    "Cloud Custodian": cloud_custodian,
    "ownertag": ownertag,
}


def main() -> None:
    """Launches, tags and counts for every side and size."""
    rows = []
    for launches, size in SIZES:
        for name in ("the article's sequence", "Cloud Custodian", "ownertag, cold", "ownertag, warm"):
            with Sandbox() as sandbox:
                counted = Counted(sandbox)
                run = SIDES[name.partition(",")[0]](sandbox, counted)
                if name.endswith("warm"):
                    run([launch(sandbox, 1)[0]])
                launched = [launch(sandbox, size) for _ in range(launches)]
                counted.calls.clear()
                start = time.perf_counter()
                run([event for event, _ in launched])
                seconds = counted.seconds or time.perf_counter() - start
                found = tagged(sandbox, [id_ for _, ids in launched for id_ in ids])
                what = str(size) if launches == 1 else f"{launches} x {size}"
                rows.append(_row(name, what, launches * size, counted.calls, seconds, found))
    show("launch", "Launches of instances with two volumes and one interface each", rows)


def _row(name: str, what: str, size: int, calls: Counter[str], seconds: float, found: Counter[str]) -> dict[str, Any]:
    return {
        "instances": what,
        "handled by": name,
        "calls": calls.total(),
        "calls an instance": round(calls.total() / size, 2),
        "by name": ", ".join(f"{count} {operation}" for operation, count in sorted(calls.items())) or "none",
        "seconds": round(seconds, 2),
        "instances tagged": f"{found['instances']} of {size}",
        "volumes tagged": f"{found['volumes']} of {2 * size}",
        "interfaces tagged": f"{found['interfaces']} of {size}",
    }


if __name__ == "__main__":
    main()
