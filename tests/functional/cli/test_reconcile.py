"""`ownertag reconcile`: what it asks the function, and what it makes of the answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ownertag.cli import reconcile as command
from ownertag.cli.app import app

ACCOUNT = "111122223333"
PLACE = ["--account", ACCOUNT, "--region", "eu-central-1"]
VOLUME = f"arn:aws:ec2:eu-central-1:{ACCOUNT}:volume/vol-00000000000000001"
ZEROS = dict.fromkeys(("missed", "adopted", "restored", "forged", "unexplained", "gone"), 0)
SETTINGS = """
[organization]
id = "o-a1b2c3d4e5"
management_account = "111111111111"
hub_account = "222222222222"
home_region = "eu-central-1"
"""


def place(**fields: Any) -> dict[str, Any]:
    """What the function answers of a place in which nothing was found."""
    empty: dict[str, Any] = {kind: [] for kind in (*ZEROS, "unlisted", "left")}
    same = {"account": ACCOUNT, "region": "eu-central-1", "listed": 3, "right": 3, "unknown": 0, "observed": False}
    flags = {"is_done": True, "is_failed": False, "reached": True}
    counts = {kind: len(found) for kind, found in fields.items() if kind in ZEROS}
    return empty | same | flags | fields | {"totals": {"places": 1, "listed": 3, **ZEROS, **counts}}


class FakeHub:
    """The hub's function: keeps what it is asked, and answers with a place."""

    answer = place()
    asked: list[tuple[str, dict[str, Any]]]

    def __init__(self, *_: object, function: str, patience: int) -> None:
        assert (function, patience > 900) == ("ownertag-reconcile", True)

    def ask(self, order: dict[str, Any], _key: str) -> dict[str, Any]:
        FakeHub.asked.append(("ask", order["reconcile"]))
        return {"places": [FakeHub.answer]}

    def start(self, order: dict[str, Any]) -> None:
        FakeHub.asked.append(("start", order["reconcile"]))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    settings = tmp_path / "ownertag.toml"
    settings.write_text(SETTINGS)
    monkeypatch.setattr(command, "HubFunction", FakeHub)
    FakeHub.asked = []

    def run(*words: str, answer: dict[str, Any] | None = None) -> tuple[int, str, str]:
        FakeHub.answer = answer or place()
        done = CliRunner().invoke(app, ["reconcile", "--config", str(settings), *words])
        return done.exit_code, done.stdout, done.stderr

    return run


FOUND = place(
    missed=[{"event_id": "e-1", "event": "CreateVolume", "at": "2026-11-23T12:00:00Z", "owner": "alice",
             "resources": [VOLUME], "outcomes": ["tagged"]}],
    forged=[{"arn": VOLUME, "key": "owner", "value": "mallory\x1b[31m", "owner": "alice"}],
    restored=[{"arn": VOLUME, "owner": "alice", "outcome": "tagged", "reason": ""}],
    gone=[f"{VOLUME}2"],
    unknown=2,
)  # fmt: skip


def test_one_place_is_asked_at_once_and_nothing_found_is_well(run: Any) -> None:
    assert run(*PLACE)[0] == 0
    assert FakeHub.asked == [("ask", {"account": ACCOUNT, "region": "eu-central-1", "dry_run": False})]


def test_what_was_found_is_printed_and_changes_the_exit_code(run: Any) -> None:
    code, out, _ = run(*PLACE, "--dry-run", answer=FOUND)
    assert code == 1
    for said in (
        "a dry run",
        "1 missed",
        f"{VOLUME}, alice",
        "CreateVolume at",
        "owner was mallory",
        "1 gone",
        "2 nobody",
    ):
        assert said in out
    assert "\x1b" not in out


def test_the_formats_have_the_same(run: Any) -> None:
    code, out, _ = run(*PLACE, "--json", answer=FOUND)
    told = json.loads(out)
    assert (code, told["schema"], told["missed"][0]["owner"]) == (1, 1, "alice")
    code, out, _ = run(*PLACE, "--output", "csv", answer=FOUND)
    assert [line.partition(",")[0] for line in out.splitlines()] == [
        '"found"',
        '"missed"',
        '"restored"',
        '"forged"',
        '"gone"',
    ]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"left": ["throttled: busy"]}, 1),
        ({"is_done": False}, 1),
        ({"reached": False}, 3),
        ({"unlisted": [{"types": [], "reason": "AccessDenied", "lasting": False}]}, 3),
        ({"unlisted": [{"types": ["x:y"], "reason": "no list", "lasting": True}]}, 0),
    ],
)
def test_what_is_left_and_what_could_not_be_listed_have_their_exit_codes(
    run: Any, fields: dict[str, Any], code: int
) -> None:
    assert run(*PLACE, answer=place(**fields))[0] == code


@pytest.mark.parametrize("words", [[], ["--account", ACCOUNT], ["--region", "eu-central-1"]])
def test_all_places_are_done_in_the_background(run: Any, words: list[str]) -> None:
    code, out, said = run(*words, "--since", "2026-10-01", "--json")
    assert (code, json.loads(out)) == (0, {"schema": 1, "begun": True})
    assert "has begun" in said
    [(way, order)] = FakeHub.asked
    assert (way, order["since"]) == ("start", "2026-10-01T00:00:00+00:00")


@pytest.mark.parametrize("words", [["--account", "12"], ["--region", "here"], ["--since", "yesterday"]])
def test_what_is_no_account_region_or_time_is_refused(run: Any, words: list[str]) -> None:
    assert run(*words)[0] == 2
    assert FakeHub.asked == []
