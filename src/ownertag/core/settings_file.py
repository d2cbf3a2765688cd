"""Reads `ownertag.toml` into checked `Settings`: the same for the command line, render and the Lambda.

A wrong key or value is refused with its line, what is wrong and what would be right; nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NoReturn

import msgspec
from msgspec import Struct

from ownertag.core.arn import partition_of
from ownertag.core.records import ACCOUNT, REGION
from ownertag.core.settings import (
    _GONE,
    ROLE_PATTERN,
    TEMPLATE_FIELD,
    TEMPLATE_FIELDS,
    HubSettings,
    Ignore,
    Limits,
    OrganizationSettings,
    OwnerRule,
    Protection,
    Settings,
    SettingsError,
    Trust,
    _unguarded,
)

# Letters, digits, space and these marks are taken by every AWS service (EC2 alone takes any character).
_KEY = re.compile(r"[A-Za-z0-9 +\-=._:/@]{1,128}")


_ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}")


_STORE = re.compile(r"arn:aws[a-z-]*:identitystore::[0-9]{12}:identitystore/d-[0-9a-z-]{8,40}")


# A provider's ARN, or the host of one that IAM knows by itself, such as accounts.google.com.
_PROVIDER = re.compile(
    r"arn:aws[a-z-]*:iam::[0-9]{12}:(?:saml|oidc)-provider/[\x21-\x7e]{1,512}|(?:[a-z0-9-]+\.)+[a-z]{2,24}"
)


_ROLE = re.compile(ROLE_PATTERN)


# doc: AWS Organizations, AttachPolicy (TargetId); Amazon S3, bucket naming rules.
_UNIT = re.compile(r"r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}")


_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,255}")


def read_settings(text: str, where: str) -> Settings:
    """Settings from TOML text.

    Args:
        text: The file's content.
        where: Its name, for messages.

    Raises:
        SettingsError: With the line, what is wrong and what would be right.
    """
    try:
        plain = msgspec.toml.decode(text)
    except msgspec.DecodeError as error:
        raise SettingsError(f"{where}: {error}") from error
    except RecursionError as error:
        raise SettingsError(f"{where}: is nested more deeply than any settings") from error
    try:
        settings = msgspec.convert(plain, Settings)
    except msgspec.ValidationError as error:
        message, _, at = str(error).partition(" - at `$")
        path = re.findall(r"[\w-]+|\[\d+\]", at.rstrip("`"))
        unknown = re.search(r"unknown field `(.+)`", message)
        if unknown:
            path.append(unknown[1])
            gone = _GONE.get((*path[:-1], unknown[1]))
            message = gone or f"unknown key{_meant(unknown[1], path[:-1])}"
        elif at.endswith("[...]`"):  # one of the values of a table whose keys are the user's
            path.append(_wrong_value(plain, path[0]))
            message += f"; write {_VALUES[path[0]]}"
        _refuse(text, where, path, message)
    for path, message in _problems(settings):
        _refuse(text, where, path, message)
    return settings


def _problems(settings: Settings) -> Iterator[tuple[list[str], str]]:
    """What types can't say, as (path, message)."""
    org = settings.organization
    if org is not None:
        if not _ORGANIZATION.fullmatch(org.id):
            yield (
                ["organization", "id"],
                f"{org.id!r} is no organization; write its id, such as 'o-a1b2c3d4e5'",
            )
        for name in ("management_account", "hub_account"):
            if not ACCOUNT.fullmatch(getattr(org, name)):
                yield (
                    ["organization", name],
                    f"{getattr(org, name)!r} is no account; write its 12 digits in quotes",
                )
        for key, region in [("home_region", org.home_region), *(("regions", name) for name in org.regions)]:
            if not REGION.fullmatch(region):
                yield ["organization", key], f"{region!r} is no Region; write one such as 'eu-central-1'"
            elif partition_of(region) != partition_of(org.home_region):
                yield (
                    ["organization", key],
                    f"{region!r} is in another partition than home_region {org.home_region!r}",
                )
        if org.regions and org.home_region not in org.regions:
            yield ["organization", "regions"], f"lacks home_region {org.home_region!r}; add it"
    yield from _deployment_problems(settings)
    yield from _tag_problems(settings)
    for name, forms, example in (
        ("identity_stores", _STORE, "arn:aws:identitystore::123456789012:identitystore/d-1234567890"),
        ("identity_providers", _PROVIDER, "arn:aws:iam::123456789012:saml-provider/corporate"),
        ("source_identity_roles", _ROLE, "sign-in-broker"),
    ):
        for trusted in getattr(settings.trust, name):
            if not forms.fullmatch(trusted):
                yield ["trust", name], f"{trusted!r} can be none; write one such as {example!r}"
    if settings.trust.source_identity_roles and not settings.trust.source_identity_guarded:
        yield (
            ["trust", "source_identity_roles"],
            "gives leave that nothing asks for; write source_identity_guarded = true as well",
        )
    if settings.trust.identity_region is not None and not REGION.fullmatch(settings.trust.identity_region):
        yield (
            ["trust", "identity_region"],
            f"{settings.trust.identity_region!r} is no Region; write one such as 'eu-central-1'",
        )
    for number, rule in enumerate(settings.owners):
        path = ["owners", f"[{number}]"]
        if not rule.match or len(rule.match) > 256:
            yield [*path, "match"], "must have 1 to 256 characters"
        if not rule.owner.strip():
            yield [*path, "owner"], "is empty; name a person or a team"
        if rule.account is not None and not ACCOUNT.fullmatch(rule.account):
            yield [*path, "account"], f"{rule.account!r} is no account; write its 12 digits in quotes"
    if not re.fullmatch(r"[\w+=,.@-]{1,64}", settings.limits.role_name, re.ASCII):
        yield ["limits", "role_name"], f"{settings.limits.role_name!r} is no name of a role"
    if not 0.1 <= settings.limits.time_share <= 0.95:
        yield ["limits", "time_share"], "must lie between 0.1 and 0.95"
    if not 0.01 <= settings.limits.quota_share <= 1:
        yield ["limits", "quota_share"], "must lie between 0.01 and 1: the rest is what the account's own tools can use"


