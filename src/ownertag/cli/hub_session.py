"""Gives access to every account with an operator's credentials, which must be of the hub's account."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ownertag.cli.caller import caller_identity
from ownertag.cli.options import Exit, Options, fail

if TYPE_CHECKING:
    from ownertag.core.settings import OrganizationSettings
    from ownertag.rollout.doctor.access import AccountAccess


def hub_session(options: Options, organization: OrganizationSettings) -> AccountAccess:
    """The access; the command ends where the credentials can't be used, or are another account's."""
    from ownertag.aws.credentials import CredentialsError, open_session
    from ownertag.rollout.doctor.access import AccountAccess

    try:
        session = open_session(options.profile, organization.home_region, options.endpoint_url)
        account = caller_identity(session).account
    except CredentialsError as error:
        fail(str(error), Exit.UNREACHABLE)
    if account != organization.hub_account:
        fail(
            f"{session.name}: these are credentials of account {account}, and the hub's account is "
            f"{organization.hub_account}: name a profile of it with --profile"
        )
    return AccountAccess(session, organization.home_region, lambda: datetime.now(UTC))
