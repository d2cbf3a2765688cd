"""Collects the facts of the hub: the bus, the queue, the function, and the alarm topic's subscribers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from ownertag.ledger.items import OBSERVED_IN, account_of, observed_link
from ownertag.ledger.table import BY_LINK
from ownertag.render.documents import (
    ALARM_TOPIC,
    BUS,
    DEAD_LETTERS,
    FUNCTION,
    HUB_RULE,
    HUB_STACK,
    LEDGER_TABLE,
    RECONCILE_FUNCTION,
    RECONCILE_RULE,
)
from ownertag.rollout.doctor.access import AuditedAccount
from ownertag.rollout.doctor.collect import Metrics, metrics, queue, rule
from ownertag.rollout.doctor.expected import Expected
from ownertag.rollout.doctor.facts import (
    BusFacts,
    EventSourceMapping,
    Function,
    HubFacts,
    NotGiven,
    Observed,
    Schedule,
    Unread,
)


def collect_hub(account: AuditedAccount, expected: Expected, now: datetime) -> HubFacts | Unread:
    """Collects the facts of the hub; or why the audit role could not be assumed in its account."""
    if refused := account.refused():
        return refused
    home = account.home
    return HubFacts(
        stack=account.stack(home, HUB_STACK),
        bus=_bus(account),
        rule=rule(account, home, HUB_RULE, BUS),
        queue=queue(account, home, BUS),
        oldest=_oldest(account, now),
        dead_letters=queue(account, home, DEAD_LETTERS),
        function=_function(account, FUNCTION),
        sources=_sources(account),
        alarms=_alarms(account, expected.alarms.values()),
        subscriptions=subscriptions(account, expected),
        waiting=_waiting(account),
        reconcile=_function(account, RECONCILE_FUNCTION),
        schedule=_schedule(account),
    )


def _bus(account: AuditedAccount) -> Observed[BusFacts]:
    def use(events: Any) -> BusFacts:
        found = events.describe_event_bus(Name=BUS)
        return BusFacts(json.loads(found["Policy"]) if found.get("Policy") else None)

    return account.read("events", account.home, use)


def _oldest(account: AuditedAccount, now: datetime) -> Observed[float | None]:
    """Seconds that the oldest message has waited; None where SQS counted nothing in the last quarter of an hour."""
    asked = Metrics(
        "AWS/SQS", (("ApproximateAgeOfOldestMessage", {"QueueName": BUS}),), "Maximum", timedelta(minutes=5)
    )
    found = metrics(account, account.home, asked, now - timedelta(minutes=15), now)
    if not isinstance(found, list):
        return found
    return max(found[0])[1] if found[0] else None


def _function(account: AuditedAccount, name: str) -> Observed[Function]:
    def use(client: Any) -> Function:
        found = client.get_function_configuration(FunctionName=name)

        def given(field: str) -> Any:
            return found[field] if found.get(field) else NotGiven(field)

        architectures = given("Architectures")
        return Function(
            given("State"),
            tuple(architectures) if isinstance(architectures, list) else architectures,
            given("Timeout"),
            given("CodeSha256"),
        )

    return account.read("lambda", account.home, use)


def _schedule(account: AuditedAccount) -> Observed[Schedule]:
    def use(events: Any) -> Schedule:
        found = events.describe_rule(Name=RECONCILE_RULE)
        targets = events.list_targets_by_rule(Rule=RECONCILE_RULE)["Targets"]
        return Schedule(found["State"], tuple(target["Arn"] for target in targets))

    return account.read("events", account.home, use)


def _sources(account: AuditedAccount) -> Observed[tuple[EventSourceMapping, ...]]:
    def use(client: Any) -> tuple[EventSourceMapping, ...]:
        pages = client.get_paginator("list_event_source_mappings").paginate(FunctionName=BUS)
        return tuple(
            EventSourceMapping(
                event_source_mapping["EventSourceArn"],
                event_source_mapping["State"],
                tuple(event_source_mapping.get("FunctionResponseTypes") or ()),
                event_source_mapping["UUID"],
            )
            for page in pages
            for event_source_mapping in page["EventSourceMappings"]
        )

    return account.read("lambda", account.home, use)


def _waiting(account: AuditedAccount) -> Observed[dict[str, int]]:
    """How many resources were observed and are not tagged, by account: counted in an index, which has keys alone."""

    def use(dynamodb: Any) -> dict[str, int]:
        def pages(link: str, **more: Any) -> Iterator[Any]:
            yield from dynamodb.get_paginator("query").paginate(
                TableName=LEDGER_TABLE,
                IndexName=BY_LINK,
                KeyConditionExpression="#link = :link",
                ExpressionAttributeNames={"#link": "link"},
                ExpressionAttributeValues={":link": {"S": link}},
                **more,
            )

        accounts = [account_of(item["pk"]["S"]) for page in pages(OBSERVED_IN) for item in page["Items"]]
        return {
            account: sum(page["Count"] for page in pages(observed_link(account), Select="COUNT"))
            for account in sorted(accounts)
        }

    return account.read("dynamodb", account.home, use)


def _alarms(account: AuditedAccount, names: Iterable[str]) -> Observed[dict[str, str]]:
    def use(cloudwatch: Any) -> dict[str, str]:
        found = cloudwatch.describe_alarms(AlarmNames=list(names))["MetricAlarms"]
        return {alarm["AlarmName"]: alarm["StateValue"] for alarm in found}

    return account.read("cloudwatch", account.home, use)


def subscriptions(account: AuditedAccount, expected: Expected) -> Observed[tuple[str, ...]]:
    """The topic's subscriptions; one that is not confirmed has PendingConfirmation for its ARN (doc: SNS)."""
    topic = expected.arn("sns", ALARM_TOPIC, account.id, account.home)

    def use(sns: Any) -> tuple[str, ...]:
        pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
        return tuple(subscription["SubscriptionArn"] for page in pages for subscription in page["Subscriptions"])

    return account.read("sns", account.home, use)
