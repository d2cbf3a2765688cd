"""Steps of a plan with their tasks, and what is there."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum

from msgspec import Struct

from ownertag.rollout.deploy.desired import DesiredStack, DesiredStackSet
from ownertag.rollout.deploy.package import Package


class Stage(IntEnum):
    """The order of the steps; those of one stage are carried out concurrently.

    The hub comes before everything that sends to it, roles come before the rules whose targets name them, and the
    policy comes last: before the taggers work it would only keep people from tagging. Removal goes the other way.
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
    """Gives StackSets access to the organization."""


class ReadAccounts(Struct, frozen=True):
    """Puts the organization's resource policy, which lets the hub read the accounts; an empty one is deleted."""

    policy: str


class AllowPolicies(Struct, frozen=True):
    """Enables service control policies in the organization."""

    root: str


class MakeBucket(Struct, frozen=True):
    """Makes the bucket for packages, closed to the public."""

    name: str


class Upload(Struct, frozen=True):
    """Uploads the package to the bucket."""

    bucket: str
    package: Package


class PutStack(Struct, frozen=True):
    """Creates or updates a stack; one whose creation failed is deleted first.

    With `revert`, what was changed by hand is put back as well, though the template is the same.
    """

    stack: DesiredStack
    status: str | None
    revert: bool = False


class RemakeStack(Struct, frozen=True):
    """Deletes a stack and creates it again, with what was deleted by hand."""

    stack: DesiredStack


class DropStack(Struct, frozen=True):
    """Deletes a stack."""

    account: str
    region: str
    name: str


class PutStackSet(Struct, frozen=True):
    """Creates a stack set, or updates it with all of its instances."""

    stack_set: DesiredStackSet
    exists: bool


class DropStackSet(Struct, frozen=True):
    """Deletes a stack set that has no instances left."""

    name: str


class PutInstances(Struct, frozen=True):
    """Deploys a stack set to units, in Regions; what is there already stays."""

    name: str
    units: tuple[str, ...]
    regions: tuple[str, ...]


class DropInstances(Struct, frozen=True):
    """Deletes a stack set's instances in units and Regions; in all of the units' accounts where none is named.

    In the accounts and Regions of `stackless` only the instances are deleted, before the others: they have no stack,
    and where a stack can't be made it can't be deleted either.
    """

    name: str
    units: tuple[str, ...]
    regions: tuple[str, ...]
    accounts: tuple[str, ...] = ()
    stackless: tuple[tuple[str, str], ...] = ()


class ForgetInstances(Struct, frozen=True):
    """Deletes the instances of accounts that StackSets does not get into any more; their stacks stay there.

    The units are tried one after the other: it is not known under which AWS finds such an account.
    """

    name: str
    units: tuple[str, ...]
    regions: tuple[str, ...]
    accounts: tuple[str, ...]


class RemakeInstances(Struct, frozen=True):
    """Deletes a stack set's instances of some accounts of a unit, and creates them again."""

    name: str
    unit: str
    accounts: tuple[str, ...]
    regions: tuple[str, ...]


class PutPolicy(Struct, frozen=True):
    """Creates or updates a service control policy."""

    name: str
    content: str
    id: str | None


class DropPolicy(Struct, frozen=True):
    """Deletes a service control policy."""

    id: str


class Attach(Struct, frozen=True):
    """Attaches a policy to a unit."""

    name: str
    unit: str


class Detach(Struct, frozen=True):
    """Detaches a policy from a unit."""

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
    | ForgetInstances
    | RemakeInstances
    | PutPolicy
    | DropPolicy
    | Attach
    | Detach
)


class Step(Struct, frozen=True):
    """One thing to do; without a task, one that is as it should be.

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
    """A stack instance: the stack of a stack set in one account and Region, deployed for a unit.

    `unit` is empty where AWS names none, as of a suspended account; `detail` is the `DetailedStatus`; `stack` is the
    stack's id, empty where there is none.
    """

    account: str
    region: str
    unit: str
    status: str = "CURRENT"
    reason: str = ""
    detail: str = ""
    stack: str = ""


class Why(StrEnum):
    """Why nothing is deployed to an account or a Region, or why nothing is known of it."""

    INACTIVE = "inactive-account"
    LEFT = "left-organization"
    DENIED = "denied-region"
    NOT_ENABLED = "region-not-enabled"
    DISABLED = "region-disabled"
    INOPERABLE = "inoperable"
    UNREAD = "queue-not-read"
    NOT_LOOKED = "region-not-looked-at"


class Members(Struct, frozen=True):
    """What the organization and its members say of accounts and Regions.

    `states` has every account of the organization; `disabled` are the Regions that the management account has not
    enabled; `not_enabled` are accounts and Regions that are not enabled there.
    """

    states: Mapping[str, str]
    disabled: frozenset[str] = frozenset()
    not_enabled: frozenset[tuple[str, str]] = frozenset()


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
    `accounts` has the active ones of each desired unit, the management account left out; `units_gone` are units that
    instances were deployed for and that are no more; `stacks` has the management account's in every Region that it has
    enabled; `policies` are ours by name;
    `attached` has the names of all service control policies on each unit that is to be protected.
    """

    root: str
    stack_sets_allowed: bool
    policy_types: frozenset[str]
    administrators: frozenset[str]
    resource_policy: str | None
    accounts: dict[str, frozenset[str]]
    members: Members
    units_gone: frozenset[str]
    bucket: bool
    uploaded: bool
    stacks: dict[tuple[str, str, str], StackState]
    stack_sets: dict[str, StackSetState]
    policies: dict[str, PolicyState]
    attached: dict[str, frozenset[str]]
