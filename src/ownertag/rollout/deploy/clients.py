"""Clients: in the management account with the caller's credentials, in others by a role assumed with them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from botocore.config import Config

from ownertag.aws.credentials import CallerSession
from ownertag.core.arn import partition_of, role_arn
from ownertag.core.settings import OrganizationSettings
from ownertag.rollout.deploy.failures import explained
from ownertag.rollout.deploy.template_source import TemplateBucket

#: The role that AWS Organizations makes in the accounts that it creates (doc: accessing member accounts).
ACCESS_ROLE = "OrganizationAccountAccessRole"


class Clients:
    """Clients of the management account and of the hub's account.

    Args:
        base: The caller's session, in the management account.
        organization: Whose accounts these are.
        access_role: The role that is assumed in the hub's account, and in each account that is read.
        now: The time, by which the credentials of the role are renewed.

    A client is made once for each account, Region and service, and can be used by several threads. It lives as long as
    the caller's own credentials do: the role is assumed again before its session ends.
    """

    def __init__(
        self,
        base: CallerSession,
        organization: OrganizationSettings,
        *,
        access_role: str = ACCESS_ROLE,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._now = now
        self._base = base
        self._organization = organization
        self._access_role = access_role
        self._config = Config(retries={"mode": "standard", "total_max_attempts": 8}, user_agent_extra="ownertag")
        self._sessions: dict[str, CallerSession] = {}
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._lock = Lock()

    def management(self, service: str, region: str | None = None) -> Any:
        """A client in the management account, in the home Region unless another is named."""
        return self.of(self._organization.management_account, service, region)

    def template_bucket(self, account: str = "") -> TemplateBucket:
        """Where an account's templates lie that are too long for a call; the management account's without a name."""
        of, region = account or self._organization.management_account, self._organization.home_region
        return TemplateBucket(lambda: self.of(of, "s3", region), of, region)

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
                self._clients[key] = self._session(account).client(service, key[2], config=self._config)
            return self._clients[key]

    def _session(self, account: str) -> CallerSession:
        if account == self._organization.management_account:
            return self._base
        if account not in self._sessions:
            region = self._organization.home_region
            arn = role_arn(partition_of(region), account, self._access_role)
            sts = self._base.client("sts", region, config=self._config)
            with explained(
                account,
                f"assume {arn}",
                "or name a role with --access-role that the caller may assume there; a role or an account that was "
                "made just now takes a minute",
            ):
                self._sessions[account] = self._base.as_role(arn, "ownertag-deploy", sts, self._now)
        return self._sessions[account]
