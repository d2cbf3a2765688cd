"""A writer killed with SIGKILL at any moment: acknowledged writes are kept, and repeated ones are not doubled.

A killed process is no power cut: what the kernel has, it still writes. And moto is not DynamoDB: what is shown of the
table is that a batch left half written is completed by its repeat, and that nothing of it is written twice.
"""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from contracts.emulated import HOME, session
from harness.sampling import FULL, count
from harness.sandbox_process import SAME_PATH
from ledger.entries import event
from ledger.table import TABLE, emulated_table
from ledger.writer import address_of, call, creations_of, keys_of
from ownertag.ledger.dynamodb import DynamoLedger
from ownertag.ledger.dynamodb_client import DynamoDBClient
from ownertag.ledger.port import Store
from ownertag.ledger.sqlite import SqliteLedger
from ownertag.ledger.table import DEFINITION

ENVIRONMENT = {**os.environ, **SAME_PATH}


class Run:
    """The calls acknowledged over all the kills, and where the kills hit."""

    def __init__(self) -> None:
        self.done = 0  # calls acknowledged: these and all before
        self.kills = 0
        self.within = 0  # kills that hit a call: begun, not acknowledged
        self.repeated = 0  # acknowledged calls that were made again


def killed(where: list[str], kills: int, most_seconds: float, seed: int) -> Run:
    """Kills a writer so many times; each goes on with what the one before had not acknowledged, and the last ends.

    After every second kill some of what was acknowledged is repeated as well, as a queue does. A run may take so many
    seconds at most, and each time that none of its calls returned the next may take half as much again.
    """
    chosen, run = random.Random(seed), Run()  # noqa: S311 - no secret
    command = [sys.executable, "-m", "ledger.writer", *where]
    may_take = most_seconds
    with subprocess.Popen(command, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        for kill in range(kills):
            first = max(0, run.done - (chosen.randrange(1, 4) if kill % 2 else 0))
            before = run.done
            assert _one(writer, run, first, 1_000_000, f"{chosen.uniform(0, may_take):.4f}") == -9
            run.kills += 1
            may_take = most_seconds if run.done > before else 1.5 * may_take
        assert _one(writer, run, run.done, run.done + 4 - run.done % 2, "-") == 0
        writer.communicate(timeout=10)
    return run


def _one(writer: subprocess.Popen[str], run: Run, first: int, last: int, seconds: str) -> int:
    assert writer.stdin is not None
    assert writer.stdout is not None
    writer.stdin.write(f"{first} {last} {seconds}\n")
    writer.stdin.flush()
    run.repeated += run.done - first
    within = 0
    for line in writer.stdout:
        what, number = line.split()
        if what == "over":
            run.within += within
            return int(number)
        within = what == "begun"
        if what == "done":
            run.done = max(run.done, int(number) + 1)
    raise AssertionError("the writer itself ended")


def undisturbed(store: Store, calls: int) -> None:
    for number in range(calls):
        call(store, number)


def all_acknowledged(store: Store, calls: int) -> bool:
    """Whether each creation whose calls returned is there and finished, and each of its volumes is known."""
    events, keys = [event(number) for number in creations_of(calls)], keys_of(calls)
    seen, known = store.seen(events), store.by_key(keys)
    return all(key in seen and seen[key].finished for key in events) and len(known) == len(keys)


def all_of(store: SqliteLedger, calls: int) -> Any:
    """Everything that a ledger returns of what was written, by all its queries."""
    numbers, keys = creations_of(calls), keys_of(calls)
    events = [event(number) for number in numbers]
    return (
        store.seen(events),
        [store.creation(key) for key in events],
        [store.history(key) for key in keys],
        sorted(store.by_key(keys), key=lambda known: known.key),
        sorted(store.by_parent("r-1"), key=lambda known: known.key),
        [store.by_address(address_of(number)) for number in numbers],
    )


def test_a_file_whose_writer_is_killed_many_times_is_as_if_it_never_was(tmp_path: Path) -> None:
    path, other = tmp_path / "killed.sqlite", tmp_path / "undisturbed.sqlite"
    kills = count(100)
    run = killed(["sqlite", str(path)], kills, 0.04, seed=4)
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with closing(SqliteLedger(path)) as store, closing(SqliteLedger(other)) as expected:
        undisturbed(expected, run.done)
        assert all_acknowledged(store, run.done)
        assert all_of(store, run.done) == all_of(expected, run.done)
    assert rows_of(path) == rows_of(other)
    assert run.kills == kills
    if FULL:  # of a few kills it is chance how many hit a call
        assert (run.within > 50, run.repeated > 30, run.done > 100) == (True, True, True), vars(run)


def rows_of(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, with the numbers that SQLite gave them."""
    with closing(sqlite3.connect(path)) as file:
        tables = [name for (name,) in file.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {name: sorted(file.execute(f"SELECT * FROM {name}"), key=repr) for name in tables}  # noqa: S608 - the schema's


@pytest.fixture
def endpoint() -> Iterator[str]:
    with served() as address:
        yield address


@contextmanager
def served() -> Iterator[str]:
    command = [sys.executable, "-m", "ledger.served"]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.kill()


def test_a_table_whose_writer_is_killed_many_times_is_as_if_it_never_was(endpoint: str) -> None:
    client = session().client("dynamodb", region_name=HOME, endpoint_url=endpoint)
    client.create_table(TableName=TABLE, **DEFINITION)
    kills = max(8, count(25))
    run = killed(["dynamodb", endpoint, TABLE], kills, 0.2, seed=4)
    store = DynamoLedger(DynamoDBClient(client, TABLE))
    assert all_acknowledged(store, run.done)
    items = items_of(client, TABLE)
    with emulated_table() as here:
        undisturbed(DynamoLedger(DynamoDBClient(here, TABLE)), run.done)
        assert items == items_of(here, TABLE)
    assert run.kills == kills
    if FULL:
        assert (run.within > 12, run.repeated > 5, run.done > 8) == (True, True, True), vars(run)


def items_of(client: Any, table: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Every item, by its key."""
    answer = client.scan(TableName=table)
    assert "LastEvaluatedKey" not in answer
    return {(item["pk"]["S"], item["sk"]["S"]): item for item in answer["Items"]}
