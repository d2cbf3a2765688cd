"""A network that is not there or breaks off: what could not be had is named, and nothing is left of the attempt."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from typer.testing import CliRunner, Result

from ownertag.cli.app import app
from ownertag.rollout.package.targets import CURRENT
from ownertag.rollout.package.wheels import LOCK, PackageError, Unavailable, download, install
from ownertag.sandbox.deployment import settings_text

#: What of the environment pip must not see: its settings, and proxies.
OURS = [name for name in os.environ if name.upper().startswith("PIP_") or name.upper().endswith("_PROXY")]
NOWHERE = "http://127.0.0.1:9"


class Index(ThreadingHTTPServer):
    """A package index of the wheels of a folder, which sends only so much of each wheel."""

    daemon_threads = True

    def __init__(self, wheels: Path, share: float, *, honest: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Pages)
        self.wheels, self.share, self.honest = wheels, share, honest
        self.url = f"http://127.0.0.1:{self.server_address[1]}/simple/"


class _Pages(BaseHTTPRequestHandler):
    server: Index

    def do_GET(self) -> None:
        kind, _, name = self.path.strip("/").partition("/")
        if kind == "simple":
            found = self.server.wheels.glob(f"{name.replace('-', '_')}-*.whl")
            links = "".join(f'<a href="/wheels/{path.name}">{path.name}</a>' for path in found)
            self._send(f"<!DOCTYPE html><html><body>{links}</body></html>".encode(), "text/html")
        else:
            self._send((self.server.wheels / name).read_bytes(), "application/octet-stream", self.server.share)

    def _send(self, content: bytes, type_: str, share: float = 1) -> None:
        sent = content[: int(len(content) * share)]
        self.send_response(200)
        self.send_header("Content-Type", type_)
        self.send_header("Content-Length", str(len(content if self.server.honest else sent)))
        self.end_headers()
        self.wfile.write(sent)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Logs nothing."""


@contextmanager
def index(wheels: Path, share: float = 1, *, honest: bool = True) -> Iterator[Index]:
    with Index(wheels, share, honest=honest) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """pip without anybody's settings."""
    for name in OURS:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    return monkeypatch


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """The lock of one dependency alone."""
    lines = LOCK.read_text("utf-8").replace("\\\n", "").splitlines()
    path = tmp_path / "jmespath.txt"
    path.write_text(next(line for line in lines if line.startswith("jmespath==")), "utf-8")
    return path


@pytest.mark.parametrize(
    ("fetch", "honest"),
    [
        pytest.param(install, True, id="installed, and less came than was told"),
        pytest.param(download, False, id="fetched, and the length told is the part's"),
        pytest.param(install, False, id="installed, and the length told is the part's", marks=pytest.mark.full),
        pytest.param(download, True, id="fetched, and less came than was told", marks=pytest.mark.full),
    ],
)
def test_a_download_that_breaks_off_names_the_wheel_and_leaves_nothing(
    wheels: Path, pip: pytest.MonkeyPatch, lock: Path, tmp_path: Path, fetch: Callable[..., object], honest: bool
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with index(wheels, 0.5, honest=honest) as server:
        pip.setenv("PIP_INDEX_URL", server.url)
        pip.setenv("PIP_RESUME_RETRIES", "0")
        with pytest.raises(PackageError, match=r"^jmespath==\S+ ") as caught:
            fetch(folder, CURRENT, lock=lock)
    assert isinstance(caught.value, Unavailable) == honest
    assert list(folder.iterdir()) == []


def test_whole_wheels_are_fetched_with_their_names_and_installed_from_there(
    wheels: Path, pip: pytest.MonkeyPatch, lock: Path, tmp_path: Path
) -> None:
    fetched, folder, begun = tmp_path / "fetched", tmp_path / "folder", list[str]()
    with index(wheels) as server:
        pip.setenv("PIP_INDEX_URL", server.url)
        [name] = download(fetched, CURRENT, lock=lock, progress=begun.append)
        assert download(fetched, CURRENT, lock=lock) == (name,)  # it is there already
    assert name.startswith("jmespath-")
    assert [path.name for path in fetched.iterdir()] == [name]
    assert [part.partition("==")[0] for part in begun] == ["jmespath"]
    install(folder, CURRENT, fetched, lock=lock)
    assert (folder / "jmespath").is_dir()


def command(*arguments: str, **more: str) -> Result:
    """A command line behind a proxy on which nobody listens."""
    environment: Mapping[str, str | None] = {
        **dict.fromkeys(OURS),
        "HTTPS_PROXY": NOWHERE,
        "HTTP_PROXY": NOWHERE,
        "PIP_NO_CACHE_DIR": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "XDG_CONFIG_HOME": "/nowhere",
        "PYENV_ROOT": "/nowhere",
        "PATH": "",
        **more,
    }
    return CliRunner().invoke(app, arguments, env=environment)


@pytest.mark.parametrize("more", [(), ("--download", "{folder}/wheels")], ids=" ".join)
def test_without_a_network_package_says_what_it_misses_and_writes_nothing(
    tmp_path: Path, more: tuple[str, ...]
) -> None:
    given = [part.format(folder=tmp_path) for part in more]
    answer = command("package", "--output-dir", str(tmp_path / "dist"), "--arch", "arm64", *given)
    assert (answer.exit_code, answer.stdout) == (3, "")
    assert "aws-lambda-powertools==" in answer.stderr
    assert "can't be had for arm64" in answer.stderr
    assert ("--wheels DIR" in answer.stderr) == ("--download" not in more)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


SETTINGS = settings_text("o-a1b2c3d4e5", "r-ab12")


def test_without_a_network_deploy_tells_both_ways_out_before_anything_is_asked_of_aws(tmp_path: Path) -> None:
    (tmp_path / "ownertag.toml").write_text(SETTINGS, "utf-8")
    (tmp_path / "config").write_text(
        "[profile management]\naws_access_key_id = A\naws_secret_access_key = B\n", "utf-8"
    )
    answer = command(
        *("deploy", "plan", "--profile", "management", "--config", str(tmp_path / "ownertag.toml")),
        AWS_CONFIG_FILE=str(tmp_path / "config"),
        XDG_CACHE_HOME=str(tmp_path / "cache"),
    )
    assert (answer.exit_code, answer.stdout) == (3, "")
    assert "the function's package can't be built:\naws-lambda-powertools==" in answer.stderr
    assert "  no answer: '" in answer.stderr
    assert "--wheels DIR" in answer.stderr
    assert "--package ZIP" in answer.stderr
    assert "reading organization" not in answer.stderr
    if sys.platform == "linux":
        assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_a_package_and_wheels_to_build_another_are_refused(tmp_path: Path) -> None:
    (tmp_path / "ownertag.toml").write_text(SETTINGS, "utf-8")
    given = ("deploy", "plan", "--config", str(tmp_path / "ownertag.toml"), "--wheels", str(tmp_path))
    answer = command(*given, OWNERTAG_PACKAGE=str(tmp_path / "function.zip"))
    assert answer.exit_code == 2
    assert "OWNERTAG_PACKAGE" in answer.stderr
