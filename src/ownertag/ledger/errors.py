"""What goes wrong with a store, and what to do about it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ownertag.core.values import OutcomeKind
from ownertag.ledger.port import LedgerError


def sqlite_error(error: sqlite3.Error, path: Path) -> LedgerError:
    """An error of SQLite, by its code (sqlite.org: Result and Error Codes); the file stays as it is."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if code is not None else None
    match primary:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            advice = "another process is writing to it and does not end: look for it with `fuser`, or try again"
            return LedgerError(f"ledger {path}: is locked: {advice}", OutcomeKind.THROTTLED)
        case sqlite3.SQLITE_FULL:
            return LedgerError(f"ledger {path}: the disk is full; nothing was written: make room, then run it again")
        case sqlite3.SQLITE_READONLY:
            advice = "give this user leave to write the file and its folder"
            return LedgerError(f"ledger {path}: can't be written to: {advice}", OutcomeKind.FORBIDDEN)
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            what = "is damaged" if primary == sqlite3.SQLITE_CORRUPT else "is no SQLite database, or is damaged"
            return LedgerError(
                f"ledger {path}: {what}; it was left as it is. Move it away, and put a copy from a backup in its place,"
                " or what `sqlite3 FILE .recover` can still read"
            )
        case sqlite3.SQLITE_CANTOPEN:
            advice = "does its folder exist, and may this user read and write there?"
            return LedgerError(f"ledger {path}: can't be opened: {advice}", OutcomeKind.FORBIDDEN)
        case sqlite3.SQLITE_IOERR:
            return LedgerError(f"ledger {path}: the disk fails ({error}): look into the system's log")
    return LedgerError(f"ledger {path}: can't be used ({type(error).__name__}: {error})")
