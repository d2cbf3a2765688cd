"""What `ownertag whois` looks up in AWS of today: tags, states, attachments, accounts. It takes bounded time.

AWS's library, and what decides, are imported only when they are needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ownertag.cli.options import Options, fail
from ownertag.cli.sessions import ExplainingClient, any_session, hub_of, no_settings, opened_session
from ownertag.cli.whois.objects import NotChecked, Today
from ownertag.core.settings import Settings
from ownertag.core.values import OutcomeKind, Unavailable
from ownertag.flows.whois import WhoisAnswer
from ownertag.render.documents import AUDIT_ROLE

if TYPE_CHECKING:
    from ownertag.aws.credentials import CallerSession
    from ownertag.aws.pacing import Pacing
    from ownertag.aws.sessions import Sessions

#: After this no other account is asked for; what has begun ends with the timeouts of `client_config`.
ACCOUNTS_SECONDS = 5.0


class NoCredentials(Exception):
    """There are no credentials to begin with; the text says why."""


def dynamodb(options: Options, settings: Settings) -> Any:
    """Returns a client for the hub's ledger; the command ends where the credentials are not the hub's."""
    organization = settings.organization
    session = any_session(options, organization.home_region if organization else None, hub_of(organization))
    region = _region(session, options, settings)
    return ExplainingClient(client_of("dynamodb", session, region), session, settings.organization)


def today(
    answers: Sequence[WhoisAnswer], options: Options, settings: Settings, offline: bool
) -> tuple[Today, NotChecked]:
    """Returns what AWS tells about these answers now, and why not if AWS is not called."""
    if offline:
        return Today(), NotChecked("--offline")
    if settings.organization is None:
        return Today(), NotChecked("the settings have no [organization]: name them with --config")
    live = [answer for answer in answers if answer.is_live_in_ec2]
    try:
        base, region = base_session(options, settings)
    except NoCredentials as error:
        return _unread(answers, live, str(error)), NotChecked()
    return _look_up(answers, live, base, region, settings), NotChecked()


def _look_up(
    answers: Sequence[WhoisAnswer],
    live: list[WhoisAnswer],
    base: CallerSession,
    region: str,
    settings: Settings,
) -> Today:
    """Looks up accounts and resources at the same time, so that neither waits for the other."""
    from concurrent.futures import ThreadPoolExecutor
    from time import monotonic

    from ownertag.sources.organization import AccountDetails

    until = monotonic() + ACCOUNTS_SECONDS
    client = client_of("organizations", base, region)
    accounts = AccountDetails(client, settings.owner_key or "owner", lambda: monotonic() > until)
    with ThreadPoolExecutor(1) as beside:
        names = beside.submit(accounts.find, [answer.key.account for answer in answers])
        if not live:
            return Today(accounts=names.result())
        from ownertag.flows.whois_aws import attached_now, states_now, tags_now
        from ownertag.sources.ec2 import Ec2
        from ownertag.sources.ec2_state import ElasticIps, InstanceStates

        audit = audit_sessions(base, region)
        tags, attached = tags_now(live, Ec2(audit)), attached_now(live, ElasticIps(audit))
        return Today(tags, attached, names.result(), states_now(live, InstanceStates(audit)))


def _unread(answers: Sequence[WhoisAnswer], live: list[WhoisAnswer], reason: str) -> Today:
    unread = Unavailable(OutcomeKind.FORBIDDEN, reason)
    return Today(
        {answer.key: unread for answer in live},
        {answer.key: unread for answer in live},
        {answer.key.account: unread for answer in answers},
        {answer.key: unread for answer in live},
    )


# --- credentials, clients and sessions


def base_session(options: Options, settings: Settings) -> tuple[CallerSession, str]:
    """Returns the credentials, and the home Region.

    Raises:
        NoCredentials: There are none.
    """
    from ownertag.aws.credential_errors import CredentialsError

    try:
        session = opened_session(options)
    except CredentialsError as error:
        raise NoCredentials(str(error)) from error
    return session, _region(session, options, settings)


def _region(session: CallerSession, options: Options, settings: Settings) -> str:
    home = settings.organization.home_region if settings.organization else None
    region = home or session.region or options.region
    if not region:
        fail(f"{no_settings()}, or the hub's Region with --region")
    return region


def client_of(service: str, base: CallerSession, region: str) -> Any:
    """Returns a client with the caller's own credentials."""
    from ownertag.aws.credentials import client_config

    return base.client(service, region, config=client_config())


def audit_sessions(
    base: CallerSession, region: str, pacing: Pacing | None = None, max_clients: int | None = None
) -> Sessions:
    """Returns sessions of the audit role in any account; `max_clients` as for `Sessions`."""
    from ownertag.aws.sessions import MAX_CLIENTS, Sessions

    return Sessions(
        base, role_name=AUDIT_ROLE, region=region, now=clock, pacing=pacing, max_clients=max_clients or MAX_CLIENTS
    )


def clock() -> datetime:
    """Returns the time."""
    return datetime.now(UTC)
