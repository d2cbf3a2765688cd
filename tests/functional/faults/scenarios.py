"""What the function has in hand when it is killed: each scenario is batches of messages, made in a world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from moto.ec2.models import ec2_backends

from contracts.emulated import HOME
from faults.inject import tags_first
from faults.made import volume_of
from faults.world import World
from harness.events import record, volume

#: As few as the function itself sends to the dead-letter queue.
RECEIVES = 5


@dataclass(frozen=True)
class Scenario:
    """Batches, one after the other: each a list of messages' names, handed over until none of them is left."""

    name: str
    make: Callable[[World], list[str]]


def _volumes(world: World) -> list[str]:
    """Of two people in two accounts: four tag calls."""
    world.make("a1 b1")
    world.make("a2 b2", user="bob")
    return ["a1 b1 a2 b2"]


def _launches(world: World) -> list[str]:
    world.make("La Lb")
    return ["La Lb"]


def _five_batches(world: World) -> list[str]:
    """A warm environment: sessions and the list of accounts are kept."""
    world.make("a1 La b1 b2 Lb a2 b3")
    return ["a1", "La b1", "b2 Lb", "a2", "b3"]


def _copies(world: World) -> list[str]:
    """The same event twice in a batch and once later."""
    world.make("a1 La")
    first = {name: world.bodies[world.ids_of(name)[0]] for name in ("a1", "La")}
    world.send("again", first["a1"])
    world.send("once more", first["La"])
    return ["a1 La again", "once+more"]


def _claims(world: World) -> list[str]:
    """Two creations of one resource; who was first is heard of last."""
    first = world.record("a1", user="alice")
    later = volume(world.a, volume_of("a1"), at=world.clock(), user="bob", number=900)
    world.send("bob", {**later, "eventTime": "2099-01-01T00:00:00Z"})
    world.send("alice", first)
    return ["bob", "alice"]


def _many(world: World) -> list[str]:
    """Each has three lines in the ledger, and a transaction takes a hundred."""
    names = " ".join(f"a{number}" for number in range(1, 35))
    world.make(names)
    return [names]


def _gone(world: World) -> list[str]:
    """One of the volumes is not there any more: its call fails, what exists is asked, and the others are written."""
    names = " ".join(f"a{number}" for number in range(1, 11))
    world.make(names, age=timedelta(hours=1))
    del ec2_backends[world.a][HOME].volumes[volume_of("a4")]
    return [names]


def _not_there(world: World) -> list[str]:
    """A volume of which EC2 knows nothing yet, and never will: not ready, to the last."""
    world.make("a1 a2")
    del ec2_backends[world.a][HOME].volumes[volume_of("a2")]
    return ["a1 a2"]


def _full(world: World) -> list[str]:
    """A volume that has room for the owner's tag alone."""
    world.make("a1 a2")
    tags_first("a1", 49)(world)
    return ["a1 a2"]


def _poison(world: World) -> list[str]:
    """Poison to the last: the function puts it among the dead letters."""
    world.make("a1")
    world.send("poison", "no json")
    return ["a1 poison"]


def _forbidden(world: World) -> list[str]:
    """An account that refuses to be tagged, to the last."""
    world.make("a1 b1")
    tags_first("a1", 50)(world)
    return ["a1 b1"]


def _tampered(world: World) -> list[str]:
    """Somebody changes the owner's tag afterwards: a finding, kept and told."""
    world.make("a1")
    request = {
        "resourcesSet": {"items": [{"resourceId": volume_of("a1")}]},
        "tagSet": {"items": [{"key": "owner", "value": "mallory"}]},
    }
    detail = record(
        "CreateTags", world.a, "eu-central-1", {"_return": True}, request, at=world.clock(), user="mallory", number=801
    )
    world.send("tampering", detail)
    return ["a1", "tampering"]


def _brought(world: World) -> list[str]:
    """A creation brings an owner's tag of its own: overwritten, kept and told."""
    request = {
        "tagSpecificationSet": {"items": [{"resourceType": "volume", "tags": [{"key": "owner", "value": "eve"}]}]}
    }
    detail = world.record("a1", requestParameters=request)
    world.send("a1", detail)
    return ["a1"]


def _mixed(world: World) -> list[str]:
    """Something of each, in one batch; then poison."""
    [volumes] = _volumes(world)
    world.make("La")
    world.send("poison", "no json")
    return [f"{volumes} La", "poison"]


def crowd(world: World) -> list[str]:
    """For two functions: creations of five people in two accounts, a third of them twice."""
    names = [f"{account}{number}" for account in "ab" for number in range(1, 36)]
    for number, name in enumerate(names):
        world.make(name, user=f"user{number % 5}")
    world.make("La Lb")
    for name in names[::3]:
        world.send(f"{name}-again", world.bodies[world.ids_of(name)[0]])
    return [" ".join([*names, "La", "Lb", *(f"{name}-again" for name in names[::3])])]


SCENARIOS = [
    Scenario("volumes of two people in two accounts", _volumes),
    Scenario("launches in two accounts", _launches),
    Scenario("five batches in one environment", _five_batches),
    Scenario("copies of events", _copies),
    Scenario("two creations of one resource, the first heard of last", _claims),
    Scenario("so many resources that the ledger takes two transactions", _many),
    Scenario("one of ten is gone", _gone),
    Scenario("one of two is never there, up to the dead letters", _not_there),
    Scenario("room for the owner's tag alone", _full),
    Scenario("poison, up to the dead letters", _poison),
    Scenario("no room for a tag, up to the dead letters", _forbidden),
    Scenario("tampering", _tampered),
    Scenario("owner tags brought along", _brought),
    Scenario("something of each", _mixed),
]
