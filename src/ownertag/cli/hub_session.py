"""What an operator at the hub begins with: what should be deployed, and access to every account."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ownertag.cli.caller import caller_identity
from ownertag.cli.options import Exit, Options, fail
from ownertag.core.settings import SettingsError

if TYPE_CHECKING:
    from ownertag.core.settings import OrganizationSettings
    from ownertag.rollout.doctor.access import AccountAccess
    from ownertag.rollout.doctor.expected import Expected


def deployed(options: Options) -> Expected:
    """What the settings say should be deployed; the command ends where there are none, or they can't be."""
    from ownertag.catalogue.loader import load_catalogue
    from ownertag.render.infra import check_deployable
    from ownertag.rollout.doctor.expected import expected

    file = options.settings_file()
    if file is None:
        fail("there are no settings: write ownertag.toml, or name it with --config")
    try:
        return expected(load_catalogue(), file.settings, check_deployable(file.settings, str(file.path)))
    except SettingsError as error:
        fail(str(error))


def hub_session(options: Options, organization: OrganizationSettings) -> AccountAccess:
    """The access, with credentials of the hub's account; the command ends where they can't be used or are another's."""
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
