"""Credentials to call AWS with: those of the caller, and those of a role that is assumed with them.

Commands and the function make no session of boto3 anywhere else. boto3 documents that threads may share a client, and
may not share a session, which makes the clients (boto3 guide, "Multithreading or multiprocessing with clients" and "...
with sessions"). So one thread at a time uses a session, behind a lock, and threads share the clients. Handlers of a
client's events run on each of these threads (same guide, "Custom Botocore Events"): ours keep their state in a context
variable or behind a lock.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import CredentialProvider, CredentialResolver, Credentials, RefreshableCredentials
from msgspec import Struct

from ownertag.aws.concurrency import WORKERS
from ownertag.aws.credential_errors import CredentialsError, credentials_error, name_of
from ownertag.aws.errors import AWS_ERRORS
from ownertag.aws.times import read_times_quickly


def client_config() -> Config:
    """Timeouts that end before the function does: botocore's own would wait a minute for each of its attempts."""
    return Config(
        connect_timeout=2,
        read_timeout=10,
        retries={"mode": "standard", "total_max_attempts": 3},
        max_pool_connections=WORKERS,  # all accounts may be in one Region, and share its client
        user_agent_extra="ownertag",
    )


def patient_config() -> Config:
    """Timeouts and retries for commands: one that gave up on a throttle would call a healthy account unreachable."""
    return Config(
        connect_timeout=5,
        read_timeout=20,
        retries={"mode": "standard", "total_max_attempts": 6},
        user_agent_extra="ownertag",
    )


class AssumedRole(Struct, frozen=True):
    """The temporary credentials of a role, and when they expire."""

    credentials: Credentials
    expires: datetime

    @property
    def client_arguments(self) -> dict[str, str]:
        """The credentials as the arguments by which `client` of a session takes them."""
        given = self.credentials
        return {
            "aws_access_key_id": given.access_key,
            "aws_secret_access_key": given.secret_key,
            "aws_session_token": str(given.token),  # AssumeRole always gives one
        }


