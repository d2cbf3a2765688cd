"""The live flow: takes a batch of queue messages, and returns a verdict for each."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence

from msgspec import Struct

from ownertag.core.catalogue_types import Catalogue
from ownertag.core.fairness import fair_parts
from ownertag.core.judge import NOT_SENT, seconds_away
from ownertag.core.parse import parse_event
from ownertag.core.records import Arrival
from ownertag.core.settings import Settings
from ownertag.core.values import OutcomeKind, Refusal, Wait
from ownertag.flows import tamper
from ownertag.flows.isolate_failures import isolate_failures
from ownertag.flows.ports import Ports
from ownertag.flows.result import Result
from ownertag.flows.run import run

_HELD = Wait(OutcomeKind.THROTTLED, "AWS throttles the account in this Region just now")


class Message(Struct, frozen=True):
    """A message of the queue: an EventBridge event in its body, and how often it was received."""

    id: str
    body: str
    receipt: str = ""
    receives: int = 1


class Done(Struct, frozen=True):
    """The message may be deleted."""

    message: Message
    result: Result


class Returned(Struct, frozen=True):
    """The message is returned to the queue and received again after this many seconds."""

    message: Message
    seconds: int
    reasons: tuple[str, ...]
    result: Result | None = None


class BatchAnswer(Struct, frozen=True):
    """The verdicts of a batch. Only `answer` builds one: a message that is neither done nor returned can't be.

    `dead_letters` were returned for the last time, and lie in the dead-letter queue with the reason.
    """

    done: tuple[Done, ...]
    returned: tuple[Returned, ...]
    dead_letters: tuple[Returned, ...] = ()

    @property
    def batch_item_failures(self) -> dict[str, list[dict[str, str]]]:
        """What Lambda's event source mapping wants to be told: the messages that come back."""
        return {"batchItemFailures": [{"itemIdentifier": each.message.id} for each in self.returned]}

    def with_dead_letters(self, ids: Container[str]) -> BatchAnswer:
        """The same verdicts, with these of the returned messages in the dead-letter queue."""
        dead_letters = tuple(each for each in self.returned if each.message.id in ids)
        return BatchAnswer(self.done, tuple(each for each in self.returned if each.message.id not in ids), dead_letters)


def handle(
    messages: Sequence[Message],
    ports: Ports,
    catalogue: Catalogue,
    settings: Settings,
    jitter: Callable[[], float] = lambda: 1.0,
) -> BatchAnswer:
    """Tags what these messages report as created; the answer says of each message whether it is done.

    Args:
        messages: A batch; a message may be in it more than once.
        ports: The world.
        catalogue: The rows.
        settings: The tag policy and the owner rules.
        jitter: A factor around 1 for each returned message, so that a batch doesn't come back all at once.
    """
    numbered = {str(number): message for number, message in enumerate(messages)}
    receives = {where: message.receives for where, message in numbered.items()}
    redelivered = {where for where, count in receives.items() if count > 1}

    def work(arrivals: Sequence[Arrival | Refusal]) -> list[Result]:
        return run(arrivals, ports, catalogue, settings, redelivered)

    def look_into(tampered: Sequence[tamper.Tampered]) -> list[Result]:
        return tamper.handle_tampering(tampered, ports, catalogue, settings)

    # An account's tag calls count with its creations for how busy it is. They come after everybody's creations, which
    # people wait for; and where an account is throttled all the same, since they call nothing there.
    arrived = [parse_event(message.body, where) for where, message in numbered.items()]
    parts = [tamper.split_tampering(part, settings) for part in fair_parts(arrived, receives)]
    ports.hurry(True)
    results = {result.where: result for others, _ in parts for result in _in_turn(others, work, ports)}
    ports.hurry(False)
    # Who asks most comes last: now nobody waits behind those for whom there was no token at once.
    left = [
        each
        for others, _ in parts
        for each in others
        if not isinstance(each, Refusal) and _not_sent(results[each.where])
    ]
    redelivered |= {each.where for each in left}
    for part in fair_parts(left, receives):
        if not ports.expired():
            results |= {result.where: result for result in _in_turn(part, work, ports)}
    for _, tampered in parts:
        found = isolate_failures(tampered, look_into, lambda each: each[0].where, ports.expired)
        results |= {each.where: each for each in found}
    return batch_answer(numbered, results, jitter)


def _not_sent(result: Result) -> bool:
    """Whether a token was lacking, of our own share."""
    return result.is_retried and any(NOT_SENT in reason for reason in result.reasons)


def _in_turn(
    part: Sequence[Arrival | Refusal], work: Callable[[Sequence[Arrival | Refusal]], list[Result]], ports: Ports
) -> list[Result]:
    """Do a part, but for what AWS would only refuse."""
    left: list[Arrival | Refusal] = []
    held: list[Result] = []
    for each in part:
        if not isinstance(each, Refusal) and ports.held(each.record.account, each.record.region):
            held.append(Result(each.where, waits=(_HELD,)))
        else:
            left.append(each)
    return held + isolate_failures(left, work, lambda each: each.where, ports.expired)


def batch_answer(
    messages: Mapping[str, Message], results: Mapping[str, Result], jitter: Callable[[], float] = lambda: 1.0
) -> BatchAnswer:
    """The one exit: each message is done if its result says so, and comes back otherwise."""
    done: list[Done] = []
    returned: list[Returned] = []
    for where, message in messages.items():
        result = results.get(where)
        if result is not None and not result.is_retried:
            done.append(Done(message, result))
            continue
        reasons = result.reasons if result else ("failed: nothing was decided for it",)
        returned.append(Returned(message, seconds_away(message.receives, jitter()), reasons, result))
    return BatchAnswer(tuple(done), tuple(returned))
