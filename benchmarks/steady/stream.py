"""One stream of launches, through one environment of the packaged function.

The function runs as Lambda runs it (its Runtime Interface Emulator), with its real clients: EC2, STS and Organizations
are the endpoint of `harness.limits`, with AWS's token buckets; the ledger is a table of MiniStack. All share this
machine's cores, so the figures that carry over are those of the function alone: its processor time, calls and memory.
The queue and the event source mapping are simulated, with the deployed template's batch size and window.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from msgspec import Struct

from benchmarks.ministack import ministack
from benchmarks.steady.hub import ACCOUNTS, SETTINGS, SETTINGS_FILE, environment, launches, make_table, record
from benchmarks.steady.queue import StreamQueue
from harness.lambda_emulator import EmulatedFunction
from harness.limits.buckets import RATES
from harness.limits.fleet import AccountRegion
from harness.process import peak_kb, processor_seconds
from harness.results import percentile
from harness.simulated.endpoint_process import EndpointProcess
from harness.simulated.event_source import deployed
from ownertag.core.judge import seconds_away
from ownertag.handler.wiring import KEEP_ACCOUNTS
from ownertag.rollout.package.build import build
from ownertag.rollout.package.targets import CURRENT, compiler_for

ROOT = Path(__file__).parents[2]
#: How long the rest of the queue is waited for, once the stream has ended.
_DRAIN_SECONDS = 300.0


class Delivered(Struct):
    """The end of a stream at the queue."""

    batches: int = 0
    returned: int = 0
    undone: int = 0
    seconds: float = 0.0  # from the first event to the last answer


class Stream(Struct):
    """The result of a stream. Times are seconds."""

    rate: int
    places: int
    lasted: int
    events: int
    delivered: Delivered
    calls: dict[str, int]
    refused: int
    processor: float
    peak_kb: int
    #: (arrival since the first, from there to the owner tag) of each instance that was tagged.
    points: list[tuple[float, float]]

    def row(self) -> dict[str, Any]:
        """The row of the table."""
        waits = sorted(seconds for _, seconds in self.points)
        return {
            "events/s": self.rate,
            "places": self.places,
            "for, s": self.lasted,
            "tagged": f"{len(waits):,} of {self.events:,}",
            "event to tag, p50 s": _round(percentile(waits, 50)),
            "p99 s": _round(percentile(waits, 99)),
            "not yet, when it ended": f"{self.events - sum(at + wait <= self.lasted for at, wait in self.points):,}",
            "done after, s": round(self.delivered.seconds, 1),
            "came back": self.delivered.returned,
            "batches": self.delivered.batches,
            "processor, ms an event": round(1000 * self.processor / self.events, 2),
            "of its core": f"{self.processor / self.delivered.seconds:.0%}",
            "EC2 calls an event": round(sum(self.of_ec2().values()) / self.events, 2),
            "by name": ", ".join(f"{count:,} {name}" for name, count in self.calls.items()),
            "refused": self.refused,
            "peak MB": round(self.peak_kb / 1024),
            "not done": self.delivered.undone,
        }

    def of_ec2(self) -> dict[str, int]:
        """The calls that count against an account's quota of EC2."""
        return {name: count for name, count in self.calls.items() if name in RATES}


def measure(package: Path, log: Path, rate: int, seconds: int, places: Sequence[AccountRegion]) -> Stream:
    """Launches so many a second in these places, delivers the events to the function in this package, and counts."""
    _say(f"{rate} events a second for {seconds} s: launching")
    with EndpointProcess(1, ACCOUNTS) as ec2, ministack() as dynamodb:
        make_table(dynamodb)
        launched = launches(ec2, rate, seconds, places)
        ec2.forget()
        _say(f"{rate} events a second for {seconds} s: delivering")
        with EmulatedFunction(
            package, "ownertag.handler.lambda_function.handler", environment(ec2.url, dynamodb), log
        ) as run:
            run.invoke(KEEP_ACCOUNTS)
            pid = run.runtime_pid()
            used, begin = processor_seconds(pid), time.time() + 1
            queue = StreamQueue([(begin + launch.at, json.dumps(launch.event)) for launch in launched])
            delivered = _deliver(queue, run, begin, begin + seconds + _DRAIN_SECONDS)
            used, peak = processor_seconds(pid) - used, peak_kb(pid)
        tagged, trace = ec2.tagged(), ec2.trace()
    return Stream(
        rate,
        len(places),
        seconds,
        len(launched),
        delivered,
        dict(sorted(Counter(call.operation for call in trace).items())),
        sum(call.outcome != "ok" for call in trace),
        used,
        peak,
        [(launch.at, tagged[launch.instance] - begin - launch.at) for launch in launched if launch.instance in tagged],
    )


def package(folder: Path) -> Path:
    """The function's package for this machine's Python, unpacked in a folder, with settings."""
    wheels = ROOT / ".venv-lambda" / "wheels"
    built = build(CURRENT, folder / "package.zip", compiler=compiler_for(CURRENT), wheels=wheels)
    unpacked = folder / "package"
    with ZipFile(built.path) as archive:
        archive.extractall(unpacked)
    (unpacked / SETTINGS_FILE).write_text(SETTINGS, "utf-8")
    return unpacked


def _deliver(queue: StreamQueue, run: EmulatedFunction, begin: float, until: float) -> Delivered:
    """Delivers batch after batch, until all is done or the patience has ended."""
    mapping, found = deployed(), Delivered()
    while not queue.over and time.time() < until:
        batch = queue.take(mapping.batch, mapping.window)
        if not batch:
            continue
        answer = run.invoke({"Records": [record(launch) for launch in batch]})
        named = {batch_item_failure["itemIdentifier"] for batch_item_failure in answer["batchItemFailures"]}
        found.batches += 1
        for message in batch:
            if record(message)["messageId"] in named:
                found.returned += 1
                queue.back(message, seconds_away(message.receives))
    found.undone, found.seconds = len(queue), time.time() - begin
    return found


def _round(value: float | None) -> float | str:
    return "-" if value is None else round(value, 2)


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
