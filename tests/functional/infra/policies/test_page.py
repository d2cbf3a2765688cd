"""`docs/explanation/policies.md` shows the cases as they are, and every condition has a reason."""

from __future__ import annotations

from pathlib import Path

from infra.policies.conditions import WHY
from infra.policies.page import conditions, page

PAGE = Path(__file__).parents[4] / "docs/explanation/policies.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `make generate`"


def test_every_condition_has_a_reason_and_every_reason_a_condition() -> None:
    assert set(conditions()) == set(WHY)
