"""Reads `ownertag.toml` into checked `Settings`: the same for the command line, render and the Lambda.

A wrong key or value is refused with its line, what is wrong and what would be right; nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from ownertag.core.arn import partition_of
from ownertag.core.records import ACCOUNT, REGION
from ownertag.core.settings import (
    REMOVED_KEYS,
    RENAMED_KEYS,
    ROLE_PATTERN,
    TEMPLATE_FIELD,
    TEMPLATE_FIELDS,
    HubSettings,
    Limits,
    ObserveSettings,
    OrganizationSettings,
    OwnerRule,
    ProtectionSettings,
    Settings,
    SettingsError,
    Trust,
)
from ownertag.core.toml_advice import TomlError, did_you_mean, dotted, line_of, read_toml

#: What is wrong: the path of the key, and the advice.
_Problems = Iterator[tuple[list[str], str]]

# Letters, digits, space and these marks are taken by every AWS service (EC2 alone takes any character).
_KEY = re.compile(r"[A-Za-z0-9 +\-=._:/@]{1,128}")
_ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}")
_STORE = re.compile(r"arn:aws[a-z-]*:identitystore::[0-9]{12}:identitystore/d-[0-9a-z-]{8,40}")
# A provider's ARN, or the host of one that IAM knows by itself, such as accounts.google.com.
_PROVIDER = re.compile(
    r"arn:aws[a-z-]*:iam::[0-9]{12}:(?:saml|oidc)-provider/[\x21-\x7e]{1,512}|(?:[a-z0-9-]+\.)+[a-z]{2,24}"
)
_ROLE = re.compile(ROLE_PATTERN)
_ROLE_NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
# doc: AWS Organizations, AttachPolicy (TargetId); Amazon S3, bucket naming rules.
_UNIT = re.compile(r"r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,255}")

#: What the values may be in the tables whose keys are the user's.
_VALUES = {"tags": 'a text, such as "{owner}"', "existing_tags": '"overwrite" or "keep"'}


def read_settings(text: str, where: str) -> Settings:
    """Returns the settings that a TOML text holds.

    Args:
        text: The file's content.
        where: Its name, for messages.

    Raises:
        SettingsError: With the line, what is wrong and what would be right.
    """
    try:
        settings = read_toml(text, Settings)
    except TomlError as error:
        raise SettingsError(_advised(error).sentence(where)) from error
    for path, message in _problems(settings):
        raise SettingsError(TomlError(message, path, line_of(text, path)).sentence(where))
    return settings


def _advised(error: TomlError) -> TomlError:
    """Adds to a fault what is known of settings alone: keys of earlier versions, and the values of tables."""
    path = error.path or ()
    if renamed := RENAMED_KEYS.get(dotted(path)):
        return TomlError(f"has another name now: write {renamed}", path, error.line)
    if removed := REMOVED_KEYS.get(dotted(path)):
        return TomlError(removed, path, error.line)
    if len(path) == 2 and path[0] in _VALUES:
        return TomlError(f"{error}; write {_VALUES[path[0]]}", path, error.line)
    return error


def _problems(settings: Settings) -> _Problems:
    """Finds what types can't say."""
    return chain(
        _organization_problems(settings.organization) if settings.organization else (),
        _hub_problems(settings.hub),
        _observe_problems(settings.observe, settings.organization),
        _protection_problems(settings.protection),
        _tag_problems(settings),
        _trust_problems(settings.trust),
        _source_identity_problems(settings),
        *(_rule_problems(["owners", f"[{number}]"], rule) for number, rule in enumerate(settings.owners)),
        _limit_problems(settings.limits),
    )


def _organization_problems(org: OrganizationSettings) -> _Problems:
    table = "organization"
    if not _ORGANIZATION.fullmatch(org.id):
        yield [table, "id"], f"{org.id!r} is no organization; write its id, such as 'o-a1b2c3d4e5'"
    yield from _account_problems([table, "management_account"], org.management_account)
    yield from _account_problems([table, "hub_account"], org.hub_account)
    lists = (("regions", org.regions), ("excluded_regions", org.excluded_regions))
    named = [(key, region) for key, regions in lists for region in regions]
    for key, region in [("home_region", org.home_region), *named]:
        yield from _region_problems([table, key], region)
        if partition_of(region) != partition_of(org.home_region):
            yield [table, key], f"{region!r} is in another partition than home_region {org.home_region!r}"
    if org.regions and org.home_region not in org.regions:
        yield [table, "regions"], f"lacks home_region {org.home_region!r}; add it"
    if org.home_region in org.excluded_regions:
        yield [table, "excluded_regions"], f"names home_region {org.home_region!r}, where the hub is; take it out"
    if both := [region for region in org.excluded_regions if region in org.regions]:
        advice = "take it out of one of the two"
        yield [table, "excluded_regions"], f"{both[0]!r} is in regions as well; {advice}"
    yield from _unit_problems([table, "units"], org.units)


def _hub_problems(hub: HubSettings) -> _Problems:
    if hub.alarm_email and not _EMAIL.fullmatch(hub.alarm_email):
        yield ["hub", "alarm_email"], f"{hub.alarm_email!r} is no mail address"
    if not 2 <= hub.maximum_concurrency <= 1000:
        yield ["hub", "maximum_concurrency"], "must lie between 2 and 1000, as Lambda takes it"
    if hub.package_bucket and not _BUCKET.fullmatch(hub.package_bucket):
        yield ["hub", "package_bucket"], f"{hub.package_bucket!r} is no name of a bucket"
    if not _ROLE_NAME.fullmatch(hub.tagger_role):
        yield ["hub", "tagger_role"], f"{hub.tagger_role!r} is no name of a role"


