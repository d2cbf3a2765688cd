"""A server between the function and moto, on a real socket: it can hang, reset, cut an answer or answer nonsense."""

from __future__ import annotations

import io
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from moto.iam.models import get_account_id_from
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from ownertag.sandbox.calls import Call, Response, read_call
from ownertag.sandbox.gaps.dynamodb import transact_write_items
from ownertag.sandbox.gaps.ec2 import describe_instances

Fault = Callable[["Passing", int, list[tuple[str, str]], bytes], bool]


class Proxy(ThreadingHTTPServer):
    """`faults` has what happens to the answers of an operation; it says whether it dealt with one."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Passing)
        self.moto = DomainDispatcherApplication(create_backend_app)
        self.lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.over = threading.Event()
        self.faults: dict[str, Fault] = {}

        self.asked: Callable[[Call], object] = lambda _: None

    def ask(self, call: Call) -> Response:
        """The answer of moto to the holder of this access key, with what it lacks."""
        account = get_account_id_from(call.access_key or "")

        def to_moto(call: Call) -> Response:
            return self._to_moto(call, account)

        match call.service, call.operation:
            case "ec2", "DescribeInstances":
                return describe_instances(call, to_moto)
            case "dynamodb", "TransactWriteItems":
                return transact_write_items(call, account, to_moto)
        return to_moto(call)

    def _to_moto(self, call: Call, account: str) -> Response:
        status: list[str] = []
        headers: list[tuple[str, str]] = []

        def start(line: str, given: list[tuple[str, str]], *_: object) -> None:
            status.append(line)
            headers.extend(given)

        environ = call.environ_for(account)
        application: Any = self.moto.get_application(environ)
        body = b"".join(application(environ, start))
        return Response(int(status[0].split()[0]), headers, body)

    def handle_error(self, *_: object) -> None:
        """A connection that was reset on purpose, or whose client was killed."""


class Passing(BaseHTTPRequestHandler):
    """One request."""

    server: Proxy
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one write: in two, the second would wait for the client's acknowledgement

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        operation = parse_qs(body.decode()).get("Action", [self.headers.get("X-Amz-Target", "").rpartition(".")[2]])[0]
        fault = self.server.faults.get(operation)
        if fault is not None and fault(self, 0, [], b""):
            return
        status, headers, content = self._ask(body)
        if fault is not None and fault(self, status, headers, content):
            return
        self.give(status, headers, content)

    def give(self, status: int, headers: list[tuple[str, str]], content: bytes, length: int | None = None) -> None:
        """Sends an answer that claims this length."""
        self.send_response(status)
        for name, value in headers:
            if name.lower().startswith(("content-type", "x-amz")):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def reset(self) -> None:
        """Ends the connection with a reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Logs nothing."""

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "POST",
            "SCRIPT_NAME": "",
            "PATH_INFO": self.path,
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": str(self.server.server_address[1]),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
        }
        environ |= {f"HTTP_{re.sub('-', '_', name).upper()}": value for name, value in self.headers.items()}
        call = read_call(environ)
        with self.server.lock:  # moto's state is not made for several threads
            answer = self.server.ask(call)
        self.server.asked(call)
        return answer.status, answer.headers, answer.body


@contextmanager
def passing(wanted: bool) -> Iterator[Proxy | None]:
    """The server, while the block lasts, if it is wanted."""
    if not wanted:
        yield None
        return
    with Proxy() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()


def reset(handler: Passing, status: int, *_: object) -> bool:
    """Done, and the connection is reset before the answer."""
    if status:
        handler.reset()
    return bool(status)


def refuse_at_once(handler: Passing, *_: object) -> bool:
    """Not done: the connection is reset at once."""
    handler.reset()
    return True


def hang(handler: Passing, status: int, *_: object) -> bool:
    """Done, and no answer within the client's time."""
    if status:
        handler.server.over.wait(5)
    return bool(status)


def cut(handler: Passing, status: int, headers: list[tuple[str, str]], content: bytes) -> bool:
    """Done, and the answer ends in its middle."""
    if status:
        handler.give(status, headers, content[: len(content) // 2], len(content))
        handler.close_connection = True
    return bool(status)


def gateway(handler: Passing, *_: object) -> bool:
    """Not done: something on the way answers 502, in HTML."""
    handler.give(502, [("Content-Type", "text/html")], b"<html>Bad Gateway</html>")
    return True
