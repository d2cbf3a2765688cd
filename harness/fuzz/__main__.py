"""`make fuzz`: a million documents through every step of a decision.

Progress goes to stderr, what was found to stdout; exit code 1 when something was. A document depends on the seed and on
its number alone: `--seed 3 --first 4711 --documents 1` is the one that was printed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from harness.fuzz.documents import MOST_BYTES, Document, drawn, material
from harness.fuzz.minimal import smaller
from harness.fuzz.rules import Violation
from harness.fuzz.seeds import seeds
from harness.fuzz.steps import StepResult, run
from ownertag.handler.garbage_collection import collect_rarely

#: No step may take longer for a document that EventBridge can carry.
MOST_SECONDS = 0.05
#: A file's lines are gone through one by one before anything of an open value can be told; who reads files waits for
#: no more than this a byte. None of it is in the way of a queue's messages.
MOST_SECONDS_A_BYTE = 1.5e-6
#: Before it counts, a slow step is measured so often again, beside a yardstick: the best is its own.
_AGAIN = 5
_PART = 2_000
_MOST_SHOWN = 20


class Trouble(Struct, frozen=True):
    """A document that went wrong."""

    number: int
    what: str
    size: int
    document: str


class FuzzedPart(Struct):
    """The result of a part of a run."""

    documents: int = 0
    ends: dict[str, int] = {}
    seconds: float = 0.0
    step: str = ""
    size: int = 0
    number: int = 0
    peak: int = 0
    troubles: list[Trouble] = []


class Yardstick:
    """Tells how much other work on the machine slows a time down: the same work is measured beside its best time."""

    _WORK = b"[" + b",".join([b"[" * 40 + b"]" * 40] * 800) + b"]"

    def __init__(self) -> None:
        self._best = self._measured()

    def _measured(self) -> float:
        best = 1.0
        for _ in range(3):
            start = time.process_time()
            msgspec.json.decode(self._WORK)
            best = min(best, time.process_time() - start)
        return best

    def slowed(self) -> float:
        """How many times longer work takes just now."""
        now = self._measured()
        self._best = min(self._best, now)
        return now / self._best


def tried(document: Document, draws: str, yardstick: Yardstick) -> tuple[StepResult | None, str]:
    """The result of a document, and what is wrong with it."""
    try:
        ended = run(document, draws)
        most = MOST_SECONDS + (len(document.data) * MOST_SECONDS_A_BYTE if ended.step == "read" else 0)
        for _ in range(_AGAIN):
            if ended.seconds <= most:
                break
            slowed = yardstick.slowed()
            again = run(document, draws)
            again = replace(again, seconds=again.seconds / max(slowed, 1.0))
            ended = again if again.seconds < ended.seconds else ended
    except Violation as fault:
        return None, str(fault)
    if ended.seconds > most and len(document.data) <= MOST_BYTES:
        return ended, f"{ended.step}: takes {ended.seconds * 1000:.0f} ms"
    return ended, ""


def part(seed: int, first: int, count: int) -> FuzzedPart:
    """The documents of these numbers."""
    found, yardstick = FuzzedPart(ends=Counter(), troubles=[]), Yardstick()
    for number in range(first, first + count):
        draws = f"{seed}:{number}:answers"
        document = drawn(seed, number)
        _one(document, draws, number, found, yardstick)
    found.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found


def _one(document: Document, draws: str, number: int, found: FuzzedPart, yardstick: Yardstick) -> None:
    ended, wrong = tried(document, draws, yardstick)
    found.documents += 1
    found.ends[ended.kind if ended else "fault"] = found.ends.get(ended.kind if ended else "fault", 0) + 1
    if ended and ended.seconds > found.seconds and len(document.data) <= MOST_BYTES:
        found.seconds, found.step, found.size, found.number = ended.seconds, ended.step, len(document.data), number
    if wrong and len(found.troubles) < _MOST_SHOWN:
        kind = wrong[:40].split(" ms")[0].rstrip("0123456789")

        def fails(candidate: Document) -> bool:
            return tried(candidate, draws, yardstick)[1].startswith(kind)

        small = document if "takes" in wrong else smaller(document, fails)
        text = small.data.decode(errors="backslashreplace")
        found.troubles.append(Trouble(number, f"{document.name} {wrong}".strip(), len(document.data), text[:2000]))


def of_seeds() -> FuzzedPart:
    """The documents that once went wrong."""
    found, yardstick = FuzzedPart(ends=Counter(), troubles=[]), Yardstick()
    for number, document in enumerate(seeds()):
        _one(document, f"seed:{document.name}", number, found, yardstick)
    return found


def added(one: FuzzedPart, other: FuzzedPart) -> FuzzedPart:
    """Adds two parts up."""
    slower = one if one.seconds >= other.seconds else other
    return replace(
        slower,
        documents=one.documents + other.documents,
        ends=dict(Counter(one.ends) + Counter(other.ends)),
        peak=max(one.peak, other.peak),
        troubles=(one.troubles + other.troubles)[:_MOST_SHOWN],
    )


def _begin() -> None:
    """Sets each process up as the function is set up."""
    material()
    collect_rarely()


def main() -> int:
    """Runs, and says what was found."""
    parser = argparse.ArgumentParser(prog="python -m harness.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--documents", type=int, default=1_000_000, help="how many (default: a million)")
    parser.add_argument("--seed", type=int, default=1, help="another number draws other documents (default: 1)")
    parser.add_argument("--first", type=int, default=0, help="the number of the first (default: 0)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="default: one a core")
    parser.add_argument("--json", action="store_true", help="the summary as JSON")
    given = parser.parse_args()
    _begin()
    began, whole = time.monotonic(), of_seeds()
    end = given.first + given.documents
    with ProcessPoolExecutor(given.processes, initializer=_begin) as pool:
        parts = [pool.submit(part, given.seed, at, min(_PART, end - at)) for at in range(given.first, end, _PART)]
        for number, finished in enumerate(as_completed(parts), 1):
            found = finished.result()
            for trouble in found.troubles:
                print(f"number {trouble.number}: {trouble.what}", file=sys.stderr, flush=True)
            whole = added(whole, found)
            if number % 10 == 0 or number == len(parts):
                print(f"{whole.documents:,} documents, {len(whole.troubles)} wrong", file=sys.stderr, flush=True)
    _show(whole, given.seed, time.monotonic() - began, as_json=given.json)
    return 1 if whole.troubles else 0


def _show(whole: FuzzedPart, seed: int, seconds: float, *, as_json: bool) -> None:
    summary: dict[str, Any] = {
        "schema": 1,
        "documents": whole.documents,
        "seed": seed,
        "ends": dict(sorted(whole.ends.items())),
        "slowest": {
            "step": whole.step,
            "milliseconds": round(whole.seconds * 1000, 1),
            "bytes": whole.size,
            "number": whole.number,
        },
        "peak_mebibytes": whole.peak >> 10,
        "seconds": round(seconds),
        "wrong": [
            {"number": trouble.number, "what": trouble.what, "bytes": trouble.size, "document": trouble.document}
            for trouble in whole.troubles
        ],
    }
    if as_json:
        print(json.dumps(summary, indent=2))
        return
    slowest = summary["slowest"]
    print(f"documents   {whole.documents:,} (seed {seed}, {seconds:,.0f} s)")
    print(f"ended as    {', '.join(f'{count:,} {kind}' for kind, count in summary['ends'].items())}")
    print(f"slowest     {slowest['step']}: {slowest['milliseconds']} ms for {slowest['bytes']:,} bytes")
    print(f"            (document {slowest['number']}; at most {MOST_SECONDS * 1000:.0f} ms)")
    print(f"memory      {summary['peak_mebibytes']} MiB at most in one process")
    print(f"wrong       {len(whole.troubles)}{' or more' if len(whole.troubles) >= _MOST_SHOWN else ''}")
    for trouble in whole.troubles:
        print(f"\n{trouble.what}\n  --seed {seed} --first {trouble.number} --documents 1 ({trouble.size:,} bytes)")
        print(f"  {trouble.document}")


if __name__ == "__main__":
    sys.exit(main())
