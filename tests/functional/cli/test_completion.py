"""Profiles and Regions complete in the shell: by the protocol that the shells speak, in a process."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from harness.sandbox_process import OWNERTAG
from ownertag.cli.completion import complete_profile, complete_regions

CONFIG = """
[default]
region = eu-central-1
[profile security]
sso_account_id = 222222222222
[profile "se cond"]
[profile  spaced ]
[sso-session corporate]
[services mine]
[profile security]
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "config").write_text(CONFIG)
    (tmp_path / "credentials").write_text("[security]\naws_access_key_id = x\n[scripts]\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path


def completed(*words: str) -> list[str]:
    """What bash is given for the last of these words."""
    environment = {
        **os.environ,
        "_OWNERTAG_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["ownertag", *words]),
        "COMP_CWORD": str(len(words)),
    }
    answer = subprocess.run([OWNERTAG], env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert (answer.returncode, answer.stderr) == (0, "")
    return answer.stdout.split()


@pytest.mark.usefixtures("files")
def test_a_profile_completes_after_any_command_that_takes_one() -> None:
    assert completed("doctor", "--profile", "s") == ["security", "se", "cond", "spaced", "scripts"]
    assert completed("whois", "--profile", "scr") == ["scripts"]


def test_a_region_completes_and_several_do() -> None:
    assert completed("whois", "--region", "eu-c") == ["eu-central-1", "eu-central-2"]
    assert completed("doctor", "--regions", "us-east-1,eu-no") == ["us-east-1,eu-north-1"]
    assert complete_regions("eu-north-1,eu-no") == []
    assert len(complete_regions("")) > 30


def test_commands_and_options_complete_and_what_is_refused_does_not() -> None:
    assert completed("d") == ["demo", "doctor", "deploy"]
    assert "--profile" in completed("doctor", "--pro")
    assert completed("demo", "--pro") == []


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"no section", b"[profile a]\n[profile", b"[profile %(x)s]\ny = %(z)s\n", b""]
)
def test_a_file_that_can_not_be_read_completes_nothing_and_says_nothing(files: Path, content: bytes) -> None:
    (files / "config").write_bytes(content)
    assert {"scripts", "security"} <= {*complete_profile("")}


def test_no_file_completes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "~nobody-of-this-name/credentials")
    assert complete_profile("") == []
