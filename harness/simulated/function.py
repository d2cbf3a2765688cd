"""ownertag in the burst: the live flow with its own adapters, in as many environments as the mapping allows.

Run as a process of its own, so that its peak memory is its own: the simulated queue is in it, the endpoint is not.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import msgspec
from botocore.retries import standard

from harness.limits.protocol import HUB, SECONDS_HEADER, TIME_HEADER, key_of
from harness.memory_account_list import MemoryAccountList
from harness.memory_counter import MemoryCounter, SharedCounters
from harness.process import peak_kb
from harness.simulated.event_source import DeployedHub, QueuedMessage, SimulatedMapping, deployed
from harness.simulated.events import START, BurstEvent, read_events, read_index
from harness.simulated.simulation import Process, Simulation
from ownertag.aws.concurrency import WORKERS
from ownertag.aws.credentials import client_config
from ownertag.aws.pacing import Pacing
from ownertag.aws.sessions import Sessions
from ownertag.aws.times import read_times_quickly
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.settings import Settings
from ownertag.flows.live import Message, handle
from ownertag.flows.ports import Ports
from ownertag.handler.wiring import ACCOUNT_CALLS
from ownertag.ledger.read_only import LedgerOwners
from ownertag.ledger.sqlite import SqliteLedger
from ownertag.sinks.tagging import Tagger
from ownertag.sources.fact_cache import FactCache
from ownertag.sources.lookups import AwsLookups
from ownertag.sources.organization import OrganizationAccounts

HOME_REGION = "eu-central-1"
#: Assumed of the function itself, since the simulation's time stands still while it computes: its first start in an
#: environment (README: INIT under Lambda's emulator); the ledger's calls for a batch; and its work for each instance on
#: a whole core, as measured here.
COLD_SECONDS, BATCH_SECONDS, INSTANCE_SECONDS = 0.5, 0.15, 0.0014
#: Assumed of one call to the ledger's table, by which an environment finds the list of accounts, or takes tokens.
TABLE_SECONDS = 0.02
#: How little an environment knows of the table's time after a few of its answers, which tell whole seconds.
UNSURE = (0.2, 0.2)
#: From so many MB on a function has a whole core (doc: configuring memory), below it a part in proportion.
CORE_MB = 1769
_JITTER = (0.8, 1.2)
_KEY = re.compile(r"Credential=([A-Z0-9]+)/")


class RunResult(msgspec.Struct):
    """The result of a run."""

    invocations: int = 0
    returned: int = 0
    dead: int = 0
    cpu_seconds: float = 0.0
    peak_kb: int = 0
    reasons: dict[str, int] = msgspec.field(default_factory=dict)


class VirtualSession(boto3.Session):
    """A session whose calls, answers and waits pass in simulated time."""

    def __init__(self, simulation: Simulation) -> None:
        core = botocore.session.Session()
        read_times_quickly(core)  # as the function's own session does
        super().__init__(key_of(HUB), "none", region_name=HOME_REGION, botocore_session=core)
        self._simulation = simulation
        self._ready: dict[str, float] = {}  # when each session is there

    def client(self, service: str, *args: Any, **more: Any) -> Any:  # type: ignore[override] # any service
        """A client, as the product's own wiring asks for it."""
        client = super().client(service, *args, **more)  # type: ignore[call-overload] # any service
        events = client.meta.events
        name = client.meta.service_model.service_id.hyphenize()
        # After whoever else looks on, such as the pacing: what waits before a call must not be counted as its time.
        events.register_last("before-send", self._tell)
        events.register_first("response-received", self._pass)
        attempts = client.meta.config.retries["total_max_attempts"]
        retry = f"needs-retry.{name}", f"retry-config-{name}"
        events.unregister(retry[0], unique_id=retry[1])
        handler = standard.register_retry_handler(client, attempts)
        events.unregister(retry[0], unique_id=retry[1])

        def needs_retry(**given: Any) -> float | None:
            seconds: float | None = handler.needs_retry(**given)
            if seconds is None:
                return None
            self._simulation.sleep(seconds)
            return 0.0

        events.register(retry[0], needs_retry)
        return client

    def _tell(self, request: Any, **_: object) -> None:
        signed = _KEY.search(str(request.headers.get("Authorization") or ""))
        wait = self._ready.get(signed[1], 0.0) - self._simulation.now if signed else 0.0
        if wait > 0:
            self._simulation.sleep(wait)
        request.headers[TIME_HEADER] = f"{self._simulation.now:.6f}"

    def _pass(self, response_dict: Any, parsed_response: Any, **_: object) -> None:
        if response_dict is None:
            return
        seconds = float(response_dict["headers"][SECONDS_HEADER])
        key = (parsed_response or {}).get("Credentials", {}).get("AccessKeyId")
        if key is None:
            self._simulation.sleep(seconds)
        else:  # whoever assumes a role holds a lock meanwhile, so it is the first call with the session that waits
            self._ready[key] = self._simulation.now + seconds


