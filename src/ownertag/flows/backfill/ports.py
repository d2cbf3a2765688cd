"""What a backfill needs from outside, beside the ports of all flows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from msgspec import Struct

from ownertag.core.backfill.found import FoundResource
from ownertag.core.backfill.logs import LogsRead
from ownertag.core.ownership import ResourceKey
from ownertag.core.records import Arrival
from ownertag.core.transfer import TransferOrder
from ownertag.core.values import Refusal, Unavailable

#: An object of `flows.result_object`, with `left`: something is still to be done.
ResultObject = Mapping[str, Any]


class RestoreTarget(Struct, frozen=True):
    """A resource that a run wrote to: its values of our keys before (None: no such tag), and what was written."""

    key: ResourceKey
    before: Mapping[str, str | None]
    written: Mapping[str, str]


class Orders(Protocol):
    """Takes orders to write: the hub's function, or the same flows with an operator's own credentials.

    With `dry_run` nothing is written or kept, and each outcome is what it would be. An order that ends without an
    answer may have been carried out: what became of it is looked up.
    """

    def tag(self, records: Sequence[bytes], *, dry_run: bool) -> list[ResultObject]:
        """Tags what these records made; one result for each, in their order."""

    def adopt(self, resources: Sequence[FoundResource], *, dry_run: bool) -> list[ResultObject]:
        """Tags resources of which no record is there, by their own word; one result for each, in their order."""

    def transfer(self, order: TransferOrder) -> Mapping[str, Any]:
        """Gives a resource to somebody: `done`, `tags`, `detail`."""

    def restore(self, run: str, resources: Sequence[RestoreTarget], *, dry_run: bool) -> list[ResultObject]:
        """Puts back what was there; `outcome` and `reason` for each, in their order."""


class LogPart(Protocol):
    """A part of the logs."""

    def records(self) -> Iterator[Arrival | Refusal]:
        """The wanted records.

        Raises:
            ScanStopped: Nothing more can be read; what came before is good.
        """

    def read(self) -> LogsRead:
        """What was read, when all records are taken: of this part alone, but for where it ends."""


class Logs(Protocol):
    """The parts of the logs, in order; each is read before the next is asked for."""

    def __iter__(self) -> Iterator[LogPart]:
        """Those that are not read yet.

        Raises:
            ScanStopped: As for a part.
        """

    def unlisted(self) -> LogsRead:
        """What could not be listed, when all parts are read."""


#: Tells how far a step is: its name, how many of how many (None: not known), and what they are.
Tell = Callable[[str, int, int | None, str], None]


def tell_nobody(_step: str, _done: int, _of: int | None, _what: str) -> None:
    """Tells nobody."""


#: The values that resources carry of our keys now.
ReadTags = Callable[[Sequence[FoundResource]], Mapping[ResourceKey, Mapping[str, str] | Unavailable]]
Now = Callable[[], datetime]
