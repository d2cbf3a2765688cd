"""Facts as they were read from AWS; checks judge them.

Each is a value, or says why there is none: `Missing`, `Unread` or `NotGiven`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from msgspec import Struct

T = TypeVar("T")

Document = Mapping[str, Any]


class Missing(Struct, frozen=True):
    """AWS says that it does not exist."""


class Unread(Struct, frozen=True):
    """It could not be read; `reason` says why."""

    reason: str


class NotGiven(Struct, frozen=True):
    """The answer lacks a field that AWS always gives."""

    field: str


#: Instead of a value that could not be read.
Nothing: TypeAlias = Missing | Unread | NotGiven
Observed: TypeAlias = T | Missing | Unread | NotGiven


# --- stacks


class StackFacts(Struct, frozen=True):
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
    """A role: its trust policy, its inline policies by name, and the ARNs of its attached policies.

    `managed` has the documents of those that have a name of ours.
    """

    trust: Document
    inline: Mapping[str, Document | NotGiven]
    attached: tuple[str, ...]
    boundary: str | None = None
    managed: Mapping[str, Document | NotGiven] = {}


class RuleTarget(Struct, frozen=True):
    """A target of a rule."""

    arn: str
    role: str | None
    dead_letters: str | None
    id: str = ""


class Rule(Struct, frozen=True):
    """A rule with its targets."""

    state: str
    pattern: Document
    targets: tuple[RuleTarget, ...]


class Schedule(Struct, frozen=True):
    """A rule on a schedule, and the ARNs of what it invokes."""

    state: str
    targets: tuple[str, ...]


#: How many days of a rule's metrics are read.
SENT_DAYS = 14


class Sent(Struct, frozen=True):
    """What a rule sent in the last days: the hour of the newest event, and how many failed in the last day."""

    last: datetime | None
    failed: int


class QueueFacts(Struct, frozen=True):
    """A queue: messages visible or in flight, its policy, visibility timeout and redrive policy."""

    messages: int
    policy: Document | None
    visibility: int
    redrive_to: str | None = None
    receives: int | None = None
    url: str = ""


class TrailFacts(Struct, frozen=True):
    """A trail that reaches a Region. `logging` and `writes` (management write events) may not have been readable.

    `selectors` are its event selectors where it has some of its own, as CloudTrail gives them.
    """

    arn: str
    home: str
    multi_region: bool
    logging: Observed[bool]
    writes: Observed[bool]
    selectors: Document | None = None


class RegionFacts(Struct, frozen=True):
    """A Region of an account. `rules` and `sent` have one entry for each expected rule.

    `bus_key` is the key under which the default bus keeps events, None where that is EventBridge's own.
    """

    region: str
    bus_key: Observed[str | None]
    trails: Observed[tuple[TrailFacts, ...]]
    rules: tuple[Observed[Rule], ...]
    sent: tuple[Observed[Sent], ...]
    undelivered: Observed[QueueFacts]
    stack: Observed[StackFacts]


class AccountFacts(Struct, frozen=True):
    """An account. Where `refused` says why the audit role could not be assumed, nothing else is known of it."""

    account: str
    refused: Unread | None = None
    enabled: Observed[frozenset[str]] = Unread("not asked")
    roles: Mapping[str, Observed[Role]] = {}
    stack: Observed[StackFacts] = Unread("not asked")
    places: tuple[RegionFacts, ...] = ()


# --- the hub


class BusFacts(Struct, frozen=True):
    """The hub's bus."""

    policy: Document | None


class Function(Struct, frozen=True):
    """The function's configuration."""

    state: Observed[str]
    architectures: Observed[tuple[str, ...]]
    timeout: Observed[int]
    code_sha256: Observed[str]


class EventSourceMapping(Struct, frozen=True):
    """An event source mapping of the function."""

    queue: str
    state: str
    response_types: tuple[str, ...]
    id: str = ""


class HubFacts(Struct, frozen=True):
    """The hub, in its account's home Region. `alarms` has the state of each that is there, by name.

    `waiting` has the number of resources that were observed and are not tagged, by account.
    """

    stack: Observed[StackFacts]
    bus: Observed[BusFacts]
    rule: Observed[Rule]
    queue: Observed[QueueFacts]
    oldest: Observed[float | None]
    dead_letters: Observed[QueueFacts]
    function: Observed[Function]
    sources: Observed[tuple[EventSourceMapping, ...]]
    alarms: Observed[Mapping[str, str]]
    subscriptions: Observed[tuple[str, ...]]
    waiting: Observed[Mapping[str, int]] = Unread("not asked")
    reconcile: Observed[Function] = Unread("not asked")
    schedule: Observed[Schedule] = Unread("not asked")


# --- the organization


class StackInstanceState(Struct, frozen=True):
    """An instance of a stack set: its `DetailedStatus`, its unit, whether it was found changed by hand (DRIFTED)."""

    account: str
    region: str
    status: str
    stack: str
    reason: str = ""
    detail: str = ""
    unit: str = ""
    drift: str = ""


class StackSetFacts(Struct, frozen=True):
    """A stack set: its template, its instances, and what the last detection of drift said."""

    template: str
    auto_deployment: Observed[bool]
    drift: Observed[str]
    instances: Observed[tuple[StackInstanceState, ...]]


class PolicyFacts(Struct, frozen=True):
    """A service control policy, and the units that it is attached to."""

    content: Document
    targets: frozenset[str]


class OrganizationFacts(Struct, frozen=True):
    """The organization, from its management account: `accounts` are the active ones under the units.

    `policies` are our service control policies by name, `observed` the accounts below the observed units.
    """

    root: Observed[str]
    accounts: Observed[frozenset[str]]
    enabled: Observed[frozenset[str]]
    stack_sets: Mapping[str, Observed[StackSetFacts]]
    policies: Observed[Mapping[str, PolicyFacts]]
    observed: Observed[frozenset[str]] = frozenset()
