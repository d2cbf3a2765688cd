"""`make profile`: where the function's processor time goes, with launches in a hundred accounts and Regions.

The function's own wiring runs in this process, with real clients, the endpoint of `harness.limits`, and the ledger's
table on MiniStack. What is timed is each call of the SDK, the parts of one, and each use of the ledger, by its thread's
processor time: waiting costs nothing, and work on other threads is not counted twice. The timing itself is in the
figures, some microseconds a call.
"""

from __future__ import annotations

import argparse
import functools
import io
import json
import os
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from botocore.client import BaseClient
from botocore.endpoint import Endpoint
from botocore.parsers import ResponseParser
from botocore.signers import RequestSigner
from botocore.useragent import UserAgentString

from benchmarks import ministack
from benchmarks.steady.hub import (
    ACCOUNTS,
    HOME_REGION,
    PLACES,
    SETTINGS,
    SETTINGS_FILE,
    StreamLaunch,
    environment,
    launches,
    make_table,
    record,
)
from benchmarks.steady.queue import StreamMessage
from harness.results import show
from harness.simulated.endpoint_process import EndpointProcess
from ownertag.handler.settings import CONFIG, read_environment
from ownertag.handler.wiring import KEEP_ACCOUNTS, Handler, build
from ownertag.ledger.dynamodb import DynamoLedger

_LEDGER = ("seen", "claim", "append", "by_key")
#: What one call of the SDK is made of: its name here, and what does it in botocore.
_PARTS: Sequence[tuple[str, type, str]] = (
    ("choosing the endpoint", BaseClient, "_resolve_endpoint_ruleset"),
    ("building the request", BaseClient, "_convert_to_request_dict"),
    ("naming the user agent", UserAgentString, "rebuild_and_replace_user_agent_handler"),
    ("signing", RequestSigner, "sign"),
    ("sending, and receiving the answer", Endpoint, "_send"),
    ("reading the answer", ResponseParser, "parse"),
)


class Context:
    """Lambda's context, as far as the function uses it."""

    def get_remaining_time_in_millis(self) -> int:
        """More than the function needs."""
        return 100_000


class Spent:
    """Seconds of processor time and how often, by what they were spent on; `own` is without what was timed inside."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.own: defaultdict[str, float] = defaultdict(float)
        self.times: Counter[str] = Counter()
        self._inside = threading.local()

    def clear(self) -> None:
        """Clears the times."""
        for counter in (self.seconds, self.own, self.times):
            counter.clear()

    def timed(self, inner: Callable[..., Any], name: Callable[..., str]) -> Callable[..., Any]:
        """The same function, timed under the name that its arguments give."""

        @functools.wraps(inner)
        def run(*args: Any, **kwargs: Any) -> Any:
            around = getattr(self._inside, "seconds", 0.0)
            self._inside.seconds = 0.0
            begin = time.thread_time()
            try:
                return inner(*args, **kwargs)
            finally:
                took, what = time.thread_time() - begin, name(*args)
                self.seconds[what] += took
                self.own[what] += took - self._inside.seconds
                self.times[what] += 1
                self._inside.seconds = around + took

        return run


def main() -> None:
    """Launches, warms up, measures, prints."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--events", type=int, default=1000, help="launches that are measured")
    given.add_argument("--batch", type=int, default=200, help="launches in one batch")
    options = given.parse_args()
    if reason := ministack.unavailable():
        raise SystemExit(reason)
    with EndpointProcess(1, ACCOUNTS) as ec2, ministack.ministack() as dynamodb, tempfile.TemporaryDirectory() as name:
        make_table(dynamodb)
        print("launching", file=sys.stderr)
        launched = launches(ec2, options.batch, 1 + -(-options.events // options.batch), PLACES)
        (Path(name) / SETTINGS_FILE).write_text(SETTINGS, "utf-8")
        variables = {
            **environment(ec2.url, dynamodb),
            "AWS_REGION": HOME_REGION,
            "AWS_DEFAULT_REGION": HOME_REGION,
            CONFIG: str(Path(name) / SETTINGS_FILE),
        }
        os.environ.update(variables)
        spent = Spent()
        _watch(spent)
        with redirect_stdout(io.StringIO()):  # its log
            handler = build(read_environment(variables))
            handler(KEEP_ACCOUNTS, Context())
            _handle(handler, launched[: options.batch], options.batch)
            spent.clear()
            begin = time.process_time()
            count = _handle(handler, launched[options.batch :], options.batch)
            total = time.process_time() - begin
    _show(spent, total, count)


def _watch(spent: Spent) -> None:
    """Times every call of the SDK, its parts, and the ledger's methods, from now on in this whole process."""

    def watch(owner: type, method: str, name: Callable[..., str]) -> None:
        setattr(owner, method, spent.timed(getattr(owner, method), name))

    watch(BaseClient, "_make_api_call", lambda client, call, _: f"SDK {client.meta.service_model.service_id} {call}")
    for part, owner, method in _PARTS:
        watch(owner, method, lambda *_, part=part: f"part {part}")
    for method in _LEDGER:
        watch(DynamoLedger, method, lambda *_: "ledger")


def _handle(handler: Handler, launched: Sequence[StreamLaunch], size: int) -> int:
    """Hands these launches to the function, so many at once, and returns their number."""
    for start in range(0, len(launched), size):
        batch = launched[start : start + size]
        messages = [StreamMessage(start + number, json.dumps(launch.event)) for number, launch in enumerate(batch)]
        event = {"Records": [record(message) for message in messages]}
        answer = handler(event, Context())
        if answer["batchItemFailures"]:
            raise SystemExit(
                f"{len(answer['batchItemFailures'])} of {len(batch)} launches came back: nothing to measure"
            )
    return len(launched)


def _show(spent: Spent, total: float, events: int) -> None:
    """The table of the whole, and that of a call."""
    calls = {name: seconds for name, seconds in spent.seconds.items() if name.startswith("SDK ")}
    whole = [(name, seconds, spent.times[name]) for name, seconds in sorted(calls.items(), key=lambda item: -item[1])]
    whole.append(("the ledger's own: making and reading items", spent.own["ledger"], spent.times["ledger"]))
    whole.append(("reading, deciding, reporting", total - sum(seconds for _, seconds, _ in whole), 0))
    show(
        "profile",
        f"Processor time of the function: {1000 * total / events:.2f} ms an event, {events:,} launches",
        [_row(name, seconds, total, times, events) for name, seconds, times in [*whole, ("all", total, 0)]],
    )
    sdk = sum(calls.values())
    parts = [(name, spent.seconds[f"part {name}"], spent.times[f"part {name}"]) for name, _, _ in _PARTS]
    parts.append(("the rest: events, retries, errors", sdk - sum(seconds for _, seconds, _ in parts), 0))
    show(
        "profile-sdk",
        f"A call of the SDK: {1000 * sdk / sum(spent.times[name] for name in calls):.2f} ms on average",
        [_row(name, seconds, sdk, times, events) for name, seconds, times in [*parts, ("all", sdk, 0)]],
    )


def _row(name: str, seconds: float, total: float, times: int, events: int) -> dict[str, Any]:
    return {
        "part": name,
        "ms an event": round(1000 * seconds / events, 3),
        "share": f"{seconds / total:.1%}",
        "times an event": round(times / events, 3) if times else "-",
    }


if __name__ == "__main__":
    main()
