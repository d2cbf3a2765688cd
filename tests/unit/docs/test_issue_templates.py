"""The forms for issues: they are GitHub's, ask for nothing that tells who somebody is, and name commands that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.test_commands import ROOT, wrong

FOLDER = ROOT / ".github" / "ISSUE_TEMPLATE"
FORMS = sorted(path for path in FOLDER.glob("*.yml") if path.name != "config.yml")
VERSION = "ownertag --version"  # an option of no command
#: What a form's body can hold (GitHub Docs, "Syntax for GitHub's form schema").
TYPES = {"markdown", "textarea", "input", "dropdown", "checkboxes"}


def form(path: Path) -> dict[str, Any]:
    found = yaml.safe_load(path.read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def fields(path: Path) -> dict[str, dict[str, Any]]:
    return {field["id"]: field for field in form(path)["body"] if field["type"] != "markdown"}


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_it_is_a_form_that_github_takes(path: Path) -> None:
    found = form(path)
    assert {"name", "description", "body"} <= found.keys() <= {"name", "description", "title", "labels", "body"}
    assert {field["type"] for field in found["body"]} <= TYPES
    ids = [field["id"] for field in found["body"] if field["type"] != "markdown"]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z-]+", id_) for id_ in ids)
    assert all(field["attributes"].get("label") for field in fields(path).values())


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_every_command_that_a_form_names_is_there(path: Path) -> None:
    told = [line for line in re.findall(r"`(ownertag [^`]+)`", path.read_text("utf-8")) if line != VERSION]
    assert told or path.stem == "feature"
    assert [said for line in told if (said := wrong(line))] == []


def test_who_asks_for_a_record_asks_for_a_redacted_one() -> None:
    asking = [path for path in FORMS if "record" in fields(path)]
    assert {path.stem for path in asking} == {"bug", "feature", "wrong-owner"}
    for path in asking:
        assert "--redact" in fields(path)["record"]["attributes"]["description"], path


def test_a_wrong_owner_is_not_taken_without_its_record() -> None:
    record = fields(FOLDER / "wrong-owner.yml")["record"]
    assert record["validations"]["required"] is True


def test_an_issue_without_a_form_is_not_offered_and_weaknesses_go_elsewhere() -> None:
    assert yaml.safe_load((FOLDER / "config.yml").read_text("utf-8"))["blank_issues_enabled"] is False
    for name in ("bug.yml", "wrong-owner.yml"):
        assert "SECURITY.md" in (FOLDER / name).read_text("utf-8")
    security = (ROOT / "SECURITY.md").read_text("utf-8")
    assert "not in an open issue" in security
    assert "`ownertag explain --redact`" in security
