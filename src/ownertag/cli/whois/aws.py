"""What `ownertag whois` asks of AWS beside the ledger, in bounded time. AWS's library is imported only then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from math import inf
from typing import TYPE_CHECKING, Any

from ownertag.catalogue.loader import load_catalogue
from ownertag.cli.options import Options, fail
from ownertag.cli.whois.objects import NotChecked
from ownertag.core.settings import Settings
from ownertag.core.values import OutcomeKind, Unavailable
from ownertag.flows.whois import WhoisAnswer
from ownertag.flows.whois_today import Today, attached_now, can_look_up, states_now, tags_now
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
    """A client of the hub's ledger.

    Raises:
        NoCredentials: There are none.
    """
    return _client("dynamodb", *_base(options, settings))


def sessions(options: Options, settings: Settings) -> Sessions:
    """Sessions of the audit role that keep to the share of each account's quota, and wait for it.

    Raises:
        NoCredentials: There are none to assume it with.
    """
    from ownertag.aws.pacing import Pacing

    pacing = Pacing(load_catalogue().quotas, settings.limits.quota_share, patience=inf)
    return _sessions(*_base(options, settings), pacing)


def today(
    answers: Sequence[WhoisAnswer], options: Options, settings: Settings, offline: bool
) -> tuple[Today, NotChecked]:
    """What AWS says of these answers now, and of what it was not asked, why not."""
    if offline:
        return Today(), NotChecked("--offline")
    if settings.organization is None:
        return Today(), NotChecked("the settings have no [organization]: name them with --config")
    looked = [answer for answer in answers if can_look_up(answer)]
    try:
        base, region = _base(options, settings)
    except NoCredentials as error:
        return _unread(answers, looked, str(error)), NotChecked()
    return _ask(answers, looked, base, region, settings), NotChecked()


def _ask(
    answers: Sequence[WhoisAnswer],
    looked: list[WhoisAnswer],
    base: CallerSession,
    region: str,
    settings: Settings,
) -> Today:
    """The accounts are asked for beside the resources, so that neither waits for the other."""
    from concurrent.futures import ThreadPoolExecutor
    from time import monotonic

    from ownertag.sources.organization import AccountDetails

    until = monotonic() + ACCOUNTS_SECONDS
    client = _client("organizations", base, region)
    accounts = AccountDetails(client, settings.owner_key or "owner", lambda: monotonic() > until)
    with ThreadPoolExecutor(1) as beside:
        names = beside.submit(accounts.find, [answer.key.account for answer in answers])
        if not looked:
            return Today(accounts=names.result())
        from ownertag.sources.ec2 import Ec2
        from ownertag.sources.ec2_state import ElasticIps, InstanceStates

        audit = _sessions(base, region)
        tags, attached = tags_now(looked, Ec2(audit)), attached_now(looked, ElasticIps(audit))
        return Today(tags, attached, names.result(), states_now(looked, InstanceStates(audit)))


def _unread(answers: Sequence[WhoisAnswer], looked: list[WhoisAnswer], reason: str) -> Today:
    unread = Unavailable(OutcomeKind.FORBIDDEN, reason)
    return Today(
        {whois_answer.key: unread for whois_answer in looked},
        {whois_answer.key: unread for whois_answer in looked},
        {answer.key.account: unread for answer in answers},
        {whois_answer.key: unread for whois_answer in looked},
    )


def _base(options: Options, settings: Settings) -> tuple[CallerSession, str]:
    """The credentials, and the home Region."""
    from ownertag.aws.credentials import CredentialsError, open_session

    try:
        session = open_session(options.profile, endpoint_url=options.endpoint_url)
    except CredentialsError as error:
        raise NoCredentials(str(error)) from error
    home = settings.organization.home_region if settings.organization else None
    region = home or session.region or options.region
    if not region:
        fail("in which Region the hub is can't be told: name the settings with --config, or write --region")
    return session, region


def _client(service: str, base: CallerSession, region: str) -> Any:
    from ownertag.aws.credentials import client_config

    return base.client(service, region, config=client_config())


def _sessions(base: CallerSession, region: str, pacing: Pacing | None = None) -> Sessions:
    from ownertag.aws.sessions import Sessions

    return Sessions(base, role_name=AUDIT_ROLE, region=region, now=clock, pacing=pacing)


def clock() -> datetime:
    """The time."""
    return datetime.now(UTC)
