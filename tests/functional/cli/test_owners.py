"""`ownertag owners`: which rule maps a name, in which order they are tried, and which are never reached."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ownertag.cli.app import app

RULES = """
[[owners]]
match = "*@example.com"
owner = "staff"

[[owners]]
match = "ci-*"
account = "333333333333"
owner = "team-platform"

[[owners]]
match = "ci-deployer"
owner = "team-release"

[[owners]]
match = "github:example/*"
owner = "team-shop"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "ownertag.toml"
    path.write_text(RULES, "utf-8")
    return path


def run(config: Path, *arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["owners", *arguments, "--config", str(config)])
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize(
    ("name", "account", "owner", "number"),
    [
        ("maria@example.com", None, "staff", 1),
        ("ci-web", "333333333333", "team-platform", 2),
        ("CI-Deployer", "333333333333", "team-release", 3),
        ("github:example/app", None, "team-shop", 4),
    ],
)
def test_the_rule_that_maps_a_name_is_named(
    config: Path, name: str, account: str | None, owner: str, number: int
) -> None:
    options = ["--account", account] if account else []
    code, out, _ = run(config, "test", name, *options)
    assert code == 0
    assert f"is {owner}, by rule {number}" in out
    code, out, _ = run(config, "test", name, *options, "--json")
    found = json.loads(out)
    assert (code, found["owner"], found["rule"]["number"]) == (0, owner, number)


def test_what_else_would_fit_is_said(config: Path) -> None:
    _, out, _ = run(config, "test", "ci-deployer", "--account", "333333333333", "--json")
    assert [rule["number"] for rule in json.loads(out)["also_fit"]] == [2]


@pytest.mark.parametrize("name", ["bob", "ci-web", "xmaria@example.com.evil"])
def test_a_name_that_no_rule_fits_stays_and_is_found_out(config: Path, name: str) -> None:
    code, out, _ = run(config, "test", name)
    assert code == 1
    assert "stays as it is: none of 4 owner rules" in out
    _, out, _ = run(config, "test", name, "--json")
    assert json.loads(out)["owner"] == name
    assert json.loads(out)["rule"] is None


def test_a_wrong_account_is_refused(config: Path) -> None:
    code, _, err = run(config, "test", "bob", "--account", "3333")
    assert code == 2
    assert "write its 12 digits" in err


def test_escape_codes_of_a_name_do_not_reach_the_terminal(config: Path) -> None:
    _, out, _ = run(config, "test", "\x1b[2Jbob")
    assert "\x1b" not in out


def test_rules_are_listed_in_the_order_in_which_they_are_tried(config: Path) -> None:
    code, out, err = run(config, "check", "--json")
    assert code == 0
    assert [rule["number"] for rule in json.loads(out)["rules"]] == [3, 2, 1, 4]
    assert "4 owner rules" in err


@pytest.mark.parametrize(
    ("later", "taken"),
    [
        ('match = "ci-deployer"\nowner = "x"', 3),
        ('match = "CI-DEPLOYER"\nowner = "x"', 3),
        ('match = "ci-web-*"\naccount = "333333333333"\nowner = "x"', 2),
        ('match = "github:example/app*"\nowner = "x"', 4),
        ('match = "github:*"\nowner = "x"', None),
        ('match = "ci-web-*"\nowner = "x"', None),
        ('match = "ci-deployer"\naccount = "333333333333"\nowner = "x"', None),
    ],
)
def test_a_rule_that_no_name_reaches_is_found(config: Path, later: str, taken: int | None) -> None:
    config.write_text(f"{RULES}\n[[owners]]\n{later}\n", "utf-8")
    code, out, _ = run(config, "check", "--json")
    rules = {rule["number"]: rule["taken_by"] for rule in json.loads(out)["rules"]}
    assert code == (1 if taken else 0)
    assert rules[5] == taken


def test_no_rules_are_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "ownertag.toml"
    path.write_text("", "utf-8")
    code, out, err = run(path, "check")
    assert (code, out) == (0, "")
    assert "no owner rules" in err


def test_a_rule_that_can_t_be_read_is_refused_with_its_line(config: Path) -> None:
    config.write_text('[[owners]]\nmatch = ""\nowner = "x"\n', "utf-8")
    code, _, err = run(config, "check")
    assert code == 2
    assert f"{config}:2: [[owners]] match: must have" in err
