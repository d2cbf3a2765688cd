"""Runs of scenarios with the function in a process that is killed, and what is left when all is done."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from copy import deepcopy
from pathlib import Path
from threading import Lock
from typing import Any

from botocore.exceptions import ClientError
from moto.dynamodb.models import dynamodb_backends
from moto.ec2.models import ec2_backends
from moto.sqs.models import sqs_backends

from contracts.emulated import HOME, HUB, emulated
from faults.proxy import passing
from faults.scenarios import RECEIVES, Scenario
from faults.world import World
from harness.sandbox_process import SAME_PATH
from ledger.table import TABLE
from ownertag.sandbox.calls import Call

#: More deliveries than any scenario takes.
MOST = 30

Kill = tuple[int, str]


class Environment:
    """One environment of the function: a process that was forked for it."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._stream = self._socket.makefile("rw", encoding="utf-8")
        self.pid = int(self._stream.readline())

    def invoke(self, event: Mapping[str, Any], now: str, kill: Kill | None) -> dict[str, Any] | None:
        """The answer and the calls; None if the process died."""
        self._stream.write(json.dumps({"event": event, "now": now, "kill": kill}) + "\n")
        self._stream.flush()
        try:
            line = self._stream.readline()
        except ConnectionResetError:
            line = ""
        if not line:
            self.close()
            return None
        answered: dict[str, Any] = json.loads(line)
        return answered

    def close(self) -> None:
        """Ends the process in peace, if it lives."""
        self._stream.close()
        self._socket.close()


