"""Opening the ledger at a place: each store's part is imported only where it is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ownertag.aws.together import Together, in_turn
from ownertag.ledger.place import Place
from ownertag.ledger.port import Store

if TYPE_CHECKING:
    from ownertag.ledger.accounts import KeptAccounts
    from ownertag.ledger.counter import TableCounter


def open_ledger(
    place: Place, client: Callable[[], Any], *, read_only: bool = False, together: Together = in_turn
) -> Store:
    """The ledger at this place.

    Args:
        place: A file, or a table.
        client: Makes a client of DynamoDB; called for a table only.
        read_only: Make no file where there is none, and write nothing.
        together: Makes the calls to a table that do not need each other.

    Raises:
        LedgerError: The file can't be used.
    """
    if place.kind == "dynamodb":
        from ownertag.ledger.calls import Calls  # noqa: PLC0415 - boto3 takes longer than a look into a file
        from ownertag.ledger.dynamodb import DynamoLedger  # noqa: PLC0415

        return DynamoLedger(Calls(client(), place.name, together=together))
    from ownertag.ledger.sqlite import SqliteLedger  # noqa: PLC0415 - at the hub it is never needed

    return SqliteLedger(place.name, read_only=read_only)


def kept_accounts(place: Place, client: Callable[[], Any]) -> KeptAccounts | None:
    """The list of accounts that is kept beside the ledger; None for a file, whose one user reads it for itself.

    Args:
        place: A file, or a table.
        client: Makes a client of DynamoDB; called for a table only.
    """
    if place.kind != "dynamodb":
        return None
    from ownertag.ledger.accounts import KeptAccounts  # noqa: PLC0415 - as above
    from ownertag.ledger.calls import Calls  # noqa: PLC0415

    return KeptAccounts(Calls(client(), place.name))


def open_counter(place: Place, client: Callable[[Any], Any], clock: Callable[[], float]) -> TableCounter | None:
    """The counter of tokens that is kept beside the ledger; None for a file, whose one user has nobody to share with.

    Args:
        place: A file, or a table.
        client: Makes a client of DynamoDB with a configuration; called for a table only.
        clock: Seconds that only go forward.
    """
    if place.kind != "dynamodb":
        return None
    from ownertag.ledger.counter import CONFIG, TableCounter  # noqa: PLC0415 - as above

    return TableCounter(client(CONFIG), place.name, clock)
