"""The package under AWS's Runtime Interface Emulator with AWS's runtime client: batches of the sandbox's queue."""

from __future__ import annotations

import http.client
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from moto.sqs.models import sqs_backends

from harness.lambda_emulator import EmulatedFunction, FunctionError, unavailable
from harness.waiting import wait
from ownertag.handler.settings import CONCURRENCY, CONFIG, QUEUE_URL
from ownertag.ledger.opening import LEDGER
from ownertag.render.documents import LEDGER_TABLE
from ownertag.sandbox.demo_launches import IMAGE
from ownertag.sandbox.organization import sandbox_session
from ownertag.sandbox.personas import HOME_REGION, HUB, PERSONAS
from ownertag.sandbox.queue_poller import QueuePoller
from ownertag.sandbox.sandbox import Sandbox

pytestmark = pytest.mark.skipif(unavailable() is not None, reason=unavailable() or "")

HANDLER = "ownertag.handler.lambda_function.handler"
WHO = ("alice", "carol", "erin", "ci")
THROTTLED = b"<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors></Response>"
#: After three refusals on end nothing is sent to the place for two seconds (`aws.pacing`).
HELD_SECONDS = 2.5


class Proxy(ThreadingHTTPServer):
    """Between the function and the sandbox: `before` is told each operation and its Region.

    What `before` returns is answered, with 503, instead of asking the sandbox.
    """

    daemon_threads = True

    def __init__(self, endpoint_url: str) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        address = urlsplit(endpoint_url)
        self.sandbox = (str(address.hostname), int(address.port or 80))
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.over = threading.Event()
        self.seen: list[tuple[str, str]] = []
        self.reset()

    def reset(self) -> None:
        self.seen.clear()
        self.before: Callable[[str, str], bytes | None] = lambda *_: None

    def count(self, operation: str) -> int:
        return [name for name, _ in self.seen].count(operation)

    def handle_error(self, *_: object) -> None:
        """A function that was stopped takes no answer."""


