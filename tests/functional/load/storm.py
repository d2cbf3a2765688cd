"""A hundred thousand creations, nearly a third of the calls at fault, each message up to three times, shuffled.

The flow, the ledger's file, the queue's limits and the function's concurrency are the product's; the organization is
`faults.World`. Five functions take turns at every call, so that they come between each other as they do in Lambda.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from harness.events import CATALOGUE, SETTINGS
from harness.simulated.event_source import DeployedHub, QueuedMessage, SimulatedMapping, deployed
from harness.simulated.events import START
from harness.simulated.simulation import Simulation
from load.checks import Check, Progress, folder
from load.creations import ACCOUNTS, Creations, Fate, copies, create, fate_of
from load.faults import DRAWN, Accounts, Chances, Lookups, Shaky, Tagger, World
from ownertag.flows.live import Message, handle
from ownertag.flows.ports import Ports
from ownertag.flows.result import Refused
from ownertag.ledger.sqlite import SqliteLedger

#: Of calls in the accounts, and of the ledger's.
FAULTY, LEDGER_FAULTY = 0.3, 0.03
#: Until so many seconds after a creation what it made may not be found; a message arrives between these after it.
LATE, DELIVERED, REPEATED = 45.0, (5.0, 90.0), (5.0, 1800.0)
#: For each account whose administrators deny everything for a while: from how long after the beginning until when.
_DENIED = {ACCOUNTS[3]: (0.0, 300.0), ACCOUNTS[11]: (60.0, 900.0)}
_SECONDS_A_BATCH = 0.15
_JITTER = (0.8, 1.2)


class Storm:
    """One run, and what each message and each resource ended as."""

    def __init__(self, count: int, seed: int, path: Path, setup: DeployedHub) -> None:
        self.made: Creations = create(count, seed, START, max(60.0, count / 500))
        self.copies = copies(self.made.all, seed)
        denied = {operation: (START + since, START + until) for operation, (since, until) in _DENIED.items()}
        self.chances = chances = Chances(seed, FAULTY, LEDGER_FAULTY, LATE, denied)
        self._simulation = Simulation(START)
        self._setup = setup
        self.world = World(self.made, chances, lambda: self._simulation.now, self._simulation.sleep)
        self.ledger = SqliteLedger(path)
        self._ports = Ports(
            Accounts(self.world, ACCOUNTS),
            Lookups(self.world),
            Tagger(self.world),
            self._now,
            ledger=Shaky(self.ledger, self.world, chances),
        )
        self._jitter = random.Random(f"{seed}/jitter")  # noqa: S311 - no secret
        self.mapping = SimulatedMapping(self._simulation, setup, self._function, seed)
        self.ended: dict[int, list[str]] = {number: [] for number in range(len(self.copies))}
        self._progress = Progress("storm", len(self.copies))
        self._left = len(self.copies)
        delivery = random.Random(f"{seed}/delivery")  # noqa: S311 - no secret
        before: set[int] = set()
        for number, of in enumerate(self.copies):
            creation = self.made.all[of]
            after = delivery.uniform(*(REPEATED if of in before else DELIVERED))
            before.add(of)
            arrival = self.mapping.arrive(QueuedMessage(number, len(creation.body) + 1024))
            self._simulation.spawn(arrival, creation.at + after - START)

    def run(self) -> None:
        """Runs until no message is left; those received too often are dead letters."""
        self._simulation.run()
        for message in self.mapping.dead:
            self.ended[message.number].append("dead")

    def redrive(self) -> None:
        """Puts the dead letters back into the queue after the faults, as an operator does; what is denied stays so."""
        self.chances.calls = self.chances.ledger = 0.0
        dead, self.mapping.dead = self.mapping.dead, []
        for message in dead:
            self.ended[message.number].clear()
            self._simulation.spawn(self.mapping.arrive(QueuedMessage(message.number, message.size)))
        self.run()

    def ends(self) -> Counter[str]:
        """The number of creations by their end; an end that should not be is named for what is wrong with it."""
        owners, wrong = self.world.owners, set(self.wrong_owners()[0])
        ends = [set[str]() for _ in self.made.all]
        for number, of in enumerate(self.copies):
            ends[of].update(self.ended[number])
        found: Counter[str] = Counter()
        for creation in self.made.all:
            ended = ends[creation.number]
            should = fate_of(creation, self.made.untaggable)
            if ended == {"refused"}:
                found["refused" if should is Fate.REFUSED else "refused though it is a creation"] += 1
            elif "done" in ended and "refused" not in ended:
                right = should is not Fate.REFUSED and all(id_ in owners and id_ not in wrong for id_ in creation.ids)
                found["tagged" if right else "done though not tagged"] += 1
            elif ended == {"dead"}:
                found["dead" if should is Fate.DEAD else "dead by chance"] += 1
            else:
                found[f"ended as {sorted(ended)}"] += 1
        return found

    def wrong_owners(self) -> tuple[list[str], list[str]]:
        """Resources whose tag names another than who made it first: (by mistake, as that one's message is dead)."""
        dead = {self.copies[message.number] for message in self.mapping.dead}
        waiting = {
            id_
            for number in dead
            for id_ in self.made.all[number].ids
            if self.made.owners[id_] == self.made.all[number].person
        }
        wrong = sorted(id_ for id_, owner in self.world.owners.items() if self.made.owners[id_] != owner)
        return [id_ for id_ in wrong if id_ not in waiting], [id_ for id_ in wrong if id_ in waiting]

    def _function(self, _: int, batch: Sequence[QueuedMessage]) -> dict[int, float]:
        self._simulation.sleep(_SECONDS_A_BATCH)
        messages = [
            Message(str(queued.number), self.made.all[self.copies[queued.number]].body, receives=queued.receives)
            for queued in batch
        ]
        until = self._simulation.now + self._setup.timeout * SETTINGS.limits.timeout_share
        ports = replace(self._ports, expired=lambda: self._simulation.now >= until)
        answer = handle(messages, ports, CATALOGUE, SETTINGS, lambda: self._jitter.uniform(*_JITTER))
        for done in answer.done:
            self.ended[int(done.message.id)].append("refused" if isinstance(done.result, Refused) else "done")
        self._left -= len(answer.done)
        self._progress(len(self.copies) - self._left)
        return {int(returned.message.id): float(returned.seconds) for returned in answer.returned}

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._simulation.now, UTC)


