"""E19: between a spoke and the hub, before there is a message."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from faults.row import Proof
from harness import sandbox_process
from harness.waiting import wait
from ownertag.rollout.doctor.checks_hub import check_hub
from ownertag.rollout.doctor.facts import BusFacts, QueueFacts
from ownertag.rollout.doctor.findings import Check, CheckState
from ownertag.sandbox.console_reporter import ConsoleReporter
from ownertag.sandbox.demo_launches import IMAGE
from ownertag.sandbox.personas import ACCOUNTS, HOME_REGION, HUB
from ownertag.sandbox.sandbox import Sandbox
from rollout.doctor import healthy

_SPOKE, _FORWARDER = "333333333333", "ownertag-forwarder"


@contextmanager
def _without_the_forwarder(sandbox: Sandbox) -> Iterator[None]:
    iam = sandbox.client(sandbox.account_session(_SPOKE), "iam")
    role = iam.get_role(RoleName=_FORWARDER)["Role"]
    [name] = iam.list_role_policies(RoleName=_FORWARDER)["PolicyNames"]
    policy = iam.get_role_policy(RoleName=_FORWARDER, PolicyName=name)["PolicyDocument"]
    iam.delete_role_policy(RoleName=_FORWARDER, PolicyName=name)
    iam.delete_role(RoleName=_FORWARDER)
    yield
    iam.create_role(RoleName=_FORWARDER, AssumeRolePolicyDocument=json.dumps(role["AssumeRolePolicyDocument"]))
    iam.put_role_policy(RoleName=_FORWARDER, PolicyName=name, PolicyDocument=json.dumps(policy))


def _forwarder_is_gone(_: Path) -> None:
    """Its events lie in the Region's queue and say why, and `doctor` finds it, by looking and by its canary."""
    with Sandbox(ConsoleReporter(lambda _: None)) as sandbox:

        def doctor(*arguments: str) -> tuple[int, list[dict[str, Any]]]:
            where = ["--config", str(sandbox.settings_file), "--profile", f"admin-{ACCOUNTS[HUB]}", "--json"]
            ran = subprocess.run(
                [sandbox_process.OWNERTAG, "doctor", *where, *arguments],
                env={**os.environ, "AWS_CONFIG_FILE": str(sandbox.config_file)},
                capture_output=True,
                text=True,
                check=False,
            )
            return ran.returncode, [json.loads(line) for line in ran.stdout.splitlines()]

        def undelivered() -> list[dict[str, Any]]:
            sqs = sandbox.client(sandbox.account_session(_SPOKE, HOME_REGION), "sqs")
            url = f"{sandbox.endpoint_url}/{_SPOKE}/ownertag-undelivered"
            answer = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"], VisibilityTimeout=0)
            found: list[dict[str, Any]] = answer.get("Messages", [])
            return found

        with _without_the_forwarder(sandbox):
            ec2 = sandbox.client(sandbox.account_session(_SPOKE, HOME_REGION), "ec2")
            launched = ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
            [message] = wait(undelivered)
            assert launched in message["Body"]
            assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "FAILED_TO_ASSUME_ROLE"
            code, findings = doctor("--accounts", _SPOKE, "--regions", HOME_REGION)
            assert code == 1, findings
            assert {"forwarder-role", "undelivered"} <= {
                finding["check"] for finding in findings if finding["state"] == "fault"
            }
            code, found = doctor("--canary", "--canary-timeout", "2")
            [canary] = [finding for finding in found if finding["check"] == "canary"]
            assert (code, canary["account"], canary["state"]) == (1, _SPOKE, "fault")
        code, [canary, finding] = doctor("--canary", "--canary-timeout", "30")
        assert canary["state"] == "ok", canary
        # Nobody subscribes to the sandbox's topic, and that is said.
        assert (code, finding["state"]) == (1, "fault")
        assert "the topic has no subscription" in finding["seen"]


def _a_policy_is_wrong(_: Path) -> None:
    """Of the bus or a queue: no stand-in for AWS enforces one, so what `doctor` reads is changed."""
    well, other = healthy.hub(), {"Statement": [{"Sid": "Another", "Effect": "Deny", "Action": "*", "Principal": "*"}]}
    assert isinstance(well.queue, QueueFacts)
    assert isinstance(well.dead_letters, QueueFacts)
    for wrong, named in (
        (replace(well, bus=BusFacts(other)), Check.BUS),
        (replace(well, queue=replace(well.queue, policy=other)), Check.QUEUE_POLICY),
        (replace(well, dead_letters=replace(well.dead_letters, policy=None)), Check.QUEUE_POLICY),
    ):
        faults = [finding for finding in check_hub(wrong, healthy.wanted()) if finding.state is CheckState.FAULT]
        assert {fault.check for fault in faults} == {named}
        assert all(
            fault.commands for fault in faults
        )  # that they mend it is tests/functional/rollout/doctor/test_mends.py's


PROOFS = [
    Proof(
        "E19",
        "the role of a spoke's rules can't be assumed",
        "its events wait in the Region's queue and say why; `ownertag doctor` and its canary find it",
        _forwarder_is_gone,
    ),
    Proof(
        "E19",
        "a policy of the bus or of a queue is wrong",
        "`ownertag doctor` names it; what the right ones let through is simulated",
        _a_policy_is_wrong,
    ),
]
