"""Keeps to ownertag's share of each account's API quota: a token for each request, by account, Region and API.

Every request counts, the SDK's retries and further pages among them, since they count at AWS as well. Each function has
a few tokens for itself, and takes the rest from a counter that all functions share, several at a time. Where there is
no token, the call waits a little, or fails as `Paced` without being sent: then its message comes back later, and the
batch goes on with other accounts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from functools import partial
from math import inf
from threading import Lock
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from ownertag.aws.api_tokens import ApiTokens
from ownertag.aws.errors import failure_of
from ownertag.core.catalogue_types import Quota
from ownertag.core.judge import is_throttle
from ownertag.core.server_clock import Span
from ownertag.core.token_leases import Lease, NoneFree, Shares, Taken, divide_share, lease_terms

#: How many seconds one batch waits for one account: the busiest account must not hold up the others.
PATIENCE = 5.0
#: For how many accounts a batch waits so long in all: the seconds are shared by all accounts.
MAX_CONCURRENT_WAITS = 4
#: Accounts and Regions whose buckets are kept. Above this, full ones are dropped: a new bucket is full as well.
MAX_PLACES = 1000
#: For how many seconds a counter that did not answer is not asked again.
AWAY = 5.0
#: How often a counter is asked for one token, and how often a token that expired meanwhile is replaced.
TRIES = 3

Quotas = Mapping[str, tuple[tuple[str, Quota], ...]]
AccountRegion = tuple[str, str]
Api = tuple[str, str]
#: An account, a Region, and an API as `service.Operation`.
CounterKey = tuple[str, str, str]


class Paced(BotoCoreError):
    """A call was not sent: ownertag's share of the account's quota is used up, or AWS throttles the account now."""

    fmt = "{operation} was not sent: ownertag's share of the account's quota is used up"


class Counter(Protocol):
    """What all functions take tokens from. Threads may share it. Times are seconds since 1970 by its own clock."""

    def between(self) -> Span | None:
        """The time, as an earliest and a latest value; None if the counter can't be asked."""

    def take(self, key: CounterKey, at: float, cost: float, latest: float) -> Taken | NoneFree | None:
        """Takes tokens that cost so many seconds (see `core.token_leases.take_tokens`); None if it can't be asked."""


