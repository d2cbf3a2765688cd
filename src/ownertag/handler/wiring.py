"""Builds the real adapters, once for each environment that Lambda starts, and hands batches to the live flow."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import boto3
from botocore.config import Config

from ownertag.aws.concurrency import WORKERS, Concurrency, concurrent
from ownertag.aws.credentials import CallerSession, client_config, new_session
from ownertag.aws.pacing import Pacing
from ownertag.aws.sessions import INVENTORY_CLIENTS, Sessions
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.arn import Arn, partition_of
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.records import Delivery
from ownertag.core.settings import Settings
from ownertag.core.values import Failure, OutcomeKind, Unavailable
from ownertag.flows.findings import AllPublishers
from ownertag.flows.live import BatchAnswer, Message, Returned, handle
from ownertag.flows.ports import Ports
from ownertag.flows.tag_observed import TaggedObserved, tag_observed
from ownertag.handler.settings import Environment
from ownertag.handler.telemetry import Telemetry
from ownertag.ledger.opening import kept_accounts, open_counter, open_ledger
from ownertag.ledger.port import LedgerError, Store
from ownertag.ledger.read_only import LedgerOwners
from ownertag.render.documents import ALARM_TOPIC, AUDIT_ROLE, BUS, compact
from ownertag.render.tagger import SessionPolicies, removal_policies, session_policies
from ownertag.sinks.findings import FindingsBus
from ownertag.sinks.mail import FindingsMail
from ownertag.sinks.observing import ObservingPublisher, ObservingTagger
from ownertag.sinks.queue import DeadLetter, Queue
from ownertag.sinks.tagging import Tagger, TagRemover
from ownertag.sources.fact_cache import FactCache
from ownertag.sources.lookups import AwsLookups
from ownertag.sources.observed_accounts import ObservedAccounts
from ownertag.sources.organization import OrganizationAccounts

if TYPE_CHECKING:
    from ownertag.flows.reconcile.legs import Leg
    from ownertag.handler.reconciling import Reconciling

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
    """Reports what was done."""

    def answer(self, answer: BatchAnswer, failures: list[Failure]) -> None:
        """Reports a batch, and messages whose delay could not be set."""

    def accounts(self, kept: int | Unavailable) -> None:
        """Reports how many accounts are kept, or why their list could not be read or kept."""

    def observed(self, tagged: TaggedObserved) -> None:
        """Reports what was tagged of what was observed before."""

    def reconciled(self, leg: Leg, dry_run: bool) -> None:
        """Reports what a leg of reconciling found."""


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
        report: Takes each answer; logs and metrics where it is left out.
        now: Gives the time, with a time zone.
        config: Timeouts and retries of every client; `client_config` where it is left out.
        clock: Gives seconds that only grow, by which the time for a batch is measured.
    """
    clients = _Clients(environment, session or new_session(), config or client_config())
    catalogue, settings = load_catalogue(), environment.settings
    adapters = _adapters(environment, clients, catalogue, now, clock)
    queue = Queue(clients.client("sqs"), environment.queue_url)
    report = report or Telemetry()

    patient = adapters.pacing.patient()

    @cache
    def reconciling() -> Reconciling:
        from ownertag.handler.reconciling import Reconciling  # noqa: PLC0415 - what works off the queue never needs it

        audit = Sessions(
            clients.session,
            role_name=AUDIT_ROLE,
            region=clients.region,
            now=now,
            endpoint_url=clients.endpoint_url,
            config=clients.config,
            pacing=patient,
            max_clients=INVENTORY_CLIENTS,
        )
        return Reconciling(
            audit, adapters.accounts.active, clients.client, adapters.ledger, adapters.observed.is_observed, catalogue,
            settings, environment.organization, now, report,
        )  # fmt: skip

    def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
        until = clock() + context.get_remaining_time_in_millis() / 1000 * settings.limits.timeout_share
        ports = adapters.ports(settings, now, lambda: clock() >= until)
        adapters.pacing.begin(until)
        if event == KEEP_ACCOUNTS:
            kept = adapters.accounts.keep_list(settings.observe.units, adapters.observed.members)
            report.accounts(kept)
            tagged = _tag_observed(adapters, ports, catalogue, settings)
            report.observed(tagged)
            return _kept(kept) | _counts(tagged)
        if "reconcile" in event:
            patient.begin(until)
            return reconciling().answer(event["reconcile"], ports)
        if "Records" not in event:
            from ownertag.handler.orders import Orders  # noqa: PLC0415 - what works off the queue never needs it

            orders = Orders(ports, adapters.ledger, adapters.observed.is_observed, catalogue, settings)
            if (answered := orders.answer(event)) is not None:
                return answered
        messages = [_message(record) for record in event["Records"]]
        answer = handle(messages, ports, catalogue, settings, lambda: random.uniform(*_JITTER))  # noqa: S311 - no secret
        answer = answer.with_dead_letters(queue.send_to_dead_letter_queue(map(_dead_letter, answer.returned)))
        failures = queue.delay((returned.message.receipt, returned.seconds) for returned in answer.returned)
        report.answer(answer, failures)
        return answer.batch_item_failures

    return handler


