"""Builds the real adapters, once for each environment that Lambda starts, and hands batches to the live flow."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

import boto3
import msgspec
from botocore.config import Config
from msgspec import to_builtins

from ownertag.aws.pacing import Pacing
from ownertag.aws.sessions import Sessions, client_config
from ownertag.aws.times import new_session
from ownertag.aws.together import WORKERS, at_once
from ownertag.catalogue.loader import load
from ownertag.core.records import partition_of
from ownertag.core.rows import Catalogue
from ownertag.core.settings import Settings
from ownertag.core.transfer import Order
from ownertag.core.values import Failure, OutcomeKind, Unavailable
from ownertag.flows.live import Answer, Message, Returned, handle
from ownertag.flows.ports import NobodyTold, Ports
from ownertag.flows.tag import TagOrder, tag
from ownertag.flows.tell import ToAll
from ownertag.flows.transfer import Transfer, transfer
from ownertag.handler.report import Report
from ownertag.handler.settings import Environment
from ownertag.ledger.looked_into import LookedInto
from ownertag.ledger.opening import kept_accounts, open_counter, open_ledger
from ownertag.ledger.owners import KnownOwners
from ownertag.ledger.port import Store
from ownertag.render.documents import ALARM_TOPIC, BUS, compact
from ownertag.render.policies import session_policy
from ownertag.sinks.findings import Findings
from ownertag.sinks.mail import Mail
from ownertag.sinks.queue import Dying, Queue
from ownertag.sinks.tagging import DryRun, Tagger
from ownertag.sources.lookups import Lookups
from ownertag.sources.memory import Memory
from ownertag.sources.organization import Organization

#: Calls to the ledger's table that are made at once, of those that do not need each other.
LEDGER_CALLS = 8
#: Accounts that are asked for at once, where no list has them: more at once are reported to be refused.
ACCOUNT_CALLS = 4
#: What the schedule of the hub's template gives the function every ten minutes.
KEEP_ACCOUNTS = {"accounts": "keep"}
# Between these a returned message stays away, as shares of its time.
_JITTER = (0.8, 1.2)


class Context(Protocol):
    """What the flow uses of Lambda's context object."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is stopped."""


class Reporter(Protocol):
    """Tells of what was done."""

    def answer(self, answer: Answer, failures: list[Failure]) -> None:
        """Tell of a batch, and of messages whose delay could not be set."""

    def accounts(self, kept: int | Unavailable) -> None:
        """Tell how many accounts are kept, or why their list could not be read or kept."""


