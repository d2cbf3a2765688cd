"""What was read of an organization before its settings are written; each fact is a value, or says why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from msgspec import Struct

from ownertag.rollout.doctor.facts import Unread

T = TypeVar("T")


class OrganizationFacts(Struct, frozen=True):
    """Of DescribeOrganization: the id, the management account, and whether all features are enabled."""

    id: str
    management_account: str
    all_features: bool


class AccountFacts(Struct, frozen=True):
    """An account, its name, and its state (`ACTIVE`, `SUSPENDED`, ...)."""

    id: str
    name: str
    state: str

    @property
    def active(self) -> bool:
        """Whether it is in use."""
        return self.state == "ACTIVE"


class UnitFacts(Struct, frozen=True):
    """A unit, or the root, with the names that lead to it.

    `accounts` are the active ones in it and in the units below it.
    """

    id: str
    names: tuple[str, ...]
    accounts: frozenset[str]


class TrailFacts(Struct, frozen=True):
    """A trail that the caller's account has or sees."""

    arn: str
    of_organization: bool
    multi_region: bool
    logging: bool | Unread


class IdentityCenterFacts(Struct, frozen=True):
    """An instance of Identity Center: its identity store's ARN, the account that owns it, and its Region."""

    store: str
    owner: str
    region: str


class Reading(Struct, frozen=True):
    """All that was read. `units` begin with the root; `administrators` are accounts with the services they administer.

    `region` is where it was read from.
    """

    account: str
    region: str
    organization: OrganizationFacts | Unread
    accounts: tuple[AccountFacts, ...] | Unread
    units: tuple[UnitFacts, ...] | Unread
    regions: tuple[str, ...] | Unread
    trails: tuple[TrailFacts, ...] | Unread
    identity_center: tuple[IdentityCenterFacts, ...] | Unread
    administrators: Mapping[str, tuple[str, ...]] | Unread

    def name_of(self, account: str) -> str:
        """An account's name; empty where it is not known."""
        accounts = () if isinstance(self.accounts, Unread) else self.accounts
        return next((known.name for known in accounts if known.id == account), "")


def known(fact: T | Unread) -> T | None:
    """The value of a fact; None where it could not be read."""
    return None if isinstance(fact, Unread) else fact
