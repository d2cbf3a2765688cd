"""Which file a run has: the one that is named, the last one that asked for the same and has not ended, or a new one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import platformdirs

from ownertag.cli.options import Exit, fail
from ownertag.runs.backfill import BackfillStore
from ownertag.runs.file import RunError, RunInUse
from ownertag.runs.values import BackfillRun

ENDING = ".sqlite"
#: A plan that nobody applied for so long, or of which only what could not be looked up is left, is made anew, unless
#: it is named.
STALE = timedelta(hours=24)
#: The steps that say when a plan was made, and when all of it that can be was applied.
PLANNED, APPLIED = "planned", "applied"


def folder() -> Path:
    """Where runs are kept."""
    return platformdirs.user_state_path("ownertag") / "backfill"


def store_of(scope: str, state: str | None, named: str, *, new: bool) -> BackfillStore:
    """The run to work on; the command ends where another process does, or its file can't be used.

    Args:
        scope: What is asked for, in words that are the same for the same.
        state: The file that was named.
        named: The run that a plan file names; empty where there is none.
        new: Whether to begin anew.
    """
    try:
        if state is not None:
            store = BackfillStore(Path(state), None if named else _new(scope))
        elif named:
            store = BackfillStore(_path(named))
        else:
            store = (None if new else _last(scope)) or _begun(scope)
    except RunInUse as error:
        fail(str(error), Exit.FINDINGS)
    except RunError as error:
        fail(str(error))
    if named and store.run.id != named:
        store.close()
        fail(f"--plan: the file is of run {named[:64]!a}, and {store.path} is run {store.run.id}")
    if store.run.scope != scope and not named:
        store.close()
        fail(f"{store.path} is a run of something else ({store.run.scope}): leave --state out, or name another file")
    return store


def store_named(run: str, state: str | None) -> BackfillStore:
    """The run of this name; the command ends where there is none."""
    try:
        store = BackfillStore(Path(state) if state is not None else _path(run))
    except RunInUse as error:
        fail(str(error), Exit.FINDINGS)
    except RunError as error:
        known = ", ".join(path.stem for path in _files())
        fail(f"{error}{f'; there are {known}' if known and state is None else ''}")
    if store.run.id != run:
        store.close()
        fail(f"{store.path} is run {store.run.id}, not {run[:64]!a}")
    return store


def _path(run: str) -> Path:
    if not run or Path(run).name != run:
        fail(f"{run[:64]!a} is no run; one is called such as 20260302-091405-0f3a9c1d-5b7e")
    return folder() / f"{run}{ENDING}"


def _files() -> list[Path]:
    return sorted(folder().glob(f"*{ENDING}")) if folder().is_dir() else []


def _new(scope: str) -> BackfillRun:
    now = _now()
    return BackfillRun(f"{now:%Y%m%d-%H%M%S}-{_hash(scope)}-{uuid4().hex[:4]}", now.replace(microsecond=0), scope)


def _begun(scope: str) -> BackfillStore:
    run = _new(scope)
    return BackfillStore(_path(run.id), run)


def _hash(scope: str) -> str:
    return hashlib.sha256(scope.encode()).hexdigest()[:8]


def _last(scope: str) -> BackfillStore | None:
    """The last run that asked for the same, if it has not ended.

    Raises:
        RunError: Another process works on it.
    """
    for path in _of_scope(scope):
        store = BackfillStore(path)
        if store.run.scope == scope:
            if store.run.ended is None and not _is_stale(store):
                return store
            store.close()
            return None
        store.close()
    return None


def _of_scope(scope: str) -> Iterator[Path]:
    return (path for path in reversed(_files()) if f"-{_hash(scope)}-" in path.name)


def _is_stale(store: BackfillStore) -> bool:
    planned = store.step(PLANNED)
    in_work = next(store.whole_journal(), None) is not None and store.step(APPLIED) is None
    return bool(planned) and not in_work and _now() - datetime.fromisoformat(planned or "") > STALE


def _now() -> datetime:
    return datetime.now(UTC)
