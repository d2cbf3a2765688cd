"""The live flow: takes a batch of queue messages, and returns a verdict for each."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from ownertag.core.catalogue_types import Catalogue
from ownertag.core.fairness import fair_parts
from ownertag.core.judge import seconds_away
from ownertag.core.parse import parse_event
from ownertag.core.records import Arrival, Delivery, Record, is_canary
from ownertag.core.settings import Settings
from ownertag.core.values import OutcomeKind, Refusal, Wait
from ownertag.flows.isolate_failures import isolate_failures
from ownertag.flows.ports import Ports
from ownertag.flows.result import Decided, Result, Undecided
from ownertag.flows.run import run
from ownertag.flows.tamper import TamperingArrival, handle_tampering, split_tampering

_THROTTLED = Wait(OutcomeKind.THROTTLED, "AWS throttles the service in this account and Region just now")


class Message(Struct, frozen=True):
    """A message of the queue: an EventBridge event in its body, how often it was received, and when if known."""

    id: str
    body: str
    receipt: str = ""
    receives: int = 1
    delivery: Delivery | None = None


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
    """The verdicts of a batch. Only `batch_answer` builds one, so that every message is either done or returned.

    `dead_letters` were returned for the last time, and lie in the dead-letter queue with the reason.
    """

    done: tuple[Done, ...]
    returned: tuple[Returned, ...]
    dead_letters: tuple[Returned, ...] = ()

    @property
    def batch_item_failures(self) -> dict[str, list[dict[str, str]]]:
        """The messages that come back, as Lambda's event source mapping expects them."""
        return {"batchItemFailures": [{"itemIdentifier": verdict.message.id} for verdict in self.returned]}

    def with_dead_letters(self, ids: Container[str]) -> BatchAnswer:
        """The same verdicts, with these of the returned messages in the dead-letter queue."""
        dead_letters = tuple(verdict for verdict in self.returned if verdict.message.id in ids)
        returned = tuple(verdict for verdict in self.returned if verdict.message.id not in ids)
        return BatchAnswer(self.done, returned, dead_letters)


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
    messages_by_where = {str(number): message for number, message in enumerate(messages)}
    receives = {where: message.receives for where, message in messages_by_where.items()}
    redelivered = {where for where, count in receives.items() if count > 1}

    def is_throttled(record: Record) -> bool:
        row = catalogue.rows.get((record.event_source, record.event_name))
        clients = {catalogue.client_of(makes.type.name) for makes in row.makes} if row else set()
        return any(ports.throttled(record.account, record.region, client) for client in clients if client)

    def run_arrivals(arrivals: Sequence[Arrival | Refusal]) -> list[Result]:
        return run(arrivals, ports, catalogue, settings, redelivered)

    def run_tamperings(tamperings: Sequence[TamperingArrival]) -> list[Result]:
        return handle_tampering(tamperings, ports, catalogue, settings)

    # An account's tag calls count with its creations for how busy it is. They come after everybody's creations, which
    # people wait for; and where an account is throttled all the same, since they call nothing there.
    arrivals = [_arrival(message, where) for where, message in messages_by_where.items()]
    parts = [split_tampering(part, catalogue, settings) for part in fair_parts(arrivals, receives)]
    results: dict[str, Result] = {}
    ports.fail_fast(True)
    for part, _ in parts:
        results |= _results(part, run_arrivals, is_throttled, ports)
    ports.fail_fast(False)
    # Who asks most comes last: now nobody waits behind those for whom there was no token at once.
    not_sent = [arrival for part, _ in parts for arrival in part if _not_sent(results[arrival.where])]
    redelivered |= {arrival.where for arrival in not_sent}
    for part in fair_parts(not_sent, receives):
        if not ports.expired():
            results |= _results(part, run_arrivals, is_throttled, ports)
    for _, tamperings in parts:
        results |= _by_where(isolate_failures(tamperings, run_tamperings, _where, ports.expired))
    return batch_answer(messages_by_where, results, jitter)


def _arrival(message: Message, where: str) -> Arrival | Refusal:
    """The record of a message. Of the canary's it is kept when the message came; of others that would only cost."""
    arrival = parse_event(message.body, where)
    if message.delivery is None or isinstance(arrival, Refusal) or not is_canary(arrival.record):
        return arrival
    return replace(arrival, delivery=message.delivery)


def _where(arrival: Arrival | Refusal | TamperingArrival) -> str:
    return arrival.where


def _by_where(results: Iterable[Result]) -> dict[str, Result]:
    return {result.where: result for result in results}


def _not_sent(result: Result) -> bool:
    return isinstance(result, Decided) and result.not_sent


def _results(
    arrivals: Sequence[Arrival | Refusal],
    run_arrivals: Callable[[Sequence[Arrival | Refusal]], list[Result]],
    is_throttled: Callable[[Record], bool],
    ports: Ports,
) -> dict[str, Result]:
    """The results of a part of a batch, by the message. Where AWS throttles a service, nothing of it is tried."""
    results: list[Result] = []
    left: list[Arrival | Refusal] = []
    for arrival in arrivals:
        if isinstance(arrival, Arrival) and is_throttled(arrival.record):
            results.append(Undecided(arrival.where, _THROTTLED))
        else:
            left.append(arrival)
    return _by_where([*results, *isolate_failures(left, run_arrivals, _where, ports.expired)])


def batch_answer(
    messages: Mapping[str, Message], results: Mapping[str, Result], jitter: Callable[[], float] = lambda: 1.0
) -> BatchAnswer:
    """Gives each message its verdict, and is the only exit: done if its result says so, otherwise returned."""
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
