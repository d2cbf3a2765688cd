"""The hub's real function on moto, between its real queue and its real ledger, with faults on the wire."""

from __future__ import annotations

import io
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from botocore.config import Config
from moto.sqs.models import sqs_backends

from contracts.emulated import HOME, HUB, ONCE, Emulated, emulated
from faults.made import Delivery, Made, States, is_unicode, key_of, name_of, told, volume_of
from faults.proxy import Proxy
from handler.lambdas import CONFIG, Context, Poller, lines
from harness.events import envelope, launch_of, tags_for, volume
from harness.fakes import Clock
from ledger.table import TABLE
from ownertag.core.judge import seconds_away
from ownertag.core.ownership import EventKey
from ownertag.handler.settings import read_environment
from ownertag.handler.telemetry import Telemetry
from ownertag.handler.wiring import KEEP_ACCOUNTS, Handler, build
from ownertag.ledger.dynamodb import DynamoLedger
from ownertag.ledger.dynamodb_client import DynamoDBClient
from ownertag.ledger.entries import Ended
from ownertag.ledger.port import Store
from ownertag.ledger.sqlite import SqliteLedger
from ownertag.ledger.table import DEFINITION
from ownertag.render.documents import ALARM_TOPIC, BUS

#: As the hub's template has it.
MOST_RECEIVES = 16


