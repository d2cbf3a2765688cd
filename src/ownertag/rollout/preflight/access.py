"""Read-only access to every account by the role that deploys, since no role of ours is there before the first apply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar

from ownertag.aws.errors import AWS_ERRORS, failure_of
from ownertag.core.judge import judge
from ownertag.rollout.deploy.clients import Clients
from ownertag.rollout.deploy.failures import DeployError
from ownertag.rollout.doctor.facts import Missing, NotGiven, Observed, Unread

T = TypeVar("T")

#: Error codes for what is not there (service models; SQS answers with the first in its older protocol).
MISSING = frozenset(
    {
        "404",
        "AWS.SimpleQueueService.NonExistentQueue",
        "EffectivePolicyNotFoundException",
        "NoSuchBucket",
        "NoSuchEntity",
        "QueueDoesNotExist",
        "ResourceNotFoundException",
    }
)


class CallCount:
    """How many calls were made, by service and operation. Threads may share it."""

    def __init__(self) -> None:
        self._made: Counter[str] = Counter()
        self._lock = Lock()

    def watch(self, client: Any) -> None:
        """Counts the calls of a client from now on; watching it again changes nothing."""
        client.meta.events.register("before-call", self._count, unique_id=f"ownertag-preflight-{id(self)}")

    def _count(self, model: Any, **_: Any) -> None:
        with self._lock:
            self._made[f"{model.service_model.service_name}:{model.name}"] += 1

    @property
    def by_api(self) -> dict[str, int]:
        """The calls by API, the most frequent first."""
        with self._lock:
            return dict(self._made.most_common())


class DeployedAccount:
    """One account, read with the role that deploys to it; the management account with the caller's credentials.

    Args:
        clients: The clients of the deployment.
        account: Its id.
        home: The home Region.
        calls: Counts the calls.
    """

    def __init__(self, clients: Clients, account: str, home: str, calls: CallCount) -> None:
        self.id = account
        self.home = home
        self._clients = clients
        self._calls = calls

    def read(
        self, service: str, region: str, use: Callable[[Any], T], *, missing: frozenset[str] = MISSING
    ) -> Observed[T]:
        """What `use` makes of a client, or why there is nothing. A `KeyError` is a field that the answer lacks."""
        try:
            client = self._clients.of(self.id, service, region)
            self._calls.watch(client)
            return use(client)
        except DeployError as error:
            return Unread(self._without_account(str(error)))
        except KeyError as error:
            return NotGiven(str(error.args[0]))
        except AWS_ERRORS as error:
            failure = failure_of(error)
            return Missing() if failure.code in missing else Unread(judge(failure, None, region).reason)

    def refused(self) -> Unread | None:
        """Why the account can't be reached, if it can't."""
        found = self.read("sts", self.home, lambda sts: str(sts.get_caller_identity()["Arn"]))
        return None if isinstance(found, str) else found if isinstance(found, Unread) else Unread("no identity")

    def _without_account(self, text: str) -> str:
        """A text that is the same for every account with the same cause."""
        return text.removeprefix(f"account {self.id}: ").replace(self.id, "{account}")
