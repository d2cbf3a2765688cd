"""Checks what types can't say of settings: forms, bounds, and what one key says of another.

A problem has the path of its key, with the number of a list's item: each is told with its own line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from ownertag.core.arn import partition_of
from ownertag.core.records import ACCOUNT, REGION
from ownertag.core.settings import (
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
    Trust,
)
from ownertag.core.toml.advice import shown

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


class Problem(NamedTuple):
    """What is wrong with a key, and what would be right.

    `rests_on` are tables and keys that the check looked at as well: it says nothing where one of them has a fault of
    its own. `known` are the names of which this key should be one; empty where that is not what is wrong.
    """

    path: tuple[str, ...]
    message: str
    rests_on: tuple[tuple[str, ...], ...] = ()
    known: tuple[str, ...] = ()


_Problems = Iterator[Problem]


def problems(settings: Settings) -> Iterator[Problem]:
    """Finds all that types can't say."""
    return chain(
        _organization_problems(settings.organization) if settings.organization else (),
        _hub_problems(settings.hub),
        _observe_problems(settings.observe, settings.organization),
        _protection_problems(settings.protection),
        _tag_problems(settings),
        _trust_problems(settings.trust),
        _source_identity_problems(settings),
        *(_rule_problems(("owners", f"[{number}]"), rule) for number, rule in enumerate(settings.owners)),
        _limit_problems(settings.limits),
    )


def organization_problem(organization: str) -> str:
    """What is wrong with an organization's id; empty where it is one."""
    if _ORGANIZATION.fullmatch(organization):
        return ""
    return f"'{shown(organization)}' is no organization; write its id, such as 'o-a1b2c3d4e5'"


def account_problem(account: str) -> str:
    """What is wrong with an account's id; empty where it is one."""
    return "" if ACCOUNT.fullmatch(account) else f"'{shown(account)}' is no account; write its 12 digits in quotes"


def region_problem(region: str) -> str:
    """What is wrong with a Region's name; empty where it is one."""
    return "" if REGION.fullmatch(region) else f"'{shown(region)}' is no Region; write one such as 'eu-central-1'"


def unit_problem(unit: str) -> str:
    """What is wrong with the id of a unit or of the root; empty where it is one."""
    if _UNIT.fullmatch(unit):
        return ""
    return f"'{shown(unit)}' is no unit; write its id, such as 'ou-ab12-c3d4e5f6', or the root's, 'r-ab12'"


def email_problem(address: str) -> str:
    """What is wrong with a mail address; empty where it is one."""
    return "" if _EMAIL.fullmatch(address) else f"'{shown(address)}' is no mail address"


def store_problem(store: str) -> str:
    """What is wrong with an identity store's ARN; empty where it is one."""
    return _trusted_problem(store, _STORE, "arn:aws:identitystore::123456789012:identitystore/d-1234567890")


def _trusted_problem(trusted: str, form: re.Pattern[str], example: str) -> str:
    return "" if form.fullmatch(trusted) else f"'{shown(trusted)}' can be none; write one such as '{example}'"


def _organization_problems(org: OrganizationSettings) -> _Problems:
    table, home = "organization", org.home_region
    yield from _told((table, "id"), organization_problem(org.id))
    yield from _told((table, "management_account"), account_problem(org.management_account))
    yield from _told((table, "hub_account"), account_problem(org.hub_account))
    yield from _told((table, "home_region"), region_problem(home))
    is_region = not region_problem(home)
    for key, regions in (("regions", org.regions), ("excluded_regions", org.excluded_regions)):
        for path, region in _items((table, key), regions):
            wrong = region_problem(region)
            yield from _told(path, wrong)
            if is_region and not wrong and partition_of(region) != partition_of(home):
                yield Problem(path, f"'{region}' is in another partition than home_region '{home}'")
            if is_region and region == home and key == "excluded_regions":
                yield Problem(path, f"names home_region '{home}', where the hub is; take it out")
    if is_region and org.regions and home not in org.regions:
        yield Problem((table, "regions"), f"lacks home_region '{home}'; add it", ((table, "regions"),))
    named = {*org.regions}
    for path, region in _items((table, "excluded_regions"), org.excluded_regions):
        if region in named:
            yield Problem(path, f"'{shown(region)}' is in regions as well; take it out of one of the two")
    yield from _unit_problems((table, "units"), org.units)


def _hub_problems(hub: HubSettings) -> _Problems:
    if hub.alarm_email:
        yield from _told(("hub", "alarm_email"), email_problem(hub.alarm_email))
    if not 2 <= hub.maximum_concurrency <= 1000:
        yield Problem(("hub", "maximum_concurrency"), "must lie between 2 and 1000, as Lambda takes it")
    if hub.package_bucket and not _BUCKET.fullmatch(hub.package_bucket):
        yield Problem(("hub", "package_bucket"), f"'{shown(hub.package_bucket)}' is no name of a bucket")
    if not _ROLE_NAME.fullmatch(hub.tagger_role):
        yield Problem(("hub", "tagger_role"), f"'{shown(hub.tagger_role)}' is no name of a role")


def _observe_problems(observe: ObserveSettings, org: OrganizationSettings | None) -> _Problems:
    yield from _unit_problems(("observe", "units"), observe.units)
    for path, account in _items(("observe", "accounts"), observe.accounts):
        yield from _told(path, account_problem(account))
    if org is None and (observe.units or observe.accounts):
        message = "needs [organization]: it is the hub that observes, and its ledger that keeps what it decides"
        yield Problem(("observe",), message, (("organization",),))


