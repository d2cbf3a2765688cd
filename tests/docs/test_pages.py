"""The documentation says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ownertag.catalogue.loader import load
from ownertag.core.settings import TEMPLATE_FIELDS, read_settings
from ownertag.core.values import OutcomeKind, Reason
from ownertag.render.catalogue_table import catalogue_page

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_within_the_project_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text("utf-8")):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), target


def test_the_catalogue_page_is_current() -> None:
    assert page("reference/catalogue.md") == catalogue_page(load()), "run `make generate`"


def test_the_settings_page_shows_settings_that_are_right() -> None:
    text = page("reference/settings.md")
    [example] = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    settings = read_settings(example, "settings.md")
    assert settings.organization is not None
    assert set(settings.tags) == {"owner", "dateCreated", "WhatIsThis"}
    for field in TEMPLATE_FIELDS:
        assert f"`{{{field}}}`" in text


@pytest.mark.parametrize("value", [*Reason, *OutcomeKind], ids=lambda value: value.value)
def test_every_reason_and_outcome_is_explained(value: Reason | OutcomeKind) -> None:
    assert re.search(rf"^\| `{value.value}` \|", page("reference/json.md"), re.MULTILINE)


def test_every_evidence_is_in_the_table_of_identities() -> None:
    source = (ROOT / "src/ownertag/core/resolve.py").read_text("utf-8")
    named = set(re.findall(r'(?:_asserted\(.*|_nobody\(|Owner\(.*, )"([a-z]+(?:-[a-z]+)+)"', source))
    assert len(named) >= 10
    text = page("reference/identities.md")
    for evidence in named:
        assert f"`{evidence}`" in text, evidence


def test_every_rule_names_tests_that_are_there() -> None:
    for path in re.findall(r"`(tests/[^`]+)`", page("invariants.md")):
        assert (ROOT / path).exists(), path


def test_every_decision_is_listed() -> None:
    listed = page("decisions/README.md")
    for path in (ROOT / "docs/decisions").glob("0*.md"):
        assert f"({path.name})" in listed
