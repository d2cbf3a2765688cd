"""What is in the ledger and in the queue when an upgrade begins, and the tags that must come of it."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from faults.made import volume_of
from faults.world import World
from harness.events import envelope, record, tags_for, volume

#: People whose resources these are.
_PEOPLE = tuple(f"user{number}" for number in range(7))

InAccount = tuple[str, str]


@dataclass
class Traffic:
    """Messages by name, and what they come to.

    Attributes:
        bodies: The text of each message.
        earlier: The names of those that were handled before the upgrade began.
        orders: Transfers, given after these.
        in_flight: The names of those that are in the queue then, in the order in which they were sent.
        wanted: The tags of each resource in the end, by account and id.
        dead: The names of messages that must lie among the dead letters.
        findings: The events of which a finding is told, by their ids, with the message of each.
    """

    bodies: dict[str, str] = field(default_factory=dict)
    earlier: list[str] = field(default_factory=list)
    orders: list[dict[str, str]] = field(default_factory=list)
    in_flight: list[str] = field(default_factory=list)
    wanted: dict[InAccount, Mapping[str, str]] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)
    findings: dict[str, str] = field(default_factory=dict)


class _Maker:
    def __init__(self, world: World) -> None:
        self.world = world
        self.traffic = Traffic()
        self._numbers = iter(range(1, 1_000_000))

    def volume(self, user: str, age: int, **fields: Any) -> str:
        """Creates a volume. Returns the name of its message."""
        number = next(self._numbers)
        return self.creation(f"{'ab'[number % 2]}{number}", user, age, **fields)

    def creation(self, name: str, user: str, age: int, **fields: Any) -> str:
        """Creates what has this name. Returns the name of its message."""
        made = self.world.record(name, user=user, age=timedelta(minutes=age), **fields)
        known = self.world.made[name]
        self.traffic.wanted |= {(known.account, id_): known.tags for id_ in known.ids}
        return self.message(name, made)

    def message(self, name: str, detail: dict[str, Any] | str) -> str:
        """A message with this record, or this body."""
        self.traffic.bodies[name] = detail if isinstance(detail, str) else json.dumps(envelope(detail))
        return name

    def claim(self, on: str, user: str, age: int) -> tuple[str, dict[str, Any]]:
        """Another creation that names the volume of a message."""
        number = 500_000 + next(self._numbers)
        account = self.world.made[on].account
        at = self.world.clock() - timedelta(minutes=age)
        return f"claim {number}", volume(account, volume_of(on), at=at, user=user, number=number)


def traffic(world: World, count: int, seed: int = 7) -> Traffic:
    """So many messages in flight, and a fifth of that many before, in use by what is in flight.

    Of a hundred in flight 46 create a volume and 4 launch an instance; 6 bring an owner's tag along. 18 are copies, and
    6 are of what was finished before. 6 name what somebody else created before, 4 what somebody else created later and
    2 what was transferred meanwhile; 6 are changes of our tags by others. 2 can't be done.
    """
    chosen, maker = random.Random(seed), _Maker(world)  # noqa: S311 - no secret
    made = maker.traffic

    def person() -> str:
        return chosen.choice(_PEOPLE)

    def parts(of_hundred: int) -> range:
        return range(max(1, count * of_hundred // 100))

    def earlier() -> str:
        name = maker.volume(person(), 30)
        made.earlier.append(name)
        return name

    # What is attached to an instance belongs to its launch for a minute: these come first, as moto has its own clock.
    fresh = [maker.creation(f"L{'ab'[n % 2]}{n}", person(), 0) for n in parts(4)]
    fresh += [maker.volume(person(), 5) for _ in parts(46)]
    request = {
        "tagSpecificationSet": {"items": [{"resourceType": "volume", "tags": [{"key": "owner", "value": "eve"}]}]}
    }
    brought = [maker.volume(person(), 5, requestParameters=request) for _ in parts(6)]
    made.findings |= {world.made[name].event.event_id: name for name in brought}
    made.in_flight += fresh + brought

    copied = chosen.sample(fresh, len(parts(18)))
    made.in_flight += [maker.message(f"{name} again", made.bodies[name]) for name in copied]
    made.in_flight += [maker.message(f"{name} once more", made.bodies[name]) for name in (earlier() for _ in parts(6))]
    for _ in parts(6):  # whoever is heard of later created nothing new
        name, detail = maker.claim(earlier(), "late", 10)
        made.in_flight.append(maker.message(name, detail))
    for _ in parts(4):  # the first is heard of last, and owns
        on = earlier()
        name, detail = maker.claim(on, "first", 50)
        made.in_flight.append(maker.message(name, detail))
        made.wanted[_place(world, on)] = tags_for("first", "CreateVolume", world.clock() - timedelta(minutes=50))
    for _ in parts(2):  # what was given away stays so
        on = earlier()
        made.orders.append(
            {"resource": volume_of(on), "to": "new-owner", "by": "carol", "reason": "moved", "id": f"order {on}"}
        )
        name, detail = maker.claim(on, "first", 50)
        made.in_flight.append(maker.message(name, detail))
        made.wanted[_place(world, on)] = {**world.made[on].tags, "owner": "new-owner"}
    for number in parts(6):
        detail = _tampering(world, earlier(), 700_000 + number)
        made.findings[detail["eventID"]] = maker.message(f"tampering {number}", detail)
    made.dead |= {maker.message(f"poison {number}", f"no json {number}") for number in parts(2)}
    made.in_flight += [*(name for name in made.findings.values() if name not in brought), *sorted(made.dead)]
    chosen.shuffle(made.in_flight)
    return made


def _place(world: World, name: str) -> InAccount:
    return world.made[name].account, volume_of(name)


def _tampering(world: World, on: str, number: int) -> dict[str, Any]:
    request = {
        "resourcesSet": {"items": [{"resourceId": volume_of(on)}]},
        "tagSet": {"items": [{"key": "owner", "value": "mallory"}]},
    }
    account = world.made[on].account
    return record(
        "CreateTags",
        account,
        "eu-central-1",
        {"_return": True},
        request,
        at=world.clock(),
        user="mallory",
        number=number,
    )
