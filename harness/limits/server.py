"""Serves the endpoint on 127.0.0.1 to any AWS client, with a few paths beside AWS's for measurements."""

from __future__ import annotations

import io
import json
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

from msgspec import convert, to_builtins

from harness.limits.endpoint import Endpoint
from harness.limits.faults import Chances, Fault
from harness.limits.protocol import SECONDS_HEADER, TIME_HEADER
from ownertag.sandbox.calls import Response, read_call

_BROKEN = frozenset({Fault.RESET, Fault.LOST})


class Server(ThreadingHTTPServer):
    """Serves one endpoint; a call at a time, as they come."""

    daemon_threads = True

    def __init__(self, endpoint: Endpoint, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.endpoint = endpoint
        self.lock = Lock()
        self.at: float | None = None  # the time of callers who tell none
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Prints errors, but not those of a caller who went away."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serving(endpoint: Endpoint) -> Iterator[Server]:
    """Serves from a thread, for as long as the `with` block lasts."""
    server = Server(endpoint)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="limits", daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_POST(self) -> None:
        """Answers a call of AWS, or changes something of the endpoint."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/_limits/"):
            return self._control(json.loads(body or b"{}"))
        given = self.headers.get(TIME_HEADER)
        with self.server.lock:
            at = float(given) if given else self.server.at
            reply = self.server.endpoint.answer(read_call(self._environ(body)), at)
        if reply.fault is Fault.SLOW and not given:
            time.sleep(reply.seconds)
        if reply.fault in _BROKEN:
            return self._reset()
        return self._send(reply.answer, (SECONDS_HEADER, f"{reply.seconds:.6f}"))

    def do_GET(self) -> None:
        """Answers a question about the endpoint."""
        self._control({})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the overridden name
        """Logs nothing."""

    def _control(self, given: dict[str, Any]) -> None:
        endpoint = self.server.endpoint
        told: dict[str, Callable[[], Any]] = {
            "trace": lambda: endpoint.trace,
            "records": lambda: endpoint.records,
            "tagged": lambda: endpoint.tagged,
            "fleet": lambda: [
                [account, region, endpoint.fleet.everything((account, region))]
                for account, region in given.get("places", [])
            ],
            "forget": lambda: endpoint.forget(convert(given.get("chances", {}), Chances)),
            "time": lambda: setattr(self.server, "at", given["at"]),
        }
        name = self.path.rpartition("/")[2]
        with self.server.lock:
            found = to_builtins(told[name]())
        self._send(Response(200, [("Content-Type", "application/json")], json.dumps(found).encode()))

    def _environ(self, body: bytes) -> dict[str, Any]:
        sent = [name for name in ("Authorization", "X-Amz-Target", "User-Agent", "Host") if name in self.headers]
        found = {f"HTTP_{name.upper().replace('-', '_')}": self.headers[name] for name in sent}
        return {
            **found,
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }

    def _send(self, answer: Response, *headers: tuple[str, str]) -> None:
        self.send_response(answer.status)
        for name, value in (*answer.headers, *headers, ("Content-Length", str(len(answer.body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def _reset(self) -> None:
        """Ends the connection with RST, as a broken one ends."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()
