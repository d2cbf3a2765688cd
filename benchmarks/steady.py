"""A steady stream of launches through the packaged function: how many events a second one environment of it holds.

The function runs as Lambda runs it (its Runtime Interface Emulator), with its real clients: EC2, STS and Organizations
are the endpoint of `benchmarks.limits`, with AWS's token buckets; the ledger is a table of MiniStack. All share this
machine's cores, so the figures that carry over are those of the function alone: its processor time, calls and memory.
The queue and the event source mapping are simulated here, with the deployed template's batch size and window.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from statistics import quantiles
from typing import Any
from zipfile import ZipFile

import boto3

from benchmarks.burst.event_source import deployed
from benchmarks.burst.remote import Remote
from benchmarks.emulator import Function, unavailable
from benchmarks.limits.protocol import HUB, key_of
from benchmarks.results import show
from ownertag.handler.settings import CONCURRENCY, CONFIG, QUEUE_URL
from ownertag.ledger.place import LEDGER
from ownertag.ledger.table import DEFINITION
from ownertag.rollout.package.build import build
from ownertag.rollout.package.targets import CURRENT, compiler_for
from ownertag.sandbox.bus import as_event
from ownertag.sandbox.tour import DISKS

ROOT = Path(__file__).parents[1]
MINISTACK = ROOT / ".venv-ministack" / "bin" / "ministack"
HOME_REGION = "eu-central-1"
ACCOUNTS = tuple(f"3333333333{number:02}" for number in range(20))
REGIONS = (HOME_REGION, "us-east-1", "us-west-2", "eu-west-1", "ap-southeast-2")
PLACES = tuple((account, region) for region in REGIONS for account in ACCOUNTS)
#: Seconds between a launch and its event: by then an instance runs, and one look is enough.
DELIVERY = 60.0
#: Events a second, and for how long. EC2 lets a hundred places launch two hundred times a second.
RATES = ((25, 20), (50, 20), (100, 20), (200, 60))
#: How long the rest of the queue is waited for.
DRAIN = 240.0
TABLE = "ownertag-ledger"
SETTINGS = f"""\
[organization]
id = "o-a1b2c3d4e5"
management_account = "{HUB}"
hub_account = "{HUB}"
home_region = "{HOME_REGION}"
"""


class Queue:
    """Messages that wait, and those that came back and are hidden."""

    def __init__(self, bodies: Sequence[tuple[float, str]]) -> None:
        self._coming = deque(bodies)
        self._there: deque[tuple[int, str, int]] = deque()
        self._hidden: list[tuple[float, tuple[int, str, int]]] = []
        self._next = 0

    def __len__(self) -> int:
        return len(self._there) + len(self._hidden)

    @property
    def over(self) -> bool:
        """Whether nothing is left, and nothing comes any more."""
        return not (self._coming or self._there or self._hidden)

    def take(self, most: int, window: float) -> list[tuple[int, str, int]]:
        """A batch, as the event source mapping fills it: from its first message on it waits for so long at most."""
        self._arrive()
        until = time.time() + window
        while len(self._there) < most and time.time() < until and not self.over:
            time.sleep(0.01)
            self._arrive()
        return [self._there.popleft() for _ in range(min(most, len(self._there)))]

    def back(self, message: tuple[int, str, int], seconds: float) -> None:
        """It comes back after so many seconds."""
        number, body, receives = message
        self._hidden.append((time.time() + seconds, (number, body, receives + 1)))

    def _arrive(self) -> None:
        now = time.time()
        while self._coming and self._coming[0][0] <= now:
            self._there.append((self._next, self._coming.popleft()[1], 1))
            self._next += 1
        ready = [each for each in self._hidden if each[0] <= now]
        self._hidden = [each for each in self._hidden if each[0] > now]
        self._there.extend(message for _, message in ready)


def main() -> None:
    """Launch, deliver and measure, at each rate."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--rates", default=",".join(f"{rate}x{seconds}" for rate, seconds in RATES))
    given.add_argument("--places", type=int, default=len(PLACES), help="accounts and Regions in which is launched")
    options = given.parse_args()
    rates = [tuple(map(int, each.split("x"))) for each in options.rates.split(",")]
    if reason := unavailable():
        raise SystemExit(reason)
    if not MINISTACK.exists():
        raise SystemExit("no MiniStack in .venv-ministack: `make .venv-ministack/installed` installs it")
    rows = []
    with tempfile.TemporaryDirectory(prefix="ownertag-steady-") as name:
        package = _package(Path(name))
        for rate, seconds in rates:
            print(f"{rate} events a second for {seconds} s: launching", flush=True)
            rows.append(_measure(package, Path(name), rate, seconds, PLACES[: options.places]))
    show("steady", "One environment of the packaged function under a steady stream of launches", rows)


