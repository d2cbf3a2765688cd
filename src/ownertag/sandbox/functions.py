"""Lambda: finds the deployed functions by their event source mappings, and runs them in this process.

moto would run a function in Docker. Here the package that was uploaded gives its settings, the function's environment
the rest, and its role the credentials; the code is that of this process.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Event, Thread
from typing import Any

import boto3
from moto.awslambda.models import lambda_backends
from moto.sqs.models import sqs_backends

from ownertag.handler.settings import CONFIG, read_environment
from ownertag.handler.wiring import Handler, Reporter, build
from ownertag.sandbox.organization import SandboxOrganization, role_id, role_trust, sandbox_session
from ownertag.sandbox.queue_poller import InvocationContext, QueuePoller
from ownertag.sandbox.schedules import Schedules
from ownertag.sandbox.trust import allows, service

#: How often it is looked whether something was deployed, unless somebody says so.
LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class DeployedFunction:
    """A function of ours; another package or setting makes another value.

    Attributes:
        arn: The function's.
        queue_arn: Of the queue that it reads; empty where it is only invoked.
        role: The ARN and the unique id of its role.
        package: The zip's digest.
        variables: Its environment, as JSON.
        timeout: In seconds.
        reports_failures: Whether Lambda reads which messages of a batch failed.
    """

    arn: str
    queue_arn: str
    role: tuple[str, str]
    package: str
    variables: str
    timeout: float
    reports_failures: bool


class Functions:
    """Runs the deployed functions, until it is stopped.

    Args:
        organization: Gives the credentials of the functions' roles.
        endpoint_url: Where AWS is.
        folder: Where the packages' settings are put.
        report: Is told what the functions did.
        failed: Is told what a function raised, and why one can't be run.
        lock: Held while moto's state is read.
    """

    def __init__(
        self,
        organization: SandboxOrganization,
        endpoint_url: str,
        folder: Path,
        report: Reporter,
        failed: Callable[[Exception], None],
        lock: AbstractContextManager[Any],
    ) -> None:
        self._organization = organization
        self._endpoint_url = endpoint_url
        self._folder = folder
        self._report = report
        self._failed = failed
        self._lock = lock
        self._running: dict[DeployedFunction, QueuePoller | None] = {}
        self._handlers: dict[str, tuple[Handler, float]] = {}
        self._later: list[Thread] = []
        self._schedules = Schedules(time.monotonic)
        self._stop = Event()
        self._wake = Event()
        self._thread = Thread(target=self._keep_looking, name="functions", daemon=True)

    def start(self) -> None:
        """Begins to look for functions."""
        self._thread.start()

    def stop(self) -> None:
        """Finishes the batches in hand, and ends."""
        self._stop.set()
        self._wake.set()
        self._thread.join()
        while self._later:  # one can invoke the next
            self._later.pop().join()
        # moto's state is forgotten only after the batches in hand.
        for source in self._running.values():
            if source is not None:
                source.stop()

    def look(self) -> None:
        """Looks for deployed functions now, not at the next turn."""
        self._wake.set()

    def wake(self) -> None:
        """Tells the pollers that something came into a queue."""
        for source in list(self._running.values()):
            if source is not None:
                source.wake()

    def invoke(self, arn: str, payload: bytes) -> tuple[bytes, bool] | None:
        """The answer of a function to Lambda's Invoke, and whether it failed; None if there is no such function."""
        found = self._handlers.get(arn)
        if found is None:
            return None
        handler, timeout = found
        context = InvocationContext(invoked_function_arn=arn, until=time.monotonic() + timeout)
        try:
            return json.dumps(handler(json.loads(payload or b"{}"), context)).encode(), False
        except Exception as error:  # noqa: BLE001 - as Lambda: whatever a function raises is the answer
            self._failed(error)
            return json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)}).encode(), True

    def invoke_later(self, arn: str, payload: bytes) -> bool:
        """Invokes a function asynchronously; whether there is such a function. What it answers nobody gets to know.

        Lambda tries a failed one twice more, after minutes: that is left out.
        """
        if arn not in self._handlers:
            return False
        self._later.append(Thread(target=self.invoke, args=(arn, payload), name="invoked", daemon=True))
        self._later[-1].start()
        return True

    def _keep_looking(self) -> None:
        while not self._stop.is_set():
            with self._lock:
                found = dict(_deployed())
            for gone in self._running.keys() - found.keys():
                source = self._running.pop(gone)
                self._handlers.pop(gone.arn, None)
                if source is not None:
                    source.stop()
            for new in found.keys() - self._running.keys():
                self._running[new] = self._run(new, found[new])
            with self._lock:
                due = self._schedules.due()
            for scheduled in due:
                if self.invoke(scheduled.function, scheduled.payload) is not None:
                    self._schedules.done(scheduled)
            self._wake.wait(LOOK_SECONDS)
            self._wake.clear()

    def _run(self, new: DeployedFunction, code: bytes) -> QueuePoller | None:
        _, _, _, region, account, _, name = new.arn.split(":")
        caller = service("lambda.amazonaws.com", new.arn, account)
        if not allows(role_trust(new.role[0]), caller, "sts:AssumeRole"):
            self._failed(RuntimeError(f"{name}: Lambda can't assume {new.role[0]}"))
            return None
        session = sandbox_session(self._organization.role_session(new.role[0], name), region)
        if not new.queue_arn:
            self._handlers[new.arn] = self._built_on_demand(new, code, session), new.timeout
            return None
        sqs = session.client("sqs", endpoint_url=self._endpoint_url)
        handler = self._built(new, code, session)
        self._handlers[new.arn] = handler, new.timeout
        url = f"{self._endpoint_url}/{account}/{new.queue_arn.split(':')[5]}"
        source = QueuePoller(
            sqs,
            url,
            new.queue_arn,
            handler,
            self._failed,
            function_arn=new.arn,
            timeout=new.timeout,
            reports_failures=new.reports_failures,
        )
        source.start()
        return source

    def _built_on_demand(self, new: DeployedFunction, code: bytes, session: boto3.Session) -> Handler:
        """The handler of a function that is seldom invoked: most sandboxes never need it."""

        @cache
        def built() -> Handler:
            return self._built(new, code, session)

        def handler(event: Any, context: Any) -> dict[str, Any]:
            return built()(event, context)

        return handler

    def _built(self, new: DeployedFunction, code: bytes, session: boto3.Session) -> Handler:
        """The handler. One that can't be built fails every batch, as a function does whose start fails."""
        try:
            variables = {**json.loads(new.variables), "AWS_ENDPOINT_URL": self._endpoint_url}
            if config := variables.get(CONFIG):
                variables[CONFIG] = str(self._unpacked(new.package, code, config))
            return build(read_environment(variables), session, self._report)
        except Exception as error:  # noqa: BLE001 - as Lambda: whatever the start raises is told, and others go on
            self._failed(error)
            reason = error

            def broken(*_: object) -> dict[str, Any]:
                raise reason

            return broken

    def _unpacked(self, package: str, code: bytes, config: str) -> Path:
        """The settings of a package, in a folder; a path that names no file where it has none."""
        path = self._folder / f"package-{package[:16].encode().hex()}.toml"
        with zipfile.ZipFile(io.BytesIO(code)) as archive:
            if config in archive.namelist():
                path.write_bytes(archive.read(config))
        return path


