"""Instances, volumes and interfaces of every account and Region, and the times at which they become visible.

Instead of an emulator, for none will do here: MiniStack 1.5 launches ten thousand in seconds, but gives each one volume
and no interface, and knows no client token and no filter by it. moto 5.2 has all of that, takes 46 s for ten thousand,
and seconds for each filter over a thousand. A test of `tests/functional/limits` holds this against moto.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping

from msgspec import Struct, field

AccountRegion = tuple[str, str]  # account, Region

#: Tags of one resource at most (doc: "Tag your Amazon EC2 resources").
MAX_TAGS = 50


class Timing(Struct, frozen=True):
    """The seconds after a launch between which something becomes visible; drawn for each instance by the seed.

    AWS promises none of these. What is born with an instance attaches within seconds, and a launch is eventually
    consistent (doc); the figures are assumptions.
    """

    visible: tuple[float, float] = (0.0, 2.0)
    attached: tuple[float, float] = (1.0, 6.0)
    running: tuple[float, float] = (5.0, 30.0)


class AttachedPart(Struct):
    """A volume or a network interface of an instance."""

    id: str
    device: str
    attached_at: float


class Instance(Struct):
    """An instance; times are seconds of the endpoint's clock."""

    id: str
    number: int  # in its launch
    reservation: str
    token: str
    launched_at: float
    visible_at: float
    running_at: float
    address: str
    volumes: list[AttachedPart] = field(default_factory=list)
    interfaces: list[AttachedPart] = field(default_factory=list)


class Fleet:
    """The launched instances, and their tags.

    Args:
        seed: Of every id and time.
        timing: When things show.
    """

    def __init__(self, seed: int, timing: Timing | None = None) -> None:
        self._random = random.Random(f"{seed}/fleet")  # noqa: S311 - no secret
        self._timing = timing or Timing()
        self._instances: dict[AccountRegion, dict[str, Instance]] = defaultdict(dict)
        self._owner: dict[str, tuple[AccountRegion, Instance]] = {}  # of instances, volumes and interfaces
        self._launches: dict[tuple[AccountRegion, str], list[Instance]] = defaultdict(list)
        self.tags: dict[str, dict[str, str]] = defaultdict(dict)

    def launch(self, place: AccountRegion, count: int, token: str, devices: Iterable[str], at: float) -> list[Instance]:
        """Launches instances; for a client token that was used before, returns its instances again."""
        if token and (known := self._launches.get((place, token))):
            return known
        reservation = self._id("r")
        names = list(devices)
        made = [self._instance(number, reservation, token, names, at) for number in range(count)]
        for instance in made:
            self._instances[place][instance.id] = instance
            for id_ in (instance.id, *(part.id for part in (*instance.volumes, *instance.interfaces))):
                self._owner[id_] = (place, instance)
        for name in filter(None, (token, reservation)):
            self._launches[place, name] += made
        return made

    def instances(self, place: AccountRegion, at: float) -> list[Instance]:
        """The instances that are visible."""
        return [instance for instance in self._instances[place].values() if instance.visible_at <= at]

    def launched(self, place: AccountRegion, names: Iterable[str], at: float) -> list[Instance]:
        """The visible instances of launches with these client tokens or reservation ids."""
        found = [instance for name in dict.fromkeys(names) for instance in self._launches.get((place, name), ())]
        return [instance for instance in found if instance.visible_at <= at]

    def instance_of(self, place: AccountRegion, id_: str, at: float) -> Instance | None:
        """The instance with this id or with this part, if it is visible."""
        found = self._owner.get(id_)
        if found is None or found[0] != place or found[1].visible_at > at:
            return None
        return found[1]

    def everything(self, place: AccountRegion) -> list[Instance]:
        """All instances, visible or not."""
        return list(self._instances[place].values())

    def tag(self, ids: Iterable[str], tags: Mapping[str, str]) -> str | None:
        """Tags all of these or none; returns the first that would have too many tags."""
        wanted = list(ids)
        for id_ in wanted:
            if len(self.tags[id_].keys() | tags.keys()) > MAX_TAGS:
                return id_
        for id_ in wanted:
            self.tags[id_].update(tags)
        return None

    def untag(self, ids: Iterable[str], tags: Mapping[str, str | None]) -> None:
        """Removes tags; with none named, every tag (doc: DeleteTags)."""
        for id_ in ids:
            present = self.tags[id_]
            for key in tags or list(present):
                if not tags or tags[key] in {None, present.get(key)}:
                    present.pop(key, None)

    def _instance(self, number: int, reservation: str, token: str, devices: list[str], at: float) -> Instance:
        draw, timing = self._random.uniform, self._timing
        attached = draw(*timing.attached)
        address = f"10.{self._random.randrange(256)}.{self._random.randrange(256)}.{self._random.randrange(1, 255)}"
        return Instance(
            self._id("i"),
            number,
            reservation,
            token,
            at,
            at + draw(*timing.visible),
            at + max(attached, draw(*timing.running)),
            address,
            [AttachedPart(self._id("vol"), device, at + draw(timing.attached[0], attached)) for device in devices],
            [AttachedPart(self._id("eni"), "", at)],
        )

    def _id(self, prefix: str) -> str:
        return f"{prefix}-{self._random.getrandbits(68):017x}"
