"""ownertag in an organization that no machine here can hold: a model, fed with what was measured and what is assumed.

It plays a day second by second: creations arrive at the hub's queue, environments of the function take batches, each
batch takes as long as its work costs, and what is not complete comes back. Nothing here calls anything. What stands
under MEASURED comes from `make bench-steady`; the rest is documented by AWS or assumed, as each says.
"""

from __future__ import annotations

import argparse
import math
import random
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from statistics import quantiles
from typing import Any

from msgspec import Struct

from harness.results import show
from harness.simulated.event_source import deployed
from ownertag.aws.concurrency import WORKERS
from ownertag.aws.pacing import PATIENCE
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.catalogue_types import Quota
from ownertag.core.settings import Settings
from ownertag.handler.wiring import LEDGER_CALLS
from ownertag.sources.organization import LOOK_AGAIN

# --- MEASURED, on one core of the machine that docs/explanation/scale.md names

#: Processor time of an event (reading, deciding, keeping it) and of one call to EC2 or STS, in seconds of a whole core.
CPU_EVENT, CPU_CALL = 0.007, 0.0015
#: Calls to the ledger's table for each event of a large batch, and for any batch (decision 16).
LEDGER_CALLS_EVENT, LEDGER_CALLS_BATCH = 0.37, 3

# --- of AWS's documentation

#: A function has a whole core at this memory, and less with less (doc: Lambda, "Configure memory").
MEMORY_OF_A_CORE = 1769
#: A session is used for this long (`aws.sessions`), and the kept list of accounts looked at this often.
SESSION_SECONDS, LOOK_SECONDS = 720, LOOK_AGAIN.total_seconds()
#: Accounts on a page of their list (doc: Organizations, ListAccounts).
PAGE = 20

# --- assumed

#: Seconds of a call to the ledger with a hundred items, of one to Organizations (us-east-1, from Europe), and of one to
#: EC2 beside the way to its Region and back.
LEDGER_SECONDS, ORGANIZATIONS_SECONDS, EC2_SECONDS = 0.02, 0.12, 0.06
#: Region, its share of the creations, and seconds there and back from eu-central-1.
REGIONS = (
    *(("eu-central-1", 0.34, 0.001), ("eu-west-1", 0.17, 0.025), ("us-east-1", 0.17, 0.09), ("us-west-2", 0.08, 0.15)),
    *(("eu-west-2", 0.04, 0.015), ("eu-west-3", 0.03, 0.01), ("eu-north-1", 0.03, 0.02), ("us-east-2", 0.03, 0.1)),
    *(("us-west-1", 0.02, 0.15), ("ca-central-1", 0.02, 0.1), ("sa-east-1", 0.01, 0.21), ("ap-south-1", 0.01, 0.13)),
    *(("ap-southeast-1", 0.01, 0.16), ("ap-southeast-2", 0.01, 0.29), ("ap-northeast-1", 0.01, 0.22)),
    *(("ap-northeast-2", 0.01, 0.24), ("ap-northeast-3", 0.01, 0.23)),
)
ACCOUNTS = 2000
#: Creations a day in quiet traffic: two hundred for an account; the busiest has a hundred and fiftieth of them all.
QUIET_A_DAY = 400_000
#: Beside them as many launches at once (groups that grow, nightly batches, CI), each of so many creations.
BURSTS_A_DAY, BURST = 60, (200, 2000)
#: The quietest and the busiest hour, in times of the mean.
HOURS = (0.4, 1.9)
#: Creations that are not complete at the first look, and come back after this long.
INCOMPLETE, BACK_SECONDS = 0.3, 15.0

#: US dollars, list prices of 2025 as remembered: a GB-second of Lambda on arm64, a million requests to it, a million
#: events onto another bus, a million requests to SQS, a million write units of DynamoDB on demand, a GB of logs.
PRICES = {"GB-s": 0.0000133334, "invocations": 0.20, "events": 1.0, "SQS": 0.40, "write units": 0.71, "logs": 0.60}
#: Write units of an event: about nine items, twice for a transaction, and ten index entries (from the ledger's items).
WRITE_UNITS_EVENT, LOG_BYTES_EVENT = 28, 450

#: (times as much, environments of the function)
GROWTH = ((1, 5), (2, 5), (5, 5), (10, 5), (20, 5), (20, 20), (50, 20), (50, 50))
DAY = 86_400
Place = tuple[int, int]


class Event(Struct):
    """A creation: when it came to the queue first, when it may be taken, and where it was made."""

    at: float
    ready: float
    place: Place
    looks: int = 1


class ModelResult(Struct):
    """The result of a stretch of time."""

    seconds: float
    events: int = 0
    busy: float = 0.0
    batches: int = 0
    longest: int = 0
    waited: list[float] = []
    calls: Counter[tuple[Place, str]] = Counter()
    paced: int = 0
    roles: int = 0


