"""What every command shows at a terminal: nothing is wider than it, colours only where it shows them."""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest

from harness.sandbox_process import OWNERTAG
from harness.terminal import shown
from harness.waiting import wait

RULES = """
[[owners]]
match = "*@example.com"
owner = "team-staff"
[[owners]]
match = "github:example-organization/a-rather-long-name-of-a-repository*"
account = "333333333333"
owner = "团队-platform-engineering-and-release"
"""
#: What is typed after `ownertag`; ID, RECORDS and PACKAGE stand for what is there.
TYPED = {
    "doctor": "doctor --profile admin-security",
    "whois": "whois ID --profile admin-security",
    "explain": "explain RECORDS",
    "owners": "owners check --config RULES",
    "redrive": "redrive --dry-run --profile admin-security",
    "prove": "prove --accounts 333333333333 --regions us-east-1,eu-west-1 --timeout 20 --profile admin-security",
    "transfer": "transfer ID --to bob --reason moved --profile admin-security",
    "tag": "tag --dry-run RECORDS --profile admin-security",
    "deploy plan": "deploy plan --package PACKAGE --recreate 333333333333 --profile admin-management",
    "deploy destroy": "deploy destroy --profile admin-management",
    "owners test": "owners test bob --config RULES",
    "render scp": "render scp --tiers",
    "version": "version",
    "demo": "demo",
    "no profile": "doctor --profile nobody",
    "another account": "whois ID --profile alice",
}
#: Those that run always, and those whose words for a fault have a colour.
ALWAYS = ("doctor", "whois", "owners")
COLOURED = ("doctor", "no profile")


@pytest.fixture(scope="module")
def there(
    running: dict[str, Any], environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """An instance, records, owner rules and a fault, in a sandbox."""
    folder = tmp_path_factory.mktemp("screens")
    session = boto3.Session
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            patch.setenv(name, environment[name])
        with closing(session(profile_name="alice").client("ec2")) as ec2:
            launched = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)
        id_ = launched["Instances"][0]["InstanceId"]
        web = session(profile_name="admin-web", region_name="us-east-1")
        with closing(web.client("cloudtrail")) as trail:
            found = wait(lambda: trail.lookup_events()["Events"])
        (folder / "records.json").write_text(json.dumps({"Events": found}, default=str))
        (folder / "rules.toml").write_text(RULES, "utf-8")
        known = [OWNERTAG, "whois", id_, "--offline", "--profile", "admin-security"]
        settings = {"OWNERTAG_CONFIG": running["settings_file"]}
        wait(lambda: not subprocess.run(known, env={**environment, **settings}, check=False).returncode)
        with closing(web.client("events")) as events:
            events.disable_rule(Name="ownertag-creations-1")
    files = {"RECORDS": "records.json", "RULES": "rules.toml"}
    return {"ID": id_, "PACKAGE": running["package_file"], **{name: str(folder / file) for name, file in files.items()}}


@pytest.fixture
def plain(environment: dict[str, str], running: dict[str, Any]) -> dict[str, str]:
    kept = {name: value for name, value in environment.items() if name not in {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}}
    return {**kept, "OWNERTAG_CONFIG": running["settings_file"], "TERM": "xterm-256color"}


def command(name: str, there: dict[str, str]) -> list[str]:
    return [OWNERTAG, *(there.get(word, word) for word in TYPED[name].split())]


def cases(*columns: int) -> list[Any]:
    return [
        pytest.param(name, width, marks=[] if name in ALWAYS and width == columns[0] else pytest.mark.full)
        for name in TYPED
        for width in columns
    ]


@pytest.mark.parametrize(("name", "columns"), cases(80, 40))
def test_no_line_is_wider_than_the_terminal(
    name: str, columns: int, there: dict[str, str], plain: dict[str, str]
) -> None:
    screen = shown(command(name, there), columns, plain)
    assert screen.too_wide(columns) == []
    assert screen.code in {0, 1, 2}, screen.text
    assert "Traceback" not in screen.text
    assert screen.styled or name not in COLOURED


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "no profile" else pytest.mark.full) for name in TYPED]
)
def test_without_colours_the_words_are_the_same(name: str, there: dict[str, str], plain: dict[str, str]) -> None:
    screen = shown(command(name, there), 80, {**plain, "NO_COLOR": "1"})
    assert not screen.styled
    assert screen.too_wide(80) == []
    if name in COLOURED:
        styled = shown(command(name, there), 80, plain)
        assert {*screen.text.splitlines()} - {*styled.text.splitlines()} <= {
            line for line in screen.text.splitlines() if "looked at" in line
        }


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "whois" else pytest.mark.full) for name in TYPED]
)
def test_what_is_piped_is_neither_folded_nor_coloured(name: str, there: dict[str, str], plain: dict[str, str]) -> None:
    answer = subprocess.run(command(name, there), capture_output=True, text=True, check=False, env=plain)
    assert "\x1b" not in answer.stdout + answer.stderr
    assert not answer.stdout.endswith(" \\\n")
    if name == "whois":
        assert f"  resource   {there['ID']}  (ec2:instance)\n" in answer.stdout
    if name == "no profile":
        assert len(answer.stderr.splitlines()) == 1


@pytest.mark.full
def test_ctrl_c_at_the_question_ends_it_in_a_line(there: dict[str, str], plain: dict[str, str]) -> None:
    screen = shown(command("deploy destroy", there), 80, plain, interrupt_at="Take all of this away?")
    assert (screen.code, screen.text.splitlines()[-1]) == (130, "ownertag: ended by Ctrl-C")
    assert "Traceback" not in screen.text


@pytest.mark.full
@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_tmux_shows_the_same(there: dict[str, str], plain: dict[str, str], tmp_path: Path) -> None:
    tmux = ["tmux", "-S", str(tmp_path / "tmux"), "-f", "/dev/null"]
    end = "; echo ended; sleep 60"
    line = " ".join(command("whois", there)) + end
    subprocess.run([*tmux, "new-session", "-d", "-x", "80", "-y", "50", line], env=plain, check=True)
    try:

        def captured() -> str:
            pane = subprocess.run([*tmux, "capture-pane", "-p"], capture_output=True, text=True, check=True).stdout
            return pane if "ended" in pane else ""

        lines = wait(captured).partition("ended")[0].rstrip().splitlines()
        assert lines == shown(command("whois", there), 80, plain).text.rstrip().splitlines()
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)
