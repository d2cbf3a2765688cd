"""Clients: in the management account with the caller's credentials, in the hub's by a role assumed with them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError

from ownertag.aws.credentials import CallerSession, assume_role
from ownertag.aws.errors import AWS_ERRORS, failure_of
from ownertag.core.arn import partition_of, role_arn
from ownertag.core.settings import OrganizationSettings

#: The role that AWS Organizations makes in the accounts that it creates (doc: accessing member accounts).
ACCESS_ROLE = "OrganizationAccountAccessRole"

_ACTION = re.compile(r"not authorized to perform:? ([A-Za-z0-9-]+:[A-Za-z]+)")
_DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AccessDeniedForDependencyException"}
)


class DeployError(Exception):
    """Something failed; the text says what, where, and what to do."""


class Clients:
    """Clients of the management account and of the hub's account.

    Args:
        base: The caller's session, in the management account.
        organization: Whose accounts these are.
        access_role: The role that is assumed in the hub's account, and in each account that is read.

    A client is made once for each account, Region and service, and can be used by several threads.
    """

    def __init__(
        self,
        base: CallerSession,
        organization: OrganizationSettings,
        *,
        access_role: str = ACCESS_ROLE,
    ) -> None:
        self._base = base
        self._organization = organization
        self._access_role = access_role
        self._config = Config(retries={"mode": "standard", "total_max_attempts": 8}, user_agent_extra="ownertag")
        self._keys: dict[str, dict[str, str]] = {}
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._lock = Lock()

    def management(self, service: str, region: str | None = None) -> Any:
        """A client in the management account, in the home Region unless another is named."""
        return self.of(self._organization.management_account, service, region)

    def hub(self, service: str) -> Any:
        """A client in the hub's account and home Region."""
        return self.of(self._organization.hub_account, service)

    def of(self, account: str, service: str, region: str | None = None) -> Any:
        """A client in any account of the organization.

        Raises:
            DeployError: The access role can't be assumed there.
        """
        key = (account, service, region or self._organization.home_region)
        with self._lock:
            if key not in self._clients:
                credentials = self._credentials(account)
                self._clients[key] = self._base.client(service, key[2], config=self._config, **credentials)
            return self._clients[key]

    def _credentials(self, account: str) -> dict[str, str]:
        if account == self._organization.management_account:
            return {}
        if account not in self._keys:
            region = self._organization.home_region
            arn = role_arn(partition_of(region), account, self._access_role)
            sts = self._base.client("sts", region, config=self._config)
            with explained(
                account, f"assume {arn}", "or name a role with --access-role that the caller may assume there"
            ):
                self._keys[account] = assume_role(sts, arn, "ownertag-deploy").client_arguments
        return self._keys[account]


@contextmanager
def explained(account: str, doing: str, advice: str = "") -> Iterator[None]:
    """Turns errors of AWS into a `DeployError` that names the account and the missing permission.

    Args:
        account: Where the call goes.
        doing: What fails, to follow "can't".
        advice: What else would help.
    """
    try:
        yield
    except AWS_ERRORS as error:
        raise DeployError(
            f"account {account}: can't {doing}: {_cause(error)}{f'; {advice}' if advice else ''}"
        ) from error


def _cause(error: Exception) -> str:
    if not isinstance(error, ClientError):
        return f"AWS can't be reached ({failure_of(error).code}): {error}"
    code = failure_of(error).code
    message = str(error.response.get("Error", {}).get("Message") or "")
    if code in _DENIED:
        named = _ACTION.search(message)
        return f"the permission {named[1] if named else error.operation_name} is missing ({code})"
    return f"{code}: {message}"
