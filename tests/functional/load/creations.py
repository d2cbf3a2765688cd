"""Creations of all kinds by a seed, the messages that tell of them, and whose each resource has to be in the end.

Whose a resource is, is said here by who is drawn to make it first, and nothing of ownertag is asked.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from harness.events import envelope, launch, omitted_launch, volume
from harness.fixtures import identity_center, numbered
from ownertag.core.values import Attached, LaunchedInstance

ACCOUNTS = tuple(f"3000000000{number:02}" for number in range(25))
#: Its administrators deny ownertag everything, for good.
CLOSED = "300000000024"
STRANGERS = ("990000000001", "990000000002")
REGIONS = ("eu-central-1", "eu-west-1", "us-east-1", "us-west-2")
_PEOPLE = 200
_ROOT = "/dev/xvda"
#: How many copies of a message there are, and how often so many: SQS and EventBridge deliver at least once.
_COPIES = {1: 0.6, 2: 0.3, 3: 0.1}


class Fate(StrEnum):
    """The end that a creation has to have."""

    TAGGED = "tagged"
    REFUSED = "refused"
    DEAD = "dead"


class Creation(Struct):
    """A creation: its event, its time, its resources, and how it has to end."""

    number: int
    at: float
    account: str
    region: str
    person: str
    body: str
    ids: tuple[str, ...]
    fate: Fate
    token: str = ""
    reservation: str = ""
    instances: tuple[LaunchedInstance, ...] = ()


class Creations(Struct):
    """All creations, the owner that each resource has to have, and the resources that nobody may tag."""

    all: list[Creation] = field(default_factory=list)
    owners: dict[str, str] = field(default_factory=dict)
    untaggable: set[str] = field(default_factory=set)


def create(count: int, seed: int, begin: float, seconds: float, *, forbidden: bool = True) -> Creations:
    """Draws creations.

    Args:
        count: How many.
        seed: Of all.
        begin: When the first of them may happen, in seconds since 1970.
        seconds: Within how many.
        forbidden: Whether some can never be tagged.
    """
    return _Maker(seed, forbidden).make(count, begin, seconds)


def copies(creations: Sequence[Creation], seed: int) -> list[int]:
    """The number of a creation for each message, up to three times the same."""
    chance = random.Random(f"{seed}/copies")  # noqa: S311 - no secret
    drawn = chance.choices(list(_COPIES), list(_COPIES.values()), k=len(creations))
    return [creation.number for creation, limit in zip(creations, drawn, strict=True) for _ in range(limit)]


class _Maker:
    def __init__(self, seed: int, forbidden: bool) -> None:
        self._chance = random.Random(f"{seed}/creations")  # noqa: S311 - no secret
        self._forbidden = forbidden
        self._made = Creations()
        self._ids = 0
        kinds: Mapping[Any, float] = {
            self._volume: 0.62,
            self._launch: 0.12,
            self._launch_without_ids: 0.05,
            self._again: 0.11,
            self._failed: 0.05,
            self._stranger: 0.03,
            self._forged: 0.02,
        }
        self._kinds, self._weights = list(kinds), list(kinds.values())

    def make(self, count: int, begin: float, seconds: float) -> Creations:
        """Makes the creations in the order of their times: a repetition comes after the first one."""
        # Whole seconds, as CloudTrail writes them. The times of two may be the same, but not of a repeat and its first.
        for number, at in enumerate(sorted(begin + self._chance.randrange(int(seconds)) for _ in range(count))):
            [kind] = self._chance.choices(self._kinds, self._weights)
            self._made.all.append(kind(number, at))
        return self._made

    def _volume(self, number: int, at: float) -> Creation:
        id_ = self._id("vol")
        return self._creation(number, at, self._place(), self._person(), (id_,))

    def _launch(self, number: int, at: float, omitted: bool = False) -> Creation:
        instances = tuple(self._instance(at) for _ in range(self._chance.choice((1, 1, 2, 3))))
        ids = tuple(
            id_ for instance in instances for id_ in (instance.id, instance.volumes[0].id, instance.interfaces[0].id)
        )  # fmt: skip
        names = {"token": f"token-{number}"} if omitted else {"reservation": numbered("r", number)}
        return self._creation(number, at, self._place(), self._person(), ids, instances=instances, **names)

    def _launch_without_ids(self, number: int, at: float) -> Creation:
        return self._launch(number, at, omitted=True)

    def _again(self, number: int, at: float) -> Creation:
        """A creation that succeeds for what is there: by somebody else, mostly a few seconds after the first."""
        for _ in range(20):
            if not self._made.all:
                break
            first = self._made.all[max(0, len(self._made.all) - 1 - self._chance.randrange(400))]
            if first.ids and first.at < at:
                # Of a launch the record alone is repeated: its answer names the instances.
                place = (first.account, first.region)
                return self._creation(
                    number, at, place, self._person(), first.ids, instances=first.instances,
                    token=first.token, reservation=first.reservation,
                )  # fmt: skip
        return self._volume(number, at)

    def _failed(self, number: int, at: float) -> Creation:
        more = {"errorCode": "Client.UnauthorizedOperation", "errorMessage": "no"}
        return self._refused(number, at, self._place(), **more)

    def _stranger(self, number: int, at: float) -> Creation:
        return self._refused(number, at, (self._chance.choice(STRANGERS), self._chance.choice(REGIONS)))

    def _forged(self, number: int, at: float) -> Creation:
        """A member's event that names another's account in its record."""
        account, region = self._place()
        detail = volume(account, numbered("vol", 10**9 + number), region, number=number, at=_time(at))
        body = json.dumps(envelope(detail, account=STRANGERS[0]))
        return Creation(number, at, account, region, "", body, (), Fate.REFUSED)

    def _refused(self, number: int, at: float, place: tuple[str, str], **more: Any) -> Creation:
        detail = volume(place[0], numbered("vol", 10**9 + number), place[1], number=number, at=_time(at), **more)
        return Creation(number, at, *place, "", json.dumps(envelope(detail)), (), Fate.REFUSED)

    def _creation(
        self,
        number: int,
        at: float,
        place: tuple[str, str],
        person: str,
        ids: tuple[str, ...],
        *,
        token: str = "",
        reservation: str = "",
        instances: tuple[LaunchedInstance, ...] = (),
    ) -> Creation:
        account, region = place
        given = {"number": number, "at": _time(at), "region": region, **_identity(person, account)}
        if token:
            detail = omitted_launch(account, token, count=len(instances), **given)
        elif instances:
            detail = launch(account, [instance.id for instance in instances], reservation=reservation, **given)
        else:
            detail = volume(account, ids[0], **given)
        for id_ in ids:
            self._made.owners.setdefault(id_, person)
        if self._forbidden and self._chance.random() < 0.005:
            self._made.untaggable.add(self._chance.choice(ids))
        return Creation(
            number, at, account, region, person, json.dumps(envelope(detail)), ids, Fate.TAGGED, token, reservation,
            instances,
        )  # fmt: skip

    def _instance(self, at: float) -> LaunchedInstance:
        part = [Attached(self._id(kind), _time(at)) for kind in ("vol", "eni")]
        return LaunchedInstance(self._id("i"), "running", _ROOT, True, frozenset({_ROOT}), (part[0],), (part[1],))

    def _id(self, prefix: str) -> str:
        self._ids += 1
        return numbered(prefix, self._ids)

    def _place(self) -> tuple[str, str]:
        """The closed account has a few of all."""
        account = CLOSED if self._forbidden and self._chance.random() < 0.01 else self._chance.choice(ACCOUNTS[:-1])
        return account, self._chance.choice(REGIONS)

    def _person(self) -> str:
        number = self._chance.randrange(_PEOPLE)
        return f"person{number}@example.com" if number % 2 else f"user-{number}"


def fate_of(creation: Creation, untaggable: set[str]) -> Fate:
    """The end that a creation must have: one with a resource that nobody may tag ends as a dead letter."""
    if creation.fate is Fate.REFUSED:
        return Fate.REFUSED
    if creation.account == CLOSED or untaggable & set(creation.ids):
        return Fate.DEAD
    return Fate.TAGGED


def _identity(person: str, account: str) -> dict[str, Any]:
    """An IAM user, or a person of Identity Center."""
    return {"userIdentity": identity_center(person, account)} if "@" in person else {"user": person}


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