class Pacing:
    """Decides which requests may be sent, and when. Threads may share it.

    Args:
        quotas: AWS's token buckets, by service; a call without one is not paced.
        share: The part of them that ownertag may use, between 0 and 1.
        functions: How many instances of the function run at once at most.
        counter: The counter that they share; without one each has its part of the share.
        clock: Seconds that only go forward.
        sleep: Waits so many seconds.
        patience: How many seconds one account may cost a batch. Infinite for a command, whose user waits anyway: then
            an account that AWS throttles is waited for as well.
    """

    def __init__(
        self,
        quotas: Quotas,
        share: float,
        functions: int = 1,
        counter: Counter | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        patience: float = PATIENCE,
    ) -> None:
        self._quotas = quotas
        self._share = share
        self._functions = functions
        self._counter = counter
        self._clock = clock
        self._sleep = sleep
        self._patience = patience
        self._apis: dict[AccountRegion, dict[Api, ApiTokens]] = {}
        self._away = -inf
        self._lock = Lock()
        self.begin()

    def patient(self) -> Pacing:
        """The same, for work that nobody waits for: an account may cost it all of its time."""
        return Pacing(
            self._quotas, self._share, self._functions, self._counter, self._clock, self._sleep, patience=inf
        )  # fmt: skip

    def begin(self, until: float | None = None) -> None:
        """Begins a batch, with all of its time to wait. It never waits beyond `until`, by the clock."""
        self._until = until
        self._waited: dict[str, float] = {}
        self._hurried = False

    def hurry(self, on: bool) -> None:
        """Waits for no token from now on, since other accounts have their turn; or waits again."""
        self._hurried = on

    def held(self, account: str, region: str, client: str) -> bool:
        """Whether AWS throttles a service in an account's Region now, so that nothing of it needs to be tried there."""
        now = self._clock()
        with self._lock:
            apis = self._apis.get((account, region), {})
            return any(tokens.bucket.holds(now) for (service, _), tokens in apis.items() if service == client)

    def watch(self, client: Any, place: Callable[[], AccountRegion]) -> None:
        """Paces a client, which calls the account and Region that `place` returns at each request."""
        service = client.meta.service_model.service_name
        if self._quotas.get(service):
            client.meta.events.register(f"before-send.{service}", partial(self._before_send, place, service))
            client.meta.events.register(f"response-received.{service}", partial(self._received, place, service))

    def _before_send(self, place: Callable[[], AccountRegion], service: str, event_name: str, **_: object) -> None:
        operation, where = event_name.rpartition(".")[2], place()
        tokens = self._tokens(where, service, operation)
        if tokens is None:
            return
        for _again in range(TRIES):
            with tokens.lock:  # whoever asks the counter holds up no other place
                wait, ends = self._take(tokens, (*where, f"{service}.{operation}"))
            if wait > 0:
                self._sleep(wait)
            if ends is None or ((span := self._between()) is not None and span[1] <= ends):
                return
        raise Paced(operation=operation)

    def _take(self, tokens: ApiTokens, key: CounterKey) -> tuple[float, float | None]:
        """Takes a token, perhaps a future one: (seconds until it may be used, when its lease ends).

        Raises:
            Paced: There is none, or it would take too long.
        """
        account, now = key[0], self._clock()
        paced = Paced(operation=key[2].partition(".")[2])
        if tokens.bucket.holds(now) and self._patience < inf:  # each of the functions finds out alone; all would wait
            raise paced
        tokens.turn(now, alone=now < self._away)
        own = tokens.bucket.wait(now)
        if own > 0 and not tokens.alone:
            slot = self._slot(tokens, key, now)
            now = self._clock()
            if slot is not None:
                lease, span = slot
                wait = max(0.0, lease.begins - span[0], tokens.not_before - now)
                # Where only the time is unsure there is no queue: it does not count.
                counted = wait if lease.base > lease.asked or tokens.not_before > now else 0.0
                if wait <= own and self._may_wait(account, now, wait, counted):
                    tokens.lease = lease.rest()
                    return wait, lease.ends
            tokens.turn(now, alone=now < self._away)
            own = tokens.bucket.wait(now)
        if own > 0 and (own == inf or not self._may_wait(account, now, own, own)):
            raise paced
        tokens.bucket = tokens.bucket.after_call(now)
        return own, None

    def _slot(self, tokens: ApiTokens, key: CounterKey, now: float) -> tuple[Lease, Span] | None:
        """The next token of the common part, and the counter's time; None if there is none."""
        span = self._between()
        if span is None:
            return None
        common = tokens.shares.common
        lease = tokens.lease.live(span) if tokens.lease else None
        if lease is None:
            given = lease_terms(common, span[1] - span[0])
            left = self._left(key[0], now)
            # After a time without the counter its bucket counts as empty: what was used meanwhile it does not know.
            at = span[1] + (given.ahead + 1 / common.refill if tokens.was_alone else 0.0)
            latest = max(span[1], span[0] + max(left, 0.0) + given.ahead)
            count = 1 if given.cost > 1 / common.refill else tokens.next_lease(now)
            for _ in range(TRIES):
                if tokens.until + (count - 1) * given.cost > latest:
                    count = int((latest - max(tokens.until, at)) // given.cost) + 1
                if count < 1:
                    return None
                answer = self._ask(key, at, count * given.cost, latest - (count - 1) * given.cost)
                if answer is None:
                    return None
                if isinstance(answer, Taken):
                    tokens.shared(answer.base + count * given.cost)
                    lease = Lease(answer.base, count, span[1], given)
                    break
                tokens.until = max(tokens.until, answer.until)
            else:
                return None
            tokens.taken(now, count)
            span = self._between() or span
        tokens.lease = lease
        return lease, span

    def _between(self) -> Span | None:
        span = self._counter.between() if self._counter is not None else None
        if span is None:
            self._away = self._clock() + AWAY
        return span

    def _ask(self, key: CounterKey, at: float, cost: float, latest: float) -> Taken | NoneFree | None:
        assert self._counter is not None  # noqa: S101 - without one nobody asks
        answer = self._counter.take(key, at, cost, latest)
        if answer is None:
            self._away = self._clock() + AWAY
        return answer

    def _left(self, account: str, now: float) -> float:
        """How many seconds may be waited for an account."""
        with self._lock:
            return self._left_of(account, now)

    def _left_of(self, account: str, now: float) -> float:
        if self._hurried:
            return 0.0
        all_left = self._patience * MAX_CONCURRENT_WAITS - sum(self._waited.values(), 0.0)
        left = min(self._patience - self._waited.get(account, 0.0), all_left)
        return left if self._until is None else min(left, self._until - now)

    def _may_wait(self, account: str, now: float, wait: float, counted: float) -> bool:
        """Whether a call may wait so long; `counted` of it is subtracted from the account's time."""
        if wait > 0 and self._until is not None and now + wait >= self._until:
            return False
        with self._lock:
            if counted > 0:
                if counted > self._left_of(account, now):
                    return False
                self._waited[account] = self._waited.get(account, 0.0) + counted
        return True

    def _received(
        self,
        place: Callable[[], AccountRegion],
        service: str,
        event_name: str,
        parsed_response: Mapping[str, Any] | None,
        **_: object,
    ) -> None:
        operation = event_name.rpartition(".")[2]
        tokens = self._tokens(place(), service, operation)
        if tokens is not None and parsed_response is not None:
            error = parsed_response.get("Error")
            code = failure_of(ClientError({"Error": error}, operation)) if error else None
            with tokens.lock:
                tokens.answered(self._clock(), code is not None and is_throttle(code))

    def _tokens(self, place: AccountRegion, service: str, operation: str) -> ApiTokens | None:
        with self._lock:
            here = self._apis.get(place)
            if here is None:
                if len(self._apis) >= MAX_PLACES:
                    self._forget_the_full()
                here = self._apis.setdefault(place, {})
            known = here.get((service, operation))
            if known is None:
                quota = next(
                    (found for pattern, found in self._quotas[service] if fnmatchcase(operation, pattern)), None
                )
                if quota is None:
                    return None
                known = here[service, operation] = ApiTokens(self._divided(quota), self._counter is None, self._clock())
            return known

    def _divided(self, quota: Quota) -> Shares:
        if self._counter is not None:
            return divide_share(quota, self._share, self._functions)
        part = self._share / self._functions
        alone = Quota(max(1.0, quota.size * part), quota.refill * part)
        return Shares(alone, alone, alone)

    def _forget_the_full(self) -> None:
        now = self._clock()
        for place, apis in list(self._apis.items()):
            if all(tokens.full(now) for tokens in apis.values()):
                del self._apis[place]
