"""The list of actions that deploy calls is whole: every call of a plan, an apply and a destroy is in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ownertag.rollout.preflight.permissions import (
    HUB_ACTIONS,
    MANAGEMENT_ACTIONS,
    MEMBER_ACTIONS,
    PREFLIGHT_ACTIONS,
)
from ownertag.sandbox.sandbox import Sandbox
from rollout.deploy.console import Console, at_console

#: Calls whose permission has another name, or none (service authorization reference).
PERMISSIONS = {
    "cloudformation:DescribeStackResources": None,
    "monitoring:DescribeAlarms": "cloudwatch:DescribeAlarms",
}


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    with Sandbox(empty=True) as sandbox:
        sandbox.front.calls.clear()
        yield at_console(sandbox, tmp_path_factory.mktemp("calls"))


def test_every_call_of_a_deployment_and_of_its_preflight_is_in_the_list(console: Console) -> None:
    for command, *arguments in (("plan",), ("apply", "--yes"), ("plan",), ("destroy", "--yes")):
        code, _, err = console(command, *arguments)
        assert code in {0, 1}, err
    # REST services (S3, Lambda) have their operation in the address, which is not counted.
    deployed = {call for _, call in console.sandbox.front.calls if call.partition(":")[2]}
    listed = {*MANAGEMENT_ACTIONS, *HUB_ACTIONS, *MEMBER_ACTIONS}
    assert {PERMISSIONS.get(call, call) for call in deployed} - {None} <= listed
    console.sandbox.front.calls.clear()
    looking = replace(console, preflight=True)
    looking("plan")
    preflight = {call for _, call in console.sandbox.front.calls if call.partition(":")[2]}
    assert preflight - deployed - listed <= {*PREFLIGHT_ACTIONS}