class World:
    """One organization, and all that a row does with it."""

    def __init__(
        self,
        aws: Emulated,
        folder: Path,
        config: Config = ONCE,
        store: str = "dynamodb",
        endpoint_url: str | None = None,
        receives: int = MOST_RECEIVES,
        visibility: int = 30,
    ) -> None:
        self.aws, self.wire = aws, aws.wire
        self.a, self.b = aws.spokes
        # moto's sessions expire by the real time, so this clock begins with it.
        self.clock = Clock(datetime.now(UTC).replace(microsecond=0))
        self.poller = Poller(aws, visibility, receives)
        self.made: dict[str, Made] = {}
        self.last = Delivery()
        self.deliveries = 0
        self.answers: list[Any] = []
        self.milliseconds = 60_000
        self.seconds = 0.0  # of the function's clock, which stands still but for what a row makes take its time
        self.delays = True  # whether returned messages are hidden: not where SQS itself fails
        self.folder, self._config, self._store, self._endpoint_url = folder, config, store, endpoint_url
        self.settings_file = folder / "ownertag.toml"
        self.settings_file.write_text(CONFIG, "utf-8")
        self._table = aws._plain.client("dynamodb", region_name=HOME)
        self._table.create_table(TableName=TABLE, **DEFINITION)
        aws._plain.client("events", region_name=HOME).create_event_bus(Name=BUS)
        aws._plain.client("sns", region_name=HOME).create_topic(Name=ALARM_TOPIC)
        self._messages: dict[str, str] = {}
        self.bodies: dict[str, str] = {}
        self._numbers = iter(range(1, 1_000_000))
        self._output = io.StringIO()
        self.function: Handler | None = None
        self.proxy: Proxy | None = None
        self.undo: list[Callable[[], object]] = []
        self.later: list[tuple[str, dict[str, Any]]] = []
        self.receipts: list[str] = []

    # --- what is made

    def make(self, names: str, *, user: str = "alice", age: timedelta = timedelta(0), **fields: Any) -> None:
        """Creates these resources, and puts their events into the queue.

        `a1` is a volume in account a; `La` is a launch in account a: an instance, two volumes and an interface.
        """
        for name in names.split():
            self.send(name, self.record(name, user=user, age=age, **fields))

    def record(self, name: str, *, user: str = "alice", age: timedelta = timedelta(0), **fields: Any) -> dict[str, Any]:
        """Creates one, and returns its record."""
        at, number = self.clock() - age, next(self._numbers)
        if name.startswith("L"):
            account = {"a": self.a, "b": self.b}[name[1]]
            launched = self.aws.launch(account)
            record = launch_of(launched, account, at=at, user=user, number=number, **fields)
            [id_] = [instance["InstanceId"] for instance in launched["Instances"]]
            ids = (id_, *self.aws.children(account, HOME, id_))
        else:
            account = {"a": self.a, "b": self.b}[name[0]]
            ids = (volume_of(name),)
            self.aws.add_volumes(account, ids)
            record = volume(account, ids[0], at=at, user=user, number=number, **fields)
        self.knows(name, record, ids)
        return record

    def knows(self, name: str, record: dict[str, Any], ids: Iterable[str] = (), user: str = "") -> None:
        """Remembers what a message is about; `send` sends it."""
        account = record["recipientAccountId"]
        at = datetime.fromisoformat(record["eventTime"])
        user = user or record["userIdentity"].get("userName", "")
        self.made[name] = Made(
            account,
            EventKey(account, record["awsRegion"], record["eventID"]),
            tuple(ids),
            tags_for(user, record["eventName"], at),
        )

    def send(self, name: str, record: Mapping[str, Any] | str, **fields: Any) -> None:
        """Puts an event, or a body as it is, on the queue."""
        text = record if isinstance(record, str) else json.dumps(envelope(dict(record), **fields))
        # SQS refuses texts that are no XML, or too long: to show what comes of them all the same, they are put into
        # the queue behind its back, or into the batch.
        [message_id] = self.poller.send("-")
        self._messages[message_id] = name
        self.bodies[message_id] = text
        if is_unicode(text):
            next(message for message in self._queue() if message.id == message_id).body = text

    def _queue(self) -> list[Any]:
        found: list[Any] = sqs_backends[HUB][HOME].queues["ownertag"]._messages
        return found

    # --- what happens

    def start(self) -> None:
        """A new environment of the function, as after a pause or a crash."""
        self.function = self.build()

    def build(self) -> Handler:
        """The function, as Lambda would start it."""
        report = Telemetry()
        for handler in logging.getLogger("ownertag").handlers:
            if isinstance(handler, logging.StreamHandler):
                handler.stream = self._output
        return build(
            read_environment(self.variables()), self.aws.session, report, self.clock, self._config, lambda: self.seconds
        )

    def variables(self) -> dict[str, str]:
        """The function's environment."""
        place = f"dynamodb:{TABLE}" if self._store == "dynamodb" else f"sqlite:{self.folder / 'ledger.sqlite'}"
        variables = {
            "OWNERTAG_CONFIG": str(self.settings_file),
            "OWNERTAG_QUEUE_URL": self.poller.url,
            "OWNERTAG_LEDGER": place,
            "OWNERTAG_CONCURRENCY": "1",
        }
        return variables | ({"AWS_ENDPOINT_URL": self._endpoint_url} if self._endpoint_url else {})

    def deliver(self) -> Delivery:
        """Delivers the queue to the function; deletes what is done, and leaves the rest hidden."""
        event = self.receive_as_sent()
        self.receipts = [record["receiptHandle"] for record in event["Records"]]
        self.wire.clear()
        self.deliveries += 1
        self.last = Delivery()
        received = {
            record["messageId"]: int(record["attributes"]["ApproximateReceiveCount"]) for record in event["Records"]
        }
        self._output.truncate(0)
        self._output.seek(0)
        try:
            if self.function is None:
                self.start()
            assert self.function is not None
            answer = self.run_quietly(self.function, event)
        except Exception as error:  # noqa: BLE001 - as Lambda: what a function raises fails its batch
            self.last.raised = error
            self.last.verdicts = {self._messages[id_]: "failed" for id_ in received}
            return self.last
        self.answers.append(answer)
        assert set(answer) == {"batchItemFailures"}  # E9: never None, never empty by mistake
        named = {batch_item_failure["itemIdentifier"] for batch_item_failure in answer["batchItemFailures"]}
        assert named <= set(received)  # E10
        told = lines(self._output.getvalue())
        self.last.log = [line for line in told if "message_id" in line]
        self.last.metrics = {
            metric["Name"]: int(sum(line[metric["Name"]]))
            for line in told
            if "_aws" in line
            for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
            if sum(line[metric["Name"]])
        }
        said = {line["message_id"]: line["message"] for line in self.last.log}
        assert set(said) == set(received)  # a message that nobody speaks of is lost
        for id_ in received:
            assert (said[id_] == "returned") == (id_ in named)
            self.last.verdicts[self._messages[id_]] = "back" if id_ in named else said[id_]
        if self.delays:
            self._check_delays(event, {id_: received[id_] for id_ in named})
        self.poller.settle(event, answer)
        return self.last

    def receive_as_sent(self) -> dict[str, Any]:
        """The messages of the queue, as a batch."""
        event = self.poller.receive()
        for record in event["Records"]:
            record["body"] = self.bodies[record["messageId"]]
        return event

    def run_quietly(self, function: Handler, event: Mapping[str, Any]) -> dict[str, Any]:
        """Calls a function, and keeps what it prints."""
        with redirect_stdout(self._output):
            return function(event, Context(self.milliseconds))

    def keep_accounts(self) -> dict[str, Any]:
        """Keeps the list of accounts, as the hub's schedule does, in an environment of its own."""
        return self.run_quietly(self.build(), KEEP_ACCOUNTS)

    def _check_delays(self, event: Mapping[str, Any], back: Mapping[str, int]) -> None:
        """Checks that what comes back is hidden for the time that its receives give, a fifth more or less."""
        receipts = {record["receiptHandle"]: record["messageId"] for record in event["Records"]}
        hidden = {
            receipts[entry["ReceiptHandle"]]: entry["VisibilityTimeout"]
            for call in self.wire.calls
            if call.operation == "ChangeMessageVisibilityBatch"
            for entry in json.loads(call.text)["Entries"]
        }
        assert set(hidden) == set(back)
        for id_, receives in back.items():
            assert 0.8 * seconds_away(receives) - 1 <= hidden[id_] <= 1.2 * seconds_away(receives) + 1

    def heal(self) -> None:
        """The fault ends."""
        self.wire.heal()
        if self.proxy is not None:
            self.proxy.faults.clear()
        for undo in self.undo:
            undo()
        self.undo.clear()

    def wait(self) -> None:
        """Waits until what came back is visible again."""
        receives = max((message.approximate_receive_count for message in self._queue()), default=1)
        seconds = seconds_away(receives)
        self.clock.move(timedelta(seconds=seconds))
        self.seconds += seconds
        self.show_all()

    def show_all(self) -> None:
        """Makes every message visible, as if its timeout had ended."""
        for message in self._queue():
            message.visible_at = 0

    def deliver_until_empty(self, limit: int = 40) -> None:
        """Delivers and waits, until nothing is left in the queue."""
        for _ in range(limit):
            self.deliver()
            self.wait()
            if not self._queue():
                return
        raise AssertionError(f"the queue is not empty after {limit} deliveries")

    # --- what is seen

    def ids_of(self, name: str) -> list[str]:
        """The ids of the messages with this name."""
        return [id_ for id_, sent in self._messages.items() if sent == name]

    def message_name(self, id_: str) -> str:
        """The name of the message with this id."""
        return self._messages[id_]

    def names(self) -> list[str]:
        """The names of all messages."""
        return list(dict.fromkeys(self._messages.values()))

    def states(self) -> States:
        """The state of each message, as `row` explains."""
        dead = self.dead()
        found = {}
        with self.ledger() as ledger:
            for name, made in self.made.items():
                verdict = f"dead {dead[name][0]}" if name in dead else self.last.verdicts.get(name, "done")
                found[name] = f"{verdict}, {self._tags(made)}, {self._ledger(made, ledger)}"
        for name, verdict in self.last.verdicts.items():
            if name not in found:
                found[name] = f"dead {dead[name][0]}" if name in dead else verdict
        return found

    def _tags(self, made: Made) -> str:
        tags = self.aws.tags(made.account, made.event.region)
        found = Counter(told(tags.get(id_, {}), made.tags) for id_ in made.ids)
        if not made.ids:
            return "untagged"
        return next(iter(found)) if len(found) == 1 else f"{found['tagged']} of {len(made.ids)}"

    def _ledger(self, made: Made, ledger: Store) -> str:
        seen = ledger.seen([made.event]).get(made.event)
        if seen is None:
            return "unknown"
        kinds = set()
        for id_ in made.ids:
            history = ledger.history(key_of(made, id_))
            ended = [entry.kind.value for entry in history if isinstance(entry, Ended) and entry.event == made.event]
            kinds.update(ended[-1:])
        if not kinds:
            return "finished" if seen.finished else "decided"
        return f"{'finished' if seen.finished else 'open'} {'+'.join(sorted(kinds))}"

    @contextmanager
    def ledger(self) -> Iterator[Store]:
        """The ledger, read by somebody whom no fault befalls."""
        if self._store == "dynamodb":
            yield DynamoLedger(DynamoDBClient(self._table, TABLE))
            return
        store = SqliteLedger(self.folder / "ledger.sqlite")
        try:
            yield store
        finally:
            store.close()

    def dead(self) -> dict[str, list[str]]:
        """The error codes that dead letters carry, by their message's name."""
        found: dict[str, list[str]] = {}
        for message in sqs_backends[HUB][HOME].queues["ownertag-dead-letters"]._messages:
            code = message.message_attributes.get("ERROR_CODE", {}).get("StringValue", "unsaid")
            name = self._messages.get(message.id) or name_of(message.body, self.made)
            found.setdefault(name, []).append(code)
        return found

    def table_items(self) -> list[dict[str, Any]]:
        """All items of the ledger's table."""
        found: list[dict[str, Any]] = self._table.scan(TableName=TABLE)["Items"]
        return found

    def dead_letters(self) -> int:
        """The number of dead letters."""
        return len(sqs_backends[HUB][HOME].queues["ownertag-dead-letters"]._messages)


@contextmanager
def worlds(
    folder: Path,
    config: Config = ONCE,
    store: str = "dynamodb",
    endpoint_url: str | None = None,
    receives: int = MOST_RECEIVES,
) -> Iterator[World]:
    """A world, as long as the block lasts."""
    with emulated() as aws:
        yield World(aws, folder, config, store, endpoint_url, receives)
