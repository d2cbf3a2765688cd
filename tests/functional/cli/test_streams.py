"""What ends a command from outside is told in a line: a reader that goes, a full disk, Ctrl-C, odd encodings."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cli.every import EVERY, takes
from harness import fixtures
from harness.sandbox_process import OWNERTAG

SETTINGS = """
[organization]
id = "o-a1b2c3d4e5"
management_account = "111111111111"
hub_account = "222222222222"
home_region = "eu-central-1"
[tags]
owner = "{owner}"
WhatIsThis = "https://wiki.internal/ownertag"
[[owners]]
match = "x"
owner = "Jürgen 团队"
"""
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "x", "AWS_SESSION_TOKEN": "y"}


def in_full(*values: Any) -> list[Any]:
    """Variants of what runs always."""
    return [pytest.param(value, marks=pytest.mark.full) for value in values]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    config = tmp_path / "ownertag.toml"
    config.write_text(SETTINGS, "utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHONIO", "LC_"))}
    files = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)
    return {**kept, **files, **KEYS, "OWNERTAG_CONFIG": str(config), "AWS_EC2_METADATA_DISABLED": "true"}


def many(folder: Path) -> Path:
    """Records whose decisions are more than a pipe holds."""
    path = folder / "records.jsonl"
    path.write_bytes(b"\n".join([fixtures.bytes_of(fixtures.record())] * 2000))
    return path


@pytest.mark.parametrize("format_", ["table", *in_full("json", "csv")])
def test_a_pipe_that_closes_ends_it_without_a_word(environment: dict[str, str], tmp_path: Path, format_: str) -> None:
    command = [OWNERTAG, "explain", "--quiet", "--output", format_, str(many(tmp_path))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert (process.wait(60), process.stderr.read()) == (141, b"")


@pytest.mark.parametrize("command", [["--help"], ["owners", "check"], *in_full(["version"], ["render", "scp"])])
def test_a_pipe_that_was_never_read_ends_it_without_a_word(environment: dict[str, str], command: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        answer = subprocess.run(
            [OWNERTAG, *command], stdout=closed, stderr=subprocess.PIPE, text=True, check=False, env=environment
        )
    assert (answer.returncode, [line for line in answer.stderr.splitlines() if "rror" in line]) == (141, [])


def test_words_that_nobody_hears_end_no_work(environment: dict[str, str], tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        answer = subprocess.run(
            [OWNERTAG, "explain", "--json", str(many(tmp_path))],
            stdout=subprocess.PIPE,
            stderr=closed,
            check=False,
            env=environment,
        )
    assert (answer.returncode, len(answer.stdout.splitlines())) == (0, 2000)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full is Linux's")
@pytest.mark.parametrize("command", [["owners", "check", "--json"], *in_full(["version"], ["render", "scp"])])
def test_a_full_disk_is_told_in_a_line(environment: dict[str, str], command: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        answer = subprocess.run(
            [OWNERTAG, *command], stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=environment
        )
    assert answer.returncode == 1
    assert answer.stderr.splitlines()[-1] == "ownertag: what was printed: can't be written: No space left on device"
    assert "Traceback" not in answer.stderr


@pytest.mark.skipif(os.name == "nt", reason="by a shell of POSIX")
@pytest.mark.parametrize("closed", [">&- 2>&- <&-", *in_full(">&-", "2>&-", "<&-")])
def test_streams_that_are_closed_take_everything(environment: dict[str, str], closed: str) -> None:
    line = f"'{OWNERTAG}' owners check {closed}"
    answer = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False, env=environment)  # noqa: S607
    assert (answer.returncode, "Traceback" in answer.stderr) == (0, False)


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ({"PYTHONIOENCODING": "ascii"}, r"J\xfcrgen \u56e2\u961f"),
        ({"PYTHONIOENCODING": "cp1252"}, r"Jürgen \u56e2\u961f"),
        pytest.param({"LC_ALL": "C"}, "Jürgen 团队", marks=pytest.mark.full),  # Python takes UTF-8 for it
        pytest.param({"PYTHONIOENCODING": "cp437:strict"}, r"Jürgen \u56e2\u961f", marks=pytest.mark.full),
        pytest.param(
            {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
            r"J\xfcrgen \u56e2\u961f",
            marks=pytest.mark.full,
        ),
    ],
)
def test_what_an_encoding_lacks_is_written_as_an_escape(
    environment: dict[str, str], setting: dict[str, str], name: str
) -> None:
    answer = subprocess.run(
        [OWNERTAG, "owners", "test", "x"], capture_output=True, check=False, env={**environment, **setting}
    )
    assert (answer.returncode, answer.stderr) == (0, b"")
    encoding = setting.get("PYTHONIOENCODING", "utf-8").partition(":")[0]
    assert answer.stdout.decode(encoding) == f"x is {name}, by rule 1 (x): an exact name, in any account\n"


def test_a_name_that_is_no_text_is_told_and_not_raised(environment: dict[str, str]) -> None:
    answer = subprocess.run(
        [OWNERTAG, "owners", "test", b"j\xfcrgen"], capture_output=True, check=False, env=environment
    )
    assert (answer.returncode, b"Traceback" in answer.stderr) == (1, False)
    assert answer.stdout.startswith(b"j")


@contextmanager
def silent() -> Iterator[tuple[str, socket.socket]]:
    """An endpoint that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}", server


#: What else the commands that call AWS need.
ARGUMENTS = {"whois": ["i-0123456789abcdef0"], "transfer": ["i-1", "--to", "a", "--reason", "b"], "tag": ["-"]}
CALLING = [name for name in EVERY if takes(name, "--endpoint-url")]


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is no signal that can be sent there")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in {"doctor", "whois"} else pytest.mark.full) for name in CALLING]
)
def test_ctrl_c_ends_every_command_in_a_line(environment: dict[str, str], name: str, tmp_path: Path) -> None:
    package = tmp_path / "function.zip"
    more = {"deploy plan": ["--package", str(package)], "deploy apply": ["--package", str(package)]}
    if name in more:
        subprocess.run([sys.executable, "-c", WRITE_PACKAGE, str(package), environment["OWNERTAG_CONFIG"]], check=True)
    with silent() as (url, server):
        command = [OWNERTAG, *name.split(), "--endpoint-url", url, *ARGUMENTS.get(name, []), *more.get(name, [])]
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        ) as process:
            connection, _ = server.accept()  # it waits for an answer now
            time.sleep(0.1)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
            connection.close()
    assert (process.returncode, out, err.splitlines()[-1]) == (130, "", "ownertag: ended by Ctrl-C")
    assert "Traceback" not in err


WRITE_PACKAGE = """
import sys; from pathlib import Path; from ownertag.sandbox.deployment import write_package
write_package(Path(sys.argv[1]), Path(sys.argv[2]).read_text("utf-8"))
"""
