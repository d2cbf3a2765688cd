"""The settings file as a command meets it: what is named is read, or it is said what is wrong with it, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ownertag.cli.app import app


def check(config: Path | str) -> tuple[int, str]:
    """The exit code, and what is said on standard error, of a command that reads settings alone."""
    answer = CliRunner().invoke(app, ["owners", "check", "--config", str(config)])
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
    assert answer.stdout == "" or answer.exit_code == 0
    return answer.exit_code, answer.stderr


def test_all_faults_are_told_each_in_a_line_that_begins_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "ownertag.toml"
    path.write_text('[tags]\nowner = 3\n[hub]\ntagger_rol = "x"\n\n[limits]\nquota_share = 7\n', "utf-8")
    code, said = check(path)
    assert code == 2
    lines = said.splitlines()
    assert lines[0] == f"ownertag: {path}: 3 faults"
    assert [line.removeprefix(f"{path}:").partition(":")[0] for line in lines[1:]] == ["2", "4", "7"]


@pytest.mark.parametrize(
    "name", ["My Settings.toml", "zoe\u0308.toml", r"C:\Users\me\ownertag.toml", "\u540d.toml", "-x.toml"]
)
def test_the_file_is_named_as_it_was_given(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("x = ", "utf-8")
    code, said = check(path)
    assert (code, said.startswith(f"ownertag: {path}:1: no TOML: Invalid value; ")) == (2, True)
    path.unlink()
    code, said = check(path)
    assert (code, said.startswith(f"ownertag: {path}: can't be read: No such file or directory")) == (2, True)


def test_a_name_is_shown_without_what_a_terminal_would_obey(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[2J\n\u202eb.toml"
    for text in (None, "x = ", "{}"):
        if text is not None:
            path.write_text(text, "utf-8")
        code, said = check(path)
        assert code == 2
        assert len(said.splitlines()) == 1
        assert r"a\x1b[2J\n\u202eb.toml" in said


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b'\xef\xbb\xbf[tags]\r\nowner = "{owner}"\r\n', ""),
        ("[tags]\n".encode("utf-16"), "is in UTF-16: save it as UTF-8"),
        (b"PK\x03\x04\0", "is a zip archive"),
        (b"[default]\nregion = eu-central-1\n", "is an AWS config or credentials file"),
    ],
    ids=["windows", "utf-16", "zip", "aws"],
)
def test_a_file_of_another_kind_is_named_for_what_it_is(tmp_path: Path, content: bytes, wanted: str) -> None:
    path = tmp_path / "ownertag.toml"
    path.write_bytes(content)
    code, said = check(path)
    assert code == (2 if wanted else 0)
    assert wanted in said


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    code, said = check(tmp_path)
    assert code == 2
    assert said == f"ownertag: {tmp_path}: can't be read: Is a directory: name another file with --config\n"
    # It has no end, and is read no further than settings can be long.
    code, said = check("/dev/zero")
    assert (code, "/dev/zero:1: is in UTF-16" in said or "/dev/zero:1: is no text" in said) == (2, True)
