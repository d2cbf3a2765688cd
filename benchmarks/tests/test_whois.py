"""The ledger of `make bench-whois` is filled in bulk: it must be the one that the store would have written."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.whois import fill, launch, write_all
from ownertag.ledger.sqlite import SqliteLedger

LAUNCHES = 150


def test_a_file_filled_in_bulk_has_the_rows_and_indexes_that_the_ledger_writes(tmp_path: Path) -> None:
    bulk, slow = tmp_path / "bulk.sqlite", tmp_path / "slow.sqlite"
    entries, _ = fill(bulk, LAUNCHES)
    with closing(SqliteLedger(slow)) as ledger:
        written, _ = write_all(ledger, (launch(number, LAUNCHES) for number in range(LAUNCHES)), 7)
    assert entries == written
    assert contents(bulk) == contents(slow)


def contents(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables, and what SQLite keeps of the schema."""
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        schema = file.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()
        pragmas = [
            file.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version", "journal_mode")
        ]
        tables = [name for type_, name, *_ in schema if type_ == "table"]
        rows = {name: sorted(file.execute(f"SELECT * FROM {name}"), key=repr) for name in tables}  # noqa: S608 - the schema's
    return {**rows, "schema": sorted(schema, key=repr), "pragmas": pragmas}