class Environments:
    """Lambda's environments, each with adapters of its own, as `handler.wiring` builds them; one ledger for all."""

    def __init__(
        self, simulation: Simulation, setup: DeployedHub, endpoint_url: str, events: Sequence[BurstEvent], path: Path
    ) -> None:
        self._simulation = simulation
        self._setup = setup
        self._url = endpoint_url
        self._events = events
        self._path = path
        self._catalogue, self._settings = load_catalogue(), Settings()
        self._folder = tempfile.TemporaryDirectory(prefix="ownertag-burst-")
        self._built: dict[int, tuple[Sessions, OrganizationAccounts, Tagger, FactCache, SqliteLedger, Pacing]] = {}
        self._random = random.Random("jitter")  # noqa: S311 - no secret
        self._numbers = SharedCounters()
        self._kept = MemoryAccountList(lambda: simulation.sleep(TABLE_SECONDS))
        self.ran = RunResult()

    def keep_accounts(self, until: float) -> Process:
        """Keeps the list of accounts in an environment of its own, as often as the hub's schedule says."""
        accounts = self._organization(VirtualSession(self._simulation))
        while self._simulation.now < until:
            yield from self._simulation.threaded(accounts.keep_list)
            yield self._setup.accounts_every

    def __call__(self, number: int, batch: Sequence[QueuedMessage]) -> dict[int, float]:
        """Handles a batch in an environment; returns the messages that come back, and after how many seconds."""
        until = self._simulation.now + self._setup.timeout * self._settings.limits.timeout_share
        bodies = list(read_events(self._path, [self._events[queued.number] for queued in batch]))
        instances = sum(_instances(body) for body in bodies)
        cold = 0.0 if number in self._built else COLD_SECONDS
        sessions, accounts, tagger, memory, ledger, pacing = self._environment(number)
        work = INSTANCE_SECONDS * instances * max(1.0, CORE_MB / self._setup.memory)
        self._simulation.sleep(cold + BATCH_SECONDS + work)
        begun = time.thread_time()

        def expired() -> bool:
            return self._simulation.now >= until

        concurrency = self._simulation.concurrency(WORKERS)
        lookups = AwsLookups(
            sessions,
            self._settings,
            self._catalogue.parents,
            self._now,
            expired,
            ledger=LedgerOwners(ledger),
            memory=memory,
            concurrency=concurrency,
            catalogue=self._catalogue,
        )
        ports = Ports(
            accounts, lookups, tagger, self._now, expired, ledger,
            throttled=pacing.held, concurrency=concurrency, fail_fast=pacing.hurry,
        )  # fmt: skip
        pacing.begin(until)
        messages = [
            Message(str(queued.number), body, receives=queued.receives)
            for queued, body in zip(batch, bodies, strict=True)
        ]
        answer = handle(messages, ports, self._catalogue, self._settings, lambda: self._random.uniform(*_JITTER))
        self.ran.cpu_seconds += time.thread_time() - begun
        for returned in answer.returned:
            for reason in {re.sub(r"\d+ ", "", reason) for reason in returned.reasons}:
                self.ran.reasons[reason] = self.ran.reasons.get(reason, 0) + 1
        return {int(returned.message.id): float(returned.seconds) for returned in answer.returned}

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._simulation.now, UTC)

    def _environment(
        self, number: int
    ) -> tuple[Sessions, OrganizationAccounts, Tagger, FactCache, SqliteLedger, Pacing]:
        known = self._built.get(number)
        if known is not None:
            return known
        session = VirtualSession(self._simulation)
        pacing = Pacing(
            self._catalogue.quotas,
            self._settings.limits.quota_share,
            self._setup.concurrency,
            MemoryCounter(
                self._numbers,
                lambda: self._simulation.now,
                UNSURE,
                lambda: self._simulation.sleep(TABLE_SECONDS),
            ),
            clock=lambda: self._simulation.now,
            sleep=self._simulation.sleep,
        )
        sessions = Sessions(
            session,
            role_name=self._settings.hub.tagger_role,
            region=HOME_REGION,
            now=self._now,
            endpoint_url=self._url,
            pacing=pacing,
        )
        built = (
            sessions,
            self._organization(session),
            Tagger(sessions, self._catalogue.tag_apis, self._now),
            FactCache(self._now),
            SqliteLedger(str(Path(self._folder.name) / "ledger.sqlite")),
            pacing,
        )
        self._built[number] = built
        return built

    def _organization(self, session: VirtualSession) -> OrganizationAccounts:
        client = session.client(
            "organizations", region_name=HOME_REGION, endpoint_url=self._url, config=client_config()
        )
        return OrganizationAccounts(
            client, self._now, concurrency=self._simulation.concurrency(ACCOUNT_CALLS), kept=self._kept
        )


def _instances(body: str) -> int:
    """The number of instances in a record, or in its request where the response is left out."""
    asked = msgspec.json.decode(body)["detail"]["requestParameters"]["instancesSet"]["items"]
    return sum(int(item["maxCount"]) for item in asked)


def run(endpoint_url: str, events: Sequence[BurstEvent], path: Path, seed: int) -> RunResult:
    """Handles all events as they arrive."""
    random.seed(seed)  # the SDK draws its waits from it
    simulation, setup = Simulation(START), deployed()
    environments = Environments(simulation, setup, endpoint_url, events, path)
    mapping = SimulatedMapping(simulation, setup, environments, seed)
    simulation.spawn(environments.keep_accounts(max(event.delivered for event in events)))
    for event in events:
        simulation.spawn(mapping.arrive(QueuedMessage(event.number, event.length + 1024)), event.delivered - START)
    simulation.run()
    ran = environments.ran
    ran.invocations, ran.returned, ran.dead = mapping.invocations, mapping.returned, len(mapping.dead)
    ran.peak_kb = peak_kb()
    return ran


def main() -> None:
    """Runs, and prints what it came to as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("events", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    events = read_index(given.events)
    sys.stdout.write(msgspec.json.encode(run(given.url, events, given.events, given.seed)).decode())


if __name__ == "__main__":
    main()
