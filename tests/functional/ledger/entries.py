"""Builders of entries. Accounts and names are made up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from ownertag.core.ownership import Claim, EventKey, ResourceKey
from ownertag.core.record_details import Actor
from ownertag.core.values import Confidence, OutcomeKind, Owner
from ownertag.ledger.entries import Created, Deleted, Ended, Owned, Transferred

A, B = "111111111111", "222222222222"
HOME = "eu-central-1"
NINE = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)


def after(minutes: float) -> datetime:
    """The time so many minutes after nine."""
    return NINE + timedelta(minutes=minutes)


def event(number: int, account: str = A, region: str = HOME) -> EventKey:
    """The key of the n-th event."""
    return EventKey(account, region, str(UUID(int=number)))


def key(id_: str = "vol-00000001", account: str = A, region: str = HOME) -> ResourceKey:
    """The key of a volume."""
    return ResourceKey(account, region, f"arn:aws:ec2:{region}:{account}:volume/{id_}")


def actor(name: str = "alice", account: str = A, **fields: Any) -> Actor:
    """An IAM user."""
    return Actor(f"arn:aws:iam::{account}:user/{name}", "IAMUser", source_address="192.0.2.1", **fields)


def created(number: int, name: str = "alice", account: str = A, region: str = HOME, minutes: float = 0) -> Created:
    """The creation of a volume."""
    at = after(minutes)
    by = event(number, account, region)
    return Created(by, by.event_id, "ec2.amazonaws.com", "CreateVolume", at, actor(name, account))


def owned(
    number: int,
    name: str = "alice",
    id_: str = "vol-00000001",
    account: str = A,
    region: str = HOME,
    minutes: float = 0,
    named: bool = True,
    **fields: Any,
) -> Owned:
    """The owner that the creation gives its volume."""
    by = event(number, account, region).event_id
    return Owned(
        key(id_, account, region),
        id_,
        "ec2:volume",
        Claim(after(minutes), by, by, named),
        Owner(name, "iam-user", Confidence.ASSERTED, (f"arn:aws:iam::{account}:user/{name}",)),
        (("owner", name),),
        after(minutes + 1),
        **fields,
    )


def ended(
    number: int,
    holder: int | None = None,
    name: str = "alice",
    id_: str = "vol-00000001",
    kind: OutcomeKind = OutcomeKind.TAGGED,
    final: bool = True,
    minutes: float = 2,
) -> Ended:
    """The outcome for the volume."""
    by = event(number)
    held = event(number if holder is None else holder).event_id
    return Ended(key(id_), by, held, name, kind, "", final, after(minutes))


def deleted(number: int, minutes: float, id_: str = "vol-00000001") -> Deleted:
    """The deletion of the volume."""
    return Deleted(key(id_), event(number), actor("carol"), after(minutes))


def transferred(to: str = "bob", minutes: float = 10, id_: str = "vol-00000001") -> Transferred:
    """The transfer of the volume to another owner."""
    return Transferred(key(id_), f"transfer-{to}", to, "carol", "moved teams", (("owner", to),), after(minutes))