def _protection_problems(protection: ProtectionSettings) -> _Problems:
    yield from _unit_problems(("protection", "units"), protection.units)
    for key, example in (
        ("break_glass", "security-admin"),
        ("tag_copying_roles", "service-role/AWSBackupDefaultServiceRole"),
    ):
        for path, name in _items(("protection", key), getattr(protection, key)):
            if not _ROLE.fullmatch(name):
                advice = f"write its name, or its path and name, such as '{example}'"
                yield Problem(path, f"'{shown(name)}' can be no role; {advice}")
    if not 1 <= protection.max_policies <= 9:
        advice = "AWS takes 5 on a unit, or 10, with its own among them"
        yield Problem(("protection", "max_policies"), f"must lie between 1 and 9: {advice}")
    if not 5120 <= protection.max_policy_size <= 10240:
        yield Problem(("protection", "max_policy_size"), "must lie between 5120 and 10240, as AWS takes it")


def _tag_problems(settings: Settings) -> _Problems:
    table = ("tags",)
    if not settings.tags:
        yield Problem(table, 'names no tag; write at least owner = "{owner}"', (table,))
    found = [problem for key, template in settings.tags.items() for problem in _template_problems(key, template)]
    yield from found
    folded: dict[str, str] = {}
    for key in settings.tags:
        if folded.setdefault(key.lower(), key) != key:
            other = shown(folded[key.lower()])
            yield Problem((*table, key), f"differs from '{other}' by case only, which some services refuse")
    if settings.tags and not found and not settings.owner_keys:
        yield Problem(table, 'no tag holds {owner}; write owner = "{owner}"', (table,))
    known = tuple(settings.tags)
    for key in settings.existing_tags:
        if key not in settings.tags:
            yield Problem(("existing_tags", key), "is no key of [tags]", (("tags", key),), known)


def _template_problems(key: str, template: str) -> _Problems:
    path = ("tags", key)
    if not _KEY.fullmatch(key) or key.lower().startswith("aws:"):
        message = "a key has 1 to 128 letters, digits, spaces or + - = . _ : / @ and doesn't begin with aws:"
        yield Problem(path, message)
    for name in TEMPLATE_FIELD.findall(template):
        if name not in TEMPLATE_FIELDS:
            yield Problem(path, f"{{{shown(name)}}} is no field; there are {', '.join(TEMPLATE_FIELDS)}")
    if re.search("[{}]", TEMPLATE_FIELD.sub("", template)):
        yield Problem(path, "has a brace that belongs to no field")


def _trust_problems(trust: Trust) -> _Problems:
    for name, form, example in (
        ("identity_stores", _STORE, "arn:aws:identitystore::123456789012:identitystore/d-1234567890"),
        ("identity_providers", _PROVIDER, "arn:aws:iam::123456789012:saml-provider/corporate"),
        ("source_identity_roles", _ROLE, "sign-in-broker"),
    ):
        for path, trusted in _items(("trust", name), getattr(trust, name)):
            yield from _told(path, _trusted_problem(trusted, form, example))
    if trust.identity_center_region is not None:
        yield from _told(("trust", "identity_center_region"), region_problem(trust.identity_center_region))


def _source_identity_problems(settings: Settings) -> _Problems:
    """A SourceIdentity is proof only where no account of the organization can set one by itself.

    A policy binds the callers of the accounts that it is on (doc: "SCP effects on permissions"). Whoever calls from an
    account outside of the listed units, or directly under the root, would be free to name anybody to a role inside: so
    only the root's id covers all of them, and units never do, however many.
    """
    trust, protected = settings.trust, settings.protection.units
    guard, units = ("trust", "restrict_source_identity"), ("protection", "units")
    if trust.source_identity_roles and not trust.restrict_source_identity:
        advice = "write restrict_source_identity = true as well"
        message = f"gives leave that nothing asks for; {advice}"
        yield Problem(("trust", "source_identity_roles"), message, (guard,))
    if trust.restrict_source_identity and not any(unit.startswith("r-") for unit in protected):
        advice = "write the root's id, such as 'r-ab12', in [protection] units, or false here"
        why = "accounts outside of the policy's units could name anybody"
        yield Problem(guard, f"proven only under the policy, and {why}: {advice}", (units,))


def _rule_problems(path: tuple[str, ...], rule: OwnerRule) -> _Problems:
    if not rule.match or len(rule.match) > 256:
        yield Problem((*path, "match"), "must have 1 to 256 characters")
    if not rule.owner.strip():
        yield Problem((*path, "owner"), "is empty; name a person or a team")
    if rule.account is not None:
        yield from _told((*path, "account"), account_problem(rule.account))


def _limit_problems(limits: Limits) -> _Problems:
    if not 0.1 <= limits.timeout_share <= 0.95:
        yield Problem(("limits", "timeout_share"), "must lie between 0.1 and 0.95")
    if not 0.01 <= limits.quota_share <= 1:
        message = "must lie between 0.01 and 1: the rest is what the account's own tools can use"
        yield Problem(("limits", "quota_share"), message)


def _unit_problems(path: tuple[str, ...], units: tuple[str, ...]) -> _Problems:
    for at, unit in _items(path, units):
        yield from _told(at, unit_problem(unit))


def _told(path: tuple[str, ...], message: str) -> _Problems:
    if message:
        yield Problem(path, message)


def _items(path: tuple[str, ...], values: Iterable[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """The items of a list, each with its path."""
    return (((*path, f"[{number}]"), value) for number, value in enumerate(values))
