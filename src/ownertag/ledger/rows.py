"""Reads and writes rows of the SQLite ledger, within a transaction of the caller."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ownertag.core.ownership import Claim, EventKey, Holding, Observation, ResourceKey
from ownertag.ledger.codec import KINDS, StoredDecision, decoder, json
from ownertag.ledger.entries import HistoryEntry, KnownResource, Owned


class Made(Struct, frozen=True, omit_defaults=True):
    """The JSON of `owned.body`."""

    claim: Claim
    addresses: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()


_ELSEWHERE = ResourceKey("", "", "")

HOLDING = """
  r.id, r.arn, r.account, r.region, r.name, r.type, r.holding, r.deletions
  FROM resource r
"""


class ResourceRow(Struct, frozen=True):
    """A row of the table `resource`."""

    number: int
    key: ResourceKey
    id: str
    type: str
    holding: Holding | None
    deletions: tuple[datetime, ...]

    @property
    def known(self) -> KnownResource | None:
        """The resource, if its owner is known."""
        return KnownResource(self.key, self.id, self.type, self.holding) if self.holding else None


def resource_row(row: Sequence[Any]) -> ResourceRow:
    """The row with the columns of `HOLDING`."""
    number, arn, account, region, name, type_, held, deletions = row
    times = decoder(tuple[datetime, ...]).decode(deletions) if deletions else ()
    holding = replace(decoder(Holding).decode(held), deletions=times) if held is not None else None
    return ResourceRow(number, ResourceKey(account, region, arn), name, type_, holding, times)


def each_of(do: sqlite3.Connection, sql: str, keys: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows of all keys. One query for each: that costs microseconds, and a key may hold any character."""
    return [row for key in keys for row in do.execute(sql, key)]


def resource_rows(do: sqlite3.Connection, keys: Iterable[ResourceKey]) -> dict[ResourceKey, ResourceRow]:
    """The rows of these resources, where there are any."""
    rows = each_of(
        do,
        f"SELECT {HOLDING} WHERE r.arn = ? AND r.account = ? AND r.region = ?",
        [(key.arn, key.account, key.region) for key in dict.fromkeys(keys)],
    )
    return {row.key: row for row in map(resource_row, rows)}


def write_holdings(do: sqlite3.Connection, rows: Iterable[ResourceRow]) -> None:
    """Writes the derived columns."""
    values = []
    for row in rows:
        holding = row.holding
        held = json(replace(holding, deletions=())) if holding else None
        deletions = holding.deletions if holding else row.deletions
        owner = holding.owner.name if holding else None
        values.append((owner, held, json(deletions) if deletions else None, row.number))
    do.executemany("UPDATE resource SET owner = ?, holding = ?, deletions = ? WHERE id = ?", values)


def keep_observation(do: sqlite3.Connection, row: ResourceRow, observed: Observation | None) -> None:
    """Lists a resource among those of its account that wait for their tags, and the account among those that have any.

    Where nothing was observed this changes nothing: what waits no longer is taken out by `end_observations`.
    """
    if observed is None:
        return
    since = int(observed.at.timestamp())
    for kind in ("observed", "observed-in"):
        do.execute(
            "INSERT INTO link SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS (SELECT 1 FROM link WHERE kind = ?1 AND value = ?2"
            " AND (?1 = 'observed-in' OR resource = ?3))",
            (kind, row.key.account, row.number, since),
        )


def end_observations(do: sqlite3.Connection, keys: Iterable[ResourceKey]) -> None:
    """Takes resources off that list, but for those whose tags are still to be written."""
    rows = resource_rows(do, keys).values()
    do.executemany(
        "DELETE FROM link WHERE kind = 'observed' AND resource = ?",
        [(row.number,) for row in rows if row.holding is None or row.holding.outcome is not None],
    )


def event_numbers(do: sqlite3.Connection, events: Iterable[EventKey]) -> dict[EventKey, int]:
    """The row numbers of these events."""
    rows = each_of(
        do,
        "SELECT account, region, event_id, id FROM event WHERE event_id = ? AND account = ? AND region = ?",
        [(event.event_id, event.account, event.region) for event in dict.fromkeys(events)],
    )
    return {EventKey(account, region, event_id): number for account, region, event_id, number in rows}


def keep_decisions(
    do: sqlite3.Connection, owned: Sequence[Owned], events: Mapping[EventKey, int]
) -> dict[tuple[EventKey, str], int]:
    """Writes each decision once for its event, and the event's last one. Returns row numbers by (event, name)."""
    wanted = {(entry.event, entry.owner.name): entry for entry in owned}
    do.executemany(
        "INSERT INTO decision (event, name, body) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body"
        " WHERE body ->> 'provisional'",
        [
            (events[event], name, json(StoredDecision(entry.owner, entry.tags, entry.decided_at, entry.provisional)))
            for (event, name), entry in wanted.items()
        ],
    )
    rows = each_of(
        do,
        "SELECT event, name, id FROM decision WHERE event = ? AND name = ?",
        [(events[event], name) for event, name in wanted],
    )
    numbers = {(event, name): number for event, name, number in rows}
    found = {(event, name): numbers[events[event], name] for event, name in wanted}
    do.executemany(
        """
        UPDATE event SET decision = ?1 WHERE id = ?2 AND (decision = 0 OR
        (SELECT body ->> 'provisional' FROM decision WHERE id = event.decision))
        """,
        [(number, events[event]) for (event, _), number in found.items()],
    )
    return found


def owned_of(do: sqlite3.Connection, row: ResourceRow) -> list[Owned]:
    """Every decision for a resource."""
    rows = do.execute(
        "SELECT o.body, d.body FROM owned o JOIN decision d ON d.id = o.decision WHERE o.resource = ?", (row.number,)
    )
    found = []
    for body, decided in rows:
        made, by = decoder(Made).decode(body), decoder(StoredDecision).decode(decided)
        found.append(
            Owned(
                row.key, row.id, row.type, made.claim, by.owner, by.tags, by.decided_at, by.provisional,
                made.addresses, made.parents,
            )
        )  # fmt: skip
    return found


def others_of(do: sqlite3.Connection, row: ResourceRow) -> list[HistoryEntry]:
    """Every other entry of a resource."""
    rows = do.execute("SELECT kind, body FROM other WHERE resource = ?", (row.number,))
    return [replace(decoder(KINDS[kind]).decode(body), resource=row.key) for kind, body in rows]


def other_body(entry: HistoryEntry) -> str:
    """The JSON of `other.body`, without the resource, whose number is in the row."""
    return json(replace(entry, resource=_ELSEWHERE))
