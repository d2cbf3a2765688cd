"""Sessions of a role in the organization's accounts, each kept until shortly before it expires.

There is one for each account, and for each session policy where services have different ones.

There is one client for each service and Region. It signs each call with the credentials of the account that the call is
for, so its connections serve all accounts. A client for each account would cost its making, and a TLS handshake with a
Region that may be a third of a second away.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.credentials import Credentials
from msgspec import Struct

from ownertag.aws.credentials import AssumedRole, CallerSession, assume_role, client_config
from ownertag.aws.errors import AWS_ERRORS, failure_of
from ownertag.aws.pacing import AccountRegion, Pacing
from ownertag.core.arn import partition_of, role_arn
from ownertag.core.judge import Remedy, is_without_endpoint, judge
from ownertag.core.values import Failure, OutcomeKind

T = TypeVar("T")

#: The shortest session that STS gives (doc: AssumeRole, DurationSeconds).
SESSION_SECONDS = 900
#: A session is renewed this long before it expires, so that a batch that begins with it can end with it.
RENEW_BEFORE = timedelta(seconds=180)
#: How long a refused role is not assumed again: one call a minute, not one a message.
REFUSED_FOR = timedelta(seconds=60)
#: Each client holds its own connections; the one that was used longest ago is closed.
MAX_CLIENTS = 64
#: Those of the services that are listed in one Region, with some of the next one: places are listed Region by Region,
#: and with fewer every place would make its clients anew, a second of work for each of thousands.
INVENTORY_CLIENTS = 128
#: The credentials of a client that signs for many accounts. They are nobody's: a call signed with them is refused.
_NOBODY = dict.fromkeys(("aws_access_key_id", "aws_secret_access_key", "aws_session_token"), "none")


#: An account, and the session policy that its session is bound by.
_Bound = tuple[str, str | None]


class _Acting(Struct, frozen=True):
    """The account and Region that a thread calls, and the credentials; None for those of the base session."""

    place: AccountRegion
    credentials: Credentials | None


_ACTING: ContextVar[_Acting] = ContextVar("acting")


class RoleRefused(Exception):
    """The role can't be assumed in an account; `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.code)
        self.failure = failure


