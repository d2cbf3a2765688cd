"""A function run as Lambda runs it: AWS's Runtime Interface Emulator around AWS's runtime client.

Both come with `.venv-lambda`. The emulator takes one invocation at a time; it starts the runtime with the first one,
and again after a timeout or a crash. It does not hold a function to its memory.
"""

from __future__ import annotations

import http.client
import json
import os
import platform
import re
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ENVIRONMENT = Path(__file__).parents[1] / ".venv-lambda"
_LIBRARY = ENVIRONMENT / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
_EMULATOR = _LIBRARY / "samcli" / "local" / "rapid" / "aws-lambda-rie-x86_64"
_PATH = "/2015-03-31/functions/function/invocations"
_INIT = re.compile(r"INIT REPORT\(durationMs: ([0-9.]+)\)")
#: Beyond the function's own timeout, for the emulator to answer.
_PATIENCE_SECONDS = 20


class FunctionError(Exception):
    """An invocation that Lambda would count as failed: an exception, a timeout, a runtime that ended."""


def unavailable() -> str | None:
    """Why no function can be run here, or None where one can."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        return f"Lambda's emulator runs on Linux on x86_64 only, not on {sys.platform} on {platform.machine()}"
    if not _EMULATOR.exists():
        return f"no emulator of Lambda for this Python in {ENVIRONMENT.name}: `make test` installs it"
    return None


class EmulatedFunction:
    """A function in an unpacked package, for as long as the `with` block lasts. It listens on 127.0.0.1 only.

    Args:
        folder: The unpacked package.
        handler: As Lambda names it: module and function.
        variables: The function's environment.
        log: Where its log and the emulator's go.
        seconds: The function's timeout.
    """

    def __init__(self, folder: Path, handler: str, variables: Mapping[str, str], log: Path, seconds: int = 60) -> None:
        self._folder = folder
        self._handler = handler
        self._log = log
        self._seconds = seconds
        self._environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LAMBDA_TASK_ROOT": str(folder),
            "AWS_LAMBDA_FUNCTION_NAME": "ownertag",
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(seconds),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_SESSION_TOKEN": "none",
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            **variables,
        }

    def __enter__(self) -> Self:
        """Starts the emulator; the function itself starts with the first invocation."""
        self._port = _free_port()
        command = (
            *(str(_EMULATOR), "--runtime-interface-emulator-address", f"127.0.0.1:{self._port}"),
            *("--runtime-api-address", f"127.0.0.1:{_free_port()}"),
            *(str(ENVIRONMENT / "bin" / "python"), "-m", "awslambdaric", self._handler),
        )
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self._folder, env=self._environment, stdout=log, stderr=subprocess.STDOUT
            )
        until = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
            except OSError:
                if time.monotonic() > until or self._process.poll() is not None:
                    self.__exit__(None, None, None)
                    raise RuntimeError(f"the emulator did not start; its log is {self._log}") from None
                time.sleep(0.01)
            else:
                return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the emulator, which ends the function."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def invoke(self, event: Any) -> Any:
        """Calls the function.

        Raises:
            FunctionError: It failed, in any of the ways in which a function can.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._seconds + _PATIENCE_SECONDS)
        try:
            connection.request("POST", _PATH, json.dumps(event))
            response = connection.getresponse()
            status, text = response.status, response.read().decode()
        finally:
            connection.close()
        try:
            answer = json.loads(text)
        except ValueError:  # a timeout is told in words
            raise FunctionError(text) from None
        if status != 200 or (isinstance(answer, dict) and "errorMessage" in answer):
            raise FunctionError(f"{answer.get('errorType')}: {answer.get('errorMessage')}")
        return answer

    def runtime_pid(self) -> int:
        """The process in which the function runs, the emulator's one child."""
        children = Path(f"/proc/{self._process.pid}/task").glob("*/children")
        [pid] = [int(pid) for child in children for pid in child.read_text().split()]
        return pid

    def log(self) -> str:
        """The log of the function and the emulator so far."""
        return self._log.read_text("utf-8", errors="replace")

    def init_milliseconds(self) -> list[float]:
        """How long each start of the function took, from the process to a handler that waits for an event."""
        return [float(milliseconds) for milliseconds in _INIT.findall(self.log())]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
