"""Message by message: nothing is deleted before the hub has it, and what is left is shown again, whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ownertag.core.values import Failure
from ownertag.rollout.redrive.access import Site
from ownertag.rollout.redrive.messages import DeadLetterMessage
from ownertag.rollout.redrive.put_back import NOT_CHOSEN, Tally, as_it_is, chosen, put_back
from ownertag.rollout.redrive.queues import Queue
from ownertag.rollout.redrive.restore import Kept

BEGUN = datetime(2026, 3, 1, 12, tzinfo=UTC)
SITE = Site("ownertag-undelivered", "111122223333", "eu-central-1")


class FakeQueue:
    """A queue in memory, by the calls of the SQS client that are used.

    Args:
        bodies: What it holds.
        refuse: Is asked before each call, by operation: raises, or returns a failure or None.
    """

    def __init__(self, *bodies: str, refuse: Callable[[str], Failure | None] = lambda _: None) -> None:
        self.waiting: dict[str, tuple[str, str, datetime]] = {}
        self.hidden: dict[str, tuple[str, str, datetime]] = {}
        self.calls: list[str] = []
        self._refuse = refuse
        for body in bodies:
            self.add(body)

    def add(self, body: str, code: str = "", sent: datetime = BEGUN - timedelta(hours=1)) -> None:
        """Puts a message into it."""
        self.waiting[f"m{len(self.waiting) + len(self.hidden)}-{body}"] = (body, code, sent)

    def call(self, use: Callable[[Any], Any]) -> Any:
        """What a client of it answers."""
        operations: list[str] = []
        fake = self

        class Client:
            def __getattr__(self, name: str) -> Any:
                operations.append(name)
                if refused := fake._refuse(name):
                    raise _RefusedError(refused)
                fake.calls.append(name)
                return getattr(fake, f"on_{name}")

        try:
            return use(Client())
        except _RefusedError as error:
            return error.failure

    def on_get_queue_url(self, **_: Any) -> Any:
        return {"QueueUrl": "url"}

    def on_receive_message(self, MaxNumberOfMessages: int, **_: Any) -> Any:  # noqa: N803 - SQS's names
        taken = list(self.waiting)[:MaxNumberOfMessages]
        self.hidden |= {id_: self.waiting.pop(id_) for id_ in taken}
        return {
            "Messages": [
                {
                    "MessageId": id_,
                    "ReceiptHandle": id_,
                    "Body": self.hidden[id_][0],
                    "Attributes": {"SentTimestamp": str(int(self.hidden[id_][2].timestamp() * 1000))},
                    "MessageAttributes": {"ERROR_CODE": {"StringValue": self.hidden[id_][1]}},
                }
                for id_ in taken
            ]
        }

    def on_change_message_visibility_batch(self, Entries: Sequence[Any], **_: Any) -> Any:  # noqa: N803
        for entry in Entries:
            if entry["ReceiptHandle"] in self.hidden:
                self.waiting[entry["ReceiptHandle"]] = self.hidden.pop(entry["ReceiptHandle"])
        return {}

    def on_delete_message_batch(self, Entries: Sequence[Any], **_: Any) -> Any:  # noqa: N803
        for entry in Entries:
            self.hidden.pop(entry["ReceiptHandle"])
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}

    def on_send_message_batch(self, Entries: Sequence[Any], **_: Any) -> Any:  # noqa: N803
        refused = [entry for entry in Entries if entry["MessageBody"].startswith("too large")]
        taken = [entry for entry in Entries if entry not in refused]
        for entry in taken:
            self.add(entry["MessageBody"])
        return {
            "Successful": [{"Id": entry["Id"]} for entry in taken],
            "Failed": [{"Id": entry["Id"], "Code": "InvalidMessageContents"} for entry in refused],
        }

    @property
    def bodies(self) -> list[str]:
        """What can be received."""
        return sorted(body for body, _, _ in self.waiting.values())


class _RefusedError(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.code)
        self.failure = failure


def run(source: FakeQueue, hub: FakeQueue, decide: Any = as_it_is, **more: Any) -> Tally:
    queues = Queue(source.call, "ownertag-undelivered"), Queue(hub.call, "ownertag")
    return put_back(*queues, SITE, decide, begun=BEGUN, **more)


def refusing(operation: str, failure: Failure | BaseException) -> Callable[[str], Failure | None]:
    def refuse(called: str) -> Failure | None:
        if called != operation:
            return None
        if isinstance(failure, BaseException):
            raise failure
        return failure

    return refuse


def test_all_of_a_queue_goes_to_the_hub() -> None:
    source, hub = FakeQueue(*(f"{number}" for number in range(25))), FakeQueue()
    counts: list[int] = []
    assert run(source, hub, progress=counts.append) == Tally(25)
    assert (len(hub.bodies), source.bodies, source.hidden) == (25, [], {})
    assert counts == [10, 20, 25]


def test_it_ends_although_more_comes_in_all_the_time() -> None:
    source, hub = FakeQueue(*(f"{number}" for number in range(15))), FakeQueue()

    def decide(message: DeadLetterMessage) -> str:
        source.add(f"after {message.body}", sent=BEGUN + timedelta(seconds=1))
        return message.body

    tally = run(source, hub, decide, expected=15)
    assert 15 <= tally.put_back <= 35
    assert {f"{number}" for number in range(15)} <= {*hub.bodies}
    assert source.bodies
    assert source.hidden == {}


@pytest.mark.parametrize("wrong", [timedelta(days=-1), timedelta(days=1)])
def test_a_clock_that_is_wrong_leaves_nothing_behind(wrong: timedelta) -> None:
    source, hub = FakeQueue(), FakeQueue()
    for number in range(25):
        source.add(f"{number}", sent=BEGUN - wrong)
    assert run(source, hub, expected=25) == Tally(25)


@pytest.mark.parametrize("failure", [Failure("AccessDenied", 403), Failure("ReadTimeoutError", answered=False)])
def test_what_the_hub_does_not_take_is_not_deleted(failure: Failure) -> None:
    source, hub = FakeQueue("a", "b"), FakeQueue(refuse=refusing("send_message_batch", failure))
    tally = run(source, hub)
    assert tally.put_back == 0
    assert "the hub's queue did not take all" in tally.failed
    assert (hub.bodies, source.bodies) == ([], ["a", "b"])
    assert "delete_message_batch" not in source.calls


def test_a_single_message_that_the_hub_refuses_stays_and_the_others_go() -> None:
    source, hub = FakeQueue("a", "too large", "b"), FakeQueue()
    tally = run(source, hub)
    assert tally.put_back == 2
    assert tally.failed
    assert (hub.bodies, source.bodies) == (["a", "b"], ["too large"])


def test_what_can_not_be_deleted_comes_twice_and_is_told_and_is_not_sent_again_and_again() -> None:
    source = FakeQueue("a", refuse=refusing("delete_message_batch", Failure("AccessDenied", 403)))
    hub = FakeQueue()
    tally = run(source, hub)
    assert (tally.put_back, tally.twice) == (1, 1)
    assert "comes twice" in tally.failed
    assert hub.bodies == ["a"]


@pytest.mark.parametrize("operation", ["send_message_batch", "delete_message_batch"])
def test_an_interruption_loses_nothing(operation: str) -> None:
    at_hub = operation == "send_message_batch"
    refuse = refusing(operation, KeyboardInterrupt())
    source = FakeQueue("a", "b", refuse=(lambda _: None) if at_hub else refuse)
    hub = FakeQueue(refuse=refuse if at_hub else lambda _: None)
    with pytest.raises(KeyboardInterrupt):
        run(source, hub)
    assert (source.bodies if at_hub else hub.bodies) == ["a", "b"]


def test_what_is_left_is_received_once_and_shown_again_at_the_end() -> None:
    source, hub = FakeQueue("a", "b", "c"), FakeQueue()
    tally = run(source, hub, lambda message: Kept("forged") if message.body == "b" else message.body)
    assert (tally.put_back, tally.left, tally.failed) == (2, {"forged": 1}, "")
    assert (hub.bodies, source.bodies) == (["a", "c"], ["b"])


def test_a_look_up_that_fails_ends_this_queue_and_keeps_the_rest() -> None:
    def decide(message: DeadLetterMessage) -> str | Failure:
        return message.body if message.body == "a" else Failure("AccessDeniedException", 400)

    source, hub = FakeQueue("a", "b", "c"), FakeQueue()
    tally = run(source, hub, decide)
    assert tally.put_back == 1
    assert tally.failed
    assert (hub.bodies, source.bodies) == (["a"], ["b", "c"])


def test_a_queue_that_can_not_be_read_is_no_empty_one() -> None:
    source = FakeQueue("a", refuse=refusing("receive_message", Failure("AccessDenied", 403)))
    assert run(source, FakeQueue()).failed


def test_a_limit_ends_it_in_the_middle_of_a_batch() -> None:
    source, hub = FakeQueue(*(f"{number}" for number in range(25))), FakeQueue()
    assert run(source, hub, limit=12) == Tally(12)
    assert (len(hub.bodies), len(source.bodies)) == (12, 13)


def test_once_it_should_end_nothing_more_is_taken() -> None:
    source, hub = FakeQueue(*(f"{number}" for number in range(25))), FakeQueue()
    assert run(source, hub, stopped=lambda: bool(hub.bodies)) == Tally(10)
    assert (len(hub.bodies), len(source.bodies)) == (10, 15)


def test_only_the_chosen_codes_are_decided() -> None:
    source, hub = FakeQueue(), FakeQueue()
    source.add("a", "forbidden")
    source.add("b", "unreadable")
    assert run(source, hub, chosen({"forbidden"}, as_it_is)) == Tally(1, {NOT_CHOSEN: 1})
    assert (hub.bodies, source.bodies) == (["a"], ["b"])


def test_large_events_go_in_calls_that_sqs_takes() -> None:
    source, hub = FakeQueue(*("x" * 100_000 for _ in range(5))), FakeQueue()
    assert run(source, hub).put_back == 5
    assert hub.calls.count("send_message_batch") == 3