Handler = Callable[[Mapping[str, Any], Context], dict[str, Any]]


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def build(
    environment: Environment,
    session: boto3.Session | None = None,
    report: Reporter | None = None,
    now: Callable[[], datetime] = now,
    config: Config | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Handler:
    """The function that Lambda calls with a batch of the queue.

    Args:
        environment: What it runs with.
        session: The hub's credentials; Lambda's own where it is left out.
        report: Is told each answer; logs and metrics where it is left out.
        now: Gives the time, with a time zone.
        config: Timeouts and retries of every client; `client_config` where it is left out.
        clock: Gives seconds that only grow, by which the time for a batch is measured.
    """
    session, config = session or new_session(), config or client_config()
    settings, organization = environment.settings, environment.organization
    region, endpoint_url = organization.home_region, environment.endpoint_url
    catalogue = load()

    def client(service: str, more: Config | None = None) -> Any:
        merged = config.merge(more) if more else config
        return session.client(service, region_name=region, endpoint_url=endpoint_url, config=merged)  # type: ignore[call-overload] # any service

    counter = open_counter(environment.ledger, lambda more: client("dynamodb", more), clock)
    pacing = Pacing(catalogue.quotas, settings.limits.quota_share, environment.concurrency, counter, clock)
    sessions = Sessions(
        session,
        role_name=settings.limits.role_name,
        region=region,
        now=now,
        endpoint_url=endpoint_url,
        config=config,
        policy=compact(session_policy(catalogue, settings)),
        pacing=pacing,
    )

    @cache
    def table() -> Any:
        # To check the shape of what it sends would be half of what the ledger costs. The tests send the same, checked.
        made = client("dynamodb", Config(parameter_validation=False))
        if counter is not None:
            counter.hear(made)
        return made

    owner_key = settings.owner_key or "owner"
    kept = kept_accounts(environment.ledger, table)
    accounts = Organization(client("organizations"), now, owner_key, at_once(ACCOUNT_CALLS), kept)
    queue = Queue(client("sqs"), environment.queue_url)
    topic = f"arn:{partition_of(region)}:sns:{region}:{organization.hub_account}:{ALARM_TOPIC}"
    findings = ToAll(Findings(client("events"), BUS), Mail(client("sns"), topic, clock))
    tagger = Tagger(sessions)
    memory = Memory(now)
    ledger = open_ledger(environment.ledger, table, together=at_once(LEDGER_CALLS))
    together = at_once(WORKERS)
    report = report or Report()

    def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
        if event == KEEP_ACCOUNTS:
            return _kept(accounts.keep_list(), report)
        until = clock() + context.get_remaining_time_in_millis() / 1000 * settings.limits.time_share

        def expired() -> bool:
            return clock() >= until

        known = KnownOwners(ledger)
        lookups = Lookups(sessions, settings, now, expired, ledger=known, memory=memory, together=together)
        ports = Ports(accounts, lookups, tagger, now, expired, ledger, findings, pacing.held, together, pacing.hurry)
        pacing.begin(until)
        if "transfer" in event:
            return _transferred(event["transfer"], ports, ledger, catalogue, settings)
        if "tag" in event:
            return _tagged(event["tag"], ports, catalogue, settings)
        messages = [_message(record) for record in event["Records"]]
        answer = handle(messages, ports, catalogue, settings, lambda: random.uniform(*_JITTER))  # noqa: S311 - no secret
        answer = answer.burying(queue.bury(map(_dying, answer.returned)))
        failures = queue.delay((each.message.receipt, each.seconds) for each in answer.returned)
        report.answer(answer, failures)
        return answer.batch_item_failures

    return handler


def _kept(accounts: int | Unavailable, report: Reporter) -> dict[str, Any]:
    """What the schedule is told; it asks again soon, so only what will not pass by itself is an error."""
    report.accounts(accounts)
    if isinstance(accounts, int):
        return {"accounts": accounts}
    if accounts.outcome is not OutcomeKind.THROTTLED:
        raise RuntimeError(accounts.reason)
    return {"accounts": None, "reason": accounts.reason}


def _dying(returned: Returned) -> Dying:
    message = returned.message
    return Dying(message.id, message.body, message.receives, returned.reasons)


def _transferred(order: Any, ports: Ports, ledger: Store, catalogue: Catalogue, settings: Settings) -> dict[str, Any]:
    """What an operator ordered by invoking the function."""
    try:
        done = transfer(msgspec.convert(order, Order), ports, ledger, catalogue, settings)
    except msgspec.ValidationError as error:
        done = Transfer(False, detail=f"this is no order of a transfer: {error}")
    answer: dict[str, Any] = to_builtins(done)
    return answer


def _tagged(order: Any, ports: Ports, catalogue: Catalogue, settings: Settings) -> dict[str, Any]:
    """What an operator ordered by invoking the function."""
    try:
        wanted = msgspec.convert(order, TagOrder)
    except msgspec.ValidationError as error:
        return {"results": None, "detail": f"this is no order to tag: {error}"}
    if wanted.dry_run:
        ports = replace(ports, tagger=DryRun(), ledger=LookedInto(ports.ledger), findings=NobodyTold())
    return tag(wanted, ports, catalogue, settings)


def _message(record: Mapping[str, Any]) -> Message:
    attributes = record.get("attributes") or {}
    return Message(
        id=record["messageId"],
        body=record["body"],
        receipt=record.get("receiptHandle", ""),
        receives=int(attributes.get("ApproximateReceiveCount", 1)),
    )
