"""What a backfill works with: by the hub and the audit role, or with the caller's credentials in their own account."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from math import inf
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ownertag.cli.options import Exit, Options, fail, listed
from ownertag.core.ask import tags_question_in
from ownertag.core.backfill.found import FoundResource
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.ownership import ResourceKey
from ownertag.core.settings import OrganizationSettings, Settings
from ownertag.core.values import Account, Found, Question, Unavailable

if TYPE_CHECKING:
    from ownertag.aws.sessions import Sessions
    from ownertag.flows.backfill.listing import KnownResources
    from ownertag.flows.backfill.ports import Orders
    from ownertag.flows.ports import History, Inventory, Lookups

#: The Region in which most global services record (catalogue: rows of global services).
_GLOBAL = "us-east-1"


class World(Struct, frozen=True):
    """The adapters of a backfill.

    Attributes:
        scope: What is asked for, in words that are the same for the same.
        unknown: Why not all accounts are known; empty where they are.
        by: Who orders, as AWS has it.
    """

    scope: str
    places: tuple[tuple[str, str], ...]
    unknown: str
    by: str
    inventory: Inventory
    history: History
    ledger: KnownResources
    lookups: Lookups
    orders: Orders
    whom_to_ask: Callable[[str], str]

    def read_tags(self, found: Sequence[FoundResource]) -> Mapping[ResourceKey, Mapping[str, str] | Unavailable]:
        """The tags that these carry now."""
        asked: dict[Question, ResourceKey] = {
            tags_question_in(one.account, one.region, one.resource): one.key for one in found
        }
        facts = self.lookups.find(tuple(asked))
        tags: dict[ResourceKey, Mapping[str, str] | Unavailable] = {}
        for question, key in asked.items():
            fact = facts[question]
            if isinstance(fact, Unavailable):
                tags[key] = fact
            else:
                tags[key] = (fact.tags or {}) if isinstance(fact, Found) else {}
        return tags


def world_of(
    options: Options, settings: Settings, catalogue: Catalogue, accounts: str, source: str, ledger: str | None
) -> World:
    """The adapters by the settings; the command ends where they can't be had."""
    if settings.organization is None:
        return _own_account(options, settings, catalogue, accounts, source, ledger)
    if ledger is not None:
        fail("--ledger is for who has no hub: with [organization] in the settings its ledger counts")
    return _organization(options, settings, settings.organization, catalogue, accounts, source)


def _organization(
    options: Options,
    settings: Settings,
    organization: OrganizationSettings,
    catalogue: Catalogue,
    accounts: str,
    source: str,
) -> World:
    from ownertag.cli.backfill.orders import HubOrders
    from ownertag.cli.hub import HubFunction
    from ownertag.cli.sessions import audit_access, expected_deployment
    from ownertag.cli.whois.aws import dynamodb
    from ownertag.ledger.opening import LedgerLocation, open_ledger
    from ownertag.render.documents import LEDGER_TABLE
    from ownertag.rollout.doctor.examine import Scope, UnknownLocation
    from ownertag.rollout.redrive.places import places
    from ownertag.sources.organization import AccountDetails

    expected = expected_deployment(options)
    access = audit_access(options, organization)
    hub = HubFunction(options, organization, attempts=1)
    regions = listed(options.region or "")
    options.say(f"reading the accounts of organization {organization.id}")
    try:
        known, unknown = places(access, expected, Scope(listed(accounts), regions))
    except UnknownLocation as error:
        fail(str(error))
    organizations = access.base.client("organizations", organization.home_region)
    details = AccountDetails(organizations, settings.owner_key or "owner")
    location = LedgerLocation("dynamodb", LEDGER_TABLE)
    sessions = _audit_sessions(options, settings, catalogue, organization)
    scope = _scope(organization.id, accounts, options.region or "", source)
    return _world(
        sessions, settings, catalogue,
        scope=scope, places=known, unknown=unknown, by=hub.caller,
        ledger=open_ledger(location, lambda: dynamodb(options, settings), read_only=True),
        orders=HubOrders(hub), whom_to_ask=_asker(details),
    )  # fmt: skip


