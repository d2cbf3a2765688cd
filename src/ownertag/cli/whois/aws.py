"""What `ownertag whois` looks up in AWS: the state of today, and CloudTrail where the ledger knows nothing.

It takes bounded time. AWS's library, and what decides, are imported only when they are needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from math import inf
from typing import TYPE_CHECKING, Any

from ownertag.catalogue.loader import load_catalogue
from ownertag.cli.options import Exit, Options, fail
from ownertag.cli.sessions import ExplainingClient, any_session, hub_of, no_settings, opened_session
from ownertag.cli.whois.objects import NotChecked, Today
from ownertag.core.arn import is_arn
from ownertag.core.ownership import ResourceKey
from ownertag.core.settings import Settings
from ownertag.core.values import OutcomeKind, Unavailable
from ownertag.flows.whois import Wanted, WhoisAnswer
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
    return ExplainingClient(_client("dynamodb", session, region), session, settings.organization)


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
        base, region = _base(options, settings)
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
    client = _client("organizations", base, region)
    accounts = AccountDetails(client, settings.owner_key or "owner", lambda: monotonic() > until)
    with ThreadPoolExecutor(1) as beside:
        names = beside.submit(accounts.find, [answer.key.account for answer in answers])
        if not live:
            return Today(accounts=names.result())
        from ownertag.flows.whois_aws import attached_now, states_now, tags_now
        from ownertag.sources.ec2 import Ec2
        from ownertag.sources.ec2_state import ElasticIps, InstanceStates

        audit = _sessions(base, region)
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


# --- what the ledger never saw


def never_seen(wanted: Wanted, where: str, options: Options, settings: Settings, offline: bool) -> WhoisAnswer:
    """Returns the answer from CloudTrail for what the ledger never saw; the command ends here if there is none."""
    what = wanted.address or wanted.id
    never = f"{what[:256]}: {where} does not know it"
    if wanted.account or wanted.region:
        never += f" in {' '.join(part for part in (wanted.account, wanted.region) if part)}"
    if wanted.at:
        never += " at that time"
    if wanted.address:
        fail(f"{never}; it knows addresses that a creation's response named, and none that came later", Exit.FINDINGS)
    if offline or wanted.at:
        fail(never, Exit.FINDINGS)
    from ownertag.core.transfer import target_of_arn

    target = target_of_arn(wanted.id, load_catalogue())
    key, id_ = None, wanted.id
    if target:
        key, id_ = ResourceKey(target.account, target.region, target.resource.arn), target.resource.id
    elif wanted.account and wanted.region and not is_arn(wanted.id):
        key = ResourceKey(wanted.account, wanted.region, "")
    if key is None:
        advice = (
            "the catalogue has no such type, so CloudTrail was not asked"
            if is_arn(wanted.id)
            else "to look into CloudTrail, write its ARN, or --account and --region"
        )
        fail(f"{never}; {advice}", Exit.FINDINGS)
    if settings.organization is None:
        fail(f"{never}; CloudTrail was not asked: the settings have no [organization], see --config", Exit.FINDINGS)
    return _in_trail(key, id_, never, options, settings)


def _in_trail(key: ResourceKey, id_: str, never: str, options: Options, settings: Settings) -> WhoisAnswer:
    from ownertag.flows.whois_aws import from_trail
    from ownertag.sources.cloudtrail import MOST, CloudTrail

    try:
        trail = CloudTrail(_paced_sessions(options, settings), clock)
    except NoCredentials as error:
        fail(str(error), Exit.UNREACHABLE)
    found = from_trail(key, id_, trail, load_catalogue(), settings)
    place = f"account {key.account}, {key.region}"
    if isinstance(found, Unavailable):
        reason = f"{found.outcome.value}: {found.reason}"
        fail(f"{never}; CloudTrail of {place} can't be read: {reason}; --offline leaves it out", Exit.UNREACHABLE)
    if found is None:
        searched = f"of CloudTrail's 90 days in {place}, the newest {MOST} records hold no creation that names it"
        fail(f"{never}; {searched} (a record can take 15 minutes to be there)", Exit.FINDINGS)
    return found


def _paced_sessions(options: Options, settings: Settings) -> Sessions:
    """Returns sessions of the audit role that keep to the share of each account's quota, and wait for it."""
    from ownertag.aws.pacing import Pacing

    pacing = Pacing(load_catalogue().quotas, settings.limits.quota_share, patience=inf)
    return _sessions(*_base(options, settings), pacing)


# --- credentials, clients and sessions


def _base(options: Options, settings: Settings) -> tuple[CallerSession, str]:
    """Returns the credentials, and the home Region."""
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


def _client(service: str, base: CallerSession, region: str) -> Any:
    from ownertag.aws.credentials import client_config

    return base.client(service, region, config=client_config())


def _sessions(base: CallerSession, region: str, pacing: Pacing | None = None) -> Sessions:
    from ownertag.aws.sessions import Sessions

    return Sessions(base, role_name=AUDIT_ROLE, region=region, now=clock, pacing=pacing)


def clock() -> datetime:
    """Returns the time."""
    return datetime.now(UTC)