def _observe_problems(observe: ObserveSettings, org: OrganizationSettings | None) -> _Problems:
    yield from _unit_problems(["observe", "units"], observe.units)
    for account in observe.accounts:
        yield from _account_problems(["observe", "accounts"], account)
    if org is None and (observe.units or observe.accounts):
        yield (
            ["observe"],
            "needs [organization]: it is the hub that observes, and its ledger that keeps what it decides",
        )


def _protection_problems(protection: ProtectionSettings) -> _Problems:
    yield from _unit_problems(["protection", "units"], protection.units)
    for key, example in (
        ("break_glass", "security-admin"),
        ("tag_copying_roles", "service-role/AWSBackupDefaultServiceRole"),
    ):
        for name in getattr(protection, key):
            if not _ROLE.fullmatch(name):
                advice = f"write its name, or its path and name, such as {example!r}"
                yield ["protection", key], f"{name!r} can be no role; {advice}"
    if not 1 <= protection.max_policies <= 9:
        advice = "AWS takes 5 on a unit, or 10, with its own among them"
        yield ["protection", "max_policies"], f"must lie between 1 and 9: {advice}"
    if not 5120 <= protection.max_policy_size <= 10240:
        yield ["protection", "max_policy_size"], "must lie between 5120 and 10240, as AWS takes it"


def _tag_problems(settings: Settings) -> _Problems:
    if not settings.tags:
        yield ["tags"], 'names no tag; write at least owner = "{owner}"'
    folded: dict[str, str] = {}
    for key, template in settings.tags.items():
        path = ["tags", key]
        if not _KEY.fullmatch(key) or key.lower().startswith("aws:"):
            yield path, "a key has 1 to 128 letters, digits, spaces or + - = . _ : / @ and doesn't begin with aws:"
        if folded.setdefault(key.lower(), key) != key:
            yield path, f"differs from {folded[key.lower()]!r} by case only, which some services refuse"
        for name in TEMPLATE_FIELD.findall(template):
            if name not in TEMPLATE_FIELDS:
                yield path, f"{{{name}}} is no field; there are {', '.join(TEMPLATE_FIELDS)}"
        if re.search("[{}]", TEMPLATE_FIELD.sub("", template)):
            yield path, "has a brace that belongs to no field"
    if not settings.owner_keys:
        yield ["tags"], 'no tag holds {owner}; write owner = "{owner}"'
    for key in settings.existing_tags:
        if key not in settings.tags:
            yield ["existing_tags", key], f"is no key of [tags]{did_you_mean(key, settings.tags)}"


def _trust_problems(trust: Trust) -> _Problems:
    for name, form, example in (
        ("identity_stores", _STORE, "arn:aws:identitystore::123456789012:identitystore/d-1234567890"),
        ("identity_providers", _PROVIDER, "arn:aws:iam::123456789012:saml-provider/corporate"),
        ("source_identity_roles", _ROLE, "sign-in-broker"),
    ):
        for trusted in getattr(trust, name):
            if not form.fullmatch(trusted):
                yield ["trust", name], f"{trusted!r} can be none; write one such as {example!r}"
    if trust.identity_center_region is not None:
        yield from _region_problems(["trust", "identity_center_region"], trust.identity_center_region)


def _source_identity_problems(settings: Settings) -> _Problems:
    """A SourceIdentity is proof only where no account of the organization can set one by itself.

    A policy binds the callers of the accounts that it is on (doc: "SCP effects on permissions"). Whoever calls from an
    account outside of the listed units, or directly under the root, would be free to name anybody to a role inside: so
    only the root's id covers all of them, and units never do, however many.
    """
    trust, protected = settings.trust, settings.protection.units
    if trust.source_identity_roles and not trust.restrict_source_identity:
        advice = "write restrict_source_identity = true as well"
        yield ["trust", "source_identity_roles"], f"gives leave that nothing asks for; {advice}"
    if trust.restrict_source_identity and not any(unit.startswith("r-") for unit in protected):
        advice = "write the root's id, such as 'r-ab12', in [protection] units, or false here"
        why = "accounts outside of the policy's units could name anybody"
        yield ["trust", "restrict_source_identity"], f"proven only under the policy, and {why}: {advice}"


def _rule_problems(path: list[str], rule: OwnerRule) -> _Problems:
    if not rule.match or len(rule.match) > 256:
        yield [*path, "match"], "must have 1 to 256 characters"
    if not rule.owner.strip():
        yield [*path, "owner"], "is empty; name a person or a team"
    if rule.account is not None:
        yield from _account_problems([*path, "account"], rule.account)


def _limit_problems(limits: Limits) -> _Problems:
    if not 0.1 <= limits.timeout_share <= 0.95:
        yield ["limits", "timeout_share"], "must lie between 0.1 and 0.95"
    if not 0.01 <= limits.quota_share <= 1:
        yield ["limits", "quota_share"], "must lie between 0.01 and 1: the rest is what the account's own tools can use"


def _account_problems(path: list[str], account: str) -> _Problems:
    if not ACCOUNT.fullmatch(account):
        yield path, f"{account!r} is no account; write its 12 digits in quotes"


def _region_problems(path: list[str], region: str) -> _Problems:
    if not REGION.fullmatch(region):
        yield path, f"{region!r} is no Region; write one such as 'eu-central-1'"


def _unit_problems(path: list[str], units: tuple[str, ...]) -> _Problems:
    for unit in units:
        if not _UNIT.fullmatch(unit):
            yield path, f"{unit!r} is no unit; write its id, such as 'ou-ab12-c3d4e5f6', or the root's, 'r-ab12'"