class Sessions:
    """Calls in any account of the organization, with a role there such as the tagger's. Threads may share it.

    Args:
        base: The session of the hub (or of an operator), whose credentials may assume the role. One of boto3's is for
            this object alone, a `CallerSession` may serve others as well.
        role_name: The role in every account.
        region: Where the role is assumed: the Regional STS endpoint of the hub.
        now: Gives the time, with a time zone.
        own_account: An account in which the base session acts itself, without a role.
        endpoint_url: Another endpoint than AWS's, for every service.
        config: Timeouts and retries of every client; `client_config` where it is left out.
        policy: A session policy as JSON: the sessions may do no more than it and the role both allow.
        policies: The session policies of services that have another one.
        pacing: Keeps to a share of each account's quota; nothing is paced where it is left out.
        max_clients: How many clients are kept; of more, the one that was used longest ago is closed.
    """

    def __init__(
        self,
        base: boto3.Session | CallerSession,
        *,
        role_name: str,
        region: str,
        now: Callable[[], datetime],
        own_account: str | None = None,
        endpoint_url: str | None = None,
        config: Config | None = None,
        policy: str | None = None,
        policies: Mapping[str, str] | None = None,
        pacing: Pacing | None = None,
        max_clients: int = MAX_CLIENTS,
    ) -> None:
        self._base = base
        self._role_name = role_name
        self._partition = partition_of(region)
        self._now = now
        self._own_account = own_account
        self._endpoint_url = endpoint_url
        self._config = config or client_config()
        self._pacing = pacing
        self._max_clients = max_clients
        self._policy = policy
        self._policies = policies or {}
        self._sts = base.client("sts", region_name=region, endpoint_url=endpoint_url, config=self._config)
        self._assumed: dict[_Bound, AssumedRole] = {}
        self._refused: dict[str, tuple[datetime, Failure]] = {}
        self._clients: OrderedDict[tuple[str, str, bool], Any] = OrderedDict()
        # Clients are made and kept by one thread at a time; a role is assumed once, whoever needs it first.
        self._making = Lock()
        self._assuming: defaultdict[_Bound, Lock] = defaultdict(Lock)

    def call(self, service: str, account: str, region: str, use: Callable[[Any], T]) -> T | Failure:
        """Calls `use` with a client of this service for this account and Region. Errors are returned as values.

        Credentials that AWS no longer accepts are replaced once, and the call is repeated.
        """
        failure: Failure | None = None
        for _ in range(2):
            try:
                return self._act(service, account, region, use)
            except RoleRefused as refused:
                return refused.failure
            except AWS_ERRORS as error:
                failure = self._told(failure_of(error), service, region)
                if judge(failure, None).remedy is not Remedy.NEW_SESSION or account == self._own_account:
                    return failure
                self._assumed.pop(self._bound(service, account), None)
        assert failure is not None  # noqa: S101 - both tries failed
        return failure

    def _told(self, failure: Failure, service: str, region: str) -> Failure:
        """The failure; a host without an address is no answer where the SDK knows the service to be in the Region."""
        if not is_without_endpoint(failure):
            return failure
        if self._endpoint_url is None and region not in self._base.get_available_regions(
            service,
            self._partition,
        ):
            return failure
        return Failure(failure.code, failure.status, answered=False)

    def _act(self, service: str, account: str, region: str, use: Callable[[Any], T]) -> T:
        own = account == self._own_account
        acting = _Acting((account, region), None if own else self._role(self._bound(service, account)).credentials)
        with self._making:
            client = self._client(service, region, own)
        before = _ACTING.set(acting)
        try:
            return use(client)
        finally:
            _ACTING.reset(before)

    def _client(self, service: str, region: str, own: bool) -> Any:
        key = (service, region, own)
        client = self._clients.get(key)
        if client is not None:
            self._clients.move_to_end(key)
            return client
        client = self._base.client(
            service,  # type: ignore[call-overload] # any service
            region_name=region,
            endpoint_url=self._endpoint_url,
            config=self._config,
            **({} if own else _NOBODY),
        )
        if not own:
            client.meta.events.register("before-sign", _sign_for_account)
        if self._pacing is not None:
            self._pacing.watch(client, lambda: _ACTING.get().place)
        self._clients[key] = client
        if len(self._clients) > self._max_clients:
            _, oldest = self._clients.popitem(last=False)
            oldest.close()
        return client

    def _bound(self, service: str, account: str) -> _Bound:
        return account, self._policies.get(service, self._policy)

    def _role(self, bound: _Bound) -> AssumedRole:
        with self._making:
            assuming = self._assuming[bound]
        with assuming:
            return self._assume(bound)

    def _assume(self, bound: _Bound) -> AssumedRole:
        account, policy = bound
        now = self._now()
        assumed = self._assumed.get(bound)
        if assumed is not None and now < assumed.expires - RENEW_BEFORE:
            return assumed
        refused = self._refused.get(account)
        if refused is not None and now < refused[0] + REFUSED_FOR:
            raise RoleRefused(refused[1])
        try:
            arn = role_arn(self._partition, account, self._role_name)
            # Left out of the call where there is none: STS refuses an empty one.
            limits: dict[str, Any] = {} if policy is None else {"Policy": policy}
            assumed = assume_role(self._sts, arn, "ownertag", DurationSeconds=SESSION_SECONDS, **limits)
        except AWS_ERRORS as error:
            failure = failure_of(error)
            if judge(failure, None).outcome is OutcomeKind.FORBIDDEN:
                self._refused[account] = (now, failure)
            raise RoleRefused(failure) from error
        self._assumed[bound] = assumed
        self._refused.pop(account, None)
        return assumed


def _sign_for_account(request: Any, **_: object) -> None:
    """Signs with the account's credentials, as botocore does where a request has its own (S3 Express)."""
    request.context.setdefault("signing", {})["request_credentials"] = _ACTING.get().credentials
