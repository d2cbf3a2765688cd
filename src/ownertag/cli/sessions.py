"""AWS sessions for all commands, and what is said where one can't be had: the same words, from here alone.

A command that works at the hub begins with `at_hub`, one that works in the management account with `in_management`, any
other with `any_session`. What is wrong with settings or credentials ends the command: with 2 what was typed or
configured, with 3 what AWS refuses or does not answer.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

from msgspec import Struct

from ownertag.cli.options import Exit, Options, SettingsFile, fail, settings_places
from ownertag.core.settings import OrganizationSettings, SettingsError

if TYPE_CHECKING:
    from ownertag.aws.credential_errors import CredentialsError
    from ownertag.aws.credentials import CallerSession
    from ownertag.rollout.doctor.access import AccountAccess
    from ownertag.rollout.doctor.expected import Expected


class CallerIdentity(Struct, frozen=True):
    """Whose credentials a session has."""

    account: str
    arn: str


# --- settings


def no_settings() -> str:
    """What is said where there is no file of settings: where one was looked for, and what to do."""
    looked = " nor ".join(map(str, settings_places()))
    return f"there are no settings, neither {looked}: `ownertag init` writes one, or name the file with --config"


def settings_file(options: Options) -> SettingsFile:
    """The settings; the command ends where there are none."""
    file = options.settings_file()
    if file is None:
        fail(no_settings())
    return file


def organization_of(file: SettingsFile) -> OrganizationSettings:
    """The organization of the settings; the command ends where they have none."""
    if file.settings.organization is None:
        fail(f"{file.path}: [organization] is missing, so there is no hub to ask: name other settings with --config")
    return file.settings.organization


def deployable(options: Options) -> tuple[SettingsFile, OrganizationSettings]:
    """The settings and their organization; the command ends where there are none, or they can't be deployed."""
    from ownertag.render.infra import check_deployable

    file = settings_file(options)
    try:
        return file, check_deployable(file.settings, str(file.path))
    except SettingsError as error:
        fail(str(error))


def expected_deployment(options: Options) -> Expected:
    """What the settings say should be deployed; the command ends where there are none, or they can't be."""
    from ownertag.catalogue.loader import load_catalogue
    from ownertag.rollout.doctor.expected import expected

    file, organization = deployable(options)
    try:
        return expected(load_catalogue(), file.settings, organization)
    except SettingsError as error:
        fail(str(error))


# --- sessions


def opened_session(options: Options, region: str | None = None, needed: str = "") -> CallerSession:
    """A session with the credentials that the options name, for a command that has an answer without as well.

    Args:
        options: Profile, Region, endpoint.
        region: The Region, before the one of the options.
        needed: Whose credentials are needed, for messages.

    Raises:
        CredentialsError: They can't be read.
    """
    from ownertag.aws.credentials import open_session

    return open_session(options.profile, region or options.region, options.endpoint_url, needed)


def any_session(options: Options, region: str | None = None, needed: str = "") -> CallerSession:
    """The same, whosesoever the credentials are; the command ends where they can't be read."""
    from ownertag.aws.credential_errors import CredentialsError

    try:
        return opened_session(options, region, needed)
    except CredentialsError as error:
        ended(error)


def at_hub(options: Options, organization: OrganizationSettings) -> tuple[CallerSession, CallerIdentity]:
    """A session of the hub's account, in the home Region; the command ends where the credentials are another's."""
    return _of_account(options, organization.home_region, organization.hub_account, "the hub's account")


def in_management(options: Options, organization: OrganizationSettings) -> CallerSession:
    """A session of the management account, in the home Region; the command ends where they are another's."""
    account = organization.management_account
    return _of_account(options, organization.home_region, account, "the organization's management account")[0]


def audit_access(options: Options, organization: OrganizationSettings) -> AccountAccess:
    """Access to every account by the audit role, with credentials of the hub's account."""
    from ownertag.rollout.doctor.access import AccountAccess

    session, _ = at_hub(options, organization)
    return AccountAccess(session, organization.home_region, lambda: datetime.now(UTC))


def caller_identity(session: CallerSession, region: str | None = None, needed: str = "") -> CallerIdentity:
    """Whose credentials these are, as STS has it. The function never asks, so its cut models lack this call.

    The command ends where they can't be used.
    """
    from ownertag.aws.credential_errors import CredentialsError
    from ownertag.aws.credentials import patient_config

    try:
        with session.explained(needed):
            found = session.client("sts", region, config=patient_config()).get_caller_identity()
    except CredentialsError as error:
        ended(error)
    return CallerIdentity(found["Account"], found["Arn"])


def hub_of(organization: OrganizationSettings | None) -> str:
    """Whose credentials are needed at the hub, for messages."""
    return f"the hub's account {organization.hub_account}" if organization else ""


def ended(error: CredentialsError) -> NoReturn:
    """Ends the command with what is wrong with the credentials."""
    fail(str(error), Exit.BAD_INPUT if error.typed else Exit.UNREACHABLE)


def of_another_account(session: CallerSession, found: str, wanted: str, whose: str) -> NoReturn:
    """Ends the command: the credentials are of another account than they have to be."""
    from ownertag.rollout.doctor.commands import profiles

    known = profiles(session.profiles).get(wanted)
    advice = f"name a profile of it, such as --profile {known}" if known else "name a profile of it with --profile"
    fail(f"{session.name}: these are credentials of account {found}, and {whose} is {wanted}: {advice}")


def _of_account(options: Options, region: str, account: str, whose: str) -> tuple[CallerSession, CallerIdentity]:
    session = any_session(options, region, f"{whose} {account}")
    identity = caller_identity(session, needed=f"{whose} {account}")
    if identity.account != account:
        of_another_account(session, identity.account, account, whose)
    return session, identity


class ExplainingClient:
    """A client of AWS whose calls end the command where the credentials are the cause, in the words of all commands.

    For a command that does not ask first whose credentials it has, since that would take as long as its answer.

    Args:
        client: The client.
        session: Whose it is.
        organization: The hub's account and Region; None where they are not known.
    """

    def __init__(self, client: Any, session: CallerSession, organization: OrganizationSettings | None) -> None:
        self._client = client
        self._session = session
        self._organization = organization

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        return self._explaining(method) if callable(method) else method

    def _explaining(self, method: Any) -> Any:
        from ownertag.aws.credential_errors import credentials_error, is_of_credentials
        from ownertag.aws.errors import AWS_ERRORS

        session, organization = self._session, self._organization
        needed = hub_of(organization)

        def call(*arguments: Any, **parameters: Any) -> Any:
            try:
                return method(*arguments, **parameters)
            except AWS_ERRORS as error:
                if is_of_credentials(error):
                    ended(credentials_error(error, session.profile, session.region, needed))
                if organization and _may_be_of_another(error):
                    found = caller_identity(session, organization.home_region, needed).account
                    if found != organization.hub_account:
                        of_another_account(session, found, organization.hub_account, "the hub's account")
                raise

        return call


def _may_be_of_another(error: Exception) -> bool:
    """Whether another account would say the same: what is not there, or is not allowed."""
    from ownertag.aws.errors import failure_of

    return failure_of(error).code in {"ResourceNotFoundException", "AccessDeniedException", "AccessDenied"}
