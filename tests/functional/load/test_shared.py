"""Five functions and fifty keep to one share, and are as quick; whoever ends, whatever the clocks, table or none."""

from __future__ import annotations

import pytest

from load.functions import SHARE, Ran, run

#: Of what the share allows within a second of a full bucket, and of what AWS takes of a scarce call.
TAGS_A_SECOND, LOOKUPS_A_SECOND = 100 * SHARE + 10 * SHARE, 2


def within(ran: Ran, operation: str = "CreateTags", calls: int = 200) -> Ran:
    """All calls were made, each once, and none beyond the share."""
    assert len(ran.at) == calls
    assert ran.refused == 0
    assert ran.beyond(operation) == 0
    assert ran.most_in_a_second() <= (TAGS_A_SECOND if operation == "CreateTags" else LOOKUPS_A_SECOND)
    return ran


@pytest.fixture(scope="module")
def five() -> Ran:
    return within(run(functions=5, calls=200))


def test_fifty_functions_are_not_slower_than_five_and_neither_go_beyond_the_share(five: Ran) -> None:
    fifty = within(run(functions=50, calls=200))
    assert fifty.ended < five.ended * 1.25
    # 200 calls, of which the bucket holds 50, five a second; and batches come and go.
    assert five.ended < 1.5 * (200 - 50) / 5


def test_tokens_of_functions_that_ended_come_back(five: Ran) -> None:
    killed = within(run(functions=5, calls=200, killed=2))
    assert killed.lost > 0
    # What they had received comes back to the queue after a minute, the tokens long before.
    assert killed.ended < max(60 + 15, five.ended * 1.25)


def test_clocks_that_are_minutes_apart_break_nothing(five: Ran) -> None:
    skewed = within(run(functions=5, calls=200, skew=280.0))
    assert skewed.ended < five.ended * 1.25


def test_a_scarce_call_is_shared_by_all_functions() -> None:
    few = within(run(operation="LookupEvents", functions=5, calls=40, skew=280.0), "LookupEvents", 40)
    many = within(run(operation="LookupEvents", functions=50, calls=40), "LookupEvents", 40)
    assert many.ended < few.ended * 1.25
    assert few.table["UpdateItem"] < 3 * 40


def test_while_the_table_is_away_each_goes_on_with_its_part(five: Ran) -> None:
    away = within(run(functions=5, calls=200, away=(5.0, 25.0)))
    meanwhile = sum(6.5 < at - min(away.at) < 24 for at in away.at)
    assert meanwhile > 40  # five a second between them
    assert away.ended < five.ended * 1.5


def test_a_table_that_answers_some_functions_only_does_not_bring_more_than_twice_the_share() -> None:
    partly = run(functions=5, calls=200, away=(5.0, 25.0), partly=0.4)
    assert partly.refused == 0
    assert partly.beyond("CreateTags", 2 * SHARE) == 0


def test_a_scarce_call_waits_for_the_table() -> None:
    away = within(run(operation="LookupEvents", calls=20, away=(5.0, 25.0)), "LookupEvents", 20)
    assert not [at for at in away.at if 6.5 < at - min(away.at) < 24]