def arrivals(factor: float, start: int, end: int, chance: random.Random) -> list[Event]:
    """The creations between two seconds of the day, as many times the assumed ones as `factor` says."""
    weights = [1 / (rank + 30) for rank in range(ACCOUNTS)]
    accounts = range(ACCOUNTS)
    regions = [share for _, share, _ in REGIONS]
    total = sum(1.0 + _wave(second) for second in range(0, DAY, 60)) * 60
    found: list[Event] = []
    for second in range(start, end):
        mean = factor * QUIET_A_DAY * (1.0 + _wave(second)) / total
        count = _poisson(mean, chance)
        for account, region in zip(
            chance.choices(accounts, weights, k=count),
            chance.choices(range(len(REGIONS)), regions, k=count),
            strict=True,
        ):
            at = second + chance.random()
            found.append(Event(at, at, (account, region)))
    bursts = round(factor * BURSTS_A_DAY * (end - start) / DAY)
    for _ in range(bursts):
        begin, place = chance.uniform(start, end), (chance.randrange(ACCOUNTS), chance.choices(range(17), regions)[0])
        # As fast as EC2 lets an account create: a thousand at once, then two a second (doc).
        for number in range(chance.randint(*BURST)):
            at = begin + max(0, number - 1000) / 2 + chance.random() * 2
            if at < end:
                found.append(Event(at, at, place))
    found.sort(key=lambda event: event.at)
    return found


def _wave(second: int) -> float:
    low, high = HOURS
    middle = (low + high) / 2
    return middle - 1 + (high - low) / 2 * math.sin(2 * math.pi * (second / DAY - 0.3))


def _poisson(mean: float, chance: random.Random) -> int:
    if mean > 50:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    limit, count, product = math.exp(-mean), 0, chance.random()
    while product > limit:
        count += 1
        product *= chance.random()
    return count


def play(events: Sequence[Event], seconds: float, environments: int, chance: random.Random) -> ModelResult:
    """Lets so many environments of the function work these off."""
    setup, quota = deployed(), dict(load_catalogue().quotas["ec2"])["CreateTags"]
    share = Settings().limits.quota_share
    bucket = Quota(max(1.0, share * quota.size), share * quota.refill)
    tokens: dict[Place, tuple[float, float]] = {}  # counted together, for all environments
    ran = ModelResult(seconds, len(events), waited=[], calls=Counter())
    coming, back, there = deque(events), deque[Event](), deque[Event]()
    workers = [Environment(bucket, tokens, setup.memory, chance, ran, back) for _ in range(environments)]
    while coming or back or there:
        worker = min(workers, key=lambda environment: environment.free)
        first = worker.free if there else max(worker.free, min(_next(coming), _next(back)))
        now = first + setup.window
        for source in (coming, back):
            while source and source[0].ready <= now:
                there.append(source.popleft())
        batch = [there.popleft() for _ in range(min(setup.batch, len(there)))]
        ran.longest = max(ran.longest, len(there))
        worker.work(batch, now)
    return ran


def _next(events: deque[Event]) -> float:
    return events[0].ready if events else math.inf


class Environment:
    """One environment of the function: what it keeps from batch to batch, and when it is free again."""

    def __init__(
        self,
        bucket: Quota,
        tokens: dict[Place, tuple[float, float]],
        memory: int,
        chance: random.Random,
        ran: ModelResult,
        back: deque[Event],
    ) -> None:
        self.free = 0.0
        self._bucket = bucket
        self._slower = max(1.0, MEMORY_OF_A_CORE / memory)
        self._chance = chance
        self._ran = ran
        self._back = back
        self._sessions: dict[int, float] = {}
        self._looked = -math.inf
        self._tokens = tokens

    def work(self, batch: Sequence[Event], now: float) -> None:
        """Takes a batch; what must come back is put there."""
        by_place: dict[Place, list[Event]] = {}
        for event in batch:
            by_place.setdefault(event.place, []).append(event)
        waits, calls = [0.0], 0
        late: set[tuple[Place, int]] = set()
        for place, its in by_place.items():
            role = self._assume(place[0], now)
            # One call for the creations of a second, since they share their date; one look-up asks for two hundred.
            sets = sorted({int(event.at) for event in its if event.looks == 1})
            writes, looks = self._writes(place, len(sets), now), math.ceil(len(its) / 200)
            late |= {(place, second) for second in sets[writes:]}
            self._ran.calls[place, "CreateTags"] += writes
            self._ran.calls[place, "DescribeInstances"] += looks
            waits.append((looks + writes) * (EC2_SECONDS + REGIONS[place[1]][2]) + role * EC2_SECONDS)
            calls += looks + writes + role
        processor = (len(batch) * CPU_EVENT + calls * CPU_CALL) * self._slower
        ledger = (len(batch) * LEDGER_CALLS_EVENT / LEDGER_CALLS + LEDGER_CALLS_BATCH) * LEDGER_SECONDS
        took = processor + self._look(now) + max(sum(waits) / WORKERS, *waits) + ledger
        self.free = now + took
        self._ran.busy += took
        self._ran.batches += 1
        for event in batch:
            self._end(event, (event.place, int(event.at)) in late)

    def _end(self, event: Event, late: bool) -> None:
        if event.looks > 1:
            return
        if late:
            self._ran.paced += 1
            self._back.append(Event(event.at, self.free + BACK_SECONDS, event.place))
            return
        self._ran.waited.append(self.free - event.at)
        if self._chance.random() < INCOMPLETE:
            self._back.append(Event(event.at, self.free + BACK_SECONDS, event.place, 2))

    def _look(self, now: float) -> float:
        """Seconds for the list of accounts, as `sources.organization` takes it from the ledger's table."""
        if now - self._looked < LOOK_SECONDS:
            return 0.0
        self._looked = now
        return LEDGER_SECONDS

    def _assume(self, account: int, now: float) -> int:
        if self._sessions.get(account, -math.inf) >= now - SESSION_SECONDS:
            return 0
        self._sessions[account] = now
        self._ran.roles += 1
        return 1

    def _writes(self, place: Place, wanted: int, now: float) -> int:
        """The number of calls that the share of the quota allows: an environment waits as long as `aws.pacing` does."""
        held, at = self._tokens.get(place, (self._bucket.size, now))
        held = min(self._bucket.size, held + max(0.0, now - at) * self._bucket.refill)
        writes = min(wanted, int(held + PATIENCE * self._bucket.refill))
        self._tokens[place] = (held - writes, max(now, at))
        return writes