class _Clients:
    """Clients with the hub's credentials, in its home Region."""

    def __init__(self, environment: Environment, session: boto3.Session, config: Config) -> None:
        self.session = session
        self.config = config
        self.region = environment.organization.home_region
        self.endpoint_url = environment.endpoint_url

    def client(self, service: str, more: Config | None = None) -> Any:
        """A new client; `more` goes before the configuration of all."""
        merged = self.config.merge(more) if more else self.config
        return self.session.client(service, region_name=self.region, endpoint_url=self.endpoint_url, config=merged)  # type: ignore[call-overload] # any service


@dataclass(frozen=True)
class _Adapters:
    """The adapters that live as long as the environment that Lambda started."""

    accounts: OrganizationAccounts
    observed: ObservedAccounts
    sessions: Sessions
    pacing: Pacing
    ledger: Store
    findings: AllPublishers
    tagger: Tagger
    remover: TagRemover
    memory: FactCache
    concurrency: Concurrency
    catalogue: Catalogue

    def ports(self, settings: Settings, now: Callable[[], datetime], expired: Callable[[], bool]) -> Ports:
        """The ports of one batch, for which there is time until `expired`."""
        lookups = AwsLookups(
            self.sessions, settings, self.catalogue.parents, now, expired,
            ledger=LedgerOwners(self.ledger), memory=self.memory, concurrency=self.concurrency,
            catalogue=self.catalogue,
        )  # fmt: skip
        is_observed = self.observed.is_observed
        tagger, findings = ObservingTagger(self.tagger, is_observed), ObservingPublisher(self.findings, is_observed)
        return Ports(
            self.accounts, lookups, tagger, now, expired, self.ledger, findings,
            throttled=self.pacing.held, concurrency=self.concurrency, fail_fast=self.pacing.hurry,
            remover=ObservingTagger(self.remover, is_observed),
        )  # fmt: skip


