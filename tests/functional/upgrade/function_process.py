"""The function of one version, as Lambda starts it. Run: `python function_process.py SOCKET`.

Which version it is says the path: this file imports the function's entry point, and nothing of the tests. All is
imported and built once, from Lambda's own variables; each connection to the socket is answered by a fork of that, which
is a cold start: it says its process id, then takes an invocation a line and says the answer, or what was raised.
Standard output has a line with the version and its folder. It ends with standard input.
"""

from __future__ import annotations

import gc
import json
import os
import select
import socket
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import botocore.session

import ownertag
from ownertag.handler import lambda_function

#: As the hub's template has it.
SECONDS = 60


class _Context:
    def __init__(self) -> None:
        self._until = time.monotonic() + SECONDS
        self.function_name = self.aws_request_id = "ownertag"
        self.memory_limit_in_mb = 512
        self.invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:ownertag"

    def get_remaining_time_in_millis(self) -> int:
        return int((self._until - time.monotonic()) * 1000)


def _invoke(line: str) -> dict[str, Any]:
    try:
        return {"answer": lambda_function.handler(json.loads(line), _Context())}
    except Exception as error:  # noqa: BLE001 - as Lambda: what a function raises is its answer
        return {"raised": f"{type(error).__name__}: {error}"}


def _serve(connection: socket.socket) -> None:
    with connection, connection.makefile("rw", encoding="utf-8") as stream:
        stream.write(f"{os.getpid()}\n")
        stream.flush()
        for line in stream:
            stream.write(json.dumps(_invoke(line)) + "\n")
            stream.flush()


def _main(path: str) -> None:
    botocore.session.get_session().get_service_model("ec2")  # takes long to read; it is read before, not in each fork
    gc.collect()
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        told = {"version": version("ownertag"), "folder": str(Path(ownertag.__file__).parents[1])}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        while True:
            readable, _, _ = select.select([listening, sys.stdin], [], [])
            if sys.stdin in readable:
                return
            connection, _ = listening.accept()
            if not os.fork():
                listening.close()
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the function's log
                try:
                    _serve(connection)
                finally:
                    os._exit(0)
            connection.close()


if __name__ == "__main__":
    _main(sys.argv[1])
