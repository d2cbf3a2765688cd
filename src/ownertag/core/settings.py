"""The settings as types: the tables and keys of `ownertag.toml`. `core.settings_file` reads and checks them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import translate
from functools import cached_property
from typing import Literal

from msgspec import Struct, field

#: What a tag's template may name. `created_at` is the record's eventTime, `date` its day.
TEMPLATE_FIELDS = (
    "account",
    "confidence",
    "created_at",
    "date",
    "event_id",
    "event_name",
    "evidence",
    "owner",
    "principal",
    "region",
)

TEMPLATE_FIELD = re.compile(r"{([^{}]*)}")

#: A role as policies name it: its name, or its path and name; `*` stands for any characters, but not at the beginning,
#: since that could be every role.
ROLE_PATTERN = r"[A-Za-z0-9_+=,.@-][A-Za-z0-9_+=,.@*-]{0,127}(?:/[A-Za-z0-9_+=,.@*-]{1,128}){0,8}"


class SettingsError(Exception):
    """The settings can't be used; the text says where, what is wrong and what would be right, a line for each fault."""


class OrganizationSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which organization this is, and where its hub stands.

    `regions` are those whose creations are tagged, without any those that the management account has enabled;
    `excluded_regions` are left out of either. `units` are those whose accounts are deployed to, without any all.
    """

    id: str
    management_account: str
    hub_account: str
    home_region: str
    regions: tuple[str, ...] = ()
    excluded_regions: tuple[str, ...] = ()
    units: tuple[str, ...] = ()


class HubSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the hub is deployed: who is told of alarms, how much runs at once, where its package lies.

    `tagger_role` is the role by which its function tags, in every account.
    """

    alarm_email: str = ""
    maximum_concurrency: int = 5
    package_bucket: str = ""
    tagger_role: str = "auto-tag-role"


#: The service roles by which AWS Backup and Data Lifecycle Manager copy tags, in calls of their own (doc: their managed
#: policies grant CreateTags on snapshots and images, and not for creations alone). AWS's consoles name them so.
TAG_COPYING_ROLES = (
    "service-role/AWSBackupDefaultServiceRole",
    "service-role/AWSDataLifecycleManagerDefaultRole",
    "service-role/AWSDataLifecycleManagerDefaultRoleForAMIManagement",
)


class ProtectionSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the service control policies are attached, whom they exempt, and how large they may be.

    They are attached to `units`: none at first, so that what they would stop can be seen before; the root's id stands
    for all accounts. `break_glass` may do all that they deny; `tag_copying_roles` may bring our keys to what has no
    owner yet. `max_policies` may be attached to a unit
    (doc: 5 by default, and FullAWSAccess is one of them), of `max_policy_size` characters each (doc: 5,120; reported to
    be 10,240, and ten policies, since May 2026).
    """

    units: tuple[str, ...] = ()
    break_glass: tuple[str, ...] = ()
    tag_copying_roles: tuple[str, ...] = TAG_COPYING_ROLES
    max_policies: int = 4
    max_policy_size: int = 5120


class ObserveSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where all is decided and kept in the ledger, and nothing is tagged: accounts, and whatever is below units.

    The root's id stands for all accounts.
    """

    units: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()

    @property
    def everything(self) -> bool:
        """Whether the whole organization is observed."""
        return any(unit.startswith("r-") for unit in self.units)


class Trust(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose word for a name is proof: the authorities that the organization itself controls."""

    identity_stores: tuple[str, ...] = ()
    identity_providers: tuple[str, ...] = ()
    restrict_source_identity: bool = False
    source_identity_roles: tuple[str, ...] = ()
    identity_center_region: str | None = None
    trace_assumed_roles: bool = True


class Ignore(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, dict=True):
    """Whose creations are left alone: globs over principal ARNs."""

    principals: tuple[str, ...] = ()

    @cached_property
    def patterns(self) -> tuple[re.Pattern[str], ...]:
        """The globs as regular expressions."""
        return tuple(re.compile(translate(glob)) for glob in self.principals)


class Limits(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How much ownertag uses.

    `timeout_share` is the part of the function's remaining time after which the rest of a batch is returned,
    `quota_share` the part of each account's quota of API calls.
    """

    timeout_share: float = 0.8
    quota_share: float = 0.5


class OwnerRule(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, dict=True):
    """Maps the names that match a glob, in one account or all, to a person or a team."""

    match: str
    owner: str
    account: str | None = None

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The glob as a regular expression; `translate` makes one that can't run away (T27)."""
        return re.compile(translate(self.match), re.IGNORECASE)

    @property
    def why(self) -> str:
        """Says what gives the rule its rank."""
        kind = "a glob" if self.rank > 1 else "an exact name"
        return f"{kind}, in {f'account {self.account}' if self.account else 'any account'}"

    @property
    def rank(self) -> int:
        """The place in the order: an exact name before a glob, and one account's rule before every account's."""
        return 2 * any(mark in self.match for mark in "*?[") + (self.account is None)


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, dict=True):
    """All that a user decides. Without a file: the owner and the date, written over what is there."""

    organization: OrganizationSettings | None = None
    hub: HubSettings = HubSettings()
    observe: ObserveSettings = ObserveSettings()
    protection: ProtectionSettings = ProtectionSettings()
    tags: dict[str, str] = field(default_factory=lambda: {"owner": "{owner}", "dateCreated": "{created_at}"})
    existing_tags: dict[str, Literal["overwrite", "keep"]] = field(default_factory=dict)
    trust: Trust = Trust()
    owners: tuple[OwnerRule, ...] = ()
    ignore: Ignore = Ignore()
    limits: Limits = Limits()

    @cached_property
    def templates(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """(key, parts) of each tag; parts are text, field, text, field, … text, as `re.split` gives them."""
        return tuple((key, tuple(TEMPLATE_FIELD.split(template))) for key, template in self.tags.items())

    @cached_property
    def owner_keys(self) -> frozenset[str]:
        """The keys that carry the owner's name: what is written when a resource has room for no more."""
        return frozenset(key for key, template in self.tags.items() if "{owner}" in template)

    @cached_property
    def owner_key(self) -> str | None:
        """The key that holds the owner's name and nothing else, from which it can be read back."""
        return next((key for key, template in self.tags.items() if template == "{owner}"), None)

    @cached_property
    def ordered_owners(self) -> tuple[OwnerRule, ...]:
        """The owner rules in the order in which they are tried."""
        return tuple(sorted(self.owners, key=lambda rule: rule.rank))

    @cached_property
    def kept_keys(self) -> frozenset[str]:
        """The keys whose value stays where a creation's own request brings one."""
        return frozenset(key for key, policy in self.existing_tags.items() if policy == "keep")


#: Tables and keys that have another name now: a file that says the old one is told the new one.
RENAMED_KEYS: Mapping[str, str] = {
    "protection.copiers": "protection.tag_copying_roles",
    "protection.policies": "protection.max_policies",
    "protection.policy_size": "protection.max_policy_size",
    "existing": "existing_tags",
    "trust.source_identity_guarded": "trust.restrict_source_identity",
    "trust.identity_region": "trust.identity_center_region",
    "trust.follow_sessions": "trust.trace_assumed_roles",
    "limits.role_name": "hub.tagger_role",
    "limits.time_share": "limits.timeout_share",
}

#: Keys that are gone, with what to do about each.
REMOVED_KEYS: Mapping[str, str] = {
    "trust.owner_tag_guarded": (
        "is no key any more; remove the line: an owner tag that the ledger does not know is asserted, "
        "whatever guards it"
    ),
}
