"""Somebody new: the wheel in a new environment, from the package index, to a deployment that doctor finds well."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from commands.first_install import FOLDER, INSTALL, ROLL_OUT, NewUser, Step, first_install
from harness.distributions import build
from ownertag.cli.app import COMMANDS


@pytest.mark.full
@pytest.mark.timeout(1800)  # a hundred wheels are fetched and compiled
def test_the_whole_way(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    user = first_install(home, build(tmp_path / "dist").wheel)
    last = user.done[-1]
    if last.step == INSTALL[1] and "No matching distribution" in last.printed:
        pytest.skip(f"no package index, and no folder of wheels in its place: {last.printed[-300:]}")
    assert [(done.step.command, done.code) for done in user.done] == [*INSTALL, *ROLL_OUT], last.printed
    assert "Traceback" not in user.transcript()
    [kept] = (home / ".cache/ownertag/packages").iterdir()
    assert kept.stat().st_size > 1_000_000
    told = {done.step.command: done.printed for done in user.done}
    assert "building the function's package for arm64" in told["ownertag deploy plan --profile admin-management"]
    assert "building" not in told["ownertag deploy apply --yes --profile admin-management"]
    assert "no fault" in told["ownertag doctor --profile admin-security"]
    for name in COMMANDS:
        subprocess.run(["ownertag", name, "--help"], env=user.variables, cwd=home, check=True, capture_output=True)  # noqa: S607 - of the new environment


def test_a_step_that_fails_ends_it_and_stands_in_the_transcript(tmp_path: Path) -> None:
    user = NewUser(tmp_path, tmp_path / "x.whl")
    steps = (Step("export GREETING=hello"), Step("echo $GREETING; exit 3", 3), Step("echo no >&2; false"), Step("echo"))
    assert not user.run(steps, {})
    assert [(done.code, done.printed) for done in user.done] == [(0, ""), (3, "hello\n"), (1, "no\n")]
    assert "$ echo $GREETING; exit 3\nhello\n# exit code 3, " in user.transcript()


def test_a_new_user_has_nothing_of_this_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONPATH", "VIRTUAL_ENV", "AWS_PROFILE", "OWNERTAG_PACKAGE", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, "of the tests")
    user = NewUser(tmp_path, tmp_path / "x.whl")
    assert "of the tests" not in user.variables.values()
    user.sandbox = "/tmp/ownertag-sandbox-xyz"  # noqa: S108 - a name alone
    assert user.run((Step("echo {sandbox} {wheel} $HOME"),), {"sandbox": user.sandbox})
    assert f"{FOLDER} ~/x.whl ~\n" in user.transcript()
