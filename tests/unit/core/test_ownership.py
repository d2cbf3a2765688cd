"""Whose a resource is: no order of claims, deletions and repeats changes it."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given as for_all
from hypothesis import strategies as st

from harness.fixtures import EVENT_TIME
from harness.properties import examples
from ownertag.core.ownership import Claim, Holding, apply_claim, apply_deletion
from ownertag.core.values import Confidence, Owner

times = st.integers(0, 6).map(lambda minutes: EVENT_TIME + timedelta(minutes=minutes))


def holding(claim: Claim) -> Holding:
    name = f"owner of {claim.event_id}"
    return Holding(claim, Owner(name, "iam-user", Confidence.ASSERTED), (("owner", name),))


claims = st.lists(
    st.builds(Claim, times, st.integers(0, 5).map(str), st.integers(0, 3).map(str), st.booleans(), st.booleans()),
    min_size=1,
    max_size=6,
    unique_by=lambda claim: claim.event_id,
)


def after(things: list[Claim | datetime]) -> Holding | None:
    """Whose it is after these, one by one, as a store does it."""
    now: Holding | None = None
    known: list[Holding] = []
    before: list[datetime] = []
    for thing in things:
        if isinstance(thing, Claim):
            known.append(holding(thing))
            now = apply_claim(now, holding(thing), tuple(sorted(set(before))))
        elif now is None:
            before.append(thing)
        else:
            now = apply_deletion(now, known, thing)
    return now


@examples(1000)
@for_all(st.data(), claims, st.lists(times, max_size=3))
def test_order_and_repeats_change_nothing(data: st.DataObject, made: list[Claim], ends: list[datetime]) -> None:
    things: list[Claim | datetime] = [*made, *ends]
    again = data.draw(st.lists(st.sampled_from(things), max_size=3))
    shuffled = data.draw(st.permutations(things + again))
    first, second = after(things), after(shuffled)
    assert first is not None
    assert second is not None
    assert (first.claim, first.owner, first.deletions) == (second.claim, second.owner, second.deletions)


@examples(500)
@for_all(claims)
def test_the_first_owns_where_nothing_was_deleted(made: list[Claim]) -> None:
    now = after([*made])
    assert now is not None
    assert now.claim == min(made, key=lambda claim: claim.rank)


@examples(500)
@for_all(claims, times)
def test_nothing_of_an_earlier_life_owns_if_there_is_a_later_one(made: list[Claim], end: datetime) -> None:
    now = after([*made, end])
    assert now is not None
    later = [claim for claim in made if claim.created_at > end]
    assert now.claim == min(later or made, key=lambda claim: claim.rank)
