"""The live flow with its real adapters on moto, and with fakes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from botocore.config import Config

from contracts.emulated import HOME, ONCE, ROLE, Emulated
from harness.events import CATALOGUE, SETTINGS, launch_of, messages, volume
from harness.fakes import Clock, FakeAccounts, FakeAws, fake_ports
from ownertag.aws.sessions import Sessions
from ownertag.core.settings import Settings
from ownertag.core.values import Decision, Outcome, Refusal
from ownertag.flows.live import BatchAnswer, Done, Returned, handle
from ownertag.flows.ports import Ports
from ownertag.flows.result import Decided, Refused, Result
from ownertag.sinks.tagging import Tagger
from ownertag.sources.lookups import AwsLookups
from ownertag.sources.organization import OrganizationAccounts

A, B = "111111111111", "222222222222"


class Hub:
    """The hub's function, as far as it is a flow: what it keeps from batch to batch is kept here."""

    def __init__(self, world: Emulated, config: Config = ONCE) -> None:
        self.world = world
        # moto's sessions expire and its volumes attach by the real time, so this clock begins with it.
        self.clock = Clock(datetime.now(UTC).replace(microsecond=0))
        self.sessions = Sessions(world.session, role_name=ROLE, region=HOME, now=self.clock, config=config)
        client = world.session.client("organizations", region_name=HOME, config=config)
        self.accounts = OrganizationAccounts(client, self.clock)

    def ports(self, expired: Callable[[], bool] = lambda: False) -> Ports:
        """The real adapters."""
        lookups = AwsLookups(self.sessions, SETTINGS, CATALOGUE.parents, self.clock, expired)
        return Ports(self.accounts, lookups, Tagger(self.sessions, CATALOGUE.tag_apis, self.clock), self.clock, expired)

    def handle(
        self, *details: dict[str, Any] | str, settings: Settings = SETTINGS, expired: Callable[[], bool] = lambda: False
    ) -> BatchAnswer:
        """One batch of these records."""
        return handle(messages(*details), self.ports(expired), CATALOGUE, settings)

    def volume(self, account: str, *ids: str, region: str = HOME, **fields: Any) -> list[dict[str, Any]]:
        """Somebody makes volumes in this account: their records."""
        self.world.add_volumes(account, ids, region)
        return [volume(account, id_, region, number=number, **self._fields(fields)) for number, id_ in enumerate(ids)]

    def launch(
        self, account: str, count: int = 1, region: str = HOME, *, seed: int | None = None, **fields: Any
    ) -> dict[str, Any]:
        """Somebody launches instances in this account: the record."""
        answered = self.world.launch(account, region, count, seed=seed)
        return launch_of(answered, account, region, **self._fields(fields))

    def _fields(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {"at": self.clock()} | fields


def on_fakes(
    aws: FakeAws, *details: dict[str, Any] | str, settings: Settings = SETTINGS, receives: int = 1, **ports: Any
) -> BatchAnswer:
    """One batch, with fakes and two accounts."""
    accounts = ports.pop("accounts", None) or FakeAccounts({A, B})
    return handle(messages(*details, receives=receives), fake_ports(aws, accounts, **ports), CATALOGUE, settings)


def result_of(verdict: Done | Returned) -> Result:
    """The result of a message that was looked at."""
    assert verdict.result is not None
    return verdict.result


def decision_of(verdict: Done | Returned) -> Decision:
    """The decision for a message that was a creation."""
    assert isinstance(verdict.result, Decided), verdict.result
    return verdict.result.decision


def refusal_of(verdict: Done | Returned) -> Refusal:
    """The refusal of a message."""
    assert isinstance(verdict.result, Refused), verdict.result
    return verdict.result.refusal


def every(answer: BatchAnswer) -> list[Done | Returned]:
    """The verdicts on all messages."""
    return [*answer.done, *answer.returned]


def outcomes(answer: BatchAnswer) -> dict[str, Outcome]:
    """Every resource's outcome by its id."""
    results = [result_of(verdict) for verdict in every(answer)]
    decided = [result for result in results if isinstance(result, Decided)]
    return {outcome.arn.rpartition("/")[2]: outcome for result in decided for outcome in result.outcomes}


def kinds(answer: BatchAnswer) -> dict[str, str]:
    """Every resource's kind of outcome by its id."""
    return {id_: outcome.kind.value for id_, outcome in outcomes(answer).items()}


def verdicts(answer: BatchAnswer) -> dict[str, str]:
    """`done` or the reasons for coming back, by message id."""
    return {done.message.id: "done" for done in answer.done} | {
        returned.message.id: "; ".join(returned.reasons) for returned in answer.returned
    }
