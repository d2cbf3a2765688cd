"""The two versions that an upgrade and a rollback lie between, and the function of each in processes of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from harness.releases import ROOT, last_release, path_of

_PROCESS = Path(__file__).with_name("function_process.py")


@dataclass(frozen=True)
class Version:
    """A version: what it is called, and the folder that a process finds it in."""

    name: str
    folder: Path

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """The environment of a process that runs it."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OWNERTAG_"))}
        return {**kept, **path_of(self.folder), **variables}


@dataclass(frozen=True)
class Versions:
    """The last release, and what is here."""

    old: Version
    new: Version


def versions(folder: Path) -> Versions:
    """Both; the release is unpacked into this folder."""
    release = last_release()
    return Versions(Version(release.version, release.unpack(folder)), Version(version("ownertag"), ROOT / "src"))


class Environment:
    """One environment of the function: a process that was forked for it."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._stream = self._socket.makefile("rw", encoding="utf-8")
        self.pid = int(self._stream.readline())

    def invoke(self, event: Mapping[str, Any]) -> dict[str, Any] | None:
        """What it answered: `answer`, or `raised`; None if the process was killed."""
        try:
            self._stream.write(json.dumps(event) + "\n")
            self._stream.flush()
            line = self._stream.readline()
        except (ConnectionResetError, BrokenPipeError):
            line = ""
        if not line:
            self._socket.close()
            return None
        answered: dict[str, Any] = json.loads(line)
        return answered

    def kill(self) -> None:
        """SIGKILL."""
        os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Ends it in peace."""
        self._stream.close()
        self._socket.close()


class Function:
    """The process that forks environments of one version.

    Args:
        at: The version.
        folder: For its socket.
        variables: The function's environment.
    """

    def __init__(self, at: Version, folder: Path, variables: Mapping[str, str]) -> None:
        folder.mkdir()
        self.version = at
        self._path = str(folder / "socket")
        credentials = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
        lambdas = {
            "AWS_LAMBDA_FUNCTION_NAME": "ownertag",
            "AWS_REGION": "eu-central-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self._process = subprocess.Popen(
            [sys.executable, str(_PROCESS), self._path],
            env=at.environment({**credentials, **lambdas, **variables}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        told = json.loads(self._process.stdout.readline())
        assert told == {"version": at.name, "folder": str(at.folder)}, told  # or nothing here would show anything

    def start(self) -> Environment:
        """A cold start."""
        return Environment(self._path)

    def close(self) -> None:
        """Ends the process; environments end with their connections."""
        self._process.kill()
        self._process.communicate()
