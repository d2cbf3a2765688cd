"""Runs the endpoint in a process of its own, and asks it for what a measurement needs."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import msgspec

from harness.limits.faults import Chances
from harness.limits.fleet import AccountRegion, Instance
from harness.limits.protocol import TracedCall

_PATIENCE = 600


class EndpointProcess:
    """Serves for as long as the `with` block lasts, on 127.0.0.1.

    Args:
        seed: Of the endpoint's ids, times and faults.
        accounts: The organization's.
    """

    def __init__(self, seed: int, accounts: Iterable[str]) -> None:
        self._command = [sys.executable, "-m", "harness.limits", "--seed", str(seed), "--accounts", *accounts]

    def __enter__(self) -> Self:
        """Starts the process."""
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            raise RuntimeError("the endpoint did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the process, by the end of its input."""
        self._process.communicate()

    def time(self, at: float | None) -> None:
        """Sets the time for callers who tell none; with None it is the real time again."""
        self._ask("time", {"at": at})

    def forget(self, chances: Chances | None = None) -> None:
        """Forgets tags and calls; what was launched stays. From now on these faults strike, or none."""
        self._ask("forget", {"chances": msgspec.to_builtins(chances or Chances())})

    def records(self) -> list[Mapping[str, Any]]:
        """The records of the launches."""
        found: list[Mapping[str, Any]] = self._ask("records")
        return found

    def trace(self) -> list[TracedCall]:
        """Every call since the last `forget`."""
        return msgspec.convert(self._ask("trace"), list[TracedCall])

    def tagged(self) -> dict[str, float]:
        """When each resource first had its owner tag."""
        found: dict[str, float] = self._ask("tagged")
        return found

    def fleet(self, places: Iterable[AccountRegion]) -> dict[AccountRegion, list[Instance]]:
        """The instances of each account and Region."""
        found = self._ask("fleet", {"places": list(places)})
        return {(account, region): msgspec.convert(instances, list[Instance]) for account, region, instances in found}

    def _ask(self, name: str, given: Mapping[str, Any] | None = None) -> Any:
        return ask(self.url, name, given)


def ask(url: str, name: str, given: Mapping[str, Any] | None = None) -> Any:
    """Asks an endpoint for something that is no call of AWS."""
    host, _, port = url.rpartition("/")[2].partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=_PATIENCE)
    try:
        connection.request("POST", f"/_limits/{name}", json.dumps(given or {}))
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()
