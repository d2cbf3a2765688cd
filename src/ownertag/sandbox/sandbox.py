"""Starts and stops everything: the endpoint, the organization, the bus, and what is deployed."""

from __future__ import annotations

import logging
import socket
import tempfile
import warnings
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Self

import boto3
import botocore.session
from botocore.config import Config
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import make_server

from ownertag.handler.wiring import Reporter
from ownertag.render.documents import BUS
from ownertag.sandbox.bus import Bus
from ownertag.sandbox.deployment import deploy, settings_text, write_package
from ownertag.sandbox.front import Front
from ownertag.sandbox.functions import Functions
from ownertag.sandbox.gaps import arns
from ownertag.sandbox.gaps.templates import read_quickly
from ownertag.sandbox.identities import Identities
from ownertag.sandbox.organization import SandboxOrganization, model_loader, role_id, sandbox_session
from ownertag.sandbox.personas import HOME_REGION, HUB, MANAGEMENT, PERSONAS
from ownertag.sandbox.recorder import Recorder
from ownertag.sandbox.services import EC2

# moto keeps its state in the process: two sandboxes would share it.
_only_one = Lock()


class _QuietHandler(MotoRequestHandler):
    """Serves without a line for each request."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - the overridden name
        """Says nothing."""


class Sandbox:
    """An AWS organization on 127.0.0.1, for as long as the `with` block lasts.

    Args:
        report: Is told what the hub's function did; without it there is no function, and events stay in the queue.
        port: Of the endpoint; 0 takes a free one.
        failed: Is told what the function raised.
        empty: Leave the organization as it is before ownertag is deployed.

    Raises:
        RuntimeError: There is one in this process already.
        OSError: The port is taken.
    """

    def __init__(
        self,
        report: Reporter | None = None,
        port: int = 0,
        failed: Callable[[Exception], None] | None = None,
        *,
        empty: bool = False,
    ) -> None:
        self._report = report
        self._empty = empty
        self._port = port
        self._failed = failed or (lambda _: None)
        self._running: list[Callable[[], object]] = []

    def __enter__(self) -> Self:
        """Starts everything; if a part can't start, ends the others."""
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
        """Ends everything, the last first."""
        self._stop()

    def session(self, persona: str, region: str | None = None) -> boto3.Session:
        """A session of a persona; an assumed role as the AWS config file would have it."""
        home = next(known.region for known in PERSONAS if known.name == persona)
        core = botocore.session.Session(profile=persona)
        core.register_component("data_loader", model_loader())
        core.set_config_variable("config_file", str(self.config_file))
        core.set_config_variable("region", region or home)
        return boto3.Session(botocore_session=core)

    def account_session(self, account: str, region: str = HOME_REGION) -> boto3.Session:
        """A session of an account's root user, to read what is there."""
        return sandbox_session(self.organization.admin(account), region)

    def instance_session(self, account: str, region: str, id_: str) -> boto3.Session:
        """A session as an instance's metadata service gives it to whatever runs there: of the role of its profile."""
        session = self.account_session(account, region)
        with closing(self.client(session, "ec2")) as ec2:
            [reservation] = ec2.describe_instances(InstanceIds=[id_])["Reservations"]
        profile = reservation["Instances"][0]["IamInstanceProfile"]["Arn"].rpartition("/")[2]
        with closing(self.client(session, "iam")) as iam:
            [role] = iam.get_instance_profile(InstanceProfileName=profile)["InstanceProfile"]["Roles"]
        return sandbox_session(self.front.services.role_keys(EC2, role["Arn"], id_, region), region)

    def client(self, session: boto3.Session, service: str, config: Config | None = None) -> Any:
        """A client of the sandbox's endpoint."""
        return session.client(service, endpoint_url=self.endpoint_url, config=config)  # type: ignore[call-overload] # any service

    def _start(self) -> None:
        self._running.append(_reset)
        _reset()
        # It warns of every resource of a template that it does not make; what that means is said in bus.py.
        logging.getLogger("moto").setLevel(logging.ERROR)
        warnings.filterwarnings("ignore", "Tried to parse AWS", UserWarning)
        read_quickly()
        arns.correct()
        identities = Identities(role_id)
        self.organization = SandboxOrganization(identities)
        self.recorder = Recorder(identities)
        self.front = front = Front(identities, self.recorder, self.organization)
        # Bound here and handed over: werkzeug would end the process where a port is taken.
        bound = socket.create_server(("127.0.0.1", self._port))
        self._running.append(bound.close)
        port = bound.getsockname()[1]
        server = make_server("127.0.0.1", port, front, threaded=True, request_handler=_QuietHandler, fd=bound.fileno())
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="endpoint", daemon=True)
        thread.start()
        self._running += [server.server_close, thread.join, server.shutdown]
        self.endpoint_url = f"http://127.0.0.1:{port}"

        temporary = tempfile.TemporaryDirectory(prefix="ownertag-sandbox-")
        self._running.append(temporary.cleanup)
        folder = Path(temporary.name)
        self.organization.found(self.endpoint_url)
        self._start_delivery(folder)
        self.settings_file = folder / "ownertag.toml"
        self.settings_file.write_text(settings_text(self.organization.id, self.organization.unit), "utf-8")
        self.package_file = folder / "function.zip"
        write_package(self.package_file, self.settings_file.read_text("utf-8"))
        if not self._empty:
            deploy(self.account_session(MANAGEMENT), self.endpoint_url, self.settings_file, self.package_file)
            self.organization.take_hub_role()
        self.config_file = self.organization.write_config(folder)

    def _start_delivery(self, folder: Path) -> None:
        """Starts what AWS does by itself: EventBridge and Lambda."""
        arrived: Callable[[], None] = lambda: None  # noqa: E731 - replaced where there are functions
        if self._report is not None:
            functions = Functions(
                self.organization, self.endpoint_url, folder, self._report, self._failed, self.front.lock
            )
            functions.start()
            self._running.append(functions.stop)
            self.front.deployed.append(functions.look)
            self.front.invoke, self.front.invoke_later = functions.invoke, functions.invoke_later
            arrived = functions.wake
            self.front.move_tasks.arrived = functions.wake
        self.bus = Bus(self.front.lock, arrived)
        self.bus.start()
        self._running.append(self.bus.stop)
        self.recorder.listeners.append(self.bus.put)
        self.front.put_event = self.bus.put_event

    @property
    def queue_url(self) -> str:
        """The hub's queue, as it is deployed."""
        return self._queue_url(BUS)

    @property
    def dead_letter_url(self) -> str:
        """The hub's dead-letter queue, as it is deployed."""
        return self._queue_url(f"{BUS}-dead-letters")

    def _queue_url(self, name: str) -> str:
        with closing(self.client(self.account_session(HUB), "sqs")) as sqs:
            return str(sqs.get_queue_url(QueueName=name)["QueueUrl"])

    def _stop(self) -> None:
        while self._running:
            self._running.pop()()


def _reset() -> None:
    """Forgets what moto holds, in every service that was used in this process."""
    used: list[Any] = getattr(BackendDict, "_instances")  # noqa: B009 - moto's own list of what was used; generic
    for accounts in used:
        for account in list(accounts.values()) if accounts.service_name != "ec2" else ():
            for backend in account.values():
                backend.reset()  # closes files as well
        accounts.clear()  # for EC2 alone: its reset reads thousands of images again
    reset_model_data()
