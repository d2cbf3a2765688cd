"""An upgrade and a rollback under way: environments of two versions over one queue and one ledger, and killed.

The queue, the ledger's table and the accounts are moto's, which both versions reach over sockets of their own; the
functions are processes that were started as Lambda starts them. A kill comes when AWS has carried out the n-th call of
an invocation and before its answer is there: what else a kill could leave behind is one of these states.
"""

from __future__ import annotations

import json
import random
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from moto.dynamodb.models import dynamodb_backends
from moto.ec2.models import ec2_backends
from moto.iam.models import get_account_id_from
from moto.sqs.models import sqs_backends

from contracts.emulated import HOME, HUB, emulated
from faults.proxy import Proxy, passing
from faults.world import MOST_RECEIVES, World
from ledger.table import TABLE
from ownertag.sandbox.calls import Call
from upgrade.traffic import InAccount, Traffic, traffic
from upgrade.versions import Environment, Function, Version, Versions, versions

#: Messages of a batch, at most; of a thousand one invocation would do all.
BATCH = 12
#: A kill comes at one of so many calls.
CALLS = 10
#: Every so often all messages are visible at once, also those in the hands of another environment.
SHOW_ALL = 0.05
#: What must happen within this time, on a slow machine.
SECONDS = 240.0

Period = tuple[Version, ...]


#: What this version alone stores of an entry, by its kind (`forms.py` has them).
_NEW_FIELDS = {"transferred": frozenset({"named", "type"})}


@dataclass
class Seen:
    """What was seen of a run, from outside.

    Attributes:
        deaths: Environments that were killed, by version.
        batches: Those that were done, by version.
        handed: How often each message was handed out, by its name.
        raised: What functions raised.
        tagged: The tags that were written on each resource, in the order of the calls.
        findings: What was put on the bus, as often as it was.
        mails: What was mailed, as often as it was.
    """

    deaths: Counter[str] = field(default_factory=Counter)
    batches: Counter[str] = field(default_factory=Counter)
    handed: Counter[str] = field(default_factory=Counter)
    raised: list[str] = field(default_factory=list)
    tagged: dict[InAccount, list[dict[str, str]]] = field(default_factory=lambda: defaultdict(list))
    findings: list[dict[str, Any]] = field(default_factory=list)
    mails: list[str] = field(default_factory=list)

    def add(self, other: Seen) -> None:
        """Adds what was seen of another environment."""
        self.deaths += other.deaths
        self.batches += other.batches
        self.handed += other.handed
        self.raised += other.raised
        self.findings += other.findings
        self.mails += other.mails
        for place, tags in other.tagged.items():
            self.tagged[place] += tags


class Slot:
    """A place for one environment at a time, with a socket to AWS of its own."""

    def __init__(self, proxy: Proxy, functions: dict[str, Function]) -> None:
        self.proxy, self.functions = proxy, functions
        self.seen = Seen()
        self._environment: Environment | None = None
        self._left: int | None = None
        self._count = threading.Lock()
        proxy.asked = self._asked

    def invoke(self, version: Version, event: dict[str, Any], kill: int | None) -> dict[str, Any] | None:
        """What the function of a version answered; None if it was killed, at its call with this number."""
        if self._environment is None:
            self._environment = self.functions[version.name].start()
        self._left = kill
        answered = self._environment.invoke(event)
        self._left = None
        if answered is None:
            self._environment = None
        return answered

    def retire(self) -> None:
        """Ends the environment in peace, as Lambda does with one of the version before."""
        if self._environment is not None:
            self._environment.close()
            self._environment = None

    def _asked(self, call: Call) -> None:
        with self._count:
            self._note(call)
            if self._left is None:
                return
            self._left -= 1
            if self._left == 0 and self._environment is not None:
                self._environment.kill()

    def _note(self, call: Call) -> None:
        match call.operation:
            case "CreateTags":
                account = get_account_id_from(call.access_key or "")
                tags = dict(zip(_numbered(call, "Tag", "Key"), _numbered(call, "Tag", "Value"), strict=True))
                for id_ in _numbered(call, "ResourceId"):
                    self.seen.tagged[account, id_].append(tags)
            case "PutEvents":
                self.seen.findings += [json.loads(entry["Detail"]) for entry in call.json()["Entries"]]
            case "Publish":
                self.seen.mails.append(call.params["Message"])


def _numbered(call: Call, name: str, member: str = "") -> list[str]:
    end = f".{member}" if member else ""
    found = {key: value for key, value in call.params.items() if key.startswith(f"{name}.") and key.endswith(end)}
    return [found[key] for key in sorted(found, key=lambda key: int(key.split(".")[1]))]


