"""An organization in memory in which much goes wrong, by a seed and the simulation's time.

It is made of the fakes of the flows' tests, which pass the same contract suites as the adapters (`contracts/`): with
the adapters and HTTP, a hundred thousand creations would take an hour.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from harness.fakes import FakeAws, FakeCall, FakeLookups, FakeTagger, Launched
from load.creations import CLOSED, Creations
from ownertag.core.catalogue_types import Lookup
from ownertag.core.ownership import EventKey, ResourceKey, Standing
from ownertag.core.values import Absent, Fact, Failure, Found, OutcomeKind, Question, Unavailable, Write, WriteResult
from ownertag.ledger.entries import Created, Entry, HistoryEntry, KnownResource, Owned, SeenCreation
from ownertag.ledger.port import Ledger, LedgerError

T = TypeVar("T")

_UNANSWERED = Failure("ReadTimeoutError", 0, answered=False)
#: Drawn for a call at fault, the same for each; AWS's codes as `docs/reference/errors.md` has them.
_FAULTS: tuple[tuple[str, Failure], ...] = (
    ("throttled", Failure("RequestLimitExceeded", 503)),
    ("5xx", Failure("InternalError", 500)),
    ("5xx", Failure("ServiceUnavailable", 503)),
    ("no answer, not done", _UNANSWERED),
    ("no answer, but done", _UNANSWERED),
    ("session expired", Failure("ExpiredToken", 403)),
)
DRAWN = frozenset(name for name, _ in _FAULTS)
_DENIED = Failure("UnauthorizedOperation", 403)
_NOT_FOUND = {
    "i": "InvalidInstanceID.NotFound",
    "vol": "InvalidVolume.NotFound",
    "eni": "InvalidNetworkInterfaceID.NotFound",
}


class Chances:
    """What goes wrong, and when.

    Args:
        seed: Of all.
        calls: The share of calls in the accounts and to Organizations at fault.
        ledger: The share of the ledger's calls at fault, half of them after it was done.
        late: Until how many seconds after its creation a resource may not be found.
        denied: Accounts that deny everything between two times, such as by a wrong policy.
    """

    def __init__(
        self,
        seed: int | str,
        calls: float,
        ledger: float,
        late: float = 0.0,
        denied: Mapping[str, tuple[float, float]] | None = None,
    ) -> None:
        self.seed = seed
        self.calls = calls
        self.ledger = ledger
        self.late = late
        self.denied = denied or {}
        self._random = random.Random(f"{seed}/faults")  # noqa: S311 - no secret

    def draw(self) -> tuple[str, Failure] | None:
        """The fault of the next call."""
        return self._random.choice(_FAULTS) if self._random.random() < self.calls else None

    def ledger_fault(self) -> str:
        """`before` or `after` if the ledger's next call fails."""
        if self._random.random() >= self.ledger:
            return ""
        return self._random.choice(("before", "after"))

    def seconds(self) -> tuple[float, float]:
        """The seconds that a call takes before it is carried out, and after.

        One of them is nothing: a change of turns is what the simulation costs. Together they are a sixteenth of a real
        call, for the product makes sixteen at once, and here a batch makes them one by one.
        """
        seconds = self._random.uniform(0.003, 0.022)
        return (seconds, 0.0) if self._random.random() < 0.5 else (0.0, seconds)


class World:
    """The organization's resources, and the adapters to them. Each call takes time before it is carried out, and after.

    Attributes:
        count: Calls so far, by what became of each.
    """

    def __init__(
        self,
        made: Creations,
        chances: Chances,
        now: Callable[[], float],
        sleep: Callable[[float], None] = lambda _: None,
    ) -> None:
        self.aws = FakeAws()
        self.aws.refuses = self._refuses
        self.count: Counter[str] = Counter()
        self._chances = chances
        self._untaggable = made.untaggable
        self._now = now
        self._sleep = sleep
        late = random.Random(f"{chances.seed}/late")  # noqa: S311 - no secret
        self._visible: dict[str, float] = {}
        for creation in made.all:
            for id_ in creation.ids:
                self._visible.setdefault(id_, creation.at + late.uniform(0.0, chances.late))
            for instance in creation.instances:
                launched = self.aws.places[creation.account, creation.region].launched
                launched.setdefault(instance.id, Launched(instance, creation.reservation, creation.token))

    @property
    def owners(self) -> dict[str, str]:
        """The owner in each resource's tag."""
        places = self.aws.places.values()
        return {id_: tags["owner"] for place in places for id_, tags in place.tags.items() if "owner" in tags}

    def call(self, carry_out: Callable[[], T], fail: Callable[[Failure], T]) -> T:
        """A call with its time and its faults."""
        before, after = self._chances.seconds()
        if before:
            self._sleep(before)
        drawn = self._chances.draw()
        kind, failure = drawn or ("", None)
        found = carry_out() if failure is None or kind == "no answer, but done" else None
        if after:
            self._sleep(after)
        self.aws.calls.clear()
        self.count["calls"] += 1
        if failure is None:
            assert found is not None
            return found
        self.count[kind] += 1
        return fail(failure)

    def seen(self, ids: Iterable[str]) -> set[str]:
        """Those of these resources that are visible by now."""
        now = self._now()
        return {id_ for id_ in ids if self._visible.get(id_, now) <= now}

    def _refuses(self, call: FakeCall) -> Failure | None:
        """The error of AWS for a call: somebody denies it, or not all resources are visible."""
        since, until = self._chances.denied.get(call.account, (0.0, 0.0))
        if call.account == CLOSED or since <= self._now() < until:
            self.count["denied"] += 1
            return _DENIED
        if call.name != "ec2.CreateTags":
            return None
        if hidden := set(call.values) - self.seen(call.values):
            self.count["not found yet"] += 1
            return Failure(_NOT_FOUND[min(hidden).partition("-")[0]], 400)
        if not self._untaggable.isdisjoint(call.values):
            self.count["tag policy"] += 1
            return Failure("TagPolicyViolation", 400)
        return None