class CallerSession:
    """A session with the caller's credentials. Threads may share it.

    Args:
        session: The session of boto3, which nobody else uses from now on.
        endpoint_url: Another endpoint than AWS's, for every service.
        profile: The profile that the credentials come from, for messages.
    """

    def __init__(self, session: boto3.Session, endpoint_url: str | None = None, profile: str | None = None) -> None:
        self._session = session
        self._endpoint_url = endpoint_url
        self._making = Lock()
        self.profile = profile

    @property
    def name(self) -> str:
        """Whose credentials these are, for messages: the profile and the Region."""
        return name_of(self.profile, self.region)

    @property
    def region(self) -> str | None:
        """The Region of the session: the one that was named, or the profile's."""
        return self._session.region_name

    @property
    def profiles(self) -> Mapping[str, Mapping[str, Any]]:
        """The profiles of the AWS config and credentials files, by name."""
        found: Mapping[str, Mapping[str, Any]] = self._session._session.full_config["profiles"]  # noqa: SLF001 - boto3 has no way of its own
        return found

    def get_available_regions(self, service: str, partition_name: str = "aws") -> list[str]:
        """The Regions that the SDK's own data lists for a service."""
        return self._session.get_available_regions(service, partition_name)

    def client(
        self,
        service: str,
        region_name: str | None = None,
        *,
        endpoint_url: str | None = None,
        config: Config | None = None,
        **credentials: str,
    ) -> Any:
        """A client, as `boto3.Session.client` makes it; with the endpoint of this session where none is named."""
        with self._making:
            return self._session.client(
                service,  # type: ignore[call-overload] # any service
                region_name=region_name,
                endpoint_url=endpoint_url or self._endpoint_url,
                config=config,
                **credentials,
            )

    def as_role(
        self,
        arn: str,
        session_name: str,
        sts: Any,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> CallerSession:
        """A session of a role. Its clients assume the role again before its credentials expire.

        A session of a role lasts an hour by default (doc: AssumeRole), and a deployment can take longer.

        Args:
            arn: The role.
            session_name: The name of each of its sessions.
            sts: A client of this session that assumes it.
            now: The time, by which the credentials are renewed.

        Raises:
            AWS_ERRORS: The role can't be assumed.
        """

        def fetch() -> dict[str, str]:
            assumed = assume_role(sts, arn, session_name)
            given = assumed.credentials
            return {
                "access_key": str(given.access_key),
                "secret_key": str(given.secret_key),
                "token": str(given.token),
                "expiry_time": assumed.expires.isoformat(),
            }

        first = fetch()
        renewed = RefreshableCredentials(
            first["access_key"],
            first["secret_key"],
            first["token"],
            datetime.fromisoformat(first["expiry_time"]),
            fetch,
            _RoleProvider.METHOD,
            time_fetcher=now,
        )
        core = botocore.session.Session()
        # What else the caller's session was told: its profile, whose endpoints and certificates hold for the role too.
        own: botocore.session.Session = self._session._session  # noqa: SLF001 - boto3 gives it by no other way
        for name, value in own.instance_variables().items():
            core.set_config_variable(name, value)
        read_times_quickly(core)
        core.register_component("credential_provider", CredentialResolver([_RoleProvider(renewed)]))
        session = boto3.Session(region_name=self.region, botocore_session=core)
        return CallerSession(session, self._endpoint_url)

    @contextmanager
    def explained(self, needed: str = "") -> Iterator[None]:
        """Turns errors of AWS into a `CredentialsError` that says whose credentials these are, and what to do.

        Args:
            needed: Whose are needed, such as "the hub's account 222222222222".
        """
        try:
            yield
        except AWS_ERRORS as error:
            raise credentials_error(error, self.profile, self.region, needed) from error


class _RoleProvider(CredentialProvider):
    """Gives a session of botocore credentials that renew themselves."""

    METHOD = "ownertag-role"

    def __init__(self, credentials: RefreshableCredentials) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> RefreshableCredentials:
        return self._credentials


def new_session(profile: str | None = None, region: str | None = None) -> boto3.Session:
    """A session of the environment's credentials, or of a profile's. Its clients read times by `times.read_time`."""
    core = botocore.session.Session()
    read_times_quickly(core)
    return boto3.Session(profile_name=profile, region_name=region, botocore_session=core)


def open_session(
    profile: str | None = None, region: str | None = None, endpoint_url: str | None = None, needed: str = ""
) -> CallerSession:
    """The session that a command begins with.

    Args:
        profile: The profile to use, if one is named.
        region: The Region to start from; the profile's where none is named.
        endpoint_url: Another endpoint than AWS's.
        needed: Whose credentials are needed, for messages.

    Raises:
        CredentialsError: There is no such profile, or it can't be read; or the endpoint is no URL.
    """
    named = profile or _profile_of_the_environment()
    if endpoint_url and not _is_url(endpoint_url):
        raise CredentialsError(f"--endpoint-url {endpoint_url!a} is no URL: write http://HOST:PORT", typed=True)
    try:
        session = new_session(profile, region)
        session.get_credentials()  # what can't be read of them is told here, and not by the first client
    except AWS_ERRORS as error:
        raise credentials_error(error, named, region, needed) from error
    return CallerSession(session, endpoint_url, named)


def _is_url(text: str) -> bool:
    try:
        found = urlsplit(text)
    except ValueError:
        return False
    return found.scheme in {"http", "https"} and bool(found.hostname)


def _profile_of_the_environment() -> str | None:
    """The profile that botocore takes where none is named; keys in the environment come before it."""
    if os.environ.get("AWS_ACCESS_KEY_ID"):
        return None
    return os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE")


def assume_role(sts: Any, arn: str, session_name: str, **more: Any) -> AssumedRole:
    """Assumes a role by a client of STS. `more` goes into the call (duration, session policy).

    Raises:
        AWS_ERRORS: The role can't be assumed.
    """
    given = sts.assume_role(RoleArn=arn, RoleSessionName=session_name, **more)["Credentials"]
    credentials = Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    return AssumedRole(credentials, given["Expiration"])
