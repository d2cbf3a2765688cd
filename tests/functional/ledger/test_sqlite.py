"""Faults of a ledger's file: each is reported clearly, and the file stays as it is."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from harness.sandbox_process import SAME_PATH
from ledger.entries import created, event, key, owned
from ownertag.core.values import OutcomeKind
from ownertag.ledger.port import LedgerError
from ownertag.ledger.sqlite import SqliteLedger


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


def filled(path: Path, volumes: int = 1) -> None:
    store = SqliteLedger(path)
    store.claim([created(1)], [owned(1, id_=f"vol-{number}") for number in range(volumes)])
    store.close()


def raw(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def _newer(path: Path) -> None:
    filled(path)
    raw(path, "PRAGMA user_version = 99")


def _older(path: Path) -> None:
    filled(path)
    raw(path, "PRAGMA user_version = 1")


def _others(path: Path) -> None:
    raw(path, "CREATE TABLE t (a)", "PRAGMA application_id = 1")


def _torn(path: Path) -> None:
    filled(path, 2000)
    content = bytearray(path.read_bytes())
    content[4096 : len(content)] = b"\x55" * (len(content) - 4096)
    path.write_bytes(content)


def _cut(path: Path) -> None:
    filled(path, 2000)
    path.write_bytes(path.read_bytes()[:9000])


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "newer": (_newer, "written by a newer ownertag \\(schema 99, this one knows 3\\): install"),
    "older": (_older, "written before ownertag's first release \\(schema 1, this one knows 3\\): name another"),
    "another program's": (_others, "another program's database; name another file"),
    "no database": (lambda path: path.write_bytes(b"owner: alice\n" * 1000), "is no SQLite database, or is damaged"),
    "cut": (_cut, "damaged"),
    "overwritten": (_torn, "is damaged; it was left as it is.*from a backup"),
}


def _use(path: Path, read_only: bool) -> None:
    store = SqliteLedger(path, read_only=read_only)
    try:
        store.by_id("vol-1999")
        store.by_id("vol-0")
        store.history(key("vol-1000"))
        store.claim([created(2)], [owned(2, id_=f"vol-x{number}") for number in range(500)])
    finally:
        store.close()


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_that_can_not_be_used_says_why_and_stays_as_it_is(path: Path, name: str, read_only: bool) -> None:
    spoil, wanted = BAD[name]
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(LedgerError, match=wanted) as caught:
        _use(path, read_only)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before


def test_what_had_an_address_is_read_from_its_own_rows_alone(path: Path) -> None:
    """A file on disk is read a page at a time, all over it: each row of another table is one or two reads more."""
    address = "192.0.2.7"
    store = SqliteLedger(path)
    store.claim([created(1)], [owned(1, id_=f"vol-{number}", addresses=(address,)) for number in range(2)])
    store.close()
    raw(path, "DELETE FROM decision", "DELETE FROM owned", "DELETE FROM event")
    store = SqliteLedger(path, read_only=True)
    assert [span.known.holding.owner.name for span in store.by_address(address)] == ["alice", "alice"]
    store.close()


def test_a_reader_makes_no_file(path: Path) -> None:
    with pytest.raises(LedgerError, match="there is no such file; name another with --ledger"):
        SqliteLedger(path, read_only=True)
    assert not path.exists()
    path.touch()
    with pytest.raises(LedgerError, match="is empty"):
        SqliteLedger(path, read_only=True)


def test_a_folder_that_is_not_there(path: Path) -> None:
    with pytest.raises(LedgerError, match="can't be made: No such file or directory"):
        SqliteLedger(path / "under")


def test_a_locked_file_is_waited_for_and_then_named(path: Path) -> None:
    filled(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store = SqliteLedger(path, busy_seconds=0.1)
    with pytest.raises(LedgerError, match="is locked: another process is writing") as caught:
        store.claim([created(2)], [owned(2)])
    assert caught.value.outcome is OutcomeKind.THROTTLED
    assert len(store.history(key("vol-0"))) == 1  # a reader does not wait
    other.execute("COMMIT")
    other.close()
    store.claim([created(2)], [owned(2)])
    store.close()


def test_a_full_disk_keeps_what_was_there_and_nothing_of_the_new(path: Path) -> None:
    filled(path)
    store = SqliteLedger(path)
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LedgerError, match="the disk is full; nothing was written: make room"):
        store.claim([created(2)], [owned(2, id_=f"vol-x{number}") for number in range(5000)])
    assert store.seen([event(2)]) == {}
    assert store.by_owner("alice")[0].id == "vol-0"
    store.close()
    again = SqliteLedger(path)
    assert again._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    again.claim([created(2)], [owned(2)])
    again.close()


def test_a_file_that_may_not_be_written_to(path: Path) -> None:
    filled(path)
    store = SqliteLedger(path, read_only=True)
    assert store.by_id("vol-0")
    with pytest.raises(LedgerError, match="can't be written to: give this user leave") as caught:
        store.claim([created(2)], [owned(2)])
    assert caught.value.outcome is OutcomeKind.FORBIDDEN
    store.close()


def test_a_value_that_no_ownertag_wrote(path: Path) -> None:
    filled(path)
    raw(path, "UPDATE resource SET holding = '[]'")
    store = SqliteLedger(path)
    with pytest.raises(LedgerError, match="holds what no ownertag wrote"):
        store.by_id("vol-0")
    store.close()


def test_the_file_is_its_users_alone_and_synced_at_each_commit(path: Path) -> None:
    store = SqliteLedger(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    store.close()
    again = SqliteLedger(path)
    assert again._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    again.close()


def test_a_file_that_somebody_else_makes_at_the_same_moment_is_no_other_programs(path: Path) -> None:
    meet = Barrier(4)

    def open_at_once(number: int) -> None:
        meet.wait(timeout=20)
        SqliteLedger(path.with_name(f"{number}.sqlite")).close()

    with ThreadPoolExecutor(4) as pool:
        for number in range(100):  # the moment is short
            list(pool.map(open_at_once, [number] * 4))


_WRITER = """
import sys
sys.path.insert(0, "tests")
from ledger.entries import created, owned
from ownertag.ledger.sqlite import SqliteLedger
number = int(sys.argv[2])
store = SqliteLedger(sys.argv[1])
for volume in range(50):
    claimed = store.claim([created(1000 * number + volume, f"user{number}")],
                          [owned(1000 * number + volume, f"user{number}", f"vol-{volume}", minutes=number)])
    print(*(standing.owner.name for standing in claimed.values()))
"""


def test_several_processes_make_and_fill_one_file(path: Path) -> None:
    command = [sys.executable, "-c", _WRITER, str(path)]
    writers = [
        subprocess.Popen([*command, str(number)], env={**os.environ, **SAME_PATH}, stdout=subprocess.PIPE, text=True)
        for number in range(4)
    ]
    printed = [writer.communicate(timeout=60)[0].split() for writer in writers]
    assert [len(lines) for lines in printed] == [50] * 4
    assert set(printed[0]) == {"user0"}  # the earliest wins at once, whoever came before
    store = SqliteLedger(path)
    assert len(store.by_owner("user0")) == 50
    assert all(len(store.history(key(f"vol-{number}"))) == 4 for number in range(50))
    store.close()