def storm(count: int = 100_000, seed: int = 1) -> Check:
    """Runs it, counts, puts the dead letters back once the faults are over, and counts again."""
    with folder() as name:
        run = Storm(count, seed, Path(name) / "ledger.sqlite", deployed())
        run.run()
        first = _Counted(run)
        faults = Counter(run.world.count)
        received = run.mapping.returned + len(run.copies)
        run.redrive()
        second = _Counted(run)
        run.ledger.close()
    fates = Counter(fate_of(creation, run.made.untaggable) for creation in run.made.all)
    wrong = first.wrong(count) + second.wrong(count)
    if second.after_dead or {fate: second.ends[fate.value] for fate in Fate} != dict(fates):
        wrong.append(f"after the dead letters were put back: {dict(second.ends)}, not {dict(fates)}")
    drawn = sum(faults[name] for name in DRAWN)
    others = faults["denied"] + faults["not found yet"] + faults["tag policy"]
    figures = {
        "tagged": first.ends["tagged"],
        "refused": first.ends["refused"],
        "dead letters": first.dead,
        "sum": first.total,
        "wrong owners": len(first.mistaken),
        "named after a later one, the first being a dead letter": len(first.after_dead),
        "dead letters put back after the faults: tagged": second.ends["tagged"] - first.ends["tagged"],
        "dead again, as nobody may tag them": second.dead,
        "messages": len(run.copies),
        "received": received,
        "calls": faults["calls"],
        "at fault by chance": f"{drawn / faults['calls']:.1%}",
        "denied, not found or against a tag policy besides": f"{others / faults['calls']:.1%}",
        "the ledger's calls at fault": f"{faults['ledger away'] / faults['ledger calls']:.1%}",
    }
    return Check(
        f"{count:,} creations, {FAULTY:.0%} of the calls at fault, repeated and shuffled", figures, tuple(wrong)
    )


class _Counted:
    """What a run has come to so far."""

    def __init__(self, run: Storm) -> None:
        self.ends = run.ends()
        self.mistaken, self.after_dead = run.wrong_owners()
        self.dead = self.ends["dead"] + self.ends["dead by chance"]
        self.total = self.ends["tagged"] + self.ends["refused"] + self.dead
        self._unended = sum(len(ends) != 1 for ends in run.ended.values())

    def wrong(self, count: int) -> list[str]:
        """What is wrong with the end."""
        found = []
        if self.total != count:
            found.append(f"{self.total:,} of {count:,} ended well: {dict(self.ends)}")
        if self.mistaken:
            found.append(f"{len(self.mistaken)} wrong owners, such as of {self.mistaken[0]}")
        if self._unended:
            found.append(f"{self._unended} messages did not end exactly once")
        return found
