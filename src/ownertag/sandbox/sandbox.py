"""Everything started and stopped: the endpoint, the organization, the bus, and the hub's function."""

from __future__ import annotations

import json
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Self

import boto3
import botocore.session
from botocore.config import Config
from moto.backends import get_backend
from moto.core.model_instances import reset_model_data
from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import make_server

from ownertag.catalogue.loader import load
from ownertag.handler.wiring import Handler, Reporter
from ownertag.render.patterns import hub_pattern, spoke_patterns
from ownertag.sandbox.bus import Bus
from ownertag.sandbox.event_source import EventSource
from ownertag.sandbox.front import Front
from ownertag.sandbox.hub import build_hub
from ownertag.sandbox.identities import Identities
from ownertag.sandbox.organization import Organization, model_loader, role_id, session_of
from ownertag.sandbox.personas import HOME_REGION, HUB, MANAGEMENT, PERSONAS
from ownertag.sandbox.recorder import Recorder

#: Seconds for which a message that was received stays away, and how often it may come back.
VISIBILITY_SECONDS = 60
MAX_RECEIVES = 5

# moto keeps its state in the process: two sandboxes would share it.
_only_one = Lock()


class _QuietHandler(MotoRequestHandler):
    """Serves without a line for each request."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - the overridden name
        """Say nothing."""


class Sandbox:
    """An AWS organization on 127.0.0.1, for as long as the `with` block lasts.

    Args:
        report: Is told what the hub's function did; without it there is no function, and events stay in the queue.
        port: Of the endpoint; 0 takes a free one.
        failed: Is told what the function raised.

    Raises:
        RuntimeError: There is one in this process already.
        OSError: The port is taken.
    """

    def __init__(
        self, report: Reporter | None = None, port: int = 0, failed: Callable[[Exception], None] | None = None
    ) -> None:
        self._report = report
        self._port = port
        self._failed = failed or (lambda _: None)
        self._running: list[Callable[[], object]] = []

    def __enter__(self) -> Self:
        """Start everything; what was started ends if the rest can't."""
        if not _only_one.acquire(blocking=False):
            raise RuntimeError("a sandbox runs in this process already: moto's state is the process's")
        self._running.append(_only_one.release)
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End everything, the last first."""
        self._stop()

    def session(self, persona: str, region: str | None = None) -> boto3.Session:
        """A session of a persona; an assumed role as the AWS config file would have it."""
        home = next(each.region for each in PERSONAS if each.name == persona)
        core = botocore.session.Session(profile=persona)
        core.register_component("data_loader", model_loader())
        core.set_config_variable("config_file", str(self.config_file))
        core.set_config_variable("region", region or home)
        return boto3.Session(botocore_session=core)

    def account_session(self, account: str, region: str = HOME_REGION) -> boto3.Session:
        """A session of an account's root user, to read what is there."""
        return session_of(self.organization.admin(account), region)

    def client(self, session: boto3.Session, service: str, config: Config | None = None) -> Any:
        """A client of the sandbox's endpoint."""
        return session.client(service, endpoint_url=self.endpoint_url, config=config)  # type: ignore[call-overload] # any service

    def _start(self) -> None:
        self._running.append(_reset)
        _reset()
        catalogue = load()
        identities = Identities(role_id)
        self.organization = Organization(identities)
        self.recorder = Recorder(identities, {key: row.wrapped for key, row in catalogue.rows.items()})
        self.front = front = Front(identities, self.recorder, self.organization.trust, (MANAGEMENT, HUB))
        # Bound here and handed over: werkzeug would end the process where a port is taken.
        bound = socket.create_server(("127.0.0.1", self._port))
        self._running.append(bound.close)
        port = bound.getsockname()[1]
        server = make_server("127.0.0.1", port, front, threaded=True, request_handler=_QuietHandler, fd=bound.fileno())
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="endpoint", daemon=True)
        thread.start()
        self._running += [server.server_close, thread.join, server.shutdown]
        self.endpoint_url = f"http://127.0.0.1:{port}"

        folder = tempfile.TemporaryDirectory(prefix="ownertag-sandbox-")
        self._running.append(folder.cleanup)
        self.organization.found(self.endpoint_url)
        self.config_file = self.organization.write_config(Path(folder.name))
        self._start_hub(Path(folder.name), spoke_patterns(catalogue))

    def _start_hub(self, folder: Path, patterns: list[dict[str, Any]]) -> None:
        # What the deployment and EventBridge do is not done with the function's role, which may do its own part only.
        admin = self.client(self.account_session(HUB), "sqs")
        hub = session_of(self.organization.hub_keys, HOME_REGION)
        sqs = self.client(hub, "sqs")
        self._running += [admin.close, sqs.close]
        self.dead_letter_url = admin.create_queue(QueueName="ownertag-dead-letters")["QueueUrl"]
        redrive = {"deadLetterTargetArn": _queue_arn("ownertag-dead-letters"), "maxReceiveCount": MAX_RECEIVES}
        attributes = {"VisibilityTimeout": str(VISIBILITY_SECONDS), "RedrivePolicy": json.dumps(redrive)}
        self.queue_url = admin.create_queue(QueueName="ownertag", Attributes=attributes)["QueueUrl"]
        source: EventSource | None = None
        if self._report is not None:
            handler = self.handler(folder, hub, self._report)
            source = EventSource(sqs, self.queue_url, _queue_arn("ownertag"), handler, self._failed)
            source.start()
            self._running.append(source.stop)

        def send(text: str) -> None:
            admin.send_message(QueueUrl=self.queue_url, MessageBody=text)
            if source is not None:
                source.wake()

        self.bus = Bus(patterns, hub_pattern(), send)
        self.bus.start()
        self._running.append(self.bus.stop)
        self.recorder.listeners.append(self.bus.put)

    def handler(self, folder: Path, hub: boto3.Session, report: Reporter) -> Handler:
        """The function that Lambda would run, with the settings written into a folder."""
        return build_hub(
            folder,
            organization_id=self.organization.id,
            management_account=MANAGEMENT,
            hub_account=HUB,
            home_region=HOME_REGION,
            queue_url=self.queue_url,
            endpoint_url=self.endpoint_url,
            session=hub,
            report=report,
        )

    def _stop(self) -> None:
        while self._running:
            self._running.pop()()


def _queue_arn(name: str) -> str:
    return f"arn:aws:sqs:{HOME_REGION}:{HUB}:{name}"


def _reset() -> None:
    """Forget what moto holds, in the services that the sandbox uses."""
    for name in ("ec2", "iam", "organizations", "sqs", "sts"):
        accounts: Any = get_backend(name)
        for account in list(accounts.values()):
            for backend in account.values():
                backend.reset()
    reset_model_data()
