"""Makes of an undelivered event what the hub's queue would have got, from CloudTrail's own record of the call.

The queue of a Region is its account's: an administrator there can write into it. A message is therefore taken as a hint
of which event is missing. It must be of the queue's account and Region, and what goes to the hub is the record that
CloudTrail lists under the event's id, which nobody can write.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from msgspec import Raw, Struct

from ownertag.core.parse import parse_event
from ownertag.core.records import Arrival
from ownertag.core.values import Refusal

#: CloudTrail lists an event typically within 15 minutes (doc: user guide, "How CloudTrail works"): until this age one
#: that is missing is late, afterwards there is none.
LISTED_WITHIN = timedelta(minutes=30)

FORGED = "forged"
OTHER_PLACE = "other-place"
NOT_LISTED = "not-listed"
NOT_LISTED_YET = "not-listed-yet"

#: What each reason means, and what to do.
ADVICE = {
    FORGED: "they are no events of CloudTrail: find out who wrote them into the queue",
    OTHER_PLACE: "they are of another account or Region than their queue: find out who wrote them into it",
    NOT_LISTED: "CloudTrail lists no such event there: find out who wrote them into the queue",
    NOT_LISTED_YET: "CloudTrail does not list them yet: run this again in half an hour",
}


class Kept(Struct, frozen=True):
    """A message that stays where it is, and why."""

    reason: str


class Lookup(Struct, frozen=True):
    """The event that a message is of: to be looked up in its account and Region."""

    event_id: str


_ENVELOPE = msgspec.json.Decoder(dict[str, Raw])


def wanted(body: str, account: str, region: str) -> Lookup | Kept:
    """What to look up for a message that lies in a queue of this account and Region; or why it is left."""
    parsed = parse_event(body, "")
    if isinstance(parsed, Refusal):
        return Kept(FORGED)
    if (parsed.record.account, parsed.record.region) != (account, region):
        return Kept(OTHER_PLACE)
    return Lookup(parsed.record.event_id)


def restored(body: str, listed: str | None, sent: datetime | None, now: datetime) -> str | Kept:
    """The event for the hub's queue; or why there is none.

    Args:
        body: The message, for which `wanted` gave a look-up.
        listed: The record of that event as CloudTrail lists it; None if it lists none.
        sent: When the message was sent.
        now: The time.
    """
    before = parse_event(body, "")
    if not isinstance(before, Arrival):
        return Kept(FORGED)
    if listed is None:
        late = sent is None or now - sent < LISTED_WITHIN
        return Kept(NOT_LISTED_YET if late else NOT_LISTED)
    try:
        envelope = {**_ENVELOPE.decode(body), "detail": Raw(listed.encode())}
        made = msgspec.json.encode(envelope).decode()
    except (msgspec.MsgspecError, UnicodeError):
        return Kept(FORGED)
    after = parse_event(made, "")
    same = isinstance(after, Arrival) and after.record.event_id == before.record.event_id
    return made if same else Kept(FORGED)
