"""Opens the ledger's SQLite file: creates it if there is none, refuses another program's, a newer or a damaged one.

Errors of SQLite become a `LedgerError` that says what to do.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ownertag.core.values import OutcomeKind
from ownertag.ledger.port import LedgerError
from ownertag.ledger.schema import APPLICATION_ID, SCHEMA, TABLES


def sqlite_error(error: sqlite3.Error, path: Path) -> LedgerError:
    """The error of the ledger for an error of SQLite."""
    return LedgerError(*problem_of(error, f"ledger {path}"))


def problem_of(error: sqlite3.Error, file: str) -> tuple[str, OutcomeKind]:
    """What is wrong with a file and what to do, and the outcome, by SQLite's code (sqlite.org: Result and Error Codes).

    Args:
        error: What SQLite raised.
        file: What kind of file it is, and its path.
    """
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if code is not None else None
    match primary:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            advice = "another process is writing to it and does not end: look for it with `fuser`, or try again"
            return f"{file}: is locked: {advice}", OutcomeKind.THROTTLED
        case sqlite3.SQLITE_FULL:
            return f"{file}: the disk is full; nothing was written: make room, then run it again", OutcomeKind.FAILED
        case sqlite3.SQLITE_READONLY:
            advice = "give this user leave to write the file and its folder"
            return f"{file}: can't be written to: {advice}", OutcomeKind.FORBIDDEN
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            what = "is damaged" if primary == sqlite3.SQLITE_CORRUPT else "is no SQLite database, or is damaged"
            advice = "put a copy from a backup in its place, or what `sqlite3 FILE .recover` can still read"
            return f"{file}: {what}; it was left as it is. Move it away, and {advice}", OutcomeKind.FAILED
        case sqlite3.SQLITE_CANTOPEN:
            advice = "does its folder exist, and may this user read and write there?"
            return f"{file}: can't be opened: {advice}", OutcomeKind.FORBIDDEN
        case sqlite3.SQLITE_IOERR:
            return f"{file}: the disk fails ({error}): look into the system's log", OutcomeKind.FAILED
    return f"{file}: can't be used ({type(error).__name__}: {error})", OutcomeKind.FAILED


#: How many seconds another writer is waited for.
BUSY_SECONDS = 5.0


def open_file(path: Path, read_only: bool, busy_seconds: float) -> sqlite3.Connection:
    """A connection to a ledger's file, ready to use.

    Raises:
        LedgerError: It is no ledger of this version.
        sqlite3.Error: SQLite can't use it.
        OSError: It can't be made.
    """
    if not read_only and not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # it names persons: nobody else's to read
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rw'}",
        uri=True,
        timeout=busy_seconds,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        _check(connection, path, read_only, busy_seconds)
    except BaseException:
        connection.close()
        raise
    return connection


def _check(do: sqlite3.Connection, path: Path, read_only: bool, busy_seconds: float) -> None:
    do.execute("BEGIN")  # one look: another process may be making it
    application, version = _number(do, "application_id"), _number(do, "user_version")
    tables = do.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    do.execute("COMMIT")
    if not application and not tables:
        if read_only:
            raise LedgerError(f"ledger {path}: is empty; nothing was ever written to it")
        _make(do, busy_seconds)
    elif application != APPLICATION_ID:
        raise LedgerError(f"ledger {path}: is another program's database; name another file")
    elif version > SCHEMA:
        raise LedgerError(
            f"ledger {path}: was written by a newer ownertag (schema {version}, this one knows {SCHEMA}): "
            "install that version"
        )
    elif version < SCHEMA:
        raise LedgerError(
            f"ledger {path}: was written before ownertag's first release (schema {version}, this one knows {SCHEMA}): "
            "name another file"
        )
    if not read_only:
        do.execute("PRAGMA synchronous = FULL")
    do.execute("PRAGMA cache_size = -32768")


def _make(do: sqlite3.Connection, busy_seconds: float) -> None:
    # Changing to WAL takes the whole file for a moment, and SQLite does not wait for others then.
    _patiently(lambda: do.execute("PRAGMA journal_mode = WAL"), busy_seconds)
    do.execute("PRAGMA synchronous = FULL")
    do.execute("BEGIN IMMEDIATE")
    if not _number(do, "application_id"):  # else another process was faster
        for statement in TABLES.split(";\n"):
            do.execute(statement)
        do.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        do.execute(f"PRAGMA user_version = {SCHEMA}")
    do.execute("COMMIT")


def _number(do: sqlite3.Connection, pragma: str) -> int:
    return int(do.execute(f"PRAGMA {pragma}").fetchone()[0])


def _patiently(do: Callable[[], Any], seconds: float) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            do()
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
            if not busy or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return
