"""One account's tag calls, each of a thousand resources, beside another's creation, in one second of time.

The product's own flow, ledger, bus and mail over the SDK's real calls on moto; each call takes a hundredth of a second
of a clock that is passed in. Batch after batch of what comes back, until nothing does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from moto import mock_aws

from contracts.emulated import ONCE, Call, Wire, session
from harness.events import CATALOGUE, HOME, SETTINGS, messages, record, volume, volume_id
from harness.fakes import Clock, FakeAccounts, FakeAws, FakeLookups, FakeTagger
from load.checks import Check
from ownertag.flows.findings import AllPublishers
from ownertag.flows.live import BatchAnswer, Message, handle
from ownertag.flows.ports import Ports
from ownertag.ledger.dynamodb import DynamoLedger
from ownertag.ledger.dynamodb_client import DynamoDBClient
from ownertag.ledger.table import DEFINITION
from ownertag.sinks.findings import FindingsBus
from ownertag.sinks.mail import FindingsMail

BUSY, QUIET = "111111111111", "222222222222"
#: The time of a batch, and of each call, in seconds.
BATCH, CALL = 1.0, 0.01
_KEYS = ("owner", "dateCreated", "WhatIsThis")
#: What the ledger is read for at a time may go on beyond the batch's time, and the findings are told after it.
_MOST_OVER = 1.0


def _json(call: Call) -> Any:
    return json.loads(call.request.body)  # type: ignore[arg-type] # it is bytes


@dataclass
class Hub:
    """The function's world: calls move the clock; `took` counts them by operation."""

    wire: Wire
    ports: Ports
    aws: FakeAws
    table: Any
    clock: list[float]
    until: list[float] = field(default_factory=lambda: [0.0])

    def batch(self, batch: list[Message]) -> BatchAnswer:
        """Handles one batch and takes its time."""
        self.until[0] = self.clock[0] + BATCH
        return handle(batch, self.ports, CATALOGUE, SETTINGS)

    def entries(self) -> int:
        """The ledger's entries of changed tags."""
        pages = self.table.get_paginator("scan").paginate(
            TableName="ledger",
            FilterExpression="kind = :kind",
            ExpressionAttributeValues={":kind": {"S": "tag-changed"}},
            Select="COUNT",
        )
        return sum(page["Count"] for page in pages)

    def events(self) -> int:
        """The events that were put on the bus."""
        put = (_json(call)["Entries"] for call in self.wire.calls if call.operation == "PutEvents")
        return sum(map(len, put))


def _clients(own: Any, *services: str) -> list[Any]:
    return [own.client(service, region_name=HOME, config=ONCE) for service in services]


@contextmanager
def hub() -> Iterator[Hub]:
    """A hub whose calls take time."""
    with mock_aws():
        own = session()
        wire = Wire(own)
        clock, until = [1000.0], [0.0]

        def passing(_: Any) -> None:
            clock[0] += CALL

        wire.rule(passing)
        table, events, sns = _clients(own, "dynamodb", "events", "sns")
        table.create_table(TableName="ledger", **DEFINITION)
        events.create_event_bus(Name="ownertag")
        topic = sns.create_topic(Name="ownertag-alarms")["TopicArn"]
        aws = FakeAws()
        ports = Ports(
            FakeAccounts({BUSY, QUIET}),
            FakeLookups(aws),
            FakeTagger(aws),
            Clock(),
            lambda: clock[0] >= until[0],
            DynamoLedger(DynamoDBClient(table, "ledger")),
            AllPublishers(FindingsBus(events, "ownertag"), FindingsMail(sns, topic, lambda: clock[0])),
        )
        yield Hub(wire, ports, aws, table, clock, until)


def tag_call(number: int, name: str, ids: int) -> dict[str, Any]:
    """A call that names so many resources: it writes our three keys, or removes every tag."""
    items = [{"resourceId": volume_id(number * ids + part)} for part in range(ids)]
    request: dict[str, Any] = {"resourcesSet": {"items": items}}
    if name == "CreateTags":
        request["tagSet"] = {"items": [{"key": key, "value": "mallory"} for key in _KEYS]}
    return record(name, BUSY, HOME, {"_return": True}, request, user="mallory", number=10_000 + number)


def flood(name: str = "CreateTags", calls: int = 140, ids: int = 1000) -> Check:
    """Handles the calls with another account's creation behind them, again and again until nothing comes back."""
    with hub() as at:
        waiting = messages(
            *(tag_call(number, name, ids) for number in range(calls)), volume(QUIET, volume_id(10**9), user="bob")
        )
        size = max(len(message.body) for message in waiting)
        creation = waiting[-1].id
        begun = at.clock[0]
        first = at.batch(waiting)
        took = at.clock[0] - begun
        tagged = at.aws.places[QUIET, HOME].tags.get(volume_id(10**9), {}).get("owner") == "bob"
        done = len(first.done) - 1
        kept, told = at.entries(), at.events()
        ids_done = {done.message.id for done in first.done}
        back = [returned.message for returned in first.returned]
        batches = 1
        while back and batches < 10 * calls:
            answer = at.batch(back)
            back = [returned.message for returned in answer.returned]
            batches += 1
        figures: Mapping[str, Any] = {
            "keys x ids of a message": len(_KEYS) * ids,
            "KB of a message": round(size / 1024),
            "done in the first second": done,
            "came back": len(first.returned),
            "the other account's creation": "done" if tagged and creation in ids_done else "NOT done",
            "the first batch took, s": f"{took:.2f}",
            "ledger entries, events of it": f"{kept}, {told}",
            "batches in all": batches,
            "ledger entries, events, mails in all": (
                f"{at.entries()}, {at.events()}, {at.wire.counts['Publish']}"
            ),
        }  # fmt: skip
        finds = name == "CreateTags"
        wrong = []
        if not tagged or creation not in ids_done:
            wrong.append("the other account's creation is not done")
        if done + len(first.returned) != calls:
            wrong.append(f"of {calls} calls {done} are done and {len(first.returned)} came back")
        if max(kept, told) > done or (finds and min(kept, told) < done):
            wrong.append(f"{done} calls done have {kept} entries and {told} events")
        if took > BATCH + _MOST_OVER:
            wrong.append(f"a batch of {BATCH:.0f} s took {took:.2f} s")
        if not 0 < done < calls:
            wrong.append("the batch's time made no difference: give it more calls")
        if back or (at.entries(), at.events()) != ((calls, calls) if finds else (0, 0)):
            wrong.append(f"in the end there are {at.entries()} entries and {at.events()} events, and {len(back)} left")
        return Check(
            f"{calls} times {name} of {ids:,} resources beside another account's creation", figures, tuple(wrong)
        )
