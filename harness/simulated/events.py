"""The launches of a burst, and their events, kept in a file so that they take no memory of a tool."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from harness.limits.fleet import AccountRegion

#: When the burst begins in the simulation: 2099-01-05T09:00:00Z. By the SDK's own clock no session of then has expired.
START = 4071286800.0
#: Between how many seconds after a launch its event arrives; AWS promises none. Drawn for each event by the seed.
DELIVERY = (60.0, 120.0)


class BurstShape(Struct, frozen=True):
    """The launches of a burst, by accounts and Regions."""

    name: str
    title: str
    accounts: tuple[str, ...]
    regions: tuple[str, ...]
    launches: int  # in each place
    size: int  # instances of each launch
    delivery: tuple[float, float] = DELIVERY

    @property
    def places(self) -> list[AccountRegion]:
        """Every account and Region."""
        return [(account, region) for account in self.accounts for region in self.regions]

    @property
    def instances(self) -> int:
        """The number of instances in all."""
        return len(self.places) * self.launches * self.size


class BurstEvent(Struct, frozen=True):
    """An event: its arrival, its account and Region, and its position in the file."""

    number: int
    delivered: float
    account: str
    region: str
    offset: int
    length: int


def read_events(path: Path, events: Sequence[BurstEvent]) -> Iterator[str]:
    """The bodies of these events."""
    with path.open("rb") as file:
        for event in events:
            file.seek(event.offset)
            yield file.read(event.length).decode()


def read_index(path: Path) -> list[BurstEvent]:
    """The events in a file, the first to arrive first."""
    return msgspec.json.decode(path.with_suffix(".index").read_bytes(), type=list[BurstEvent])
