"""Events that are lost on the way: reconciling finds what they made, tags it, tells what was forged, and counts."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from harness.sandbox_process import SAME_PATH
from harness.waiting import wait
from ownertag.flows.live import BatchAnswer
from ownertag.flows.reconcile.legs import Leg
from ownertag.flows.result import Decided
from ownertag.handler.settings import CONFIG, read_environment
from ownertag.handler.wiring import Handler, build
from ownertag.render.documents import RECONCILE_FUNCTION
from ownertag.sandbox.console_reporter import ConsoleReporter
from ownertag.sandbox.organization import sandbox_session
from ownertag.sandbox.personas import HOME_REGION
from ownertag.sandbox.queue_poller import InvocationContext
from ownertag.sandbox.sandbox import Sandbox

SPOKE = "333333333333"
MADE, SHARE, FORGED = 240, 0.05, 10
#: CloudTrail's records and late deliveries take a quarter of an hour: reconciling looks at what is older.
LATER = timedelta(minutes=20)


class Told(ConsoleReporter):
    """Keeps what the functions did."""

    def __init__(self) -> None:
        super().__init__(lambda _: None)
        self.legs: list[Leg] = []
        self.tagged: set[str] = set()

    def answer(self, answer: BatchAnswer, failures: list[Any]) -> None:
        super().answer(answer, failures)
        for done in answer.done:
            if isinstance(done.result, Decided):
                self.tagged |= {outcome.arn.rpartition("/")[2] for outcome in done.result.outcomes}

    def reconciled(self, leg: Leg, dry_run: bool) -> None:
        super().reconciled(leg, dry_run)
        self.legs.append(leg)


class World:
    """A sandbox in which somebody makes volumes, and a function whose clock is ahead."""

    def __init__(self, sandbox: Sandbox, told: Told) -> None:
        self.sandbox, self.told = sandbox, told
        self.lost: set[int] = set()
        self.loses_queues = False
        self.count = 0
        self.ec2 = sandbox.client(sandbox.account_session(SPOKE, HOME_REGION), "ec2")
        self.listen: Callable[[dict[str, Any]], None] = sandbox.bus.put
        sandbox.recorder.listeners[sandbox.recorder.listeners.index(sandbox.bus.put)] = self.deliver
        self.handler = self._handler()

    def _handler(self) -> Handler:
        hub = sandbox_session(self.sandbox.organization.hub_keys, HOME_REGION)
        functions = self.sandbox.client(hub, "lambda")
        variables = functions.get_function_configuration(FunctionName=RECONCILE_FUNCTION)["Environment"]["Variables"]
        variables |= {CONFIG: str(self.sandbox.settings_file), "AWS_ENDPOINT_URL": self.sandbox.endpoint_url}
        now: Callable[[], datetime] = lambda: datetime.now(UTC) + LATER  # noqa: E731 - what is read is old enough then
        return build(read_environment({name: str(value) for name, value in variables.items()}), hub, self.told, now)

    def deliver(self, record: dict[str, Any]) -> None:
        """EventBridge gets the record, unless it is one of those that are lost on the way."""
        if record["eventName"] == "CreateVolume":
            self.count += 1
            if self.count in self.lost:
                return
        if record["eventName"] == "CreateQueue" and self.loses_queues:
            return
        self.listen(record)

    def make(self) -> str:
        return str(self.ec2.create_volume(AvailabilityZone=f"{HOME_REGION}a", Size=1)["VolumeId"])

    def owners(self, ids: list[str]) -> dict[str, str]:
        tags = self.ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": ids}])["Tags"]
        return {tag["ResourceId"]: tag["Value"] for tag in tags if tag["Key"] == "owner"}

    def reconcile(self, **order: Any) -> dict[str, Any]:
        context = InvocationContext(until=time.monotonic() + 900)
        whole = {"account": SPOKE, "region": HOME_REGION} | order
        answer = self.handler({"reconcile": whole}, context)
        [place] = json.loads(json.dumps(answer))["places"]
        return dict(place)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    told = Told()
    with Sandbox(told) as sandbox:
        yield World(sandbox, told)


@pytest.mark.parametrize(
    "seed", [18, pytest.param(42, marks=pytest.mark.full), pytest.param(2026, marks=pytest.mark.full)]
)
def test_of_the_events_lost_on_the_way_all_are_found_and_all_forged_owners_told(world: World, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - no secret
    begun = world.count
    lost = draw.sample(range(1, MADE + 1), round(MADE * SHARE))
    world.lost = {begun + number for number in lost}
    ids = [world.make() for _ in range(MADE)]
    missing = [ids[number - 1] for number in lost]
    wait(lambda: set(ids) - set(missing) <= world.told.tagged, seconds=120)
    forged = draw.sample(missing, FORGED)
    world.ec2.create_tags(Resources=forged, Tags=[{"Key": "owner", "Value": "mallory"}])
    assert world.owners(missing) == dict.fromkeys(forged, "mallory")

    place = world.reconcile()

    found = [arn for missed in place["missed"] for arn in missed["resources"]]
    assert sorted(arn.rpartition("/")[2] for arn in found) == sorted(missing)
    assert sorted(one["arn"].rpartition("/")[2] for one in place["forged"]) == sorted(forged)
    assert {one["value"] for one in place["forged"]} == {"mallory"}
    assert world.told.legs[-1].totals.missed == len(missing)
    owners = world.owners(ids[:150]) | world.owners(ids[150:])
    assert set(owners) == set(ids)
    assert "mallory" not in owners.values()


def test_the_command_asks_the_function_for_one_place_and_says_what_it_found(world: World) -> None:
    """In a process of its own, with the real clock: the calls are recorded as older than they are.

    Of a queue the list tells no date, so that its record alone says how old it is.
    """
    sandbox = world.sandbox
    sqs = sandbox.client(sandbox.account_session(SPOKE, HOME_REGION), "sqs")
    with_clock, sandbox.recorder.now = sandbox.recorder.now, lambda: datetime.now(UTC) - timedelta(minutes=40)
    world.loses_queues = True
    try:
        urls = [sqs.create_queue(QueueName=f"lost-{number}")["QueueUrl"] for number in range(2)]
    finally:
        sandbox.recorder.now, world.loses_queues = with_clock, False

    def owners() -> list[str | None]:
        return [sqs.list_queue_tags(QueueUrl=url).get("Tags", {}).get("owner") for url in urls]

    assert owners() == [None, None]
    code, looked = reconcile(sandbox, "--dry-run")
    assert (code, looked["totals"]["missed"]) == (3, 2), looked  # the sandbox has not all services, which is told
    assert owners() == [None, None]

    code, place = reconcile(sandbox)
    assert code == 3
    arns = [arn for missed in place["missed"] for arn in missed["resources"]]
    assert sorted(arn.rpartition(":")[2] for arn in arns) == ["lost-0", "lost-1"]
    assert owners() == [missed["owner"] for missed in place["missed"]] != [None, None]


def reconcile(sandbox: Sandbox, *words: str) -> tuple[int, dict[str, Any]]:
    """The exit code and what is printed of `ownertag reconcile` for one place."""
    line = [sys.executable, "-c", "from ownertag.cli.main import run; run()", "reconcile", "--json", *words]
    line += ["--account", SPOKE, "--region", HOME_REGION]
    line += ["--config", str(sandbox.settings_file), "--profile", "admin-security"]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        **SAME_PATH,
        "AWS_CONFIG_FILE": str(sandbox.config_file),
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    ran = subprocess.run(line, capture_output=True, text=True, env=environment, check=False, timeout=120)
    assert ran.stdout, ran.stderr
    return ran.returncode, dict(json.loads(ran.stdout))
