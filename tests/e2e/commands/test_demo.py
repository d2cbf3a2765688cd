"""The demo as a user runs it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness import sandbox_process

ROOT = Path(__file__).parents[3]

# The owner of each instance of the night, with evidence, confidence and what its hops hold.
NIGHT = (
    ("alice", "auto-scaling-group", "inferred", "autoScalingGroupName/web", "user/alice"),
    ("carol@example.com", "stack", "inferred", "deployment/AWSCloudFormation", "/carol@example.com"),
    ("frank", "instance", "inferred", "assumed-role/worker/i-", "federated-user/frank"),
    ("dave@example.com", "source-identity", "asserted", "assumed-role/release/nightly", ""),
    # The impostor's, by its id and by its address.
    ("erin-user", "session-chain", "inferred", "developer/carol@example.com", "user/erin-user"),
    ("erin-user", "session-chain", "inferred", "developer/carol@example.com", "user/erin-user"),
)


@pytest.fixture(scope="module")
def run() -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sandbox_process.OWNERTAG, "demo", "--json"], capture_output=True, text=True, check=False, timeout=120
    )


def part(run: subprocess.CompletedProcess[str], name: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    return [line for line in lines if line["part"] == name]


def test_the_demo_ends_with_every_resource_tagged(run: subprocess.CompletedProcess[str]) -> None:
    assert run.returncode == 0, run.stderr
    launches = part(run, "launch")
    assert len({launch["account"] for launch in launches}) >= 4
    assert len({launch["region"] for launch in launches}) >= 3
    assert len({launch["kind"] for launch in launches}) == 7
    assert [launch["problems"] for launch in launches] == [[]] * len(launches)
    assert all(launch["tagged"] == launch["resources"] for launch in launches)
    assert sum(launch["tagged"] for launch in launches) == 311
    made = {launch["did"]: launch["owner"] for launch in launches}
    assert (made["1 S3 bucket"], made["1 RDS instance"]) == ("carol@example.com", "frank")
    assert {launch["owner"] for launch in launches if launch["did"] == "1 instance with owner=ceo"} == {"erin-user"}
    assert "all 311 resources carry the tags that they should, and all 6 answers are right" in run.stderr


def test_at_night_whois_names_the_right_person_for_each(run: subprocess.CompletedProcess[str]) -> None:
    told = part(run, "night")
    assert len(told) == len(NIGHT)
    for answer, (name, evidence, confidence, through, last) in zip(told, NIGHT, strict=True):
        assert (answer["owner"], answer["evidence"], answer["confidence"]) == (name, evidence, confidence)
        assert any(through in hop for hop in answer["via"])
        assert answer["via"][-1].endswith(last)
        assert answer["problems"] == []
        assert f"{name}, {confidence} by {evidence}" in run.stderr


def test_at_night_the_impostor_is_not_believed(run: subprocess.CompletedProcess[str]) -> None:
    by_id, by_address = (answer for answer in part(run, "night") if answer["claimed"])
    assert (by_id["claimed"], by_id["owner"]) == ("carol@example.com", "erin-user")
    assert by_id["claimed"] in {launch["owner"] for launch in part(run, "launch")}  # somebody else who is there
    assert by_id["terminated"]
    assert by_id["asked"] == by_id["id"] == by_address["id"]
    assert by_address["asked"].startswith("10.")
    assert "in a session that goes by carol@example.com, which is not believed; terminated by then" in run.stderr


def test_the_readme_shows_what_the_demo_prints(run: subprocess.CompletedProcess[str]) -> None:
    section = (ROOT / "README.md").read_text("utf-8").partition("## What the demo shows")[2]
    head, *rows, last = section.split("```")[1].strip().splitlines()
    assert head.split() == ["who", "as", "account", "did", "owner", "confidence", "tagged"]
    fields = ("who", "kind", "account_name", "did", "owner", "confidence")
    printed = [
        [*(launch[field] for field in fields), f"{launch['tagged']} of {launch['resources']}"]
        for launch in part(run, "launch")
    ]
    assert len(rows) == 4
    for row in rows:
        assert re.split(r"  +", row) in printed
    assert last.partition(", after")[0] in run.stderr