class _Passing(BaseHTTPRequestHandler):
    server: Proxy

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        operation = parse_qs(body.decode()).get("Action", [self.headers.get("X-Amz-Target", "").rpartition(".")[2]])[0]
        [region] = re.findall(r"Credential=\w+/\d+/([a-z0-9-]+)/", self.headers["Authorization"])
        self.server.seen.append((operation, region))
        instead = self.server.before(operation, region)
        if instead is not None:
            self._send(503, {}, instead)
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        connection = http.client.HTTPConnection(*self.server.sandbox, timeout=30)
        try:
            connection.request("POST", self.path, body, headers)
            answer = connection.getresponse()
            status, given, content = answer.status, dict(answer.headers), answer.read()
        finally:
            connection.close()
        self._send(status, given, content)

    def _send(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower().startswith(("content-type", "x-amz")):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Logs nothing."""


class Hub:
    """The sandbox's real queue, and the packaged function behind the emulator."""

    def __init__(self, sandbox: Sandbox, proxy: Proxy, package: Path, folder: Path) -> None:
        self.sandbox, self.proxy, self.failures = sandbox, proxy, list[Exception]()
        self.sqs = sandbox.client(sandbox_session(sandbox.organization.hub_keys, HOME_REGION), "sqs")
        self.answers: list[Any] = []
        self._package, self._folder = package, folder
        (folder / "ownertag.toml").write_text(sandbox.settings_file.read_text("utf-8"))
        keys = {name.upper(): value for name, value in sandbox.organization.hub_keys.items()}
        self.variables = {
            **keys,
            "AWS_ENDPOINT_URL": proxy.url,
            CONFIG: str(folder / "ownertag.toml"),
            QUEUE_URL: sandbox.queue_url,
            CONCURRENCY: "5",
            LEDGER: f"dynamodb:{LEDGER_TABLE}",
        }

    def function(self, seconds: int = 60, *without: str) -> EmulatedFunction:
        variables = {name: value for name, value in self.variables.items() if name not in without}
        return EmulatedFunction(self._package, HANDLER, variables, self._folder / "log", seconds)

    def launch(self, *who: str) -> dict[str, tuple[str, list[str]]]:
        """Two instances by each: owner to account's reader and ids. Comes back when the events are in the queue."""
        launched = {}
        for name in who:
            ec2 = self.sandbox.client(self.sandbox.session(name), "ec2")
            answer = ec2.run_instances(ImageId=IMAGE, MinCount=2, MaxCount=2)
            launched[name] = [instance["InstanceId"] for instance in answer["Instances"]]
            ec2.close()
        wait(lambda: self.size() >= len(who))
        return {
            name: (next(persona.owner for persona in PERSONAS if persona.name == name), launched[name]) for name in who
        }

    def poll(self, function: EmulatedFunction) -> int:
        """Passes one batch through the function, as Lambda's poller does."""

        def invoke(event: Mapping[str, Any], _: Any) -> Any:
            self.answers.append(function.invoke(event))
            return self.answers[-1]

        source = QueuePoller(self.sqs, self.sandbox.queue_url, _arn(), invoke, self.failures.append)
        return source.poll_once()

    def size(self) -> int:
        """Messages in the queue, hidden ones included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.sandbox.queue_url, AttributeNames=names)["Attributes"]
        return sum(int(value) for value in found.values())

    def hidden_for(self) -> list[float]:
        """Seconds until each message shows again."""
        now = time.time() * 1000
        return [(message.visible_at - now) / 1000 for message in self._messages()]

    def let_time_pass(self) -> None:
        """Makes every message visible, as if its timeout had ended."""
        for message in self._messages():
            message.visible_at = 0

    def _messages(self) -> list[Any]:
        return sqs_backends[HUB][HOME_REGION].queues["ownertag"]._messages

    def owners(self, launched: dict[str, tuple[str, list[str]]]) -> dict[str, set[str | None]]:
        """The owner tags on the instances of each, with their volumes and interfaces."""
        found = {}
        for name, (_, ids) in launched.items():
            persona = next(persona for persona in PERSONAS if persona.name == name)
            ec2 = self.sandbox.client(self.sandbox.account_session(persona.account, persona.region), "ec2")
            all_ids = list(ids)
            for reservation in ec2.describe_instances(InstanceIds=ids)["Reservations"]:
                for instance in reservation["Instances"]:
                    all_ids += [disk["Ebs"]["VolumeId"] for disk in instance["BlockDeviceMappings"]]
                    all_ids += [
                        network_interface["NetworkInterfaceId"] for network_interface in instance["NetworkInterfaces"]
                    ]
            assert len(all_ids) == 6
            tags = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": all_ids}])["Tags"]
            owners = {tag["ResourceId"]: tag["Value"] for tag in tags if tag["Key"] == "owner"}
            found[name] = {owners.get(id_) for id_ in all_ids}
            ec2.close()
        return found


def _arn() -> str:
    return f"arn:aws:sqs:{HOME_REGION}:{HUB}:ownertag"


def right(launched: dict[str, tuple[str, list[str]]]) -> dict[str, set[str]]:
    return {name: {owner} for name, (owner, _) in launched.items()}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="module")
def proxy(sandbox: Sandbox) -> Iterator[Proxy]:
    with Proxy(sandbox.endpoint_url) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def hub(sandbox: Sandbox, proxy: Proxy, unpacked: Path, tmp_path: Path) -> Iterator[Hub]:
    proxy.reset()
    made = Hub(sandbox, proxy, unpacked, tmp_path)
    made._messages().clear()  # of what the deployment of the sandbox itself made or deleted
    yield made
    made._messages().clear()
    made.sqs.close()


def test_a_batch_of_the_queue_is_tagged(hub: Hub) -> None:
    launched = hub.launch(*WHO)
    with hub.function() as function:
        assert hub.poll(function) == len(WHO)
        log = function.log()
    assert hub.failures == []
    assert hub.answers == [{"batchItemFailures": []}]
    assert hub.size() == 0
    assert hub.owners(launched) == right(launched)
    assert log.count('"message": "done"') == len(WHO)
    assert '"Outcome.tagged"' in log


def test_a_start_and_an_empty_batch_call_nothing(hub: Hub) -> None:
    with hub.function() as function:
        assert function.invoke({"Records": []}) == {"batchItemFailures": []}
        assert function.invoke({"Records": []}) == {"batchItemFailures": []}
        assert len(function.init_milliseconds()) == 1
    assert hub.proxy.seen == []


def test_a_batch_that_times_out_comes_back_whole_and_loses_nothing(hub: Hub) -> None:
    launched = hub.launch(*WHO)
    written = count(1)

    def hang(operation: str, _: str) -> None:  # from the second on, whichever come at the same time
        if operation == "CreateTags" and next(written) > 1:
            hub.proxy.over.wait(10)

    hub.proxy.before = hang
    with hub.function(seconds=3) as function:
        assert hub.poll(function) == len(WHO)
        [failure] = hub.failures
        assert isinstance(failure, FunctionError)
        assert "timed out after 3.00 seconds" in str(failure)
        assert hub.size() == len(WHO)
        assert hub.owners(launched) != right(launched)
        hub.proxy.reset()
        hub.let_time_pass()
        assert hub.poll(function) == len(WHO)
    assert len(hub.failures) == 1
    assert hub.size() == 0
    assert hub.owners(launched) == right(launched)


def test_a_function_that_is_killed_in_mid_batch_loses_nothing(hub: Hub) -> None:
    launched = hub.launch(*WHO)
    written = count(1)
    with hub.function() as function:

        def kill(operation: str, _: str) -> None:
            number = next(written) if operation == "CreateTags" else 0
            if number == 2:
                os.kill(function.runtime_pid(), signal.SIGKILL)
            if number > 1:  # with all that come at the same time
                hub.proxy.over.wait(5)

        hub.proxy.before = kill
        assert hub.poll(function) == len(WHO)
        [failure] = hub.failures
        assert "signal: killed" in str(failure)
        assert hub.size() == len(WHO)
        assert hub.owners(launched) != right(launched)
        hub.proxy.reset()
        hub.let_time_pass()
        assert hub.poll(function) == len(WHO)
    assert len(hub.failures) == 1
    assert hub.size() == 0
    assert hub.owners(launched) == right(launched)


def test_of_a_partial_failure_only_the_failed_message_comes_back(hub: Hub) -> None:
    launched = hub.launch(*WHO)
    throttled = next(persona.region for persona in PERSONAS if persona.name == "carol")
    hub.proxy.before = lambda operation, region: THROTTLED if (operation, region) == ("CreateTags", throttled) else None
    with hub.function() as function:
        assert hub.poll(function) == len(WHO)
        assert hub.failures == []
        assert [len(answer["batchItemFailures"]) for answer in hub.answers] == [1]
        assert hub.size() == 1
        [away] = hub.hidden_for()
        assert 5 < away <= 18  # 15 seconds, jittered by a fifth, for the first time
        assert hub.owners(launched) == right(launched) | {"carol": {None}}
        hub.proxy.reset()
        time.sleep(HELD_SECONDS)  # really: the function's own clock goes by it
        hub.let_time_pass()
        assert hub.poll(function) == 1
    assert hub.failures == []
    assert hub.size() == 0
    assert hub.owners(launched) == right(launched)


def test_a_variable_that_is_missing_is_named_at_the_start_and_the_message_stays(hub: Hub) -> None:
    launched = hub.launch("alice")
    with hub.function(60, QUEUE_URL) as function:
        assert hub.poll(function) == 1
        assert "INIT RTDONE(status: error)" in function.log()  # not when the message is handled
    [failure] = hub.failures
    assert f"environment: {QUEUE_URL} must be set" in str(failure)
    assert hub.size() == 1
    hub.let_time_pass()
    with hub.function() as function:
        assert hub.poll(function) == 1
    assert hub.owners(launched) == right(launched)
