"""`ownertag init`: what it writes, what it refuses, and what it says where nobody can be asked."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ownertag.cli.app import app
from ownertag.cli.new_file import write_new
from ownertag.core.settings_file import read_settings
from ownertag.render.infra import check_deployable
from ownertag.sandbox.organization import UNIT
from ownertag.sandbox.personas import HUB, MANAGEMENT
from ownertag.sandbox.sandbox import Sandbox

DECIDED = ["--hub-account", HUB, "--home-region", "eu-central-1", "--unit", UNIT]
DECIDED += ["--what-is-this", "https://wiki.internal/x"]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(empty=True) as running:
        yield running


@pytest.fixture
def here(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory from which the sandbox is found, and no settings."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(sandbox.config_file))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.delenv("OWNERTAG_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def init(*arguments: str, profile: str = "admin-management") -> tuple[int, str, str]:
    answer = CliRunner().invoke(app, ["init", *arguments, "--profile", profile])
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
    table = [line for line in answer.stdout.splitlines() if line.startswith(("organization.", "trust.", "  arn"))]
    assert all(len(line) <= 80 for line in table)
    return answer.exit_code, answer.stdout, answer.stderr


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_file_is_written_and_the_next_commands_are_named(here: Path) -> None:
    code, out, err = init(*DECIDED)
    assert code == 0
    settings = read_settings((here / "ownertag.toml").read_text("utf-8"), "x")
    organization = check_deployable(settings, "x")
    assert (organization.management_account, organization.hub_account) == (MANAGEMENT, HUB)
    assert settings.observe.units == organization.units
    assert re.search(r"(?m)^organization.hub_account +given  222222222222$", out)
    assert err.splitlines()[-4:] == [
        "ownertag.toml is written. Read it, then:",
        "  ownertag deploy plan --profile admin-management",
        "  ownertag deploy apply --profile admin-management",
        "  ownertag doctor --profile admin-security",
    ]
    assert files(here) == ["ownertag.toml"]


@pytest.mark.full
@pytest.mark.usefixtures("here")
def test_deploy_plans_with_the_file(sandbox: Sandbox) -> None:
    assert init(*DECIDED, "--regions", "eu-central-1")[0] == 0
    where = ["--profile", "admin-management", "--package", str(sandbox.package_file), "--skip-preflight"]
    answer = CliRunner().invoke(app, ["deploy", "plan", "--json", *where])
    assert answer.exit_code == 1, answer.output
    assert "ownertag-spoke-region" in answer.stdout


def test_where_nobody_can_be_asked_all_that_is_missing_is_told_with_its_option(here: Path) -> None:
    code, out, err = init()
    assert (code, out, files(here)) == (2, "", [])
    said = err[err.index("ownertag: ") :]
    assert re.findall(r"(?m)^  (--[a-z-]+): ", said) == ["--hub-account", "--home-region", "--unit", "--what-is-this"]
    assert "222222222222  security, by its name" in said
    assert re.search(r"ou-\S+ +5 accounts  workloads", said)
    assert all(len(line) <= 80 for line in said.splitlines())
    code, _, err = init(*DECIDED[:4])
    assert re.findall(r"(?m)^  (--[a-z-]+): ", err) == ["--unit", "--what-is-this"]


def test_all_options_that_are_wrong_are_told_at_once(here: Path) -> None:
    wrong = ["--hub-account", "1", "--home-region", "x", "--unit", "y", "--what-is-this", "z", "--alarm-email", "q"]
    wrong += ["--organization", "o-another0001", "--regions", "us-east-9", "--identity-store", "s"]
    code, out, err = init(*wrong)
    assert (code, out, files(here)) == (2, "", [])
    said = err[err.index("ownertag: ") :].removeprefix("ownertag: ").splitlines()
    assert sorted(line.partition(":")[0] for line in said) == sorted(part for part in wrong if part.startswith("--"))


def test_who_may_not_read_gives_the_rest_by_options(here: Path) -> None:
    unit = ["--unit", "ou-ab12-c3d4e5f6"]
    code, _, err = init(*DECIDED[:4], *unit, *DECIDED[6:], profile="admin-web")
    assert code == 0
    assert "these are credentials of account 333333333333" in err
    assert "the accounts could not be read: organizations:ListAccounts: denied" in " ".join(err.split())
    text = (here / "ownertag.toml").read_text("utf-8")
    check_deployable(read_settings(text, "x"), "x")


@pytest.mark.usefixtures("here")
def test_as_json_it_tells_what_was_read_and_what_was_decided() -> None:
    code, out, _ = init(*DECIDED, "--json", "--no-observe")
    found = json.loads(out)
    assert (code, found["schema"], found["file"], found["text"]) == (0, 1, "ownertag.toml", None)
    assert {one["key"]: one["origin"] for one in found["settings"]} == {
        "organization.id": "read",
        "organization.management_account": "read",
        "organization.hub_account": "given",
        "organization.home_region": "given",
        "organization.units": "given",
        "tags.WhatIsThis": "given",
        "trust.identity_stores": "read",
        "trust.identity_center_region": "read",
    }
    assert set(found) == {"schema", "file", "text", "account", "region", "settings", "unread", "notes"}
    assert all(set(one) == {"key", "value", "origin", "source"} for one in found["settings"])


def test_a_dash_prints_the_file_and_writes_none(here: Path) -> None:
    code, out, err = init("-", *DECIDED)
    assert (code, files(here)) == (0, [])
    assert check_deployable(read_settings(out, "x"), "x").hub_account == HUB
    assert "is written" not in err
    code, text, _ = init("-", *DECIDED, "--json")
    assert json.loads(text)["text"] == out


def test_as_csv_it_prints_the_settings(here: Path) -> None:
    rows = [*csv.DictReader(StringIO(init("x.toml", *DECIDED, "--output", "csv")[1]))]
    assert rows[2] == {"key": "organization.hub_account", "value": HUB, "origin": "given"}
    assert files(here) == ["x.toml"]


def test_another_file_is_named_in_the_next_commands(here: Path) -> None:
    (here / "my settings").mkdir()
    assert "deploy plan --config 'my settings/ownertag.toml' --profile" in init("my settings", *DECIDED)[2]
    assert files(here / "my settings") == ["ownertag.toml"]
    assert "deploy plan --config other.toml --profile" in init("--config", "other.toml", *DECIDED)[2]


@pytest.mark.parametrize("way", ["file", "config", "environment", "link", "folder"])
def test_no_file_is_overwritten(here: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    (here / "ownertag.toml").write_text("# mine", "utf-8")
    given: list[str] = []
    if way == "config":
        given = ["--config", "ownertag.toml"]
    elif way == "environment":
        monkeypatch.setenv("OWNERTAG_CONFIG", str(here / "ownertag.toml"))
    elif way == "link":
        (here / "link.toml").symlink_to("nowhere")
        given = ["link.toml"]
    elif way == "folder":
        given = ["."]
    code, out, err = init(*given, *DECIDED)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert "is there already, and no file is overwritten" in err
    assert (here / "ownertag.toml").read_text("utf-8") == "# mine"
    assert not (here / "nowhere").exists()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("no/such/ownertag.toml", "there is no folder no/such"),
        ("/proc/ownertag.toml", "can't be written"),
        ("a\x1b[2J/x.toml", r"there is no folder a\x1b[2J"),
        (r"C:\Users\me\x/ownertag.toml", r"C:\Users\me\x/ownertag.toml: there is no folder C:\Users\me\x:"),
        ("zoe\u0308 x/y.toml", "zoe\u0308 x/y.toml: there is no folder zoe\u0308 x:"),
    ],
)
def test_a_place_that_can_not_be_written_to_is_told(here: Path, path: str, said: str) -> None:
    code, out, err = init(path, *DECIDED)
    assert (code, out) == (2, "")
    assert said in err.splitlines()[-1]
    assert files(here) == []


def test_credentials_that_can_not_be_used_end_it(here: Path) -> None:
    code, out, err = init(*DECIDED, profile="nobody")
    assert (code, out, files(here)) == (2, "", [])
    assert "profile nobody" in err
    assert "can't be used (ProfileNotFound)" in err


# --- the file


def test_who_comes_second_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    write_new(path, "first")
    with pytest.raises(FileExistsError):
        write_new(path, "second")
    assert (path.read_text("utf-8"), files(tmp_path)) == ("first", ["x.toml"])


_FULL = """
import os, resource, signal, sys
from pathlib import Path
from ownertag.cli.new_file import write_new

def fill(*_):
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    raise PermissionError(1, "no links here")

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
link = os.link
if sys.argv[2] == "later":
    link = fill
else:
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_new(Path(sys.argv[1]), "x" * 100_000, link)
except OSError as error:
    print(error.strerror)
"""


@pytest.mark.parametrize("when", ["at-once", "later"])
def test_a_full_disk_leaves_nothing(tmp_path: Path, when: str) -> None:
    """A limit on the size of files stands for the disk: the write ends in the middle."""
    command = [sys.executable, "-c", _FULL, str(tmp_path / "x.toml"), when]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout == "File too large\n"
    assert files(tmp_path) == []


def test_a_file_system_without_links_is_written_to_as_well(tmp_path: Path) -> None:
    def no_links(*_: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    path = tmp_path / "x.toml"
    write_new(path, "text", no_links)
    assert (path.read_text("utf-8"), files(tmp_path)) == ("text", ["x.toml"])
    with pytest.raises(FileExistsError):
        write_new(path, "second", no_links)
    assert path.read_text("utf-8") == "text"


def test_who_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    def interrupted(*_: Path) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_new(tmp_path / "x.toml", "text", interrupted)
    assert files(tmp_path) == []