def main() -> None:
    """Prints a day, and what happens when there is more of everything."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--seed", type=int, default=1)
    given.add_argument("--environments", type=int, default=deployed().concurrency)
    options = given.parse_args()
    print(f"a day of {ACCOUNTS} accounts in {len(REGIONS)} Regions", flush=True)
    chance = random.Random(options.seed)  # noqa: S311 - no secret
    day = play(arrivals(1, 0, DAY, chance), DAY, options.environments, chance)
    show(
        "scale-day",
        "A day, modelled",
        [
            _row(1, day, options.environments),
        ],
    )
    show("scale-cost", "What that day costs in US dollars, modelled with list prices as remembered", list(_costs(day)))
    rows = []
    start = round(0.55 * DAY)  # the busiest hour
    for factor, environments in GROWTH:
        seconds = 3600 if factor <= 5 else 600
        print(f"{seconds / 60:.0f} minutes of the busiest hour, {factor} times as much", flush=True)
        chance = random.Random(options.seed)  # noqa: S311 - no secret
        ran = play(arrivals(factor, start, start + seconds, chance), seconds, environments, chance)
        rows.append(_row(factor, ran, environments))
    show("scale-growth", "The busiest hour with more of everything, modelled", rows)


def _row(factor: float, ran: ModelResult, environments: int) -> dict[str, Any]:
    cuts = quantiles(ran.waited, n=1000)
    (_, name), most = max(ran.calls.items(), key=lambda item: item[1])
    return {
        "times": factor,
        "environments": environments,
        "creations": f"{ran.events:,}",
        "a second": round(ran.events / ran.seconds, 1),
        "queue to tag, p50 s": round(cuts[499], 1),
        "p99 s": round(cuts[989], 1),
        "p99.9 s": round(cuts[998], 1),
        "longest queue": f"{ran.longest:,}",
        "environments busy": f"{100 * ran.busy / ran.seconds / environments:.0f}%",
        "calls of the busiest place": f"{most:,} {name}",
        "came back for the share": ran.paced,
        "roles assumed a second": round(ran.roles / ran.seconds, 2),
    }


def _costs(ran: ModelResult) -> Iterator[dict[str, Any]]:
    lists = DAY / deployed().accounts_every
    listing = lists * math.ceil(ACCOUNTS / PAGE) * ORGANIZATIONS_SECONDS
    gigabyte_seconds = (ran.busy + listing) * deployed().memory / 1024
    invocations = ran.batches + lists
    amounts = {
        "Lambda, GB-seconds": (gigabyte_seconds, gigabyte_seconds * PRICES["GB-s"]),
        "Lambda, invocations": (invocations, invocations / 1e6 * PRICES["invocations"]),
        "EventBridge, events onto the hub's bus": (ran.events, ran.events / 1e6 * PRICES["events"]),
        "SQS, requests": (ran.events * 0.4, ran.events * 0.4 / 1e6 * PRICES["SQS"]),
        "DynamoDB, write units": (
            ran.events * WRITE_UNITS_EVENT,
            ran.events * WRITE_UNITS_EVENT / 1e6 * PRICES["write units"],
        ),
        "logs, GB": (ran.events * LOG_BYTES_EVENT / 1e9, ran.events * LOG_BYTES_EVENT / 1e9 * PRICES["logs"]),
    }
    for name, (amount, price) in amounts.items():
        yield {"what": name, "amount": f"{amount:,.1f}", "USD": f"{price:.2f}"}
    total = sum(price for _, price in amounts.values())
    yield {"what": "together", "amount": "", "USD": f"{total:.2f}"}


if __name__ == "__main__":
    main()
