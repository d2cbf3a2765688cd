"""What `ownertag redrive` calls in an account is what the redrive role may do: none is denied, none is unused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ownertag.render.service_policies import redrive_permissions
from ownertag.sandbox.sandbox import Sandbox
from rollout.redrive.world import MEMBER, REGION, UNDELIVERED, RedriveWorld

#: What an operator in the hub's account needs there beside AssumeRole, as `docs/how-to/doctor.md` lists it.
OPERATOR = {
    "sqs:GetQueueUrl",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:SendMessage",
    "sqs:StartMessageMoveTask",
    "sqs:ListMessageMoveTasks",
}
#: Operations of batches ask for the action of one (doc: SQS, API permissions).
BATCHES = {
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:SendMessageBatch": "sqs:SendMessage",
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


def called(sandbox: Sandbox, name: str) -> set[str]:
    """The actions that callers of this name were asked for."""
    made = {operation for caller, operation in sandbox.front.calls if name in caller}
    return {BATCHES.get(operation, operation) for operation in made}


def test_each_permission_is_used_and_none_is_missing(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(sandbox.config_file))
    world = RedriveWorld(sandbox)
    world.launch_undelivered()
    world.dead_letter("no event", "NO_PERMISSIONS", MEMBER, REGION, UNDELIVERED)  # which is shown again
    world.dead_letter("{}", "forbidden")
    world.dead_letter("{}", "unreadable")
    sandbox.front.calls.clear()
    assert world.run("--only", "forbidden,FAILED_TO_ASSUME_ROLE")[0] == 0
    assert world.run()[0] == 1
    allowed = {
        action
        for statement in redrive_permissions()["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    assert called(sandbox, "ownertag-redrive") == allowed
    callers = {caller for caller, operation in sandbox.front.calls if operation == "sqs:StartMessageMoveTask"}
    [operator] = callers
    assert {one for one in called(sandbox, operator) if one.startswith("sqs:")} == OPERATOR
