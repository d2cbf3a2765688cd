"""The page says what each check means."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ownertag.rollout.doctor.causes import Cause
from ownertag.rollout.doctor.findings import Check, CheckState

DOCS = Path(__file__).parents[4] / "docs"
PAGE = (DOCS / "how-to/doctor.md").read_text("utf-8")


@pytest.mark.parametrize("check", Check)
def test_every_check_has_a_row(check: Check) -> None:
    assert re.search(rf"^\|[^|]*`{check.value}`[^|]*\|", PAGE, re.MULTILINE)


@pytest.mark.parametrize("state", CheckState)
def test_every_state_is_explained(state: CheckState) -> None:
    assert f"| `{state.value}` |" in PAGE
    assert f"`{state.value}`" in (DOCS / "reference/json.md").read_text("utf-8")


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_is_listed(cause: Cause) -> None:
    assert f"`{cause.value}`" in (DOCS / "reference/json.md").read_text("utf-8").partition("## `ownertag doctor`")[2]
