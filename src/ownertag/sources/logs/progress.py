"""How far a scan is, and what it read, left out and could not read."""

from __future__ import annotations

from msgspec import Struct

from ownertag.sources.logs.faults import Faults


class Progress(Struct, frozen=True):
    """How far a scan is: objects and their bytes; of how many, once all are listed; after how many seconds."""

    objects: int
    size: int
    inflated: int
    records: int
    seconds: float
    of_objects: int | None = None
    of_size: int | None = None

    @property
    def rate(self) -> float:
        """Bytes of objects a second."""
        return self.size / self.seconds if self.seconds else 0.0

    @property
    def remaining(self) -> float | None:
        """Seconds that the rest takes at this rate; None as long as that is not known."""
        return (self.of_size - self.size) / self.rate if self.of_size is not None and self.rate else None


class Report(Struct):
    """What a scan read, left out, and could not read.

    Attributes:
        left_out: Files and folders that hold no records of calls by their names, by what they are.
        not_wanted: Files and folders of other accounts, Regions or days, which were not read.
        twice: Records that had been there before.
    """

    faults: Faults
    objects: int = 0
    size: int = 0
    inflated: int = 0
    records: int = 0
    refused: int = 0
    twice: int = 0
    left_out: dict[str, int] = {}
    not_wanted: int = 0
    finished: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether all that is wanted was read: if not, what is not found may be there all the same."""
        return self.finished and not self.faults and not self.refused
