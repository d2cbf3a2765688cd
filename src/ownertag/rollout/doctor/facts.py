"""What there is, as it was read. Frozen; nothing here is judged.

Everything read is a value, or says why there is none: `Missing`, `Unread` or `NotGiven`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from msgspec import Struct

T = TypeVar("T")

Document = Mapping[str, Any]


class Missing(Struct, frozen=True):
    """AWS says that there is none."""


class Unread(Struct, frozen=True):
    """AWS did not say; `reason` is why."""

    reason: str


class NotGiven(Struct, frozen=True):
    """The answer lacks a field that AWS always gives."""

    field: str


#: What stands in the place of what could not be read.
Nothing: TypeAlias = Missing | Unread | NotGiven
Seen: TypeAlias = T | Missing | Unread | NotGiven


# --- stacks


class Stack(Struct, frozen=True):
    """A stack: the logical names that its template declares, and those that CloudFormation lists."""

    status: str
    template: str
    parameters: Mapping[str, str]
    declared: frozenset[str]
    listed: frozenset[str]

    @property
    def complete(self) -> bool:
        """Whether CloudFormation says that it did all of it."""
        return self.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}


# --- an account and its Regions


class Role(Struct, frozen=True):
    """A role: whom it trusts, its own policies by name, and the names of what is attached."""

    trust: Document
    inline: Mapping[str, Document | NotGiven]
    attached: tuple[str, ...]
    boundary: str | None = None


class Target(Struct, frozen=True):
    """Where a rule sends to."""

    arn: str
    role: str | None
    dead_letters: str | None


class Rule(Struct, frozen=True):
    """A rule with its targets."""

    state: str
    pattern: Document
    targets: tuple[Target, ...]


#: How far back it is looked for what a rule sent.
SENT_DAYS = 14


class Sent(Struct, frozen=True):
    """What a rule sent in the last days: the hour of the newest event, and how many failed in the last day."""

    last: datetime | None
    failed: int


class Queue(Struct, frozen=True):
    """A queue: messages waiting or in work, its policy, and what becomes of messages that come back."""

    messages: int
    policy: Document | None
    visibility: int
    redrive_to: str | None = None
    receives: int | None = None


class Trail(Struct, frozen=True):
    """A trail that reaches a Region. `logging` and `writes` (management write events) may not have been readable."""

    arn: str
    home: str
    multi_region: bool
    logging: Seen[bool]
    writes: Seen[bool]


class RegionFacts(Struct, frozen=True):
    """A Region of an account. `rules` and `sent` have one entry for each expected rule.

    `bus_key` is the key under which the default bus keeps events, None where that is EventBridge's own.
    """

    region: str
    bus_key: Seen[str | None]
    trails: Seen[tuple[Trail, ...]]
    rules: tuple[Seen[Rule], ...]
    sent: tuple[Seen[Sent], ...]
    undelivered: Seen[Queue]
    stack: Seen[Stack]


class AccountFacts(Struct, frozen=True):
    """An account. Where `refused` says why it could not be entered, nothing else is known of it."""

    account: str
    refused: Unread | None = None
    enabled: Seen[frozenset[str]] = Unread("not asked")
    roles: Mapping[str, Seen[Role]] = {}
    stack: Seen[Stack] = Unread("not asked")
    places: tuple[RegionFacts, ...] = ()


# --- the hub


class Bus(Struct, frozen=True):
    """The hub's bus."""

    policy: Document | None


class Function(Struct, frozen=True):
    """The function, as far as Lambda tells."""

    state: Seen[str]
    architectures: Seen[tuple[str, ...]]
    timeout: Seen[int]
    code_sha256: Seen[str]


class Source(Struct, frozen=True):
    """An event source mapping of the function."""

    queue: str
    state: str
    response_types: tuple[str, ...]


class HubFacts(Struct, frozen=True):
    """The hub, in its account's home Region. `alarms` has the state of each that is there, by name."""

    stack: Seen[Stack]
    bus: Seen[Bus]
    rule: Seen[Rule]
    queue: Seen[Queue]
    oldest: Seen[float | None]
    dead_letters: Seen[Queue]
    function: Seen[Function]
    sources: Seen[tuple[Source, ...]]
    alarms: Seen[Mapping[str, str]]
    subscriptions: Seen[tuple[str, ...]]


# --- the organization


class Instance(Struct, frozen=True):
    """An instance of a stack set."""

    account: str
    region: str
    status: str
    stack: str
    reason: str = ""


class StackSet(Struct, frozen=True):
    """A stack set: its template, its instances, and what the last detection of drift said."""

    template: str
    auto_deployment: Seen[bool]
    drift: Seen[str]
    instances: Seen[tuple[Instance, ...]]


class Policy(Struct, frozen=True):
    """A service control policy, and the units that it is attached to."""

    content: Document
    targets: frozenset[str]


class OrganizationFacts(Struct, frozen=True):
    """The organization, from its management account: `accounts` are the active ones under the units.

    `policies` are our service control policies by name.
    """

    root: Seen[str]
    accounts: Seen[frozenset[str]]
    enabled: Seen[frozenset[str]]
    stack_sets: Mapping[str, Seen[StackSet]]
    policies: Seen[Mapping[str, Policy]]
