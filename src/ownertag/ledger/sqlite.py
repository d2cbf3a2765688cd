"""The ledger in one SQLite file: for one machine, an operator's files, and the sandbox.

Every method that writes is one transaction, durable when it returns: the write-ahead log (WAL) is synced at each
commit (`synchronous=FULL`; with NORMAL a power cut can lose the last commits). Readers never wait for the writer.
A file that can't be used is never changed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import RLock
from typing import Any

import msgspec
from msgspec.structs import replace

from ownertag.core.arn import is_arn
from ownertag.core.ownership import (
    EventKey,
    ResourceKey,
    Standing,
    apply_claim,
    is_living,
)
from ownertag.ledger.codec import StoredDecision, decoder, json, truncated
from ownertag.ledger.entries import (
    AddressSpan,
    Created,
    Ended,
    Entry,
    Finished,
    HistoryEntry,
    KeySpan,
    KnownResource,
    Owned,
    SeenCreation,
    Unobserved,
    apply_entry,
    entry_identity,
    id_and_type,
    names_of,
    sorted_history,
)
from ownertag.ledger.port import LedgerError
from ownertag.ledger.rows import (
    HOLDING,
    Made,
    ResourceRow,
    each_of,
    end_observations,
    event_numbers,
    keep_decisions,
    keep_observation,
    other_body,
    others_of,
    owned_of,
    resource_row,
    resource_rows,
    write_holdings,
)
from ownertag.ledger.sqlite_file import BUSY_SECONDS, open_file, sqlite_error

#: A resource of which a tag change or a transfer was heard before its creation gets its id and type with that.
_INSERT_RESOURCE = (
    "INSERT INTO resource (arn, account, region, name, type) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
    " SET name = excluded.name, type = excluded.type WHERE type = ''"
)


class SqliteLedger:
    """A ledger file, created if there is none.

    Args:
        path: The file. Its folder must be writable even for readers, since SQLite keeps the log beside it.
        read_only: Never write, and make no file.
        busy_seconds: How long another writer is waited for.

    Raises:
        LedgerError: It can't be used.
    """

    def __init__(self, path: Path | str, *, read_only: bool = False, busy_seconds: float = BUSY_SECONDS) -> None:
        self._path = Path(path)
        self._lock = RLock()
        if read_only and not self._path.is_file():
            raise LedgerError(f"ledger {self._path}: there is no such file; name another with --ledger")
        try:
            self._connection = open_file(self._path, read_only, busy_seconds)
        except sqlite3.Error as error:
            raise sqlite_error(error, self._path) from error
        except OSError as error:
            raise LedgerError(f"ledger {self._path}: can't be made: {error.strerror}") from error

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()

    # --- writing

    def seen(self, events: Iterable[EventKey]) -> dict[EventKey, SeenCreation]:
        """The creations of these events that the ledger knows."""
        with self._used() as do:
            rows = each_of(
                do,
                "SELECT e.account, e.region, e.event_id, e.finished, d.body FROM event e"
                " JOIN decision d ON d.id = e.decision WHERE e.event_id = ? AND e.account = ? AND e.region = ?",
                [(event.event_id, event.account, event.region) for event in dict.fromkeys(events)],
            )
        found = {}
        for account, region, event_id, finished, body in rows:
            decided = decoder(StoredDecision).decode(body)
            found[EventKey(account, region, event_id)] = SeenCreation(
                finished is not None, decided.owner, decided.tags, decided.provisional
            )
        return found

    def claim(self, created: Sequence[Created], owned: Sequence[Owned]) -> dict[ResourceKey, Standing]:
        """Keeps creations with their decisions. Returns who owns each resource after all of them."""
        owned = [truncated(entry) for entry in owned]
        key_ids = {creation.event: creation.actor.access_key_id for creation in created}
        with self._transaction() as do:
            do.executemany(
                "INSERT INTO event (event_id, account, region, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                [
                    (creation.event.event_id, creation.event.account, creation.event.region, json(truncated(creation)))
                    for creation in created
                ],
            )
            events = event_numbers(do, [entry.event for entry in owned])
            decisions = keep_decisions(do, owned, events)
            do.executemany(
                _INSERT_RESOURCE,
                [
                    (entry.resource.arn, entry.resource.account, entry.resource.region, entry.id, entry.type)
                    for entry in owned
                ],
            )
            resources = resource_rows(do, [entry.resource for entry in owned])
            do.executemany(
                "INSERT INTO owned VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [
                    (
                        resources[entry.resource].number,
                        decisions[entry.event, entry.owner.name],
                        json(Made(entry.claim, entry.addresses, entry.parents)),
                    )
                    for entry in owned
                ],
            )
            do.executemany(
                "INSERT INTO link VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                [
                    (kind, value, resources[entry.resource].number, int(entry.claim.created_at.timestamp()))
                    for entry in owned
                    for kind, values in (
                        ("address", entry.addresses),
                        ("parent", entry.parents),
                        ("name", names_of(entry)),
                        ("access-key", [*filter(None, [key_ids.get(entry.event)])]),
                    )
                    for value in values
                ],
            )
            changed: dict[ResourceKey, ResourceRow] = {}
            for entry in owned:
                row = resources[entry.resource]
                holding = apply_claim(row.holding, entry.holding, row.deletions)
                if holding != row.holding:
                    changed[entry.resource] = resources[entry.resource] = replace(row, holding=holding)
            write_holdings(do, changed.values())
            return {
                key: Standing(held.claim.event_id, held.owner, held.tags, held.outcome)
                for key, row in resources.items()
                if (held := row.holding) is not None
            }

    def append(self, entries: Sequence[Entry]) -> set[ResourceKey]:
        """Keeps what became of resources. Returns those whose tags were written for a former owner."""
        lost: set[ResourceKey] = set()
        finished = [entry for entry in entries if isinstance(entry, Finished)]
        others = [truncated(entry) for entry in entries if not isinstance(entry, Finished | Unobserved)]
        with self._transaction() as do:
            do.executemany(
                _INSERT_RESOURCE,
                dict.fromkeys(
                    (entry.resource.arn, entry.resource.account, entry.resource.region, *id_and_type(entry))
                    for entry in others
                ),
            )
            resources = resource_rows(do, [entry.resource for entry in others])
            changed: dict[ResourceKey, ResourceRow] = {}
            for entry in others:
                row = resources[entry.resource]
                do.execute(
                    "INSERT INTO other VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    (row.number, *entry_identity(entry), other_body(entry)),
                )
                done = apply_entry(row.holding, row.deletions, entry, partial(owned_of, do, row))
                if not done.right:
                    lost.add(entry.resource)
                if done.holding is not None and done.holding.observed != (row.holding and row.holding.observed):
                    keep_observation(do, row, done.holding.observed)
                new = replace(row, holding=done.holding, deletions=done.deletions)
                if new != row:
                    changed[entry.resource] = resources[entry.resource] = new
            write_holdings(do, changed.values())
            end_observations(do, [entry.resource for entry in entries if isinstance(entry, Unobserved)])
            undone = {entry.event for entry in others if isinstance(entry, Ended) and entry.resource in lost}
            do.executemany(
                "UPDATE event SET finished = ? WHERE event_id = ? AND account = ? AND region = ? AND finished IS NULL",
                [
                    (
                        int(entry.at.timestamp()),
                        entry.event.event_id,
                        entry.event.account,
                        entry.event.region,
                    )
                    for entry in finished
                    if entry.event not in undone
                ],
            )
        return lost

    # --- reading

    def by_key(self, keys: Iterable[ResourceKey]) -> list[KnownResource]:
        """The resources with these keys that are known."""
        with self._used() as do:
            return [known for row in resource_rows(do, keys).values() if (known := row.known) is not None]

    def by_id(self, id_: str) -> list[KnownResource]:
        """The resources with this id, name or ARN."""
        if is_arn(id_):
            return self._known(f"SELECT {HOLDING} WHERE r.arn = ? ORDER BY r.id", id_)
        chosen = (
            "SELECT id FROM resource WHERE name = ?1 UNION SELECT resource FROM link WHERE kind = 'name' AND value = ?1"
        )
        return self._known(f"SELECT {HOLDING} WHERE r.id IN ({chosen}) ORDER BY r.id", id_)

    def by_owner(self, name: str, limit: int = 1000) -> list[KnownResource]:
        """The resources of this owner, at most so many."""
        return self._known(f"SELECT {HOLDING} WHERE r.owner = ? ORDER BY r.id LIMIT ?", name, limit)

    def by_access_key(self, key_id: str, limit: int = 1000) -> list[KeySpan]:
        """What calls that this access key signed have made: the latest first, at most so many."""
        chosen = (
            "SELECT resource, since FROM link WHERE kind = 'access-key' AND value = ?"
            " ORDER BY since DESC, resource LIMIT ?"
        )
        rows = self._read(
            f"SELECT l.since, {HOLDING} JOIN ({chosen}) l ON l.resource = r.id ORDER BY l.since DESC, r.id",
            key_id,
            limit,
        )
        return [
            KeySpan(known, datetime.fromtimestamp(since, UTC))
            for since, *row in rows
            if (known := resource_row(row).known) is not None
        ]

    def by_parent(self, parent: str) -> list[KnownResource]:
        """The resources that this one made, or that belong to it."""
        chosen = "r.id IN (SELECT resource FROM link WHERE kind = 'parent' AND value = ?)"
        return self._known(f"SELECT {HOLDING} WHERE {chosen} ORDER BY r.id", parent)

    def by_address(self, address: str) -> list[AddressSpan]:
        """The resources that had this address, the earliest first."""
        rows = self._read(
            f"""
            SELECT l.since, {HOLDING} JOIN link l ON l.resource = r.id
            WHERE l.kind = 'address' AND l.value = ? ORDER BY l.since, r.id
            """,
            address,
        )
        return [
            AddressSpan(known, address, datetime.fromtimestamp(since, UTC))
            for since, *row in rows
            if (known := resource_row(row).known) is not None
        ]

    def observed_accounts(self) -> list[str]:
        """The accounts in which anything was ever observed."""
        return [account for (account,) in self._read("SELECT DISTINCT value FROM link WHERE kind = 'observed-in'")]

    def observed(self, account: str, size: int) -> Iterator[list[KnownResource]]:
        """What was observed in an account and is not `Unobserved` yet: the earliest first, so many at a time."""
        after = (-1, -1)
        while rows := self._read(
            f"SELECT l.since, {HOLDING} JOIN link l ON l.resource = r.id"
            " WHERE l.kind = 'observed' AND l.value = ? AND (l.since, r.id) > (?, ?) ORDER BY l.since, r.id LIMIT ?",
            account,
            *after,
            size,
        ):
            after = (rows[-1][0], rows[-1][1])
            yield [known for _, *row in rows if (known := resource_row(row).known) is not None]

    def living(self, account: str, region: str, size: int) -> Iterator[list[KnownResource]]:
        """The resources of an account and Region of which no deletion is known, so many at a time.

        It reads the whole table: an index would cost each claim, and a file is of one machine.
        """
        after = -1
        while rows := self._read(
            f"SELECT {HOLDING} WHERE r.id > ? AND r.account = ? AND r.region = ? AND r.owner IS NOT NULL"
            " ORDER BY r.id LIMIT ?",
            after,
            account,
            region,
            size,
        ):
            after = rows[-1][0]
            found = [known for row in rows if (known := resource_row(row).known) and is_living(known.holding)]
            if found:
                yield found

    def history(self, key: ResourceKey) -> list[HistoryEntry]:
        """All that is kept of a resource, in order."""
        with self._used() as do:
            row = resource_rows(do, [key]).get(key)
            return sorted_history([*owned_of(do, row), *others_of(do, row)]) if row else []

    def creation(self, event: EventKey) -> Created | None:
        """The creation by this event."""
        rows = self._read(
            "SELECT body FROM event WHERE event_id = ? AND account = ? AND region = ?",
            event.event_id,
            event.account,
            event.region,
        )
        return decoder(Created).decode(rows[0][0]) if rows else None

    # --- how it is used

    @contextmanager
    def _used(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise sqlite_error(error, self._path) from error
            except msgspec.DecodeError as error:
                raise LedgerError(
                    f"ledger {self._path}: holds what no ownertag wrote ({error}): restore a copy, and keep this file"
                ) from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._used() as do:
            do.execute("BEGIN IMMEDIATE")
            try:
                yield do
                do.execute("COMMIT")
            except BaseException:
                if do.in_transaction:
                    do.execute("ROLLBACK")
                raise

    def _read(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._used() as do:
            return do.execute(sql, values).fetchall()

    def _known(self, sql: str, *values: Any) -> list[KnownResource]:
        with self._used() as do:
            rows = do.execute(sql, values).fetchall()
            return [known for row in rows if (known := resource_row(row).known) is not None]
