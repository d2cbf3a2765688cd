"""Facts that the preflight reads. Where one could not be read, it says why: `Missing`, `Unread` or `NotGiven`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from ownertag.rollout.doctor.facts import Observed, TrailFacts, Unread

Document = Mapping[str, Any]

# --- the organization


class AttachedPolicy(Struct, frozen=True):
    """A policy of the organization: its document, and the roots, units and accounts that it is attached to."""

    id: str
    name: str
    type: str
    content: Document
    targets: frozenset[str]


class OrganizationRules(Struct, frozen=True):
    """What the organization rules for its accounts.

    `paths` has for each account what its policies are attached to, from the root down to the account itself.
    `policies` is by type of policy; a type that is not enabled has none. `tag_policies` is the effective one by
    account, None where there is none. `services` are those with trusted access. `hub_services` are those that the
    hub's account is the delegated administrator of, `stack_sets_by` the accounts that administer stack sets.
    """

    paths: Observed[Mapping[str, tuple[str, ...]]]
    policies: Mapping[str, Observed[tuple[AttachedPolicy, ...]]]
    tag_policies: Mapping[str, Observed[Document | None]]
    services: Observed[frozenset[str]]
    hub_services: Observed[frozenset[str]]
    stack_sets_by: Observed[frozenset[str]]


# --- an account


class Leftover(Struct, frozen=True):
    """A resource of a name that is ours: its ARN or name, and its tags as far as they could be read."""

    kind: str
    name: str
    tags: Observed[Mapping[str, str]]

    @property
    def stack(self) -> str | None:
        """The stack that it belongs to, if CloudFormation made it."""
        return self.tags.get("aws:cloudformation:stack-name") if isinstance(self.tags, Mapping) else None


class Sample(Struct, frozen=True):
    """The newest write events of a Region: how many were read, over how many hours, and how many our rules match.

    `whole`: they are all of the time that was asked for.
    """

    read: int
    matched: int
    hours: float
    whole: bool


class PreflightRegion(Struct, frozen=True):
    """A Region of an account. `leftovers` are None where they were not looked for: it is deployed there already."""

    region: str
    trails: Observed[tuple[TrailFacts, ...]]
    leftovers: Observed[tuple[Leftover, ...]] | None
    sample: Observed[Sample]


class PreflightAccount(Struct, frozen=True):
    """An account. Where `refused` says why the access role can't be assumed, nothing else is known of it."""

    account: str
    refused: Unread | None = None
    enabled: Observed[frozenset[str]] = Unread("not asked")
    leftovers: Observed[tuple[Leftover, ...]] | None = None
    places: tuple[PreflightRegion, ...] = ()


# --- permissions


class Simulation(Struct, frozen=True):
    """What IAM's policy simulator says of a principal.

    `decisions` is `allowed`, `explicitDeny` or `implicitDeny` by action, `depends_on` the condition keys that its
    policies name and that were not given.
    """

    principal: str
    decisions: Mapping[str, str]
    denied_by_scp: frozenset[str] = frozenset()
    depends_on: Mapping[str, tuple[str, ...]] = {}
