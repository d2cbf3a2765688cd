"""The latency of each hop, from times of several clocks, and how far each may be wrong.

| time | by whose clock | to |
|---|---|---|
| call sent | this machine's, which the Date of EC2's answers sets right | some tenths of a second: `ServerClock` |
| event | EC2's: eventTime of CloudTrail's record, when the request was completed | whole seconds, cut off |
| in the queue | SQS's: SentTimestamp | milliseconds |
| received | SQS's: ApproximateFirstReceiveTimestamp | milliseconds |
| tagged | the function's, when it has written its batch's tags: the ledger's entry of the outcome | microseconds |
| seen | this machine's, between two looks at the group | the time between them |

(doc: CloudTrail user guide, "record contents"; SQS API reference, Message. EventBridge has the time at which an event
came to it, `aws.events.event.ingestion-time`, for input transformers alone: in the event there is none.)

What is known of a time is an earliest and a latest. So a latency is given as the middle of what it can be, and `error`
as the half of it. One that is negative even so can't be: the clocks disagree, and that is told and not cut off.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

#: The earliest and the latest that a time can be, in seconds since 1970, or of a clock that never goes back.
Bounds = tuple[float, float]


class Hop(StrEnum):
    """A part of the way, or two together."""

    CALL_TO_EVENT = "call-to-event"
    EVENT_TO_QUEUE = "event-to-queue"
    CALL_TO_QUEUE = "call-to-queue"
    QUEUE_TO_FUNCTION = "queue-to-function"
    QUEUE_TO_TAG = "queue-to-tag"
    CALL_TO_TAG = "call-to-tag"


class Latency(Struct, frozen=True):
    """Seconds, and by how many they may be wrong, either way."""

    seconds: float
    error: float = 0.0

    @property
    def impossible(self) -> bool:
        """Whether it is negative, whatever its error: the two clocks disagree."""
        return self.seconds + self.error < 0


class LedgerTimes(Struct, frozen=True):
    """The times that the hub's ledger has of a canary; those of the queue are None where it kept none."""

    event: datetime
    tagged: datetime
    queued: datetime | None = None
    received: datetime | None = None


def latency(start: Bounds, end: Bounds) -> Latency:
    """The latency between two times of which only the bounds are known."""
    least, most = end[0] - start[1], end[1] - start[0]
    return Latency((least + most) / 2, (most - least) / 2)


def latencies(called: Bounds | None, times: LedgerTimes | None, seen: Latency) -> dict[Hop, Latency]:
    """The latency of each hop that is known.

    Args:
        called: When the call was sent, by AWS's clocks; None where no answer told the time.
        times: What the ledger has, None if that is not known.
        seen: From the call to the tag, as this machine saw it.
    """
    return {**dict(_of_ledger(called, times) if times else ()), Hop.CALL_TO_TAG: seen}


def _of_ledger(called: Bounds | None, times: LedgerTimes) -> Iterator[tuple[Hop, Latency]]:
    event = (times.event.timestamp(), times.event.timestamp() + 1)
    if called:
        yield Hop.CALL_TO_EVENT, latency(called, event)
    if times.queued is None:
        return
    queued = _exactly(times.queued)
    yield Hop.EVENT_TO_QUEUE, latency(event, queued)
    if called:
        yield Hop.CALL_TO_QUEUE, latency(called, queued)
    if times.received is not None:
        yield Hop.QUEUE_TO_FUNCTION, latency(queued, _exactly(times.received))
    yield Hop.QUEUE_TO_TAG, latency(queued, _exactly(times.tagged))


def _exactly(time: datetime) -> Bounds:
    return time.timestamp(), time.timestamp()