def _adapters(
    environment: Environment,
    clients: _Clients,
    catalogue: Catalogue,
    now: Callable[[], datetime],
    clock: Callable[[], float],
) -> _Adapters:
    settings, organization, region = environment.settings, environment.organization, clients.region
    counter = open_counter(environment.ledger, lambda more: clients.client("dynamodb", more), clock)
    pacing = Pacing(catalogue.quotas, settings.limits.quota_share, environment.concurrency, counter, clock)
    shared = CallerSession(clients.session)

    def bound(limits: SessionPolicies) -> Sessions:
        return Sessions(
            shared,
            role_name=settings.hub.tagger_role,
            region=region,
            now=now,
            endpoint_url=clients.endpoint_url,
            config=clients.config,
            policy=compact(limits.other),
            policies=limits.texts,
            pacing=pacing,
        )

    sessions = bound(session_policies(catalogue, settings))

    @cache
    def removing() -> Sessions:  # only an order to undo needs them
        return bound(removal_policies(catalogue, settings))

    @cache
    def table() -> Any:
        # To check the shape of what it sends would be half of what the ledger costs. The tests send the same, checked.
        made = clients.client("dynamodb", Config(parameter_validation=False))
        if counter is not None:
            counter.hear(made)
        return made

    kept = kept_accounts(environment.ledger, table)
    owner_key = settings.owner_key or "owner"
    organizations = clients.client("organizations")
    accounts = OrganizationAccounts(organizations, now, owner_key, concurrent(ACCOUNT_CALLS), kept)
    topic = str(Arn(partition_of(region), "sns", region, organization.hub_account, ALARM_TOPIC))
    bus, mail = FindingsBus(clients.client("events"), BUS), FindingsMail(clients.client("sns"), topic, clock)
    return _Adapters(
        accounts=accounts,
        observed=ObservedAccounts(organizations, settings.observe, now, kept),
        sessions=sessions,
        pacing=pacing,
        ledger=open_ledger(environment.ledger, table, concurrency=concurrent(LEDGER_CALLS)),
        findings=AllPublishers(bus, mail),
        tagger=Tagger(sessions, catalogue.tag_apis, now),
        remover=TagRemover(removing, catalogue.tag_apis),
        memory=FactCache(now),
        concurrency=concurrent(WORKERS),
        catalogue=catalogue,
    )


def _tag_observed(adapters: _Adapters, ports: Ports, catalogue: Catalogue, settings: Settings) -> TaggedObserved:
    """What became of what was observed in accounts that are observed no longer; of others nothing is touched."""
    try:
        accounts = adapters.ledger.observed_accounts()
    except LedgerError as error:
        return TaggedObserved({}, (f"{error.outcome.value}: the ledger can't be used: {error}",), is_left=True)
    unobserved = [account for account in accounts if adapters.observed.is_observed(account) is False]
    return tag_observed(unobserved, ports, adapters.ledger, catalogue, settings)


def _counts(tagged: TaggedObserved) -> dict[str, Any]:
    """What the answer to the schedule says of what was observed before: nothing where nothing was."""
    if not tagged.outcomes and not tagged.is_left:
        return {}
    outcomes = {kind.value: count for kind, count in tagged.outcomes.items()}
    return {"observed_before": {"outcomes": outcomes, "left": tagged.is_left}}


def _kept(accounts: int | Unavailable) -> dict[str, Any]:
    """The answer to the schedule, which invokes the function again soon: so a throttle is no error."""
    if isinstance(accounts, int):
        return {"accounts": accounts}
    if accounts.outcome is not OutcomeKind.THROTTLED:
        raise RuntimeError(accounts.reason)
    return {"accounts": None, "reason": accounts.reason}


def _dead_letter(returned: Returned) -> DeadLetter:
    message = returned.message
    return DeadLetter(message.id, message.body, message.receives, returned.reasons)


def _message(record: Mapping[str, Any]) -> Message:
    attributes = record.get("attributes") or {}
    return Message(
        id=record["messageId"],
        body=record["body"],
        receipt=record.get("receiptHandle", ""),
        receives=int(attributes.get("ApproximateReceiveCount", 1)),
        delivery=_delivery(attributes),
    )


def _delivery(attributes: Mapping[str, Any]) -> Delivery | None:
    """When the message came into the queue, or None where the attributes do not say it: no message fails for it."""
    try:
        sent, received = int(attributes["SentTimestamp"]), int(attributes["ApproximateFirstReceiveTimestamp"])
        return Delivery(datetime.fromtimestamp(sent / 1000, UTC), datetime.fromtimestamp(received / 1000, UTC))
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None
