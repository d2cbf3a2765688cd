"""What a plan is made of: steps, each with what it changes and the task that does it."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from pathlib import Path

from msgspec import Struct

from ownertag.rollout.deploy.desired import DesiredStack, DesiredStackSet


class Stage(IntEnum):
    """The order of the steps; those of one stage are carried out side by side.

    The hub comes before everything that sends to it, roles come before the rules whose targets name them, and the
    policy comes last: before the taggers work it would only take tags away from people. Taking out goes the other way.
    """

    ACCESS = 1
    BUCKET = 2
    PACKAGE = 3
    HUB = 4
    ROLES = 5
    ROLES_IN_ACCOUNTS = 6
    RULES = 7
    RULES_IN_ACCOUNTS = 8
    POLICY = 9
    ATTACHMENTS = 10
    # A statement that moves from one policy to another is attached in its new place before it leaves the old one.
    POLICY_CHANGES = 11
    SURPLUS_ATTACHMENTS = 12
    SURPLUS_POLICIES = 13


class Action(StrEnum):
    """What a step does to what is there."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    KEEP = "unchanged"


# --- tasks: what there is to do, with all that it takes


class AllowStackSets(Struct, frozen=True):
    """Give StackSets access to the organization."""


class ReadAccounts(Struct, frozen=True):
    """Put the organization's resource policy, which lets the hub read the accounts; an empty one is deleted."""

    policy: str


class AllowPolicies(Struct, frozen=True):
    """Enable service control policies in the organization."""

    root: str


class MakeBucket(Struct, frozen=True):
    """Make the bucket for packages, closed to the public."""

    name: str


class Upload(Struct, frozen=True):
    """Put the package where the hub's stack looks for it."""

    bucket: str
    key: str
    path: Path


class PutStack(Struct, frozen=True):
    """Create or update a stack; one whose creation failed is taken away first.

    With `revert`, what was changed by hand is put back as well, though the template is the same.
    """

    stack: DesiredStack
    status: str | None
    revert: bool = False


class RemakeStack(Struct, frozen=True):
    """Delete a stack and create it again: what was deleted by hand is put back."""

    stack: DesiredStack


class DropStack(Struct, frozen=True):
    """Delete a stack."""

    account: str
    region: str
    name: str


class PutStackSet(Struct, frozen=True):
    """Create a stack set, or update it with all of its instances."""

    stack_set: DesiredStackSet
    exists: bool


class DropStackSet(Struct, frozen=True):
    """Delete a stack set that has no instances left."""

    name: str


class PutInstances(Struct, frozen=True):
    """Deploy a stack set to units, in Regions; what is there already stays."""

    name: str
    units: tuple[str, ...]
    regions: tuple[str, ...]


class DropInstances(Struct, frozen=True):
    """Delete a stack set's instances of units, in Regions; of some of their accounts, or of all where none is named."""

    name: str
    units: tuple[str, ...]
    regions: tuple[str, ...]
    accounts: tuple[str, ...] = ()


class RemakeInstances(Struct, frozen=True):
    """Delete a stack set's instances of some accounts of a unit, and create them again."""

    name: str
    unit: str
    accounts: tuple[str, ...]
    regions: tuple[str, ...]


class PutPolicy(Struct, frozen=True):
    """Create or update a service control policy."""

    name: str
    content: str
    id: str | None


class DropPolicy(Struct, frozen=True):
    """Delete a service control policy."""

    id: str


class Attach(Struct, frozen=True):
    """Attach a policy to a unit."""

    name: str
    unit: str


class Detach(Struct, frozen=True):
    """Detach a policy from a unit."""

    id: str
    unit: str


Task = (
    AllowStackSets
    | ReadAccounts
    | AllowPolicies
    | MakeBucket
    | Upload
    | PutStack
    | RemakeStack
    | DropStack
    | PutStackSet
    | DropStackSet
    | PutInstances
    | DropInstances
    | RemakeInstances
    | PutPolicy
    | DropPolicy
    | Attach
    | Detach
)


class Step(Struct, frozen=True):
    """One thing to do, or one that is as it should be (then there is no task).

    `changes` has a line for each thing that differs; `diff` is the text that differs, in the unified form.
    """

    stage: Stage
    action: Action
    what: str
    account: str
    region: str = ""
    changes: tuple[str, ...] = ()
    diff: str = ""
    task: Task | None = None


# --- what is there


class StackState(Struct, frozen=True):
    """A stack as CloudFormation has it."""

    status: str
    template: str
    parameters: dict[str, str]


class StackInstance(Struct, frozen=True, order=True):
    """An instance of a stack set: a stack in one account and Region. `unit` is the one that it was deployed for."""

    account: str
    region: str
    unit: str
    status: str = "CURRENT"
    reason: str = ""


class StackSetState(Struct, frozen=True):
    """A stack set as CloudFormation has it."""

    template: str
    auto_deployment: bool
    instances: tuple[StackInstance, ...]


class PolicyState(Struct, frozen=True):
    """A service control policy as Organizations has it."""

    id: str
    content: str
    targets: frozenset[str]


class Current(Struct, frozen=True):
    """What is there.

    `policy_types` are those that the organization has enabled; `resource_policy` is the organization's own;
    `accounts` has those of each desired unit, the management account left out; `policies` are ours by name;
    `attached` has the names of all service control policies on each unit that is to be protected.
    """

    root: str
    stack_sets_allowed: bool
    policy_types: frozenset[str]
    administrators: frozenset[str]
    resource_policy: str | None
    accounts: dict[str, frozenset[str]]
    bucket: bool
    uploaded: bool
    stacks: dict[tuple[str, str, str], StackState]
    stack_sets: dict[str, StackSetState]
    policies: dict[str, PolicyState]
    attached: dict[str, frozenset[str]]
