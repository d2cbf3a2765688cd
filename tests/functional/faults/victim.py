"""The hub's real function in processes that kill themselves. Run: `python -m faults.victim SOCKET`.

The environment is the function's own. All is imported and built once; each connection to the socket is answered by a
fork of that, which is a cold start of the function: it says its process id, then takes an invocation a line and says
the answer and the names of the calls that it made. `kill` names one of them, by its number, and whether SIGKILL comes
right before the call leaves the SDK, or right after its answer is there; `return` comes when all is done, before the
answer is told. When standard input ends, the exit codes of all forks are printed.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import sys
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from functools import cache
from threading import Lock, local
from typing import Any

import boto3
import botocore.session
from botocore.loaders import Loader

from contracts.emulated import HOME
from handler.lambdas import Context
from ownertag.catalogue.loader import load_catalogue
from ownertag.handler.settings import read_environment
from ownertag.handler.telemetry import Telemetry
from ownertag.handler.wiring import Handler, build
from ownertag.rollout.package.models import calls_of, cut_service


class Calls:
    """The calls of one invocation, and the one at which to die."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.kill: tuple[int, str] | None = None
        self._lock = Lock()
        self._own = local()  # several accounts are worked on at once: each thread's call has its number

    def begin(self, kill: list[Any] | None) -> None:
        self.names.clear()
        self.kill = (int(kill[0]), str(kill[1])) if kill else None

    def before(self, event_name: str, **_: object) -> None:
        with self._lock:
            self.names.append(event_name.partition(".")[2])
            self._own.number = len(self.names)
        self._die_if("before")

    def after(self, **_: object) -> None:
        self._die_if("after")

    def _die_if(self, when: str) -> None:
        if self.kill == (self._own.number, when):
            os.kill(os.getpid(), signal.SIGKILL)

    def returned(self) -> None:
        if self.kill is not None and self.kill[1] == "return":
            os.kill(os.getpid(), signal.SIGKILL)


def _serve(connection: socket.socket, handler: Handler, calls: Calls, set_now: Callable[[datetime], None]) -> None:
    with connection, connection.makefile("rw", encoding="utf-8") as stream:
        stream.write(f"{os.getpid()}\n")
        stream.flush()
        for line in stream:
            order = json.loads(line)
            calls.begin(order["kill"])
            set_now(datetime.fromisoformat(order["now"]))
            answer = handler(order["event"], Context())
            calls.returned()
            stream.write(json.dumps({"answer": answer, "calls": calls.names}) + "\n")
            stream.flush()


class _Cut(Loader):
    """EC2's model as the function's package has it: clients are made in a fraction of the time."""

    @cache  # noqa: B019 - there is one, as long as the process
    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        """A service's model, or another of its files."""
        model = super().load_service_model(service_name, type_name, api_version)
        if (service_name, type_name) != ("ec2", "service-2"):
            return model
        return cut_service(model, calls_of(load_catalogue())["ec2"])


def _session() -> boto3.Session:
    core = botocore.session.Session()
    core.register_component("data_loader", _Cut())
    return boto3.Session("testing", "testing", region_name=HOME, botocore_session=core)


def _main(path: str) -> None:
    calls, base = Calls(), _session()
    base.events.register_first("before-send", calls.before)
    base.events.register("response-received", calls.after)
    moment: list[datetime] = []
    handler = build(read_environment(os.environ), base, Telemetry(), lambda: moment[-1])
    base.client("ec2", region_name=HOME).close()  # its model takes long to read
    gc.collect()
    gc.freeze()  # what is there by now is not looked at again in any fork
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        children: list[int] = []
        while True:
            readable, _, _ = select.select([listening, sys.stdin], [], [])
            if sys.stdin in readable:
                break
            connection, _ = listening.accept()
            child = os.fork()
            if not child:
                listening.close()
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the function's log
                status = 1
                try:
                    _serve(connection, handler, calls, moment.append)
                    status = 0
                finally:
                    os._exit(status)
            children.append(child)
            connection.close()
    codes = Counter(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)
    sys.stdout.write(json.dumps({str(code): count for code, count in codes.items()}) + "\n")


if __name__ == "__main__":
    _main(sys.argv[1])
