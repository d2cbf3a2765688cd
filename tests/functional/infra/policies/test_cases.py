"""Every row of the table gets the answer that it says, under all policies at once as AWS evaluates them."""

from __future__ import annotations

from functools import cache

import pytest

from infra.policies.cases import INSTALLED, MISSING, NODE, Case, Verdict, every, groups, requests, simulate

pytestmark = pytest.mark.skipif(NODE is None or not INSTALLED.exists(), reason=MISSING)


@cache
def answers() -> dict[str, Verdict]:
    return simulate(request for case in every() for request in requests(case))


@pytest.mark.parametrize("case", every(), ids=lambda case: case.id)
def test_row(case: Case) -> None:
    for request in requests(case):
        answer = answers()[request["id"]]
        assert answer.allowed == case.allowed, (request["id"], answer.by, answer.error)


def test_there_are_sixty_rows_and_each_has_a_reason() -> None:
    rows = every()
    assert len(rows) >= 60
    assert len({case.id for case in rows}) == len(rows)
    assert all(case.why for case in rows)
    assert all(group.title for group in groups())
