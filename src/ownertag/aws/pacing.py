"""The share of each account's own quota that ownertag may use: a token bucket for each account, Region and API.

Every request counts, the SDK's own repeats and further pages among them, since they count at AWS as well. Where there
is no token, the call waits a little, or fails as `Paced` without being sent: then its message comes back later, and the
batch goes on with other accounts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from functools import partial
from math import inf
from threading import Lock
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ownertag.aws.errors import failure_of
from ownertag.core.bucket import Bucket
from ownertag.core.judge import is_throttle
from ownertag.core.rows import Quota

#: How long one batch waits for one account: whoever has most to do must not hold up the others.
PATIENCE = 2.0
#: And for all accounts together, in times of that.
ALL_TOGETHER = 10
#: Places whose buckets are kept. Those that have filled up again are forgotten above this: a new one is full as well.
MAX_PLACES = 1000

Quotas = Mapping[str, tuple[tuple[str, Quota], ...]]
Place = tuple[str, str]
Api = tuple[str, str]


class Paced(BotoCoreError):
    """A call was not sent: ownertag's share of the account's quota is used up, or AWS throttles it just now."""

    fmt = "{operation} was not sent: ownertag's share of the account's quota is used up"


class Pacing:
    """What may be sent, and when. Threads may share it.

    Args:
        quotas: AWS's buckets, by service; a call that has none there is not paced.
        share: The part of them that ownertag may use, between 0 and 1.
        functions: How many of the function run at once at most: each takes its part of the share.
        clock: Seconds that only go forward.
        sleep: Waits so many seconds.
        patience: How many of them one account may cost a batch. Where AWS refuses an account, it is waited for without
            end only: for a person, who has nothing else to do.
    """

    def __init__(
        self,
        quotas: Quotas,
        share: float,
        functions: int = 1,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        patience: float = PATIENCE,
    ) -> None:
        self._quotas = quotas
        self._part = share / functions
        self._clock = clock
        self._sleep = sleep
        self._patience = patience
        self._buckets: dict[Place, dict[Api, Bucket]] = {}
        self._lock = Lock()
        self.begin()

    def begin(self, until: float | None = None) -> None:
        """A new batch: the time that it may wait begins anew. It never waits beyond `until`, by the clock."""
        self._until = until
        self._waited: dict[str, float] = {}

    def held(self, account: str, region: str) -> bool:
        """Whether AWS refuses an account's calls in a Region just now, so that nothing needs to be tried there."""
        now = self._clock()
        with self._lock:
            return any(bucket.holds(now) for bucket in self._buckets.get((account, region), {}).values())

    def watch(self, client: Any, place: Callable[[], Place]) -> None:
        """Pace a client, which acts in the account and Region that `place` tells at each request."""
        service = client.meta.service_model.service_name
        if self._quotas.get(service):
            client.meta.events.register(f"before-send.{service}", partial(self._before_send, place, service))
            client.meta.events.register(f"response-received.{service}", partial(self._received, place, service))

    def _before_send(self, place: Callable[[], Place], service: str, event_name: str, **_: object) -> None:
        operation = event_name.rpartition(".")[2]
        with self._lock:
            wait = self._take(place(), service, operation)
        if wait > 0:
            self._sleep(wait)

    def _take(self, place: Place, service: str, operation: str) -> float:
        """Take a token, if need be one that is still to come: seconds until then."""
        bucket = self._bucket(place, service, operation)
        if bucket is None:
            return 0.0
        now, account = self._clock(), place[0]
        if bucket.holds(now) and self._patience < inf:  # each of the functions finds out alone, and all wait for them
            raise Paced(operation=operation)
        wait = bucket.wait(now)
        if wait > 0:
            if not self._may_wait(account, now, wait):
                raise Paced(operation=operation)
            self._waited[account] = self._waited.get(account, 0.0) + wait
        self._buckets[place][service, operation] = bucket.taken(now)
        return wait

    def _may_wait(self, account: str, now: float, wait: float) -> bool:
        return (
            self._waited.get(account, 0.0) + wait <= self._patience
            and sum(self._waited.values()) + wait <= self._patience * ALL_TOGETHER
            and (self._until is None or now + wait < self._until)
        )

    def _received(
        self,
        place: Callable[[], Place],
        service: str,
        event_name: str,
        parsed_response: Mapping[str, Any] | None,
        **_: object,
    ) -> None:
        operation, where = event_name.rpartition(".")[2], place()
        with self._lock:
            bucket = self._bucket(where, service, operation)
            if bucket is not None and parsed_response is not None:
                error = parsed_response.get("Error")
                code = failure_of(ClientError({"Error": error}, operation)) if error else None
                throttled = code is not None and is_throttle(code)
                self._buckets[where][service, operation] = bucket.answered(self._clock(), throttled)

    def _bucket(self, place: Place, service: str, operation: str) -> Bucket | None:
        here = self._buckets.get(place)
        if here is None:
            if len(self._buckets) >= MAX_PLACES:
                self._forget_the_full()
            here = self._buckets.setdefault(place, {})
        known = here.get((service, operation))
        if known is None:
            quota = next((each for name, each in self._quotas[service] if fnmatchcase(operation, name)), None)
            if quota is None:
                return None
            size = max(1.0, quota.size * self._part)
            known = here[service, operation] = Bucket(size, quota.refill * self._part, size, self._clock())
        return known

    def _forget_the_full(self) -> None:
        now = self._clock()
        for place, buckets in list(self._buckets.items()):
            if all(each.full(now) for each in buckets.values()):
                del self._buckets[place]
