"""Counts who uses the protected keys today and would be denied by the policy, from CloudTrail's event history.

LookupEvents keeps 90 days, and takes 2 calls a second in an account and Region (doc). So each account is read on a
thread of its own, newest first, at most `MAX_PAGES`; what was not read is reported.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from msgspec import Struct

from ownertag.catalogue.loader import load_catalogue
from ownertag.core.arn import parse_role
from ownertag.core.parse import parse_record
from ownertag.core.records import Identity, Record
from ownertag.core.settings import Settings
from ownertag.core.tag_calls import TagForms, tag_call
from ownertag.core.values import Refusal
from ownertag.rollout.deploy.clients import Clients
from ownertag.rollout.deploy.failures import DeployError, explained
from ownertag.rollout.deploy.iac_tools import iac_tool

#: Pages of 50 events, for one event name in one account and Region.
MAX_PAGES = 10
#: The calls that are looked up by their names: those of EC2. Other services' would take minutes for each account.
TAG_CALLS = ("CreateTags", "DeleteTags")
#: How many accounts are read at once.
AT_ONCE = 16

# Neither is bound by a service control policy (doc: SCP effects on permissions).
_UNBOUND = "/aws-service-role/"


class Use(Struct, frozen=True, order=True):
    """A principal that the policy would deny: its account, which keys it wrote or removed, how often, by which tool."""

    account: str
    principal: str
    keys: tuple[str, ...]
    calls: int
    last: datetime
    tool: str = ""


class _By(Struct, frozen=True):
    principal: str
    tool: str


class TagUsage(Struct, frozen=True):
    """Who uses the keys, and the accounts that could not be read to the end, with the reason."""

    uses: tuple[Use, ...]
    unread: tuple[tuple[str, str], ...]


def tag_usage(
    clients: Clients,
    accounts: Iterable[str],
    regions: tuple[str, ...],
    settings: Settings,
    since: datetime,
    progress: Callable[[str], None] = lambda _: None,
) -> TagUsage:
    """Counts, per account, who wrote or removed the protected keys since then.

    Calls that the policies would allow are not counted: failed ones, the tagger's, those of break-glass roles, of
    copiers and of service-linked roles. A launch with tags in its request makes no record of CreateTags, and the
    policies allow it.
    """
    wanted = sorted(accounts)
    forms = load_catalogue().tag_calls

    def one(account: str) -> TagUsage:
        found = _of_account(clients, account, regions, forms, settings, since)
        progress(account)
        return found

    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(one, wanted))
    uses = sorted(use for result in results for use in result.uses)
    return TagUsage(tuple(uses), tuple(unread for result in results for unread in result.unread))


def _of_account(
    clients: Clients, account: str, regions: tuple[str, ...], forms: TagForms, settings: Settings, since: datetime
) -> TagUsage:
    keys = frozenset(settings.tags)
    exempt = _exempt(settings)
    calls: Counter[_By] = Counter()
    touched: dict[_By, set[str]] = {}
    last: dict[_By, datetime] = {}
    unread: list[str] = []
    for region in regions:
        for name in TAG_CALLS:
            try:
                with explained(account, f"look up {name} in {region}"):
                    records, whole = _records(clients.of(account, "cloudtrail", region), name, since)
            except DeployError as error:
                return TagUsage((), ((account, str(error)),))
            if not whole:
                unread.append(f"{region}: only the newest {len(records)} of {name}")
            for record in records:
                call = tag_call(record, forms)
                who = _principal(record.identity)
                named = call.touches(keys) if call and not record.error_code else frozenset()
                # Removing all tags is denied only where there is an owner tag, and before the roll-out there is none.
                if not named or (call and call.removes_all) or exempt(who):
                    continue
                by = _By(who, iac_tool(record))
                calls[by] += 1
                touched.setdefault(by, set()).update(named)
                last[by] = max(record.created_at, last.get(by, record.created_at))
    uses = tuple(
        Use(account, by.principal, tuple(sorted(touched[by])), count, last[by], by.tool) for by, count in calls.items()
    )
    return TagUsage(uses, ((account, "; ".join(unread)),) if unread else ())


def _records(cloudtrail: Any, name: str, since: datetime) -> tuple[list[Record], bool]:
    """The records of a call since then, and whether that is all of them."""
    records: list[Record] = []
    given: dict[str, Any] = {
        "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": name}],
        "StartTime": since,
    }
    for _ in range(MAX_PAGES):
        page = cloudtrail.lookup_events(**given)
        for event in page["Events"]:
            arrival = parse_record(event["CloudTrailEvent"].encode(), "lookup")
            records += [] if isinstance(arrival, Refusal) else [arrival.record]
        if not (token := page.get("NextToken")):
            return records, True
        given["NextToken"] = token
    return records, False


def _principal(identity: Identity | None) -> str:
    """The role behind a session, or the principal itself."""
    if identity is None:
        return "unknown"
    context = identity.session_context
    issuer = context.session_issuer if context else None
    return (issuer.arn if issuer and issuer.arn else identity.arn) or identity.principal_id or "unknown"


def _exempt(settings: Settings) -> Callable[[str], bool]:
    protection = settings.protection
    names = (settings.hub.tagger_role, *protection.break_glass, *protection.tag_copying_roles)
    globs = [re.compile(".*".join(map(re.escape, name.split("*")))) for name in names]

    def exempt(principal: str) -> bool:
        role = parse_role(principal)
        if role is None:
            return False
        name = (role.path + role.name).removeprefix("/")
        return role.path.startswith(_UNBOUND) or any(glob.fullmatch(name) for glob in globs)

    return exempt