class Function:
    """The process that forks environments."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self.path = str(folder / "socket")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "faults.victim", self.path],
            env={**os.environ, **SAME_PATH, **variables, "AWS_EC2_METADATA_DISABLED": "true"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def start(self) -> Environment:
        """A cold start."""
        return Environment(self.path)

    def close(self) -> None:
        """Kills the process, whatever it does."""
        self._process.kill()
        self._process.communicate()

    def end(self) -> dict[str, int]:
        """The exit codes of the environments, with their number."""
        output, _ = self._process.communicate(timeout=30)
        codes: dict[str, int] = json.loads(output or "{}")
        return codes


class Stage:
    """A scenario that can be played again and again from the same beginning."""

    def __init__(self, world: World, scenario: Scenario, function: Function) -> None:
        self.world, self.function = world, function
        self._told: set[str] = set()
        assert world.proxy is not None
        world.proxy.asked = self._asked
        self._batches = [
            {id_ for name in batch.split() for id_ in world.ids_of(name.replace("+", " "))}
            for batch in scenario.make(world)
        ]
        self.now = world.clock().isoformat()
        backends = [ec2_backends[account][HOME] for account in (world.a, world.b)]
        self._backends = backends
        self._before = deepcopy(([backend.tags for backend in backends], self._queue("ownertag")._messages))

    def play(self, kill: Kill | None = None) -> tuple[list[str], int]:
        """Plays the stage with a kill at the n-th call; returns the calls to the end of all batches, and the deaths."""
        self.reset()
        calls: list[str] = []
        deaths = 0
        environment = self.function.start()
        for batch in self._batches:
            for _ in range(MOST):
                if not self._show(batch):
                    break
                event = self.world.receive_as_sent()
                if not event["Records"]:
                    continue  # SQS put it among the dead letters
                relative = (kill[0] - len(calls), kill[1]) if kill and not deaths else None
                answered = environment.invoke(event, self.now, relative)
                if answered is None:
                    deaths += 1
                    environment = self.function.start()
                    continue
                calls += answered["calls"] + ["return"]
                self.world.poller.settle(event, answered["answer"])
            else:
                raise AssertionError("it does not end")
        environment.close()
        return calls, deaths

    def receive(self, limit: int) -> dict[str, Any]:
        """Receives at most so many messages, as a batch."""
        assert self.world.proxy is not None
        with self.world.proxy.lock:
            return self.world.poller.receive(limit)

    def settle(self, event: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        """Deletes what is done, as far as the receipts are still of use."""
        assert self.world.proxy is not None
        with self.world.proxy.lock, suppress(ClientError):
            self.world.poller.settle(event, answer)

    def size(self) -> int:
        """The number of messages in the queue."""
        return len(self._queue("ownertag")._messages)

    def show_all(self) -> None:
        """Makes every message visible."""
        self.world.show_all()

    def end(self) -> dict[str, Any]:
        """The end of a run: tags, the ledger, the queue, dead letters and findings.

        The counters of quotas, which stand in the ledger's table, say when calls were made, and no more.
        """
        table = dynamodb_backends[HUB][HOME].tables[TABLE]
        items = [item.to_json()["Attributes"] for item in table.all_items()]
        return {
            "tags": deepcopy(self.world.aws.all_tags()),
            "ledger": sorted(json.dumps(item, sort_keys=True) for item in items if "full_until" not in item),
            "queue": self.world.poller.size(),
            "dead": {message.body for message in self._queue("ownertag-dead-letters")._messages},
            "told": set(self._told),
        }

    def _asked(self, call: Call) -> None:
        if call.operation == "PutEvents":
            self._told |= {entry["Detail"] for entry in call.json()["Entries"]}

    def _queue(self, name: str) -> Any:
        return sqs_backends[HUB][HOME].queues[name]

    def _show(self, batch: set[str]) -> bool:
        """Makes these messages visible, and no others; tells whether any is left."""
        left = False
        for message in self._queue("ownertag")._messages:
            message.visible_at = 0 if message.id in batch else 1e15
            left = left or message.id in batch
        return left

    def reset(self) -> None:
        """Goes back to the beginning."""
        tags, messages = deepcopy(self._before)
        for backend, before in zip(self._backends, tags, strict=True):
            backend.tags.clear()
            backend.tags.update(before)
        queue = self._queue("ownertag")
        queue._messages, queue._pending_messages = messages, set()
        queue.deleted_messages.clear()
        self._queue("ownertag-dead-letters")._messages.clear()
        dynamodb_backends[HUB][HOME].tables[TABLE].items.clear()
        self._told.clear()


def share(stage: Stage, functions: int, kills: int, seed: int) -> tuple[int, int]:
    """Plays the one batch of a stage by several functions over the queue; so many are killed, at random calls.

    Visibility is the queue's own, in real time. Returns (deaths, messages that were received again).
    """
    stage.reset()
    stage.show_all()
    lock, deaths, aimed, redelivered = Lock(), [0], [0], [0]  # of those aimed at, some end before they are hit

    def function(chosen: random.Random) -> None:
        environment = stage.function.start()
        until = time.monotonic() + 240
        while stage.size():
            assert time.monotonic() < until, "it does not end"
            with lock:
                event = stage.receive(chosen.randrange(1, 7))
                kill: Kill | None = (chosen.randrange(1, 13), chosen.choice(["before", "after"]))
                if not event["Records"] or deaths[0] + aimed[0] >= kills:
                    kill = None
                aimed[0] += kill is not None
            if not event["Records"]:
                time.sleep(0.05)
                continue
            redelivered[0] += sum(record["attributes"]["ApproximateReceiveCount"] != "1" for record in event["Records"])
            answered = environment.invoke(event, stage.now, kill)
            with lock:
                aimed[0] -= kill is not None
                deaths[0] += answered is None
            if answered is None:
                environment = stage.function.start()
                continue
            with lock:
                stage.settle(event, answered["answer"])
        environment.close()

    with ThreadPoolExecutor(functions) as pool:
        for done in [pool.submit(function, random.Random(seed + number)) for number in range(functions)]:  # noqa: S311 - no secret
            done.result()
    return deaths[0], redelivered[0]


@contextmanager
def staged(
    scenario: Scenario, folder: Path, receives: int = RECEIVES, visibility: int = 30
) -> Iterator[tuple[Stage, Function]]:
    """A scenario, its world on a socket, and its function in processes of its own."""
    with passing(True) as proxy, emulated() as aws:
        assert proxy is not None
        world = World(aws, folder, endpoint_url=proxy.url, receives=receives, visibility=visibility)
        world.proxy = proxy
        function = Function(folder, world.variables())
        try:
            yield Stage(world, scenario, function), function
        finally:
            function.close()


def points(calls: list[str]) -> list[Kill]:
    """Every moment of a run at which it can be killed: before and after each call, and at each return."""
    found: list[Kill] = []
    for number, name in enumerate(calls, 1):
        found += [(number, "return")] if name == "return" else [(number, "before"), (number, "after")]
    return found