def _deployed() -> Iterator[tuple[DeployedFunction, bytes]]:
    for regions in list(lambda_backends.values()):
        for backend in list(regions.values()):
            known = {function.function_name: function for function in backend.list_functions()}
            fed = set()
            for mapping in backend.list_event_source_mappings("", ""):
                name = mapping.event_source_arn.split(":")[5]
                function = known.get(mapping.function_arn.split(":")[6])
                fed.add(function.function_name if function else "")
                there = name in sqs_backends[mapping.account_id][mapping.region].queues
                if function is not None and mapping.enabled and there:
                    reports = "ReportBatchItemFailures" in (mapping.function_response_types or ())
                    yield _deployed_function(function, mapping.event_source_arn, reports), function.code_bytes
            for name, function in known.items():
                if name not in fed and CONFIG in function.environment_vars:
                    yield _deployed_function(function), function.code_bytes


def _deployed_function(function: Any, queue_arn: str = "", reports_failures: bool = False) -> DeployedFunction:
    # A variable is a text to Lambda; moto keeps the number that a template's parameter was.
    variables = {key: str(value) for key, value in function.environment_vars.items()}
    return DeployedFunction(
        arn=function.function_arn,
        queue_arn=queue_arn,
        role=(function.role, role_id(function.role)),
        package=function.code_sha_256,
        variables=json.dumps(variables, sort_keys=True),
        timeout=float(function.timeout),
        reports_failures=reports_failures,
    )
