"""The documentation says what the code says."""

from __future__ import annotations

import itertools
import json
import re
import tomllib
from pathlib import Path

import pytest

from hops.page import with_table
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.catalogue_types import QuestionKind
from ownertag.core.owner.chain import CHOSEN_BY_CALLER, FINAL
from ownertag.core.settings import TEMPLATE_FIELDS
from ownertag.core.settings_file import read_settings
from ownertag.core.values import OutcomeKind, Reason
from ownertag.render.pages import catalogue_page, with_numbers

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_within_the_project_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text("utf-8")):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), target


def anchors(path: Path) -> set[str]:
    """The anchors that a page's headings have, on GitHub and on the site alike."""
    text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_anchor_that_a_link_names_is_a_heading(path: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", path.read_text("utf-8")):
        if not target.startswith("http"):
            assert anchor in anchors(path.parent / target if target else path), f"{target}#{anchor}"


@pytest.mark.parametrize("path", [path for path in PAGES if path.name != "CHANGELOG.md"], ids=lambda path: path.stem)
def test_every_file_of_the_project_that_a_page_names_is_there(path: Path) -> None:
    named = re.findall(r"`((?:src|tests|harness|benchmarks|models|infra|docs)/[\w./-]+)`", path.read_text("utf-8"))
    # What is made by a command is not in a clone.
    missing = [name for name in named if not (ROOT / name).exists() and not name.startswith("benchmarks/results")]
    assert not missing


@pytest.mark.parametrize("path", sorted((ROOT / "docs").rglob("*.md")), ids=lambda path: path.stem)
def test_a_page_links_within_the_documentation_alone(path: Path) -> None:
    """The site of the pages holds nothing else: other files are named by their path."""
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text("utf-8")):
        assert target.startswith("http") or (path.parent / target).resolve().is_relative_to(ROOT / "docs"), target


#: A decision says itself what it decides.
KINDS = [path for path in sorted((ROOT / "docs").rglob("*.md")) if not path.name.startswith("00")]


@pytest.mark.parametrize("path", KINDS, ids=lambda path: path.stem)
def test_a_page_begins_with_for_whom_it_is_and_what_they_will_have_done(path: Path) -> None:
    title, empty, *rest = path.read_text("utf-8").splitlines()
    first = " ".join(line.removeprefix("> ") for line in itertools.takewhile(lambda line: line.startswith("> "), rest))
    assert title.startswith("# ")
    assert not empty
    assert re.fullmatch(r"For [^.]+\. You will have .+\.", first), first


@pytest.mark.parametrize("path", KINDS, ids=lambda path: path.stem)
def test_a_page_is_listed_at_the_start_and_in_the_sites_navigation(path: Path) -> None:
    name = str(path.relative_to(ROOT / "docs"))
    assert f'"{name}"' in (ROOT / "zensical.toml").read_text("utf-8")
    assert name == "index.md" or f"]({name})" in page("index.md")


def test_the_site_needs_no_network_and_names_no_host() -> None:
    text = (ROOT / "zensical.toml").read_text("utf-8")
    assert "http" not in text
    theme = tomllib.loads(text)["project"]["theme"]
    assert theme["font"] is False
    assert "analytics" not in text


def test_the_catalogue_page_is_current() -> None:
    assert page("reference/catalogue.md") == catalogue_page(load_catalogue()), "run `make generate`"


def test_the_readme_has_the_numbers_of_the_catalogue() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert readme == with_numbers(readme, load_catalogue()), "run `make generate`"


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
    sources = [
        (ROOT / f"src/ownertag/core/{name}.py").read_text("utf-8")
        for name in ("owner/principal", "owner/chain", "owner/resolve", "owner/hop")
    ]
    pattern = r'(?:_asserted\(|no_owner\(|Owner\(.*?, |inherited_owner\(.*, |^COPY_OF = )"([a-z]+(?:-[a-z]+)+)"'
    named = {evidence for source in sources for evidence in re.findall(pattern, source, re.MULTILINE)}
    assert {"copy-of", "iam-user", "session-chain", "account-owner", "service-catalog", "aws-service"} <= named
    assert len(named) >= 18
    by_hand = page("reference/identities.md").partition("<!-- From tests/golden/hops")[0]
    for evidence in named:
        assert f"`{evidence}`" in by_hand, evidence


def test_every_evidence_of_the_identity_alone_says_whether_a_hop_may_follow() -> None:
    """Otherwise owner rules of the role, or a stack or group in the record, would silently count before it."""
    source = (ROOT / "src/ownertag/core/owner/principal.py").read_text("utf-8")
    asserted = set(re.findall(r'_asserted\(\s*"([a-z-]+)"', source))
    assert {"iam-user", "role-name", "other-account"} <= asserted
    assert asserted <= FINAL | CHOSEN_BY_CALLER


def test_the_table_of_identities_is_that_of_the_golden_ones() -> None:
    text = page("reference/identities.md")
    assert text == with_table(text), "run `make generate`"


def test_what_rests_on_memory_is_marked_as_unconfirmed() -> None:
    for path in (ROOT / "tests/golden/hops").glob("*.json"):
        [row] = re.findall(rf"^\| `{path.stem}` \|.*$", page("reference/identities.md"), re.MULTILINE)
        assert ("unconfirmed" in row) == (json.loads(path.read_text("utf-8"))["basis"] == "memory")


def test_every_kind_of_question_is_explained() -> None:
    for kind in QuestionKind:
        assert f"`{kind.value}`" in page("reference/json.md"), kind


def test_every_rule_names_tests_that_are_there() -> None:
    for path in re.findall(r"`(tests/[^`]+)`", page("invariants.md")):
        assert (ROOT / path).exists(), path


def test_every_decision_is_listed() -> None:
    listed = page("decisions/README.md")
    for path in (ROOT / "docs/decisions").glob("0*.md"):
        assert f"({path.name})" in listed
