"""Checks the finding that the canary causes: in the ledger, on the bus, mailed; and who is subscribed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from ownertag.core.arn import Arn, is_arn, partition_of
from ownertag.core.ownership import ResourceKey
from ownertag.ledger.entries import TagChanged
from ownertag.ledger.port import LedgerError, Store
from ownertag.render.documents import ALARM_TOPIC, BUS, LEDGER_TABLE
from ownertag.rollout.doctor.causes import Cause
from ownertag.rollout.doctor.facts import Missing, NotGiven, Observed, Unread
from ownertag.rollout.doctor.findings import Check, Finding, Location

#: What no check can show.
NOT_PROVEN = "not seen: that a mail was read, and that the rule ownertag-tampering sends on who changes tags later"


class FindingTrace(Protocol):
    """Reads what became of a finding."""

    def finding(self, key: ResourceKey, value: str) -> bool | None:
        """Whether the finding of this value at a resource was published; None if there is none in the ledger.

        Raises:
            LedgerError: The ledger can't be read.
        """

    def subscriptions(self) -> Observed[tuple[str, ...]]:
        """The subscriptions of the topic; one that is not confirmed has PendingConfirmation for its ARN."""


class HubTrace:
    """Reads the hub's ledger and topic.

    A creation is finished in the ledger only after its finding was kept, put on the bus and accepted by the topic.
    """

    def __init__(self, ledger: Callable[[], Store], subscriptions: Callable[[], Observed[tuple[str, ...]]]) -> None:
        self._ledger = ledger
        self.subscriptions = subscriptions

    def finding(self, key: ResourceKey, value: str) -> bool | None:
        """Whether the finding of this value at a resource was published; None if there is none in the ledger."""
        ledger = self._ledger()
        for entry in ledger.history(key):
            if isinstance(entry, TagChanged) and any(change.new == value for change in entry.changes):
                seen = ledger.seen([entry.event]).get(entry.event)
                return seen is not None and seen.finished
        return None


class FindingCheck(Struct, frozen=True):
    """The finding of doctor, and whether it is the last word."""

    finding: Finding
    ends: bool


def check_finding(trace: FindingTrace, place: Location, id_: str, value: str, seconds: float) -> FindingCheck:
    """What became of the finding of a placement group, so many seconds after its creation."""
    region = place.region or ""
    arn = str(Arn(partition_of(region), "ec2", region, place.account, f"placement-group/{id_}"))
    try:
        published = trace.finding(ResourceKey(place.account, region, arn), value)
    except LedgerError as error:
        return FindingCheck(
            place.unreached(
                Check.CANARY_FINDING,
                f"what became of its finding can't be read: {error}",
                f"use credentials that may read the table {LEDGER_TABLE}, as `ownertag whois` does",
                cause=Cause.CANARY_LEDGER_UNREAD,
            ),
            ends=True,
        )
    if published:
        return FindingCheck(_subscribed(trace.subscriptions(), place, seconds), ends=True)
    if published is None:
        seen = f"no finding of the tag that it brought is in the ledger after {seconds:.0f} s"
    else:
        seen = f"its finding is in the ledger, and was not told within {seconds:.0f} s"
    advice = f"the log of the hub's function says why: /aws/lambda/{BUS}"
    return FindingCheck(place.fault(Check.CANARY_FINDING, seen, advice, cause=Cause.CANARY_NO_FINDING), ends=False)


def _subscribed(found: Observed[tuple[str, ...]], place: Location, seconds: float) -> Finding:
    went = f"its finding is in the ledger, and was taken by the bus and by topic {ALARM_TOPIC} within {seconds:.1f} s"
    if isinstance(found, (Missing, Unread, NotGiven)):
        return place.unreached(
            Check.CANARY_FINDING,
            f"{went}; who is subscribed can't be read: {_text(found)}",
            "put the hub's role ownertag-audit back, and see who may assume it",
            cause=Cause.CANARY_TOPIC_UNREAD,
        )
    confirmed = [subscription for subscription in found if is_arn(subscription)]
    if not confirmed:
        waiting = f"{len(found)} subscriptions wait to be confirmed" if found else "the topic has no subscription"
        return place.fault(
            Check.CANARY_FINDING,
            f"{went}, but nobody hears of it: {waiting}",
            f"confirm the mail that AWS sent, or set hub.alarm_email and deploy, or subscribe to {ALARM_TOPIC}",
            cause=Cause.CANARY_NOBODY,
        )
    return place.ok(
        Check.CANARY_FINDING,
        f"{went}, for {len(confirmed)} confirmed subscriptions",
        f"{NOT_PROVEN}; see that a mail came which begins with 'ownertag: this is a test'",
        cause=Cause.CANARY_NOT_SEEN,
    )


def _text(found: Missing | Unread | NotGiven) -> str:
    return found.reason if isinstance(found, Unread) else "there is no such topic"
