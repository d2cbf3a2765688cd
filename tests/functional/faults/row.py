"""A row of the fault matrix: what is injected, and the outcome that it must have.

A state of a message is told as "verdict, tags, ledger":

    verdict   done | back (named in the answer, and hidden for the time that its receives give) | failed (the function
              raised: all come back) | dead CODE (a dead letter with this ERROR_CODE)
    tags      tagged | owner (the owner's tag alone) | untagged | n of m (of its resources) | other (somebody else's)
    ledger    finished KINDS | open KINDS (kinds of outcome, the last of each resource) | decided | unknown
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from botocore.config import Config

from contracts.emulated import ONCE
from faults.made import States
from faults.world import World

Inject = Callable[[World], None]

WELL = "done, tagged, finished tagged"


def _nothing(_: World) -> None:
    """No fault of AWS: it lies in the events."""


def all_sent(world: World) -> None:
    """Four volumes: two in each of two accounts."""
    world.make("a1 a2 b1 b2")


@dataclass(frozen=True)
class Lasting:
    """What comes of it if the fault never ends: after so many deliveries the queue is empty."""

    deliveries: int
    states: States


@dataclass(frozen=True)
class Row:
    """One fault of the matrix.

    Args:
        id: Its id.
        fault: What happens, in words.
        outcome: What must come of it, in words.
        first: The state of each message after the first delivery; None where `also` looks at it.
        cases: How it is injected, by name of the case.
        scene: Makes the resources and sends their messages.
        reason: A part of the reason that each returned message is told with.
        metrics: What is counted at the first delivery, as "Name=1 Other=2"; what is zero is left out.
        healed: The states after the next delivery without the fault; None where there is nothing to heal.
        lasting: What comes of it if it never ends.
        play: How messages are delivered, where that is not once.
        also: Checked after the first delivery.
        config: The SDK's timeouts and retries; one try where it is left out.
        store: The kind of ledger.
        over_http: The calls go over a socket, through a proxy that can be told what to do.
    """

    id: str
    fault: str
    outcome: str
    first: States | None
    cases: Mapping[str, Inject] = field(default_factory=lambda: {"": _nothing})
    scene: Inject = all_sent
    reason: str = ""
    metrics: str | None = None
    healed: States | None = field(default_factory=lambda: {"*": WELL})
    lasting: Lasting | None = None
    play: Inject | None = None
    also: Inject = _nothing
    config: Config = ONCE
    store: str = "dynamodb"
    over_http: bool = False


@dataclass(frozen=True)
class Proof:
    """A fault that no delivery of messages shows: `show` does it, and asserts what must come of it."""

    id: str
    fault: str
    outcome: str
    show: Callable[..., None]


@dataclass(frozen=True)
class NotBuilt:
    """A fault of something that does not exist yet: listed, and never green."""

    id: str
    fault: str
    reason: str
