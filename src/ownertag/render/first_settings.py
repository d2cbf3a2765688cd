"""Renders the first settings of an organization: what was read and decided, and every other key with its default.

Each value has a comment that says where it is from. Names of accounts and units are others' words: they stand in
comments alone, without a line's end or anything that shows otherwise than it reads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from textwrap import wrap

from msgspec import Struct

from ownertag.core.owner.principal import clean
from ownertag.core.settings import HubSettings, Limits, ProtectionSettings, Trust

_WIDTH = 80

Text = str | tuple[str, ...]


class Entry(Struct, frozen=True):
    """A value, and where it is from."""

    value: Text
    source: str


class FirstSettings(Struct, frozen=True, kw_only=True):
    """What was read and decided.

    `head` says when and by whom, `accounts` and `trail` what was seen of them, `units_seen` a line for each unit,
    `regions_seen` the Regions that are enabled. `no_store` says why no identity store is listed.
    """

    head: str
    organization: Entry
    management_account: Entry
    hub_account: Entry
    home_region: Entry
    units: Entry
    observed: bool
    what_is_this: Entry
    alarm_email: Entry | None = None
    regions: Entry | None = None
    identity_stores: Entry | None = None
    identity_center_region: Entry | None = None
    no_store: str = ""
    accounts: str = ""
    trail: str = ""
    units_seen: tuple[str, ...] = ()
    regions_seen: tuple[str, ...] = ()


def render_first_settings(settings: FirstSettings) -> str:
    """The text of `ownertag.toml`."""
    return "\n".join(_lines(settings)) + "\n"


def _lines(first: FirstSettings) -> Iterator[str]:
    yield from _comment(f"The settings of ownertag. {first.head}")
    yield from _comment(
        "A value has a comment above it that says where it is from. A key that is left out stands in a comment, with "
        "its default or an example."
    )
    yield from _organization(first)
    yield from _hub(first)
    yield from _observe(first)
    yield from _protection()
    yield from _tags(first)
    yield from _trust(first)
    yield from _rest()


def _organization(first: FirstSettings) -> Iterator[str]:
    yield from ("", "[organization]")
    if first.accounts:
        yield from _comment(first.accounts)
    if first.trail:
        yield from _comment(first.trail)
    yield from _entry("id", first.organization)
    yield from _entry("management_account", first.management_account)
    yield from _entry("hub_account", first.hub_account)
    yield from _entry("home_region", first.home_region)
    if first.regions:
        yield from _entry("regions", first.regions)
    else:
        yield from _comment(
            "The Regions whose creations are tagged. Left out: all that the management account enables."
        )
        seen = first.regions_seen or (str(first.home_region.value),)
        yield from _left_out("regions", seen)
    yield from _comment("Where nothing is deployed, as where a policy denies the Region.")
    yield from _left_out("excluded_regions", (), example=True)
    yield from _comment("Where ownertag is deployed to: begin with one small unit. Left out: the whole organization.")
    if first.units_seen:
        yield from _comment("The organization has:")
        yield from (f"#   {_safe(line)}" for line in first.units_seen)
    yield from _entry("units", first.units)


def _hub(first: FirstSettings) -> Iterator[str]:
    yield from ("", "[hub]")
    yield from _comment("Who gets the alarms. Left out: subscribe to the topic yourself.")
    if first.alarm_email:
        yield from _entry("alarm_email", first.alarm_email)
    else:
        yield from _left_out("alarm_email", "security@example.com", example=True)
    defaults = HubSettings()
    yield from _comment("How many of the function run at once.")
    yield from _left_out("maximum_concurrency", defaults.maximum_concurrency)
    yield from _comment("Left out: ownertag-packages-ACCOUNT-REGION, which deploy makes.")
    yield from _left_out("package_bucket", "our-packages", example=True)
    yield from _comment("The role by which the hub's function tags, in every account.")
    yield from _left_out("tagger_role", defaults.tagger_role)


def _observe(first: FirstSettings) -> Iterator[str]:
    yield ""
    yield from _comment(
        "Watch first: here owners are decided and kept, and nothing is tagged. When the owners in the ledger are those "
        "that you want, take the units out, one or all, and run `ownertag deploy apply` again: what was observed is "
        "tagged then."
    )
    yield "[observe]"
    if first.observed:
        yield from _pair("units", first.units.value)
    else:
        yield from _left_out("units", first.units.value, example=True)
    yield from _left_out("accounts", (str(first.hub_account.value),), example=True)


def _protection() -> Iterator[str]:
    defaults = ProtectionSettings()
    yield ""
    yield from _comment(
        "The service control policy that keeps members from the tags. It comes last: name the units once the tags are "
        "right, and the roles that may still write them. Left out: nowhere."
    )
    yield "[protection]"
    yield from _left_out("units", ("r-ab12",), example=True)
    yield from _left_out("break_glass", ("security-admin",), example=True)
    yield from _comment("Roles that copy tags, and may write ours where no owner stands.")
    yield from _left_out("tag_copying_roles", defaults.tag_copying_roles)
    yield from _comment("How many policies a unit may get, and how long each may be.")
    yield from _left_out("max_policies", defaults.max_policies)
    yield from _left_out("max_policy_size", defaults.max_policy_size)


def _tags(first: FirstSettings) -> Iterator[str]:
    yield ""
    yield from _comment("The tags. {owner}, {created_at}, {date}, {account} and others are filled in.")
    yield "[tags]"
    yield from _pair("owner", "{owner}")
    yield from _pair("dateCreated", "{created_at}")
    yield from _entry("WhatIsThis", first.what_is_this)
    yield ""
    yield from _comment('Where a creation sets one of these tags itself: "overwrite" (the default) or "keep".')
    yield "[existing_tags]"
    yield from _left_out("owner", "overwrite")


def _trust(first: FirstSettings) -> Iterator[str]:
    defaults = Trust()
    yield ""
    yield from _comment("The authorities whose names are proven. Of anybody else a name is asserted.")
    yield "[trust]"
    if first.identity_stores:
        yield from _entry("identity_stores", first.identity_stores)
    else:
        if first.no_store:
            yield from _comment(first.no_store)
        store = "arn:aws:identitystore::111111111111:identitystore/d-1234567890"
        yield from _left_out("identity_stores", (store,), example=True)
    yield from _comment("The Region of Identity Center. Left out: home_region.")
    if first.identity_center_region:
        yield from _entry("identity_center_region", first.identity_center_region)
    else:
        yield from _left_out("identity_center_region", first.home_region.value)
    yield from _comment("Providers by which pipelines and people sign in to roles.")
    yield from _left_out("identity_providers", ("accounts.google.com",), example=True)
    yield from _comment(
        "true: the policy keeps members from setting a SourceIdentity, which is proof then. It needs the root's id in "
        "[protection] units. The roles below may still set one."
    )
    yield from _left_out("restrict_source_identity", defaults.restrict_source_identity)
    yield from _left_out("source_identity_roles", ("sign-in-broker",), example=True)
    yield from _comment("false: who assumed a role is not looked up, and a session's name counts.")
    yield from _left_out("trace_assumed_roles", defaults.trace_assumed_roles)


def _rest() -> Iterator[str]:
    defaults = Limits()
    yield ""
    yield from _comment("Whose creations are not tagged: globs over the ARNs of principals.")
    yield "[ignore]"
    yield from _left_out("principals", ("arn:aws:iam::*:role/cleanup-*",), example=True)
    yield ""
    yield "[limits]"
    yield from _comment("Of the function's remaining time, after which the rest of a batch is returned.")
    yield from _left_out("timeout_share", defaults.timeout_share)
    yield from _comment("Of each account's quota of API calls; the rest is for the account's own tools.")
    yield from _left_out("quota_share", defaults.quota_share)
    yield ""
    yield from _comment("Names to people or teams, as many as you like. `ownertag owners test NAME` says which counts.")
    yield "# [[owners]]"
    yield from _left_out("match", "ci-*", example=True)
    yield from _left_out("account", "333333333333", example=True)
    yield from _left_out("owner", "team-platform", example=True)


def _entry(key: str, entry: Entry) -> Iterator[str]:
    yield from _comment(entry.source)
    yield from _pair(key, entry.value)


def _left_out(key: str, value: Text | float, *, example: bool = False) -> Iterator[str]:
    *lines, last = _pair(key, value)
    yield from (f"# {line}" for line in lines)
    yield f"# {last}{' # an example' if example and value else ''}"


def _pair(key: str, value: Text | float) -> Iterator[str]:
    """A key with its value: a list that is longer than a line stands on several."""
    line = f"{key} = {_toml(value)}"
    if not isinstance(value, tuple) or len(line) <= _WIDTH - 2:
        yield line
        return
    yield f"{key} = ["
    items = ", ".join(map(_quoted, value)) + ","
    yield from (f"    {part}" for part in wrap(items, _WIDTH - 6, break_long_words=False, break_on_hyphens=False))
    yield "]"


def _toml(value: Text | float) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(_quoted, value))}]"
    return json.dumps(value)  # as TOML writes numbers and booleans


def _quoted(text: str) -> str:
    """A basic string of TOML: what shows nothing, or turns a line's direction, is written by its number."""
    return '"' + "".join(_char(char) for char in text) + '"'


def _char(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def _comment(text: str) -> Iterator[str]:
    yield from (f"# {line}" for line in wrap(_safe(text), _WIDTH - 2, break_long_words=False, break_on_hyphens=False))


def _safe(text: str) -> str:
    """A text for a comment: it is one line and shows as it reads; the spaces between its columns stay."""
    return "".join(part if part.isspace() else clean(part) for part in re.split("( +)", text))
