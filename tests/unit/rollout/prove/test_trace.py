"""Where a lost canary was seen last: what can't be read is not known, never empty."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from harness import fixtures
from ownertag.core.ownership import Claim, EventKey, Observation, ResourceKey
from ownertag.core.record_details import Actor
from ownertag.core.records import Delivery
from ownertag.core.values import Confidence, OutcomeKind, Owner
from ownertag.ledger.entries import Created, Ended, HistoryEntry, Owned
from ownertag.rollout.doctor.facts import Missing, NotGiven, Observed, QueueFacts, Unread
from ownertag.rollout.prove.hops import LedgerTimes
from ownertag.rollout.prove.result import Place, SeenLast
from ownertag.rollout.prove.trace import LedgerTrace, Queues, ledger_trace, resource_key, trail_of

PLACE = Place(fixtures.ACCOUNT, fixtures.REGION)
KEY = resource_key(PLACE, "pg-1")
EVENT = EventKey(fixtures.ACCOUNT, fixtures.REGION, "e-1")
AT = datetime(2026, 3, 2, 9, 14, 8, tzinfo=UTC)
FUNCTION = SeenLast.FUNCTION
EMPTY, ONE = QueueFacts(0, None, 0), QueueFacts(1, None, 0)
DENIED = Unread("denied (AccessDenied)")
TIMES = LedgerTimes(AT, AT + timedelta(seconds=3), AT + timedelta(seconds=1), AT + timedelta(seconds=2))


def queues(
    undelivered: Observed[QueueFacts] = EMPTY, hub: Observed[QueueFacts] = EMPTY, dead: Observed[QueueFacts] = EMPTY
) -> Queues:
    return Queues(undelivered, hub, dead)


@pytest.mark.parametrize(
    ("ledger", "found", "seen_last", "said"),
    [
        (LedgerTrace(True, None, "forbidden: denied (X)"), None, FUNCTION, "took it up; forbidden: denied (X)"),
        (LedgerTrace(True), None, FUNCTION, "took it up; it has written nothing yet"),
        (LedgerTrace(True, TIMES, "unchanged: x"), None, FUNCTION, "its tags are not there; unchanged: x"),
        (LedgerTrace(), queues(), SeenLast.NOWHERE, "not in the ledger, and ownertag-undelivered, ownertag and"),
        (LedgerTrace(), queues(ONE), SeenLast.QUEUES, "perhaps in ownertag-undelivered of its Region (1 there)"),
        (LedgerTrace(), queues(hub=ONE, dead=ONE), SeenLast.QUEUES, "ownertag of the hub (1 there) or ownertag-dead-"),
        (LedgerTrace(), queues(DENIED), SeenLast.NOT_KNOWN, "ownertag-undelivered of its Region: denied"),
        (LedgerTrace(), queues(dead=Missing()), SeenLast.NOT_KNOWN, "of the hub: there is no such queue"),
        (LedgerTrace(), queues(hub=NotGiven("X")), SeenLast.NOT_KNOWN, "AWS's answer lacks X"),
        (LedgerTrace(), queues(DENIED, ONE), SeenLast.QUEUES, "counted, not read; ownertag-undelivered of its Region"),
        ("no permission", queues(), SeenLast.NOT_KNOWN, "the ledger can't be read: no permission"),
        ("no permission", queues(ONE), SeenLast.QUEUES, "; the ledger can't be read: no permission"),
    ],
)
def test_where_it_was_seen_last(
    ledger: LedgerTrace | str, found: Queues | None, seen_last: SeenLast, said: str
) -> None:
    def read() -> Queues:
        assert found is not None, "the ledger says it all"
        return found

    trail = trail_of(ledger, read)
    assert (trail.seen_last, said in trail.detail) == (seen_last, True), trail


def owned() -> Owned:
    owner = Owner("x", "account", Confidence.ACCOUNT)
    return Owned(KEY, "pg-1", "ec2:placement-group", Claim(AT, "e-1", "e-1"), owner, (), AT + timedelta(seconds=2))


def ended(kind: OutcomeKind, seconds: float, reason: str = "") -> Ended:
    return Ended(KEY, EVENT, "e-1", "x", kind, reason, kind is OutcomeKind.TAGGED, AT + timedelta(seconds=seconds))


RETRIED = [
    owned(),
    ended(OutcomeKind.THROTTLED, 2, "busy"),
    ended(OutcomeKind.TAGGED, 3),
    ended(OutcomeKind.UNCHANGED, 9),
]


def creation(delivery: Delivery | None) -> Created:
    return Created(EVENT, "e-1", "ec2.amazonaws.com", "CreatePlacementGroup", AT, Actor("arn:x"), delivery)


DELIVERY = Delivery(AT + timedelta(seconds=1), AT + timedelta(seconds=2))


@pytest.mark.parametrize(
    ("history", "delivery", "found"),
    [
        ([], None, LedgerTrace()),
        ([owned()], DELIVERY, LedgerTrace(True)),
        ([owned(), ended(OutcomeKind.THROTTLED, 3, "busy")], DELIVERY, LedgerTrace(True, None, "throttled: busy")),
        ([owned(), ended(OutcomeKind.TAGGED, 3)], DELIVERY, LedgerTrace(True, TIMES, "tagged")),
        ([owned(), ended(OutcomeKind.TAGGED, 3)], None, LedgerTrace(True, LedgerTimes(AT, TIMES.tagged), "tagged")),
        (RETRIED, DELIVERY, LedgerTrace(True, TIMES, "tagged")),
        (
            [owned(), replace(ended(OutcomeKind.UNCHANGED, 3, "observed"), observed=Observation(AT))],
            DELIVERY,
            LedgerTrace(True, None, "unchanged: observed", observed=True),
        ),
    ],
)
def test_what_a_history_says(history: list[HistoryEntry], delivery: Delivery | None, found: LedgerTrace) -> None:
    asked: list[EventKey] = []

    def read(event: EventKey) -> Created:
        asked.append(event)
        return creation(delivery)

    assert ledger_trace(history, read) == found
    assert set(asked) <= {EVENT}


def test_the_ledger_knows_it_by_its_id() -> None:
    arn = "arn:aws:ec2:eu-central-1:111122223333:placement-group/pg-1"
    assert resource_key(PLACE, "pg-1") == ResourceKey(PLACE.account, PLACE.region, arn)