def _own_account(
    options: Options, settings: Settings, catalogue: Catalogue, accounts: str, source: str, ledger: str | None
) -> World:
    from dataclasses import replace

    from ownertag.cli.sessions import any_session, caller_identity
    from ownertag.cli.tag import local_ports
    from ownertag.flows.backfill.here import OrdersHere
    from ownertag.ledger.opening import LedgerLocationError, open_ledger, read_location
    from ownertag.ledger.port import LedgerError
    from ownertag.ledger.read_only import DryRunLedger
    from ownertag.sinks.tagging import DryRun

    session = any_session(options, _one_region(options))
    caller = caller_identity(session, session.region or _GLOBAL)
    if accounts and listed(accounts) != {caller.account}:
        fail(f"--account: without [organization] in the settings it is the caller's own, {caller.account}")
    regions = listed(options.region or "") or listed(session.region or "")
    if not regions:
        fail("no Region is named: write --region, with commas between several")
    try:
        store = open_ledger(read_location(ledger or f"sqlite:{_own_ledger()}"), lambda: None)
    except LedgerLocationError as error:
        fail(f"--ledger: {error}")
    except LedgerError as error:
        fail(str(error), Exit.UNREACHABLE)
    ports = local_ports(options, settings, catalogue, False, store)
    dry = replace(ports, tagger=DryRun(), remover=DryRun(), ledger=DryRunLedger(store))
    sessions = _own_sessions(options, settings, catalogue, caller.account)
    scope = _scope(caller.account, "", ",".join(sorted(regions)), source)
    return _world(
        sessions, settings, catalogue,
        scope=scope, places=tuple((caller.account, region) for region in sorted(regions)), unknown="", by=caller.arn,
        ledger=store, orders=OrdersHere(ports, dry, store, catalogue, settings, caller.arn),
        whom_to_ask=lambda account: f"whoever answers for account {account}",
    )  # fmt: skip


def _world(sessions: Sessions, settings: Settings, catalogue: Catalogue, **fields: Any) -> World:
    from ownertag.sources.history import EventHistory
    from ownertag.sources.inventory import AwsInventory
    from ownertag.sources.lookups import AwsLookups

    return World(
        inventory=AwsInventory(sessions, catalogue),
        history=EventHistory(sessions, _now),
        lookups=AwsLookups(sessions, settings, catalogue.parents, _now, catalogue=catalogue),
        **fields,
    )


def _audit_sessions(
    options: Options, settings: Settings, catalogue: Catalogue, organization: OrganizationSettings
) -> Sessions:
    from ownertag.aws.pacing import Pacing
    from ownertag.aws.sessions import INVENTORY_CLIENTS
    from ownertag.cli.sessions import at_hub
    from ownertag.cli.whois.aws import audit_sessions

    session, _ = at_hub(options, organization)
    pacing = Pacing(catalogue.quotas, settings.limits.quota_share, patience=inf)
    return audit_sessions(session, organization.home_region, pacing, INVENTORY_CLIENTS)


def _own_sessions(options: Options, settings: Settings, catalogue: Catalogue, account: str) -> Sessions:
    from ownertag.aws.pacing import Pacing
    from ownertag.aws.sessions import INVENTORY_CLIENTS, Sessions
    from ownertag.cli.sessions import any_session

    session = any_session(options, _one_region(options))
    pacing = Pacing(catalogue.quotas, settings.limits.quota_share, patience=inf)
    return Sessions(
        session, role_name=settings.hub.tagger_role, region=session.region or _GLOBAL, now=_now, own_account=account,
        pacing=pacing, max_clients=INVENTORY_CLIENTS,
    )  # fmt: skip


def _one_region(options: Options) -> str | None:
    """The first of the Regions that are named: where the account is asked who calls."""
    return min(listed(options.region or ""), default=None)


def _own_ledger() -> str:
    import platformdirs

    path = platformdirs.user_state_path("ownertag") / "ledger.sqlite"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return str(path)


def _scope(whose: str, accounts: str, regions: str, source: str) -> str:
    named = (("accounts", accounts), ("Regions", regions))
    parts = [whose, *(f"{name} {','.join(sorted(listed(of)))}" for name, of in named if of)]
    return "; ".join([*parts, f"logs {source}"] if source else parts)


def _asker(details: Any) -> Callable[[str], str]:
    @cache
    def ask(account: str) -> str:
        found = details.find([account]).get(account)
        if not isinstance(found, Account):
            return f"whoever answers for account {account}"
        owner = found.owner if isinstance(found.owner, str) else ""
        return ", ".join(filter(None, (owner, found.contact, f"account {found.name}")))

    return ask


def _now() -> datetime:
    return datetime.now(UTC)