@dataclass(frozen=True)
class Ended:
    """What is left at the end of a run, without times.

    Attributes:
        tags: Of every resource.
        owners: Whose each resource is by the ledger, with what the ledger says of its tags.
        entries: The entries of each resource; how often one was put off is a matter of time, and left out.
        finished: Whether each creation is finished.
        queue: The number of messages that are left.
        dead: The messages among the dead letters.
    """

    tags: dict[InAccount, dict[str, str]]
    owners: dict[str, Any]
    entries: dict[str, list[Any]]
    finished: dict[str, bool]
    queue: int
    dead: set[str]


class Drill:
    """A queue, a ledger and messages, which can be worked on from the same beginning again and again."""

    def __init__(self, world: World, made: Traffic, slots: Sequence[Slot], lock: Any) -> None:
        self.world, self.made, self.slots = world, made, slots
        self._lock = lock
        self._names: dict[str, str] = {}
        self._backends = {account: ec2_backends[account][HOME] for account in (world.a, world.b)}
        self._tags = {account: deepcopy(backend.tags) for account, backend in self._backends.items()}

    def begin(self, version: Version) -> None:
        """Goes back to the beginning: what came before is handled by this version, and all the rest is in the queue."""
        for account, backend in self._backends.items():
            backend.tags.clear()
            backend.tags.update(deepcopy(self._tags[account]))
        for name in ("ownertag", "ownertag-dead-letters"):
            queue = self._queue(name)
            queue._messages, queue._pending_messages = [], set()
            queue.deleted_messages.clear()
        dynamodb_backends[HUB][HOME].tables[TABLE].items.clear()
        self._names.clear()
        [slot, *_] = self.slots
        self._fill(self.made.earlier)
        for slot in self.slots:
            slot.seen = Seen()
        self._work([(version,)], 0, 0)
        slot = self.slots[0]
        assert slot.invoke(version, {"accounts": "keep"}, None) == {"answer": {"accounts": 3}}
        for order in self.made.orders:
            answered = slot.invoke(version, {"transfer": order}, None)
            assert answered is not None
            assert answered["answer"]["done"], answered
        slot.retire()
        self._fill(self.made.in_flight)
        for slot in self.slots:
            slot.seen = Seen()

    def run(self, periods: Sequence[Period], kills: int = 0, seed: int = 1) -> Seen:
        """Works the queue off. Each period has an environment of each of its versions, and its part of the messages.

        Args:
            periods: The versions that are there at once, one after the other.
            kills: How many environments are killed at most.
            seed: For what is left to chance.
        """
        self._work(periods, kills, seed)
        merged = Seen()
        for slot in self.slots:
            merged.add(slot.seen)
        return merged

    def _work(self, periods: Sequence[Period], kills: int, seed: int) -> None:
        total = self.size()
        for number, period in enumerate(periods, 1):
            last = number == len(periods)
            until = 0 if last else total - total * number // len(periods)
            deaths = sum(slot.seen.deaths.total() for slot in self.slots)
            _Shift(self, until, kills * number // len(periods) - deaths, seed + number).work(period)

    def size(self) -> int:
        """The number of messages in the queue."""
        return len(self._queue("ownertag")._messages)

    def show_all(self) -> None:
        """Makes every message visible, as if its time had come."""
        for message in self._queue("ownertag")._messages:
            message.visible_at = 0

    def receive(self, limit: int) -> dict[str, Any]:
        """At most so many messages."""
        with self._lock:
            return self.world.poller.receive(limit)

    def settle(self, event: dict[str, Any], answer: dict[str, Any]) -> None:
        """Deletes what is done, as far as the receipts are still of use."""
        with self._lock, suppress(ClientError):
            self.world.poller.settle(event, answer)

    def name(self, id_: str) -> str:
        """The name of the message with this id."""
        return self._names[id_]

    def end(self) -> Ended:
        """What is left."""
        tags = {
            (account, id_): dict(found)
            for account, backend in self._backends.items()
            for id_, found in backend.tags.items()
            if found
        }
        by_body = {body: name for name, body in self.made.bodies.items()}
        dead = {by_body[message.body] for message in self._queue("ownertag-dead-letters")._messages}
        return Ended(tags, *self._ledger(), self.size(), dead)

    def _ledger(self) -> tuple[dict[str, Any], dict[str, list[Any]], dict[str, bool]]:
        table = dynamodb_backends[HUB][HOME].tables[TABLE]
        owners, entries, finished = {}, defaultdict(list), {}
        for item in (item.to_json()["Attributes"] for item in table.all_items()):
            name = item["pk"]["S"]
            if item["sk"]["S"].endswith("holding"):
                body = json.loads(item["body"]["S"])
                owners[name] = {key: body[key] for key in ("claim", "owner", "tags", "outcome") if key in body}
            elif "kind" in item:
                body = json.loads(item["body"]["S"])
                del body["decided_at" if item["kind"]["S"] == "owned" else "at"]
                if body.get("final", True):
                    new = _NEW_FIELDS.get(item["kind"]["S"], frozenset())
                    told = {key: value for key, value in body.items() if key not in new}
                    entries[name].append((item["kind"]["S"], json.dumps(told, sort_keys=True)))
            elif "decision" in item:
                finished[name] = "finished" in item
        return owners, {name: sorted(found) for name, found in entries.items()}, finished

    def _fill(self, names: Sequence[str]) -> None:
        for name in names:
            [id_] = self.world.poller.send("-")
            self._names[id_] = name
            self._queue("ownertag")._messages[-1].body = self.made.bodies[name]
            assert self._queue("ownertag")._messages[-1].id == id_

    @staticmethod
    def _queue(name: str) -> Any:
        return sqs_backends[HUB][HOME].queues[name]


class _Shift:
    """One period, until so many messages are left."""

    def __init__(self, drill: Drill, until: int, kills: int, seed: int) -> None:
        self._drill, self._until, self._kills, self._seed = drill, until, kills, seed
        self._free = threading.Condition()
        self._busy = 0
        self._aimed = 0
        self._deaths = 0

    def work(self, period: Period) -> None:
        """Works with one environment for each version that is named."""
        slots = self._drill.slots[: len(period)]
        with ThreadPoolExecutor(len(period)) as pool:
            done = [
                pool.submit(self._work, slot, version, random.Random(self._seed * 100 + number))  # noqa: S311 - no secret
                for number, (slot, version) in enumerate(zip(slots, period, strict=True))
            ]
            for future in done:
                future.result()
        for slot in slots:
            slot.retire()

    def _work(self, slot: Slot, version: Version, chosen: random.Random) -> None:
        while True:
            event = self._next(chosen)
            if event is None:
                return
            with self._free:
                kill = chosen.randrange(1, CALLS) if self._deaths + self._aimed < self._kills else None
                self._aimed += kill is not None
            seen = slot.seen
            seen.handed.update(self._drill.name(record["messageId"]) for record in event["Records"])
            answered = slot.invoke(version, event, kill)
            if answered is None:
                seen.deaths[version.name] += 1
            elif "raised" in answered:
                seen.raised.append(answered["raised"])
            else:
                seen.batches[version.name] += 1
                self._drill.settle(event, answered["answer"])
            with self._free:
                self._aimed -= kill is not None
                self._deaths += answered is None
                self._busy -= 1
                self._free.notify_all()

    def _next(self, chosen: random.Random) -> dict[str, Any] | None:
        """The next batch; None when the period is over."""
        while True:
            with self._free:
                if self._drill.size() <= self._until:
                    return None
                if chosen.random() < SHOW_ALL:
                    self._drill.show_all()
                event = self._drill.receive(chosen.randrange(1, BATCH))
                if event["Records"]:
                    self._busy += 1
                    return event
                # What is hidden is in somebody's hands, or comes back later: of the latter the time has come now.
                if not self._busy:
                    self._drill.show_all()
                else:
                    assert self._free.wait(SECONDS), "it does not end"


@contextmanager
def drill(folder: Path, count: int, slots: int = 2) -> Iterator[tuple[Drill, Versions]]:
    """So many messages in flight, and functions of both versions, for as long as the block lasts."""
    with emulated() as aws, ExitStack() as stack:
        proxies = [stack.enter_context(passing(True)) for _ in range(slots)]
        found = versions(folder)
        world = World(aws, folder, receives=MOST_RECEIVES, visibility=100_000)
        made = traffic(world, count)
        places = []
        for number, proxy in enumerate(proxies):
            assert proxy is not None
            assert proxies[0] is not None
            proxy.lock = proxies[0].lock
            variables = {**world.variables(), "AWS_ENDPOINT_URL": proxy.url, "OWNERTAG_CONCURRENCY": str(slots)}
            functions = {
                version.name: Function(version, folder / f"{version.name}-{number}", variables)
                for version in (found.old, found.new)
            }
            for function in functions.values():
                stack.callback(function.close)
            places.append(Slot(proxy, functions))
        assert proxies[0] is not None
        yield Drill(world, made, places, proxies[0].lock), found