def _measure(package: Path, folder: Path, rate: int, seconds: int, places: Sequence[tuple[str, str]]) -> dict[str, Any]:
    with Remote(1, ACCOUNTS) as ec2, _ministack() as ministack:
        _table(ministack)
        events = _launches(ec2, rate, seconds, places)
        ec2.forget()
        with Function(
            package, "ownertag.handler.at_init.handler", _variables(ec2.url, ministack), folder / "log"
        ) as run:
            run.invoke({"Records": []})
            pid, before = run.runtime_pid(), time.time()
            begin = before + 1 - events[0][0]
            due = {event["detail"]["eventID"]: begin + at for at, event in events}
            queue = Queue([(begin + at, json.dumps(event)) for at, event in events])
            cpu = _cpu(pid)
            left, invocations, back = _deliver(queue, run, before + 1 + seconds)
            used, peak = _cpu(pid) - cpu, _peak(pid)
        tagged, calls = ec2.tagged(), Counter(each.operation for each in ec2.trace())
        refused = sum(each.outcome != "ok" for each in ec2.trace())
    instances = {
        item["instanceId"]: event["detail"]["eventID"]
        for _, event in events
        for item in event["detail"]["responseElements"]["instancesSet"]["items"]
    }
    took = sorted(tagged[id_] - due[event] for id_, event in instances.items() if id_ in tagged)
    cuts = quantiles(took, n=100) if len(took) > 1 else [float("nan")] * 99
    return {
        "events/s": rate,
        "places": len(places),
        "for, s": seconds,
        "tagged": f"{len(took)} of {len(events)}",
        "event to tag, p50 s": round(cuts[49], 2),
        "p99 s": round(cuts[98], 2),
        "in the queue at the end": left,
        "came back": back,
        "batches": invocations,
        "processor, ms an event": round(1000 * used / len(events), 2),
        "EC2 calls an event": round(sum(calls[each] for each in calls if each != "AssumeRole") / len(events), 2),
        "roles assumed": calls["AssumeRole"],
        "refused calls": refused,
        "peak MB": round(peak),
        "not done": len(queue),
    }


def _deliver(queue: Queue, run: Function, end: float) -> tuple[int, int, int]:
    """Batch after batch, until all is done: (messages left when the stream ended, batches, messages returned)."""
    mapping = deployed()
    left, invocations, back = 0, 0, 0
    stop = end + DRAIN
    ended = False
    while not queue.over and time.time() < stop:
        batch = queue.take(mapping.batch, mapping.window)
        if not batch:
            continue
        records = [_record(*message) for message in batch]
        named = {each["itemIdentifier"] for each in run.invoke({"Records": records})["batchItemFailures"]}
        invocations += 1
        for message, record in zip(batch, records, strict=True):
            if record["messageId"] in named:
                back += 1
                queue.back(message, min(15 << (message[2] - 1), 300))
        if not ended and time.time() >= end:
            ended, left = True, len(queue)
    return left, invocations, back


def _launches(
    ec2: Remote, rate: int, seconds: int, places: Sequence[tuple[str, str]]
) -> list[tuple[float, dict[str, Any]]]:
    """(second of the stream, event) of launches spread over these places; they were made `DELIVERY` before."""
    clients = {
        (account, region): boto3.Session(key_of(account), "none", region_name=region).client(
            "ec2", endpoint_url=ec2.url
        )
        for account, region in places
    }
    disks: Any = DISKS
    start = time.time() - DELIVERY
    count = rate * seconds
    for number in range(count):
        if number % rate == 0:
            ec2.time(start + number / rate)
        client = clients[places[number % len(places)]]
        client.run_instances(ImageId="ami-0a1b2c3d4e5f60718", MinCount=1, MaxCount=1, BlockDeviceMappings=disks)
    for client in clients.values():
        client.close()
    ec2.time(None)
    return [(number / rate, as_event(dict(record))) for number, record in enumerate(islice(ec2.records(), count))]


def _variables(ec2: str, ministack: str) -> Mapping[str, str]:
    """The function's environment: each service's own endpoint, as every AWS SDK reads it."""
    apart = {f"AWS_ENDPOINT_URL_{name}": ec2 for name in ("EC2", "STS", "ORGANIZATIONS")}
    return {
        **apart,
        **{f"AWS_ENDPOINT_URL_{name}": ministack for name in ("DYNAMODB", "SQS", "EVENTBRIDGE")},
        "AWS_ACCESS_KEY_ID": key_of(HUB),
        "AWS_SECRET_ACCESS_KEY": "none",
        CONFIG: "ownertag.toml",
        CONCURRENCY: "1",
        QUEUE_URL: f"{ministack}/{HUB}/ownertag",
        LEDGER: f"dynamodb:{TABLE}",
    }


def _package(folder: Path) -> Path:
    built = build(
        CURRENT,
        folder / "package.zip",
        ROOT / "requirements" / "function.txt",
        compiler=compiler_for(CURRENT),
        wheels=ROOT / ".venv-lambda" / "wheels",
    )
    unpacked = folder / "package"
    with ZipFile(built.path) as archive:
        archive.extractall(unpacked)
    (unpacked / "ownertag.toml").write_text(SETTINGS, "utf-8")
    return unpacked


@contextmanager
def _ministack() -> Iterator[str]:
    """MiniStack as a process of its own, on 127.0.0.1 only: its URL."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = int(found.getsockname()[1])
    environment = {**os.environ, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "LOG_LEVEL": "ERROR"}
    process = subprocess.Popen([MINISTACK], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise RuntimeError("MiniStack did not start")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _table(url: str) -> None:
    session = boto3.Session(key_of(HUB), "none", region_name=HOME_REGION)
    client = session.client("dynamodb", endpoint_url=url)
    client.create_table(TableName=TABLE, **{key: value for key, value in DEFINITION.items() if key != "TableName"})
    client.close()


def _record(number: int, body: str, receives: int) -> dict[str, Any]:
    return {
        "messageId": f"m{number}",
        "receiptHandle": f"r{number}-{receives}",
        "body": body,
        "attributes": {"ApproximateReceiveCount": str(receives)},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{HOME_REGION}:{HUB}:ownertag",
        "awsRegion": HOME_REGION,
    }


def _cpu(pid: int) -> float:
    """Seconds of processor time that a process used, by itself and in the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak(pid: int) -> float:
    """The most memory that a process held, in MB."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmHWM:")[2].split()[0]) / 1000


if __name__ == "__main__":
    main()
