"""What a backfill has found, decided, ordered and written, step by step. What a method has written is durable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from ownertag.core.ownership import ResourceKey
from ownertag.runs.file import RunError, RunFile
from ownertag.runs.values import (
    BackfillRun,
    Candidate,
    JournalEntry,
    KeptRecord,
    KeptResource,
    ListedPlace,
    PlanRow,
)

#: So many rows are read at once.
_PAGE = 1000

_RUN = msgspec.json.Decoder(BackfillRun)
_PLACE = msgspec.json.Decoder(ListedPlace)
_RESOURCE = msgspec.json.Decoder(KeptResource)
_ROW = msgspec.json.Decoder(PlanRow)
_JOURNAL = msgspec.json.Decoder(JournalEntry)


class BackfillStore:
    """The state of one backfill, in a file that no other process uses meanwhile.

    Raises:
        RunError: Each method, if the file can't be used.
    """

    def __init__(self, path: Path, new: BackfillRun | None = None) -> None:
        self._file = RunFile(path, create=new is not None)
        self.path = path
        try:
            self.run = self._begun(new)
        except BaseException:
            self._file.close()
            raise

    def _begun(self, new: BackfillRun | None) -> BackfillRun:
        if kept := self._file.all("SELECT body FROM run"):
            return _RUN.decode(kept[0][0])
        if new is None:
            raise RunError(f"run {self.path}: nothing was begun in it; `ownertag backfill` begins a run")
        with self._file.transaction() as do:
            do.execute("INSERT INTO run VALUES (?)", (_text(new),))
        return new

    def close(self) -> None:
        """Lets others use the file."""
        self._file.close()

    def change_run(self, **fields: Any) -> None:
        """Changes what is kept of the run itself."""
        self.run = replace(self.run, **fields)
        with self._file.transaction() as do:
            do.execute("UPDATE run SET body = ?", (_text(self.run),))

    # --- what is there

    def add_places(self, places: Iterable[tuple[str, str]]) -> None:
        """Adds accounts and Regions that are to be listed; one that is there stays as it is."""
        with self._file.transaction() as do:
            do.executemany("INSERT OR IGNORE INTO place VALUES (?, ?, NULL)", places)

    def places(self) -> dict[tuple[str, str], ListedPlace | None]:
        """All accounts and Regions; None: it is still to be listed."""
        rows = self._file.all("SELECT account, region, listed FROM place ORDER BY account, region")
        return {(account, region): _PLACE.decode(listed) if listed else None for account, region, listed in rows}

    def keep_place(self, account: str, region: str, listed: ListedPlace, found: Iterable[KeptResource]) -> None:
        """Keeps what was found in a place, all at once. What was found there before and not now is forgotten."""
        with self._file.transaction() as do:
            do.execute("DELETE FROM resource WHERE account = ? AND region = ?", (account, region))
            do.executemany(
                "INSERT OR REPLACE INTO resource VALUES (?, ?, ?, ?)",
                ((*_key(resource.found.key), _text(resource)) for resource in found),
            )
            do.execute("UPDATE place SET listed = ? WHERE account = ? AND region = ?", (_text(listed), account, region))

    def known(self, keys: Iterable[ResourceKey]) -> set[ResourceKey]:
        """Which of these are resources of the run."""
        found = "SELECT 1 FROM resource WHERE account = ? AND region = ? AND arn = ?"
        return {key for key in keys if self._file.all(found, _key(key))}

    def resource(self, key: ResourceKey) -> KeptResource | None:
        """A resource of the run; None where it is none."""
        rows = self._file.all(
            "SELECT body FROM resource WHERE account = ? AND region = ? AND arn = ?", _key(key)
        )  # fmt: skip
        return _RESOURCE.decode(rows[0][0]) if rows else None

    def resources(self, account: str = "", region: str = "") -> Iterator[KeptResource]:
        """All resources of the run, or of an account, or of a Region of it, in order."""
        for (body,) in self._pages("SELECT account, region, arn, body FROM resource", account, region):
            yield _RESOURCE.decode(body)

    # --- what is known of it

    def step(self, name: str) -> str | None:
        """What was kept of a step that is done; None: it is not."""
        rows = self._file.all("SELECT body FROM step WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else None

    def steps(self, prefix: str) -> dict[str, str]:
        """The steps whose names begin so, with what was kept of each."""
        rows = self._file.all("SELECT name, body FROM step WHERE substr(name, 1, ?) = ?", (len(prefix), prefix))
        return dict(rows)

    def keep_step(self, name: str, body: str, records: Iterable[KeptRecord] = ()) -> None:
        """Keeps that a step is done, or how far it is, with the records that it found."""
        with self._file.transaction() as do:
            _keep_records(do, records)
            do.execute("INSERT OR REPLACE INTO step VALUES (?, ?)", (name, body))

    def keep_records(self, records: Iterable[KeptRecord]) -> None:
        """Keeps records; one that is there stays."""
        with self._file.transaction() as do:
            _keep_records(do, records)

    def candidates(self, key: ResourceKey) -> list[Candidate]:
        """The records that name a resource, the earliest first."""
        rows = self._file.all(
            "SELECT event_id, at, ends, source, place, refused FROM record JOIN named USING (account, region, event_id)"
            " WHERE account = ? AND region = ? AND arn = ? ORDER BY at, event_id",
            _key(key),
        )
        return [
            Candidate(event_id, datetime.fromisoformat(at), bool(ends), source, place, refused)
            for event_id, at, ends, source, place, refused in rows
        ]

    def data(self, account: str, region: str, event_id: str) -> bytes:
        """The JSON of a record."""
        rows = self._file.all(
            "SELECT data FROM record WHERE account = ? AND region = ? AND event_id = ?", (account, region, event_id)
        )
        return bytes(rows[0][0])

    def time_of(self, account: str, region: str, event_id: str) -> str:
        """The time of a record, as ISO in UTC."""
        rows = self._file.all(
            "SELECT at FROM record WHERE account = ? AND region = ? AND event_id = ?", (account, region, event_id)
        )
        return str(rows[0][0])

    def refuse_record(self, account: str, region: str, event_id: str, why: str) -> None:
        """Keeps that a record names nobody, so that it is not asked again."""
        with self._file.transaction() as do:
            do.execute(
                "UPDATE record SET refused = ? WHERE account = ? AND region = ? AND event_id = ?",
                (why, account, region, event_id),
            )

    # --- the plan

    def keep_plan(self, rows: Iterable[PlanRow]) -> None:
        """Keeps rows of the plan; of a resource the last one counts."""
        with self._file.transaction() as do:
            do.executemany(
                "INSERT OR REPLACE INTO planned VALUES (?, ?, ?, ?, ?, ?)",
                ((*_key(row.key), row.event_id, row.is_open, _text(row)) for row in rows),
            )

    def forget_open(self) -> int:
        """Takes out the rows that could not be decided, so that they are asked again; returns how many."""
        with self._file.transaction() as do:
            return do.execute("DELETE FROM planned WHERE open").rowcount

    def planned(self, keys: Iterable[ResourceKey]) -> set[ResourceKey]:
        """Which of these have a row in the plan."""
        found = "SELECT 1 FROM planned WHERE account = ? AND region = ? AND arn = ?"
        return {key for key in keys if self._file.all(found, _key(key))}

    def plan(self, account: str = "") -> Iterator[PlanRow]:
        """All rows of the plan, or of an account, in order."""
        for (body,) in self._pages("SELECT account, region, arn, body FROM planned", account):
            yield _ROW.decode(body)

    def plan_of(self, account: str, region: str, event_id: str) -> list[PlanRow]:
        """The rows of what one record made."""
        rows = self._file.all(
            "SELECT body FROM planned WHERE account = ? AND region = ? AND event_id = ? ORDER BY arn",
            (account, region, event_id),
        )
        return [_ROW.decode(body) for (body,) in rows]

    # --- what is written

    def keep_journal(self, entries: Sequence[JournalEntry]) -> None:
        """Keeps what is ordered, or what became of it; of a resource the last one counts."""
        with self._file.transaction() as do:
            do.executemany(
                "INSERT OR REPLACE INTO journal VALUES (?, ?, ?, ?, ?)",
                ((*_key(entry.key), entry.outcome, _text(entry)) for entry in entries),
            )

    def journal(self, keys: Iterable[ResourceKey]) -> dict[ResourceKey, JournalEntry]:
        """The entries of these resources, as far as there are any."""
        found = "SELECT body FROM journal WHERE account = ? AND region = ? AND arn = ?"
        return {key: _JOURNAL.decode(rows[0][0]) for key in keys if (rows := self._file.all(found, _key(key)))}

    def unanswered(self) -> list[JournalEntry]:
        """What was ordered and got no answer."""
        return [_JOURNAL.decode(body) for (body,) in self._file.all("SELECT body FROM journal WHERE outcome IS NULL")]

    def whole_journal(self) -> Iterator[JournalEntry]:
        """All entries, in order."""
        for (body,) in self._pages("SELECT account, region, arn, body FROM journal"):
            yield _JOURNAL.decode(body)

    def _pages(self, query: str, account: str = "", region: str = "") -> Iterator[tuple[str]]:
        """The rows of a table with these keys, a page at a time, so that it may be written to meanwhile."""
        last = (account, region, "")
        chosen = "".join(f" AND {name} = ?" for name, value in (("account", account), ("region", region)) if value)
        values = tuple(filter(None, (account, region)))
        while True:
            rows = self._file.all(
                f"{query} WHERE (account, region, arn) > (?, ?, ?){chosen} ORDER BY account, region, arn LIMIT {_PAGE}",
                (*last, *values),
            )
            if not rows:
                return
            yield from ((row[3],) for row in rows)
            last = rows[-1][:3]


def _key(key: ResourceKey) -> tuple[str, str, str]:
    return key.account, key.region, key.arn


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _keep_records(do: Any, records: Iterable[KeptRecord]) -> None:
    for record in records:
        do.execute(
            "INSERT OR IGNORE INTO record (account, region, event_id, at, ends, source, place, data)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                record.account, record.region, record.event_id, record.at.isoformat(), record.ends, record.source,
                record.place, record.data,
            ),
        )  # fmt: skip
        do.executemany(
            "INSERT OR IGNORE INTO named VALUES (?, ?, ?, ?)",
            ((key.account, key.region, key.arn, record.event_id) for key in record.resources),
        )
