"""Records decided per second on one core (bytes in, plan out), beside `json.loads` alone on the same bytes.

The records are the golden creations of the tests, as EventBridge delivers them. Both sides read each batch in turn
within one run, and the best of several rounds counts: other work on the machine then strikes both.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path

from harness.planning import plan
from harness.results import show
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.ask import ask
from ownertag.core.match import match
from ownertag.core.parse import parse_event
from ownertag.core.records import Arrival
from ownertag.core.settings import Settings
from ownertag.core.values import Creation

GOLDEN = Path(__file__).parents[1] / "tests" / "golden"
BATCH = 1_000
ROUNDS = 15


def bodies(event: str | None = None, *, users: bool = False) -> list[bytes]:
    """A batch of golden creations of one event, or of all, as EventBridge events; by IAM users alone if so wished."""
    catalogue, settings = load_catalogue(), Settings()
    events = []
    for path in sorted(GOLDEN.glob(f"*/{event or '*'}/*.json")):
        record = json.loads(path.read_text("utf-8"))["record"]
        if users and record["userIdentity"].get("type") != "IAMUser":
            continue
        body = _event(record)
        arrival = parse_event(body, "")
        if isinstance(arrival, Arrival) and isinstance(match(arrival, catalogue, settings), Creation):
            events.append(body)
    if not events:
        raise SystemExit(f"no golden creation of {event} in {GOLDEN}")
    return list(islice(cycle(events), BATCH))


def _event(record: dict[str, object]) -> bytes:
    envelope = {
        "version": "0",
        "id": record["eventID"],
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws." + str(record["eventSource"]).split(".")[0],
        "account": record["recipientAccountId"],
        "time": record["eventTime"],
        "region": record["awsRegion"],
        "resources": [],
        "detail": record,
    }
    return json.dumps(envelope).encode()


def main() -> None:
    """Measures and prints."""
    catalogue, settings, now = load_catalogue(), Settings(), datetime.now(UTC)
    rows = []
    for name, event, users in (
        ("every golden creation", None, False),
        ("RunInstances alone", "RunInstances", False),
        ("by IAM users: no hop to follow", None, True),
    ):
        batch = bodies(event, users=users)

        def decide(batch: list[bytes] = batch) -> int:
            creations = []
            for body in batch:
                arrival = parse_event(body, "")
                if isinstance(arrival, Arrival) and isinstance(found := match(arrival, catalogue, settings), Creation):
                    creations.append(found)
            ask(creations, {}, catalogue, settings)
            return len(plan(creations, {}, catalogue, settings, now).decisions)

        def loads(batch: list[bytes] = batch) -> int:
            return len([json.loads(body) for body in batch])

        decided = decide()
        ours, theirs = _best_of(decide, loads)
        rows.append(
            {
                "records": name,
                "bytes a record": round(sum(map(len, batch)) / BATCH),
                "decided of a thousand": decided,
                "ownertag, records/s": f"{BATCH / ours:,.0f}",
                "json.loads, records/s": f"{BATCH / theirs:,.0f}",
                "ratio": round(theirs / ours, 2),
            }
        )
    show("core", "Records decided per second on one core, bytes in and plan out, beside json.loads alone", rows)


def _best_of(*sides: Callable[[], int]) -> list[float]:
    best = [float("inf")] * len(sides)
    for _ in range(ROUNDS):
        for number, side in enumerate(sides):
            start = time.perf_counter()
            side()
            best[number] = min(best[number], time.perf_counter() - start)
    return best


if __name__ == "__main__":
    main()
