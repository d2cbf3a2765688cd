"""The hub's function with its own adapters on the endpoint of `harness.limits`, in the simulation's time.

As in the burst (`harness.simulated.function`), but its own time is charged where it is spent: to read a message before
anything else is done, to work on a creation when its part of the batch has its turn, to hide what comes back at the
end. Which part comes first matters to whoever waits.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from harness.events import envelope, launch
from harness.limits.endpoint import Endpoint
from harness.limits.server import serving
from harness.simulated import function as ours
from harness.simulated.event_source import DeployedHub, QueuedMessage, SimulatedMapping
from harness.simulated.simulation import Simulation
from ownertag.core.ownership import EventKey, ResourceKey, Standing
from ownertag.flows.live import Message, handle
from ownertag.flows.ports import Ports
from ownertag.ledger.entries import Created, Entry, HistoryEntry, KnownResource, Owned, SeenCreation
from ownertag.ledger.read_only import LedgerOwners
from ownertag.ledger.sqlite import SqliteLedger
from ownertag.sources.lookups import AwsLookups

#: To read one message on 512/1769 of a core: 0.08 ms of a whole one, as measured here.
READ_SECONDS = 0.0003
#: One ChangeMessageVisibilityBatch in the hub's own Region, for ten messages; an assumption.
DELAY_SECONDS, DELAYED_AT_ONCE = 0.02, 10
_JITTER = (0.8, 1.2)


class Launch(Struct, frozen=True):
    """A launch whose event arrives: when, where, and what has to be tagged."""

    arrives: float
    account: str
    body: str
    ids: tuple[str, ...]


class Handled(Struct):
    """The result of a run: the time of each tag, and the end of the messages; `asked` counts calls to the counter."""

    tagged: Mapping[str, float]
    returned: int
    dead: int
    invocations: int
    ended: float
    asked: int = 0


def launches(
    endpoint: Endpoint,
    place: tuple[str, str],
    count: int,
    arriving: tuple[float, float],
    seed: int,
    before: float = 90.0,
) -> list[Launch]:
    """Launches one instance at each time, so many seconds before its event arrives, and each by another person."""
    chance = random.Random(f"{seed}/{'/'.join(place)}")  # noqa: S311 - no secret
    account, region = place
    found = []
    for number in range(count):
        arrives = chance.uniform(*arriving)
        [made] = endpoint.fleet.launch(place, 1, "", ["/dev/sda1"], arrives - before)
        detail = launch(
            account,
            [made.id],
            region,
            made.reservation,
            user=f"user-{number}",
            number=chance.getrandbits(100),
            at=datetime.fromtimestamp(int(arrives - before), UTC),
        )
        ids = (made.id, *(part.id for part in (*made.volumes, *made.interfaces)))
        found.append(Launch(arrives, account, json.dumps(envelope(detail)), ids))
    return found


def run(endpoint: Endpoint, arriving: Sequence[Launch], start: float, setup: DeployedHub, seed: int) -> Handled:
    """Handles these launches as their events arrive, until no message is left."""
    random.seed(seed)  # the SDK draws its waits from it
    simulation = Simulation(start)
    with serving(endpoint) as server:
        hub = Hub(simulation, setup, server.url, [creation.body for creation in arriving])
        source = SimulatedMapping(simulation, setup, hub, seed)
        for number, creation in enumerate(arriving):
            simulation.spawn(source.arrive(QueuedMessage(number, len(creation.body) + 1024)), creation.arrives - start)
        simulation.run()
        hub.close()
    return Handled(endpoint.tagged, source.returned, len(source.dead), source.invocations, simulation.now, hub.asked)


class Hub(ours.Environments):
    """Lambda's environments, each with adapters of its own."""

    def __init__(self, simulation: Simulation, setup: DeployedHub, url: str, bodies: Sequence[str]) -> None:
        super().__init__(simulation, setup, url, (), Path())
        self._bodies = bodies

    @property
    def asked(self) -> int:
        """The number of calls to the counter of tokens."""
        return self._numbers.asked["take"]

    def close(self) -> None:
        """Closes the ledger's connections, and removes its file."""
        for *_, ledger, _pacing in self._built.values():
            ledger.close()
        self._folder.cleanup()

    def __call__(self, number: int, batch: Sequence[QueuedMessage]) -> dict[int, float]:
        """Handles a batch in an environment; returns the messages that come back, and after how many seconds."""
        sleep = self._simulation.sleep
        until = self._simulation.now + self._setup.timeout * self._settings.limits.timeout_share
        cold = 0.0 if number in self._built else ours.COLD_SECONDS
        sessions, accounts, tagger, memory, ledger, pacing = self._environment(number)
        sleep(cold + READ_SECONDS * len(batch))

        def expired() -> bool:
            return self._simulation.now >= until

        lookups = AwsLookups(
            sessions, self._settings, self._catalogue.parents, self._now, expired,
            ledger=LedgerOwners(ledger), memory=memory,
        )  # fmt: skip
        ports = Ports(
            accounts, lookups, tagger, self._now, expired, Charged(ledger, self._simulation),
            throttled=pacing.held, fail_fast=pacing.hurry,
        )  # fmt: skip
        pacing.begin(until)
        messages = [
            Message(str(queued.number), self._bodies[queued.number], receives=queued.receives) for queued in batch
        ]
        answer = handle(messages, ports, self._catalogue, self._settings, lambda: self._random.uniform(*_JITTER))
        sleep(-(-len(answer.returned) // DELAYED_AT_ONCE) * DELAY_SECONDS)
        return {int(returned.message.id): float(returned.seconds) for returned in answer.returned}


class Charged:
    """A ledger that charges the work on the creations of a part of a batch, and its own calls, when it is asked."""

    def __init__(self, ledger: SqliteLedger, simulation: Simulation) -> None:
        self._ledger = ledger
        self._simulation = simulation

    def seen(self, events: Iterable[EventKey]) -> Mapping[EventKey, SeenCreation]:
        """What the ledger knows of these creations."""
        asked = list(events)
        self._simulation.sleep(ours.BATCH_SECONDS + ours.INSTANCE_SECONDS * len(asked))
        return self._ledger.seen(asked)

    def claim(self, created: Sequence[Created], owned: Sequence[Owned]) -> Mapping[ResourceKey, Standing]:
        """Keeps creations and decisions."""
        return self._ledger.claim(created, owned)

    def append(self, entries: Sequence[Entry]) -> set[ResourceKey]:
        """Keeps what became of resources."""
        return self._ledger.append(entries)

    def by_key(self, keys: Iterable[ResourceKey]) -> list[KnownResource]:
        """The resources with these keys."""
        return self._ledger.by_key(keys)

    def by_id(self, id_: str) -> list[KnownResource]:
        """The resources with this id."""
        return self._ledger.by_id(id_)

    def history(self, key: ResourceKey) -> list[HistoryEntry]:
        """All that is kept of a resource."""
        return self._ledger.history(key)
