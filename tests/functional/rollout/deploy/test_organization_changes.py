"""Changes of the organization: refused for a while, made meanwhile by another run, or by somebody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ownertag.rollout.deploy.destroy import to_destroy
from ownertag.rollout.deploy.execute import StepResult, execute
from ownertag.rollout.deploy.organization_calls import PAUSES
from ownertag.rollout.deploy.steps import to_apply
from ownertag.rollout.deploy.values import Stage, Step
from ownertag.sandbox.personas import HUB, MANAGEMENT
from ownertag.sandbox.sandbox import Sandbox
from rollout.deploy.console import Console, at_console, state

LATER = "ConcurrentModificationException"
IN_ORGANIZATION = {Stage.ACCESS, Stage.POLICY, Stage.ATTACHMENTS}


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with Sandbox(empty=True) as sandbox:
        yield at_console(sandbox, tmp_path)


class Run:
    """Carries out the steps in the organization alone, with waits that take no time."""

    def __init__(self, console: Console) -> None:
        self.ready = console.prepared()
        self.told: list[str] = []
        self.waited: list[float] = []
        self.steps = tuple(
            step for step in to_apply(self.ready.desired, self.ready.current) if step.stage in IN_ORGANIZATION
        )

    def __call__(self, steps: tuple[Step, ...] | None = None) -> tuple[StepResult, ...]:
        organization = self.ready.desired.organization
        chosen = self.steps if steps is None else steps
        told, waited = self.told, self.waited
        return execute(chosen, self.ready.clients, organization, lambda _, text: told.append(text), waited.append)


def failures(done: tuple[StepResult, ...]) -> list[str]:
    return [result.failed for result in done if result.failed]


def everything_is_there(console: Console) -> bool:
    attached = state(console)["policy"]
    unit = console.sandbox.organization.unit
    return attached == [{unit}] * len(console.prepared().desired.policies) and len(attached) > 1


def test_a_hub_that_is_no_delegated_administrator_reads_the_accounts_by_the_resource_policy(console: Console) -> None:
    with console.client(HUB, "organizations") as hub:
        with pytest.raises(ClientError, match="AccessDeniedException"):
            hub.list_accounts()
        run = Run(console)
        assert run.ready.current.administrators == frozenset()
        assert failures(run()) == []
        assert HUB in {account["Id"] for account in hub.list_accounts()["Accounts"]}


def test_what_is_refused_for_a_while_is_done_in_the_end_and_told(console: Console) -> None:
    # The SDK itself repeats what is throttled.
    console.sandbox.front.access.busy += [LATER, "TooManyRequestsException", LATER, LATER]
    run = Run(console)
    assert failures(run()) == []
    assert everything_is_there(console)
    told = [text for text in run.told if text.startswith("Organizations says ")]
    assert len(told) == 3
    assert told[0] == "Organizations says ConcurrentModificationException: again in 1 s"
    assert console.sandbox.front.access.busy == []


def test_what_is_refused_for_too_long_fails_and_the_next_run_does_it(console: Console) -> None:
    console.sandbox.front.access.busy += [LATER] * (len(PAUSES) + 1)
    run = Run(console)
    [failed] = failures(run(tuple(step for step in run.steps if "policies in the organization" in step.what)))
    assert "ConcurrentModificationException" in failed
    assert run.waited == list(PAUSES)
    assert failures(Run(console)()) == []
    assert everything_is_there(console)


@pytest.mark.full
def test_what_another_run_has_done_meanwhile_is_no_error(console: Console) -> None:
    first, second = Run(console), Run(console)
    assert failures(first()) == failures(second()) == []
    assert everything_is_there(console)


@pytest.mark.full
def test_the_way_back_is_no_error_where_it_was_gone_already(console: Console) -> None:
    assert failures(Run(console)()) == []
    first, second = Run(console), Run(console)
    for run in (first, second):
        steps = to_destroy(run.ready.desired, run.ready.current)
        assert failures(run(tuple(step for step in steps if step.stage in IN_ORGANIZATION))) == []
    assert state(console)["policy"] == []


def resource_policy(organizations: Any) -> Any:
    return json.loads(organizations.describe_resource_policy()["ResourcePolicy"]["Content"])["Statement"]


@pytest.mark.full
def test_a_resource_policy_that_somebody_changed_meanwhile_is_not_replaced(console: Console) -> None:
    theirs = {
        "Sid": "Theirs",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"},
        "Action": "organizations:ListRoots",
        "Resource": "*",
    }
    run = Run(console)
    with console.client(MANAGEMENT, "organizations") as organizations:
        organizations.put_resource_policy(Content=json.dumps({"Version": "2012-10-17", "Statement": [theirs]}))
        [failed] = failures(run())
        assert "somebody has changed the organization's resource policy since it was read" in failed
        assert resource_policy(organizations) == [theirs]
        assert failures(Run(console)()) == []
        assert [statement["Sid"] for statement in resource_policy(organizations)] == [
            "Theirs",
            "OwnertagReadsTheAccounts",
        ]
