"""10,000 instances at once, tagged by the article's sequence, Cloud Custodian and ownertag: `make bench-burst`.

Compared are what is tagged and what is lost, when, by how many calls, and at what share of EC2's token buckets, for
several shapes of a burst. Prints the tables, and draws the picture.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from benchmarks.burst import other_tools
from benchmarks.burst.figures import Figures, arrivals_of, fewest, figures
from benchmarks.burst.launches import launch, omitted, write_events
from benchmarks.burst.modelled import Model, Retries
from benchmarks.burst.picture import picture
from harness.limits.faults import Chances
from harness.limits.fleet import Instance
from harness.limits.protocol import TracedCall
from harness.results import RESULTS, show
from harness.simulated.endpoint_process import EndpointProcess
from harness.simulated.events import BurstEvent, BurstShape, read_events
from harness.simulated.function import RunResult

ROOT = Path(__file__).parents[2]
#: The picture of docs/benchmarks.md, which is of this seed.
PICTURE, SEED = ROOT / "docs" / "pictures" / "burst.svg", 1
_REGIONS = ("us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-central-1")
_ACCOUNTS = tuple(f"3333333333{number:02}" for number in range(20))
SHAPES = (
    BurstShape("hundreds", "100 launches of 100, one account and Region", _ACCOUNTS[:1], _REGIONS[:1], 100, 100),
    BurstShape("tens", "1,000 launches of 10, one account and Region", _ACCOUNTS[:1], _REGIONS[:1], 1000, 10),
    BurstShape("spread", "10 launches of 10 in each of 20 accounts x 5 Regions", _ACCOUNTS, _REGIONS, 10, 10),
)
#: Sooner than AWS delivers, and than instances have shown their volumes: what is not ready comes back.
EARLY = (2.0, 10.0)
#: One call in fifty fails with a 5xx; one in a hundred each is reset before or after it was done, or takes 5 s.
DISTURBED = Chances(error=0.02, reset=0.01, lost=0.01, slow=0.01)
ARTICLE, CUSTODIAN, OURS, BEST = "the article's sequence", "Cloud Custodian", "ownertag", "two calls a launch, at once"
_RETRIES = {ARTICLE: Retries(), CUSTODIAN: Retries(outer=8, timeout=900.0), BEST: Retries(attempts=100)}


class Burst:
    """One shape, launched once; each tool finds it without tags and with full buckets."""

    def __init__(self, remote: EndpointProcess, shape: BurstShape, seed: int, folder: Path) -> None:
        self._remote = remote
        self._shape = shape
        self._seed = seed
        self._records = remote.records()
        self._path = folder / f"{shape.name}.jsonl"
        self._instances: list[Instance] = [instance for its in remote.fleet(shape.places).values() for instance in its]
        self.deliver(shape.delivery)

    def deliver(self, delivery: tuple[float, float]) -> None:
        """Lets the events arrive between so many seconds after their launches."""
        self._events = write_events(self._records, replace(self._shape, delivery=delivery), self._seed, self._path)
        self.omitted = omitted(self._path, self._events)
        tokens = {
            json.loads(body)["detail"]["requestParameters"]["clientToken"]: event.number
            for event, body in zip(self._events, read_events(self._path, self._events), strict=True)
        }
        of_launch = {instance.reservation: tokens[instance.token] for instance in self._instances}
        self._arrivals = arrivals_of(self._instances, self._events, of_launch)
        self._launched: dict[int, list[Instance]] = {}
        for instance in self._instances:
            self._launched.setdefault(of_launch[instance.reservation], []).append(instance)

    def ours(self, chances: Chances | None = None) -> Figures:
        """Runs ownertag, with these faults."""
        self._remote.forget(chances)
        command = (sys.executable, "-m", "harness.simulated.function", self._remote.url, str(self._path))
        done = subprocess.run(
            [*command, "--seed", str(self._seed)], check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        ran = msgspec.json.decode(done.stdout, type=RunResult)
        return figures(
            OURS,
            "run",
            arrivals=self._arrivals,
            tagged=self._remote.tagged(),
            trace=self._remote.trace(),
            peak_kb=ran.peak_kb,
            notes=msgspec.to_builtins(ran),
        )

    def article(self) -> Figures:
        """The article's sequence, recorded, and modelled where it makes a call."""
        self._remote.forget()
        steps, peak = other_tools.the_article(self._remote, self._shape, self._path, self._events, bool(self.omitted))
        return self._other(ARTICLE, steps, peak, {})

    def custodian(self) -> Figures:
        """Runs Cloud Custodian for every event, and models its waits where it makes a call."""
        self._remote.forget()
        steps, told = other_tools.custodian(self._remote, self._shape, self._path, self._events)
        return self._other(CUSTODIAN, steps, told.peak_kb, {"failed": told.failed})

    def best(self) -> Figures:
        """The best that the buckets allow: one look-up and one write for each launch once all of it is visible."""
        steps: dict[int, list[TracedCall]] = {}
        events: list[BurstEvent] = []
        for event in self._events:
            launched = self._launched[event.number]
            parts = [part for instance in launched for part in (*instance.volumes, *instance.interfaces)]
            seen = [instance.visible_at for instance in launched] + [part.attached_at for part in parts]
            ids = (*(instance.id for instance in launched), *(part.id for part in parts))
            call = TracedCall(0, 0, event.account, event.region, "ec2", "DescribeInstances")
            steps[event.number] = [call, replace(call, operation="CreateTags", ids=ids)]
            events.append(replace(event, delivered=max(event.delivered, *seen)))
        return self._other(BEST, steps, None, {}, events)

    def _other(
        self,
        tool: str,
        steps: Mapping[int, Sequence[TracedCall]],
        peak: int | None,
        notes: Mapping[str, Any],
        events: Sequence[BurstEvent] | None = None,
    ) -> Figures:
        came_to = Model(steps, _RETRIES[tool], self._seed).run(events or self._events)
        return figures(
            tool,
            "modelled" if came_to.trace else "run",
            arrivals=self._arrivals,
            tagged=came_to.tagged,
            trace=came_to.trace,
            peak_kb=peak,
            notes={**notes, "events lost": came_to.lost, "invocations failed": came_to.failed},
        )


