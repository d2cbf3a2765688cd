"""Opens a ledger by its location: `sqlite:PATH` or `dynamodb:TABLE`. Each store is imported only where it is used."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from ownertag.aws.concurrency import Concurrency, sequential
from ownertag.ledger.port import Store

if TYPE_CHECKING:
    from ownertag.ledger.accounts import KeptAccounts
    from ownertag.ledger.token_counter import TableCounter


LEDGER = "OWNERTAG_LEDGER"

# DynamoDB developer guide: naming rules.
_TABLE = re.compile(r"[A-Za-z0-9_.-]{3,255}")


class LedgerLocationError(ValueError):
    """A text that is no location of a ledger; the message says what would be one."""


class LedgerLocation(Struct, frozen=True):
    """A file, or a table of the hub."""

    kind: Literal["sqlite", "dynamodb"]
    name: str


def read_location(text: str) -> LedgerLocation:
    """Reads the location of a ledger.

    Raises:
        LedgerLocationError: The text is none.
    """
    kind, colon, name = text.partition(":")
    if kind == "sqlite" and colon and name:
        return LedgerLocation("sqlite", name)
    if kind == "dynamodb" and colon and _TABLE.fullmatch(name):
        return LedgerLocation("dynamodb", name)
    if kind == "dynamodb" and colon:
        raise LedgerLocationError(f"{text!a} names no table: 3 to 255 letters, digits, _ . or - follow dynamodb:")
    raise LedgerLocationError(f"{text!a} names no ledger: write dynamodb:TABLE, or sqlite:PATH")


def open_ledger(
    location: LedgerLocation,
    client: Callable[[], Any],
    *,
    read_only: bool = False,
    concurrency: Concurrency = sequential,
) -> Store:
    """Opens the ledger at this location.

    Args:
        location: A file, or a table.
        client: Makes a client of DynamoDB; called for a table only.
        read_only: Write nothing, and make no file.
        concurrency: Makes independent calls to a table.

    Raises:
        LedgerError: The file can't be used.
    """
    if location.kind == "dynamodb":
        from ownertag.ledger.dynamodb import DynamoLedger  # noqa: PLC0415
        from ownertag.ledger.dynamodb_client import DynamoDBClient  # noqa: PLC0415 - boto3 takes longer than a look into a file

        return DynamoLedger(DynamoDBClient(client(), location.name, concurrency=concurrency))
    from ownertag.ledger.sqlite import SqliteLedger  # noqa: PLC0415 - at the hub it is never needed

    return SqliteLedger(location.name, read_only=read_only)


def kept_accounts(location: LedgerLocation, client: Callable[[], Any]) -> KeptAccounts | None:
    """The list of accounts in the ledger's table; None for a file, since a command reads the list by itself.

    Args:
        location: A file, or a table.
        client: Makes a client of DynamoDB; called for a table only.
    """
    if location.kind != "dynamodb":
        return None
    from ownertag.ledger.accounts import KeptAccounts  # noqa: PLC0415 - as above
    from ownertag.ledger.dynamodb_client import DynamoDBClient  # noqa: PLC0415

    return KeptAccounts(DynamoDBClient(client(), location.name))


def open_counter(
    location: LedgerLocation, client: Callable[[Any], Any], clock: Callable[[], float]
) -> TableCounter | None:
    """The counter of tokens in the ledger's table; None for a file, since a command shares with nobody.

    Args:
        location: A file, or a table.
        client: Makes a client of DynamoDB with a configuration; called for a table only.
        clock: Seconds that only go forward.
    """
    if location.kind != "dynamodb":
        return None
    from ownertag.ledger.token_counter import CONFIG, TableCounter  # noqa: PLC0415 - as above

    return TableCounter(client(CONFIG), location.name, clock)
