"""Fifty thousand messages that waited out an outage of six hours: drained, how fast, and in how much memory.

The flow and the ledger's file are the product's. The organization is told by numbers alone: what a message makes, who
made it and what was tagged follows from its number, so that nothing but ownertag can grow. That what is looked up and
written takes no time shows the flow's own rate: it is in messages per second of processor time.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from harness.events import CATALOGUE, SETTINGS, envelope, launch, volume
from harness.fixtures import numbered
from harness.simulated.event_source import deployed
from harness.simulated.events import START
from load.checks import Check, Progress, folder
from ownertag.core.catalogue_types import Lookup, QuestionKind
from ownertag.core.values import Attached, Fact, Failure, Found, LaunchedInstance, Question, Write
from ownertag.flows.live import Message, handle
from ownertag.flows.ports import Ports
from ownertag.ledger.sqlite import SqliteLedger

#: The ledger was in use before: so many creations fill SQLite's cache, which is 32 MB at most (`ledger.sqlite_file`).
BEFORE = 20_000
#: Of the messages; memory counts from here on.
WARM_UP = 5_000
#: And may be so much of that at most.
GROWTH = 1.10
_OUTAGE = timedelta(hours=6)
_ROOT = "/dev/xvda"
#: What one message makes at most: an instance, its volume and its interface.
_PARTS = ("i", "vol", "eni")


def drain(count: int = 50_000, before: int = BEFORE) -> Check:
    """Drains the queue, and looks at memory after each batch."""
    with folder() as name:
        ledger = SqliteLedger(Path(name) / "ledger.sqlite")
        earlier = _Told(before, count)
        for batch in _batches(before, count):
            handle(batch, Ports(earlier, earlier, earlier, earlier.now, ledger=ledger), CATALOGUE, SETTINGS)
        told = _Told(count)
        ports = Ports(told, told, told, told.now, ledger=ledger)
        progress, done, returned, spent, sizes = Progress("drain", count), 0, 0, 0.0, list[int]()
        for batch in _batches(count):
            begun = time.thread_time()
            answer = handle(batch, ports, CATALOGUE, SETTINGS)
            spent += time.thread_time() - begun
            done, returned = done + len(answer.done), returned + len(answer.returned)
            del answer
            if done >= min(WARM_UP, count // 2):
                sizes.append(_resident_kb())
            progress(done)
        ledger.close()
    missing = told.expected - sum(told.tagged)
    grown = max(sizes) / sizes[0]
    figures = {
        "messages": count,
        "done": done,
        "resources tagged": sum(told.tagged),
        "messages a second of processor time": round(count / spent),
        "microseconds a message": round(spent / count * 1e6),
        "memory at its start, MB": round(sizes[0] / 1024),
        "at most, MB": round(max(sizes) / 1024),
        "grown to": f"{grown:.1%}",
    }
    wrong = []
    if done != count or returned or missing or told.wrong:
        wrong.append(f"{returned} came back, {missing} resources are not tagged, {told.wrong} for somebody else")
    if grown > GROWTH:
        wrong.append(f"memory grew to {grown:.1%} of its start")
    return Check(f"{count:,} messages after an outage: drained, memory flat", figures, tuple(wrong))


def _batches(count: int, first: int = 0) -> Iterator[list[Message]]:
    size, end = deployed().batch, first + count
    for start in range(first, end, size):
        yield [Message(str(number), _body(number)) for number in range(start, min(start + size, end))]


def _is_launch(number: int) -> bool:
    return number % 4 == 0


def _person(number: int) -> str:
    return f"user-{number % 211}"


def _body(number: int) -> str:
    account, at = f"3000000000{number % 25:02}", datetime.fromtimestamp(START + number / 10, UTC)
    more: dict[str, Any] = {"number": number, "user": _person(number), "at": at}
    if _is_launch(number):
        detail = launch(account, [numbered("i", number)], reservation=numbered("r", number), **more)
    else:
        detail = volume(account, numbered("vol", number), **more)
    return json.dumps(envelope(detail))


class _Told:
    """The organization: every account, every look-up and every write, by the number in an id."""

    def __init__(self, count: int, first: int = 0) -> None:
        self._first = first
        self.tagged = bytearray(count * len(_PARTS))
        self.wrong = 0
        launches = sum(map(_is_launch, range(first, first + count)))
        self.expected = count + launches * (len(_PARTS) - 1)

    def now(self) -> datetime:
        """Six hours after the first."""
        return datetime.fromtimestamp(START, UTC) + _OUTAGE

    def find(self, questions: Iterable[Question]) -> dict[Question, Fact]:
        """All is there."""
        return {question: self._fact(question) for question in questions}

    def present(self, account: str, region: str, lookup: Lookup, ids: Iterable[str]) -> set[str] | Failure:  # noqa: ARG002 - as the port has it
        """All is there."""
        return set(ids)

    def write(self, write: Write) -> Failure | None:
        """Notes what is tagged, and whether it is for the right person."""
        owner = dict(write.tags)["owner"]
        for resource in write.resources:
            kind, _, number = resource.id.partition("-")
            self.tagged[(int(number, 16) - self._first) * len(_PARTS) + _PARTS.index(kind)] = 1
            self.wrong += owner != _person(int(number, 16))
        return None

    def _fact(self, question: Question) -> Fact:
        if question.kind is not QuestionKind.INSTANCES_BY_RESERVATION:
            return Found()
        number = int(question.value.partition("-")[2], 16)
        at = datetime.fromtimestamp(START + number / 10, UTC)
        volume_, interface = (Attached(numbered(kind, number), at) for kind in _PARTS[1:])
        root = frozenset({_ROOT})
        return Found((LaunchedInstance(numbered("i", number), "running", _ROOT, True, root, (volume_,), (interface,)),))


def _resident_kb() -> int:
    """What the process holds in memory now (Linux: VmRSS), without what only waits to be collected."""
    gc.collect()
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