class Tagger(FakeTagger):
    """Writes tags, or fails to."""

    def __init__(self, world: World) -> None:
        super().__init__(world.aws)
        self._world = world

    def write(self, write: Write) -> WriteResult:
        """Carries out one call."""
        done = Failure("", 200)
        failure = self._world.call(lambda: super(Tagger, self).write(write) or done, lambda failed: failed)
        return None if failure is done else failure


class Lookups(FakeLookups):
    """Reads what is visible by now."""

    def __init__(self, world: World) -> None:
        super().__init__(world.aws)
        self._world = world

    def find(self, questions: Iterable[Question]) -> dict[Question, Fact]:
        """One call for each kind of question in a place; each fares by itself."""
        groups: dict[tuple[str, str, str], list[Question]] = {}
        for question in questions:
            groups.setdefault((question.account, question.region, question.kind), []).append(question)
        facts: dict[Question, Fact] = {}
        for group in groups.values():
            facts |= self._find(group)
        return facts

    def present(self, account: str, region: str, lookup: Lookup, ids: Iterable[str]) -> set[str] | Failure:
        """Those of these resources that are visible."""
        wanted = list(ids)

        def look() -> set[str] | Failure:
            failure = self._world.aws.call(lookup.operation, account, region, wanted)
            return failure or self._world.seen(wanted)

        return self._world.call(look, lambda failure: failure)

    def _find(self, group: Sequence[Question]) -> dict[Question, Fact]:
        def look() -> dict[Question, Fact]:
            found = super(Lookups, self).find(group)
            return {question: self._visible(fact) for question, fact in found.items()}

        def fail(_: Failure) -> dict[Question, Fact]:
            return dict.fromkeys(group, Unavailable(OutcomeKind.THROTTLED, "the look-up failed"))

        return self._world.call(look, fail)

    def _visible(self, fact: Fact) -> Fact:
        if not isinstance(fact, Found) or not fact.instances:
            return fact
        seen = self._world.seen(instance.id for instance in fact.instances)
        found = tuple(instance for instance in fact.instances if instance.id in seen)
        return Found(found) if found else Absent()


class Accounts:
    """Knows the organization's accounts, when Organizations answers."""

    def __init__(self, world: World, active: Iterable[str]) -> None:
        self._world = world
        self._active = frozenset(active)

    def find(self, questions: Iterable[Question]) -> dict[Question, Fact]:
        """Found or absent, or unavailable for all."""
        asked = list(questions)
        return self._world.call(
            lambda: {question: Found() if question.account in self._active else Absent() for question in asked},
            lambda _: dict.fromkeys(asked, Unavailable(OutcomeKind.THROTTLED, "the look-up failed")),
        )


class Shaky:
    """A ledger that is away now and then, before or after it did what it was asked."""

    def __init__(self, ledger: Ledger, world: World, chances: Chances) -> None:
        self._ledger = ledger
        self._world = world
        self._chances = chances

    def seen(self, events: Iterable[EventKey]) -> Mapping[EventKey, SeenCreation]:
        """What the ledger knows of these creations."""
        return self._call(lambda: self._ledger.seen(events))

    def claim(self, created: Sequence[Created], owned: Sequence[Owned]) -> Mapping[ResourceKey, Standing]:
        """Keeps creations and decisions."""
        return self._call(lambda: self._ledger.claim(created, owned))

    def append(self, entries: Sequence[Entry]) -> set[ResourceKey]:
        """Keeps what became of resources."""
        return self._call(lambda: self._ledger.append(entries))

    def by_key(self, keys: Iterable[ResourceKey]) -> list[KnownResource]:
        """The resources with these keys."""
        return self._call(lambda: self._ledger.by_key(keys))

    def by_id(self, id_: str) -> list[KnownResource]:
        """The resources with this id."""
        return self._call(lambda: self._ledger.by_id(id_))

    def history(self, key: ResourceKey) -> list[HistoryEntry]:
        """All that is kept of a resource."""
        return self._call(lambda: self._ledger.history(key))

    def _call(self, do: Callable[[], T]) -> T:
        self._world.count["ledger calls"] += 1
        fault = self._chances.ledger_fault()
        found = do() if fault != "before" else None
        if fault or found is None:
            self._world.count["ledger away"] += 1
            raise LedgerError("it is away", OutcomeKind.THROTTLED)
        return found
