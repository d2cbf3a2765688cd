"""Writes to a ledger, call by call, in child processes that are killed while they do. Run: `python -m ledger.writer`.

Arguments: `sqlite PATH` or `dynamodb ENDPOINT TABLE`. Each line of standard input, `FIRST LAST SECONDS`, forks a child
that makes these calls (without LAST) and is killed with SIGKILL after so many seconds, or never if that is `-`.
Standard output has a line each: `begun N` before a call, `done N` after it returned, `over STATUS` once a child ended.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from contracts.emulated import HOME, session
from ledger.entries import actor, created, deleted, ended, event, key, owned, transferred
from ledger.entries import after as minutes_after
from ownertag.aws.concurrency import concurrent
from ownertag.core.findings import TagChange
from ownertag.core.ownership import ResourceKey
from ownertag.ledger.dynamodb import DynamoLedger
from ownertag.ledger.dynamodb_client import DynamoDBClient
from ownertag.ledger.entries import Entry, Finished, Owned, TagChanged
from ownertag.ledger.port import Store
from ownertag.ledger.sqlite import SqliteLedger

#: Creations in a call: a few, and at first and in every 16th batch so many that DynamoDB gets two transactions for the
#: claim (a creation is six items, a transaction takes 100). moto copies the table for each item of a transaction.
FEW, MANY = 2, 17


def call(store: Store, number: int) -> None:
    """Makes the call with this number: even ones claim a batch of creations, odd ones append its outcomes."""
    batch = numbers_of(number)
    if number % 2 == 0:
        store.claim(
            [created(message, _name(message), minutes=message) for message in batch],
            [one for message in batch for one in _owned(message)],
        )
        return
    entries: list[Entry] = []
    for message in batch:
        own, shared = ids_of(message)
        holder = message // 200 * 200  # the earliest of those that claim it
        entries += [ended(message, name=_name(message), id_=own), ended(message, holder, _name(holder), shared)]
    first = batch[0]
    changed = event(900_000 + first)
    entries += [
        transferred("zoe", first, f"vol-unseen-{first}"),
        TagChanged(
            key(f"vol-{first}"),
            changed,
            actor("eve"),
            (TagChange("owner", "alice", "eve"),),
            1,
            minutes_after(first + 1),
        ),
        deleted(800_000 + first, first + 2, f"vol-{first + 1}"),
    ]
    store.append([*entries, *(Finished(event(message), minutes_after(message + 2)) for message in batch)])


def numbers_of(number: int) -> range:
    """The numbers of the creations in a call: a hundred are reserved for each batch."""
    batch = number // 2
    return range(100 * batch, 100 * batch + (MANY if batch % 16 == 0 else FEW))


def ids_of(number: int) -> tuple[str, str]:
    """A creation's volumes: one of its own, and one that all creations of two batches claim."""
    return f"vol-{number}", f"vol-shared-{number // 200}"


def address_of(number: int) -> str:
    """The address of a creation's first volume."""
    return f"10.0.{number // 100 % 256}.{number % 100}"


def creations_of(calls: int) -> list[int]:
    """The creations of so many calls."""
    return [creation for number in range(0, calls, 2) for creation in numbers_of(number)]


def keys_of(calls: int) -> list[ResourceKey]:
    """The volumes of so many calls."""
    numbers = creations_of(calls)
    ids = [id_ for number in numbers for id_ in (*ids_of(number), f"vol-unseen-{number // 100 * 100}")]
    return [key(id_) for id_ in dict.fromkeys(ids)]


def _owned(number: int) -> tuple[Owned, Owned]:
    own, shared = ids_of(number)
    return (
        owned(number, _name(number), own, minutes=number, addresses=(address_of(number),)),
        owned(number, _name(number), shared, minutes=number, parents=("r-1",)),
    )


def _name(number: int) -> str:
    return f"user{number % 7}"


def _opener(where: Sequence[str]) -> Callable[[], Store]:
    match where:
        case ["sqlite", path]:
            return lambda: SqliteLedger(path)
        case ["dynamodb", endpoint, table]:
            client = session().client("dynamodb", region_name=HOME, endpoint_url=endpoint)
            return lambda: DynamoLedger(DynamoDBClient(client, table, concurrency=concurrent(4)))
    raise SystemExit(f"no store: {where}")


def _write(opened: Callable[[], Store], first: int, last: int) -> None:
    store = opened()
    for number in range(first, last):
        _say(f"begun {number}")
        call(store, number)
        _say(f"done {number}")


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # at once and whole: no buffer is lost with the process


def _main() -> None:
    opened = _opener(sys.argv[1:])
    for line in iter(sys.stdin.readline, ""):
        first, last, seconds = line.split()
        child = os.fork()
        if not child:
            with suppress(BaseException):
                _write(opened, int(first), int(last))
                os._exit(0)
            os._exit(1)
        if seconds != "-":
            time.sleep(float(seconds))
            os.kill(child, signal.SIGKILL)
        _say(f"over {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}")


if __name__ == "__main__":
    _main()