def _deployment_problems(settings: Settings) -> Iterator[tuple[list[str], str]]:
    org, hub, protection = settings.organization, settings.hub, settings.protection
    for path, units in (
        (["organization", "units"], org.units if org else ()),
        (["protection", "units"], protection.units or ()),
    ):
        for unit in units:
            if not _UNIT.fullmatch(unit):
                yield path, f"{unit!r} is no unit; write its id, such as 'ou-ab12-c3d4e5f6', or the root's, 'r-ab12'"
    for key, example in (("break_glass", "security-admin"), ("copiers", "service-role/AWSBackupDefaultServiceRole")):
        for name in getattr(protection, key):
            if not _ROLE.fullmatch(name):
                advice = f"write its name, or its path and name, such as {example!r}"
                yield ["protection", key], f"{name!r} can be no role; {advice}"
    if not 1 <= protection.policies <= 9:
        yield (
            ["protection", "policies"],
            "must lie between 1 and 9: AWS takes 5 on a unit, or 10, with its own among them",
        )
    if not 5120 <= protection.policy_size <= 10240:
        yield ["protection", "policy_size"], "must lie between 5120 and 10240, as AWS takes it"
    yield from _unguarded(settings)
    if hub.alarm_email and not _EMAIL.fullmatch(hub.alarm_email):
        yield ["hub", "alarm_email"], f"{hub.alarm_email!r} is no mail address"
    if not 2 <= hub.maximum_concurrency <= 1000:
        yield ["hub", "maximum_concurrency"], "must lie between 2 and 1000, as Lambda takes it"
    if hub.package_bucket and not _BUCKET.fullmatch(hub.package_bucket):
        yield ["hub", "package_bucket"], f"{hub.package_bucket!r} is no name of a bucket"


def _tag_problems(settings: Settings) -> Iterator[tuple[list[str], str]]:
    if not settings.tags:
        yield ["tags"], 'names no tag; write at least owner = "{owner}"'
    folded: dict[str, str] = {}
    for key, template in settings.tags.items():
        path = ["tags", key]
        if not _KEY.fullmatch(key) or key.lower().startswith("aws:"):
            yield (
                path,
                "a key has 1 to 128 letters, digits, spaces or + - = . _ : / @ and doesn't begin with aws:",
            )
        if folded.setdefault(key.lower(), key) != key:
            yield path, f"differs from {folded[key.lower()]!r} by case only, which some services refuse"
        for name in TEMPLATE_FIELD.findall(template):
            if name not in TEMPLATE_FIELDS:
                yield path, f"{{{name}}} is no field; there are {', '.join(TEMPLATE_FIELDS)}"
        if re.search("[{}]", TEMPLATE_FIELD.sub("", template)):
            yield path, "has a brace that belongs to no field"
    if not settings.owner_keys:
        yield ["tags"], 'no tag holds {owner}; write owner = "{owner}"'
    for key in settings.existing:
        if key not in settings.tags:
            yield ["existing", key], f"is no key of [tags]{_close(key, settings.tags)}"


def _refuse(text: str, where: str, path: list[str], message: str) -> NoReturn:
    line = _line_of(text, path)
    name = ".".join(path).replace(".[", "[")
    at = f", line {line}" if line else ""
    raise SettingsError(f"{where}{at}: {name or 'the file'}: {message}")


def _line_of(text: str, path: list[str]) -> int | None:
    """The line of a key, or of the innermost table on the way to it that has a line."""
    want = ".".join(path).replace(".[", "[")
    table, best, best_length = "", None, -1
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[(\[?)\s*([\w.\-\"' ]+?)\s*\]", line):
            table = header[2]
            if header[1]:
                counts[table] = counts.get(table, -1) + 1
                table = f"{table}[{counts[table]}]"
            here = table
        elif key := re.match(r"\s*[\"']?([^\"'=]+?)[\"']?\s*=", line):
            here = f"{table}.{key[1]}" if table else key[1]
        else:
            continue
        if (want == here or want.startswith((f"{here}.", f"{here}["))) and len(here) > best_length:
            best, best_length = number, len(here)
    return best


_TABLES: Mapping[str, type[Struct]] = {
    "": Settings,
    "organization": OrganizationSettings,
    "hub": HubSettings,
    "protection": Protection,
    "trust": Trust,
    "owners": OwnerRule,
    "ignore": Ignore,
    "limits": Limits,
}


_VALUES = {"tags": 'a text, such as "{owner}"', "existing": '"overwrite" or "keep"'}


def _wrong_value(plain: Any, table: str) -> str:
    """The key of the first value that is not what the table takes."""
    fits = {"tags": lambda value: isinstance(value, str), "existing": lambda value: value in ("overwrite", "keep")}
    return next((str(key) for key, value in plain[table].items() if not fits[table](value)), "")


def _meant(key: str, table: list[str]) -> str:
    known = [field.encode_name for field in msgspec.structs.fields(_TABLES[table[0] if table else ""])]
    return _close(key, known) or f"; there are {', '.join(known)}"


def _close(key: str, known: Any) -> str:
    close = get_close_matches(key, list(known), 1)
    return f"; did you mean {close[0]!r}?" if close else ""
