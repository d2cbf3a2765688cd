"""A thousand orders of the same creations, with repeats: the same tags, and the same ledger, whatever the order.

Every order has batches of its own, and faults of its own; a message that comes back is put anywhere into what is left.
Compared are the tags of every resource and, by the ledger's own port, whose each resource is and by which creation,
what became of its tags, every decision, and which creations are finished; not when each of them was heard of.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from harness.events import CATALOGUE, SETTINGS
from harness.simulated.events import START
from load.checks import Check, Progress, folder
from load.creations import ACCOUNTS, Creations, copies, create
from load.faults import Accounts, Chances, Lookups, Shaky, Tagger, World
from ownertag.core.ownership import EventKey, ResourceKey
from ownertag.flows.live import Message, handle
from ownertag.flows.ports import Ports
from ownertag.ledger.entries import Owned
from ownertag.ledger.sqlite import SqliteLedger

#: Of the orders: a call in the accounts, and one of the ledger, at fault.
FAULTY, LEDGER_FAULTY = 0.3, 0.02
#: When the flow begins, after the last creation.
_LATER = 100.0
_MOST_IN_A_BATCH = 150


def orders(count: int = 1000, creations: int = 200, seed: int = 1, workers: int = 2) -> Check:
    """Handles the same creations in so many orders, and compares what each ends in."""
    progress, ends = Progress("orders", count), dict[str, list[int]]()
    for number, (end, wrong) in enumerate(_each(count, creations, seed, workers)):
        ends.setdefault(end, []).append(number)
        if wrong:
            return Check(f"{count:,} orders of {creations}", {}, (f"order {number}: {wrong} wrong or missing owners",))
        progress(number)
    made = create(creations, seed, START, 60.0, forbidden=False)
    figures = {"orders": count, "messages in each": len(copies(made.all, seed)), "ends": len(ends)}
    limit = max(ends.values(), key=len)
    odd = [number for numbers in ends.values() if numbers is not limit for number in numbers]
    wrong_ends = (f"{len(odd)} orders end otherwise, such as {odd[0]}",) if odd else ()
    return Check(f"{count:,} orders of {creations} creations", figures, wrong_ends)


def _each(count: int, creations: int, seed: int, workers: int) -> Iterator[tuple[str, int]]:
    work = partial(one_order, creations=creations, seed=seed)
    if workers < 2:
        yield from map(work, range(count))
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(work, range(count), chunksize=10)


def one_order(number: int, creations: int, seed: int) -> tuple[str, int]:
    """Handles one order; returns a digest of its end, and the number of resources without their owner's tags."""
    made = _made(creations, seed)
    with folder() as name:
        ledger = SqliteLedger(Path(name) / "ledger.sqlite")
        try:
            world = _run(made, ledger, number, seed)
            wrong = sum(world.owners.get(id_) != owner for id_, owner in made.owners.items())
            return sha256(repr([_tags(world), list(_state(made, ledger))]).encode()).hexdigest(), wrong
        finally:
            ledger.close()


@cache
def _made(creations: int, seed: int) -> Creations:
    return create(creations, seed, START, 60.0, forbidden=False)


def _run(made: Creations, ledger: SqliteLedger, number: int, seed: int) -> World:
    order = random.Random(f"{seed}/order {number}")  # noqa: S311 - no secret
    now = [START + _LATER]
    chances = Chances(f"{seed}/{number}", FAULTY, LEDGER_FAULTY)
    world = World(made, chances, lambda: now[0])
    ports = Ports(
        Accounts(world, ACCOUNTS),
        Lookups(world),
        Tagger(world),
        lambda: datetime.fromtimestamp(now[0], UTC),
        ledger=Shaky(ledger, world, chances),
    )
    left = copies(made.all, seed)
    order.shuffle(left)
    while left:
        size = order.randrange(1, _MOST_IN_A_BATCH)
        batch, left = left[:size], left[size:]
        messages = [Message(str(place), made.all[of].body) for place, of in enumerate(batch)]
        answer = handle(messages, ports, CATALOGUE, SETTINGS)
        for returned in answer.returned:
            left.insert(order.randrange(len(left) + 1), batch[int(returned.message.id)])
        now[0] += order.uniform(0.0, 5.0)
    return world


def _tags(world: World) -> list[object]:
    places = sorted(world.aws.places.items())
    return [
        (place, sorted((id_, sorted(tags.items())) for id_, tags in region.tags.items() if tags))
        for place, region in places
    ]


def _state(made: Creations, ledger: SqliteLedger) -> Iterable[object]:
    """The ledger's content, but for when it was written and how often it was tried."""
    events = [_event(creation.account, creation.region, creation.number) for creation in made.all]
    seen = ledger.seen(events)
    for event in events:
        yield event, seen.get(event), ledger.creation(event)
    keys = sorted({_key(creation.account, creation.region, id_) for creation in made.all for id_ in creation.ids})
    for known in sorted(ledger.by_key(keys), key=lambda entry: entry.key):
        owned = [entry for entry in ledger.history(known.key) if isinstance(entry, Owned)]
        decisions = [(entry.claim, entry.owner, entry.tags, entry.provisional, entry.parents) for entry in owned]
        yield known, decisions


def _event(account: str, region: str, number: int) -> EventKey:
    return EventKey(account, region, str(UUID(int=number)))


_KINDS = {"i": "instance", "vol": "volume", "eni": "network-interface"}


def _key(account: str, region: str, id_: str) -> ResourceKey:
    kind = _KINDS[id_.partition("-")[0]]
    return ResourceKey(account, region, f"arn:aws:ec2:{region}:{account}:{kind}/{id_}")
