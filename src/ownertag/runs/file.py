"""Opens the SQLite file of a run, for one process at a time: a second one is refused until the first has ended."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from ownertag.ledger.sqlite_file import problem_of
from ownertag.runs.schema import APPLICATION_ID, SCHEMA, TABLES


class RunError(Exception):
    """A run's file can't be used; the text says which, why and what to do."""


class RunInUse(RunError):
    """Another process works on the run."""


class RunFile:
    """A run's file, locked for this process.

    Writes are durable when their transaction ends (WAL, `synchronous = FULL`). The lock is one of the file system on
    the file, and so ends with the process, however that ends.

    Args:
        path: The file; it is made if it is not there.
        create: Whether it may be made. If not, one that is not there is refused.

    Raises:
        RunError: It can't be used.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = path
        self._lock = RLock()
        if not path.exists():
            if not create:
                raise RunError(f"run {path}: there is no such file; `ownertag backfill` begins a run")
            _make_empty(path)
        try:
            self._do = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=0.5, isolation_level=None,
                check_same_thread=False,
            )  # fmt: skip
        except sqlite3.Error as error:
            raise RunError(problem_of(error, f"run {path}")[0]) from error
        try:
            self._open()
        except BaseException:
            self._do.close()
            raise

    def close(self) -> None:
        """Lets others use it."""
        self._do.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it is kept, or nothing.

        Raises:
            RunError: It can't be kept.
        """
        with self._lock, self._told():
            self._do.execute("BEGIN IMMEDIATE")
            try:
                yield self._do
                self._do.execute("COMMIT")
            except BaseException:
                if self._do.in_transaction:
                    self._do.execute("ROLLBACK")
                raise

    def all(self, query: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """All rows of a query.

        Raises:
            RunError: It can't be read.
        """
        with self._lock, self._told():
            return self._do.execute(query, values).fetchall()

    def _open(self) -> None:
        with self._told():
            # Before the first look: then the whole file is this connection's until it is closed (sqlite.org: WAL).
            self._do.execute("PRAGMA locking_mode = EXCLUSIVE")
            application, version = self._number("application_id"), self._number("user_version")
            tables = self._do.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
            if application not in (0, APPLICATION_ID) or (not application and tables):
                raise RunError(f"run {self.path}: is another program's database; name another file")
            if version > SCHEMA:
                raise RunError(
                    f"run {self.path}: was written by a newer ownertag (schema {version}, this one knows {SCHEMA}): "
                    "install that version"
                )
            self._do.execute("PRAGMA journal_mode = WAL")
            self._do.execute("PRAGMA synchronous = FULL")
            self._do.execute("PRAGMA cache_size = -32768")
            self._do.execute("BEGIN IMMEDIATE")
            if not application:
                for statement in TABLES.split(";\n"):
                    self._do.execute(statement)
                self._do.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                self._do.execute(f"PRAGMA user_version = {SCHEMA}")
            self._do.execute("COMMIT")

    def _number(self, pragma: str) -> int:
        return int(self._do.execute(f"PRAGMA {pragma}").fetchone()[0])

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", None)
            if code is not None and code & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                raise RunInUse(f"run {self.path}: another process works on it: wait for it, or end it") from error
            raise RunError(problem_of(error, f"run {self.path}")[0]) from error


def _make_empty(path: Path) -> None:
    """Makes the file, for nobody else to read: it names persons."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise RunError(f"run {path}: can't be made: {error.strerror}: name another file with --state") from error