def main() -> None:
    """Launches, tags, counts, prints and draws."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--shapes", nargs="*", default=[shape.name for shape in SHAPES])
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    details: dict[str, list[Figures]] = {}
    for shape in (known for known in SHAPES if known.name in given.shapes):
        with EndpointProcess(given.seed, shape.accounts) as remote, tempfile.TemporaryDirectory() as name:
            _say(f"{shape.title}: launching")
            launch(remote, shape)
            burst = Burst(remote, shape, given.seed, Path(name))
            found = []
            for side in (burst.article, burst.custodian, burst.ours, burst.best):
                _say(f"{shape.title}: {side.__name__}")
                found.append(side())
            details[shape.name] = found
            rows += [_row(shape, shape.title, tool) for tool in found]
            if shape.name == "hundreds":
                burst.deliver(EARLY)
                title = f"{shape.title}, delivered after {EARLY[0]:.0f} to {EARLY[1]:.0f} s"
                for side in (burst.ours, burst.best):
                    _say(f"{title}: {side.__name__}")
                    details.setdefault("early", []).append(side())
                rows += [_row(shape, title, tool) for tool in details["early"]]
                title = f"{shape.title}, 5% of the calls disturbed"
                _say(f"{title}: ours")
                burst.deliver(shape.delivery)
                details["disturbed"] = [burst.ours(DISTURBED)]
                rows += [_row(shape, title, tool) for tool in details["disturbed"]]
    show("burst", "10,000 instances with two volumes and one interface each, on EC2's buckets", rows)
    (RESULTS / "burst-details.json").write_bytes(msgspec.json.encode(details))
    if "tens" in details:
        drawn = PICTURE if given.seed == SEED else RESULTS / PICTURE.name
        drawn.write_text(picture(details["tens"][:3]), "utf-8")
        print(f"drawn in {drawn.relative_to(ROOT)}")


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr)


def _row(shape: BurstShape, title: str, found: Figures) -> dict[str, Any]:
    calls = sum(found.calls.values())
    per_kind = ", ".join(f"{found.tagged.get(kind, 0):,} of {most:,} {kind}" for kind, most in found.resources.items())
    resources = sum(found.resources.values())
    least = len(shape.places) * fewest(shape.launches * shape.size, resources // len(shape.places))
    return {
        "burst": title,
        "handled by": found.tool,
        "tagged": per_kind,
        "lost": f"{found.lost:,}",
        "EC2 calls": f"{calls:,}",
        "an instance": round(calls / shape.instances, 4),
        "by name": ", ".join(f"{most:,} {name}" for name, most in found.calls.items()) or "none",
        "refused": f"{found.throttled:,}",
        "other calls": ", ".join(f"{most:,} {name}" for name, most in found.hub_calls.items()) or "none",
        "of the quota": f"{found.share:.1%} {found.share_of}".strip(),
        "p50, s": "-" if found.p50 is None else round(found.p50, 2),
        "p99, s": "-" if found.p99 is None else round(found.p99, 2),
        "slowest, s": "-" if found.slowest is None else round(found.slowest, 1),
        "peak memory, MB": "-" if found.peak_mb is None else round(found.peak_mb),
        "waits": found.how,
        "fewest calls": f"{least:,}",
    }


if __name__ == "__main__":
    main()
