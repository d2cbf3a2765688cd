"""Which of several records made what has a name now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from msgspec import Struct

from ownertag.core.backfill.lives import maker_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class One(Struct, frozen=True):
    at: datetime
    ends: bool = False


FIRST, END, SECOND, LATER = One(NOON), One(NOON + HOUR, ends=True), One(NOON + 2 * HOUR), One(NOON + 3 * HOUR)


@pytest.mark.parametrize(
    ("records", "made_at", "maker"),
    [
        ([], None, None),
        ([FIRST], None, FIRST),
        ([FIRST, SECOND], None, FIRST),
        ([FIRST, END], None, None),
        ([FIRST, END, SECOND], None, SECOND),
        ([FIRST, END, SECOND, LATER], None, SECOND),
        ([One(NOON, ends=True), FIRST], None, None),  # in the same second, the deletion came after
        ([FIRST, SECOND], NOON + 2 * HOUR, SECOND),  # its end was not recorded
        ([FIRST, SECOND], NOON + timedelta(minutes=50), FIRST),
        ([FIRST], NOON + 12 * HOUR, FIRST),  # a service may tell when it was ready
        ([FIRST], NOON + 2 * DAY, None),  # another one of the name
        ([FIRST], NOON - 2 * DAY, FIRST),
    ],
)
def test_the_first_of_the_present_life_made_it(records: list[One], made_at: datetime | None, maker: One | None) -> None:
    assert maker_of(records, made_at) == maker


def test_no_earlier_life_counts_in_whatever_order_they_were_found() -> None:
    for order in permutations([FIRST, END, SECOND]):
        assert maker_of(sorted(order, key=lambda one: one.at), None) == SECOND
