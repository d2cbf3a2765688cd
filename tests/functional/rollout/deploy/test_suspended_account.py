"""An account that is closed, suspended or gone: the others are deployed to, and everything can be taken away again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.organizations.models import organizations_backends

from ownertag.rollout.deploy.steps import to_apply
from ownertag.sandbox.personas import HOME_REGION, HUB, MANAGEMENT
from ownertag.sandbox.sandbox import Sandbox
from rollout.deploy.console import DATA, WEB, Console, at_console, few, instances, run, stack_sets, state, told

LINK = 'WhatIsThis = "https://wiki.internal/ownertag"'
ANOTHER_KEY = {LINK: f'{LINK}\nteam = "x"'}


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with Sandbox(empty=True) as sandbox:
        console = at_console(sandbox, tmp_path)
        few(console)
        yield console


def apply(console: Console) -> tuple[int, str]:
    code, _, err = console("apply", "--yes", "--lookback-days", "0")
    return code, err


def destroy(console: Console) -> tuple[int, str, str]:
    return console("destroy", "--yes")


def close(console: Console, account: str) -> None:
    with console.client(MANAGEMENT, "organizations") as organizations:
        organizations.close_account(AccountId=account)


def member(account: str) -> Any:
    return next(found for found in organizations_backends[MANAGEMENT]["aws"].accounts if found.id == account)


def test_it_is_told_and_left_out_and_gets_its_stacks_when_it_is_open_again(console: Console) -> None:
    close(console, WEB)
    code, plan = console.objects("plan", "--lookback-days", "0")
    assert (code, told(plan)) == (1, {"inactive-account": {(WEB, None)}})
    assert apply(console)[0] == 0
    found = state(console)
    assert found[f"rules in {DATA} {HOME_REGION}"]
    assert found["policy"] == [{console.sandbox.organization.unit}] * len(found["policy"]) != []
    assert not found[f"roles in {WEB}"]
    seen = instances(console)[WEB, HOME_REGION]
    assert (seen["Status"], seen["OrganizationalUnitId"], "StackId" in seen) == ("OUTDATED", "", False)

    code, plan = console.objects("plan", "--lookback-days", "0")
    assert (code, told(plan)) == (0, {"inactive-account": {(WEB, None)}})
    [note] = [found for found in plan if found["kind"] == "left-out"]
    assert note["what"].startswith("SUSPENDED: not active")

    member(WEB).state = member(WEB).status = "ACTIVE"
    assert apply(console)[0] == 0
    assert len(state(console)[f"roles in {WEB}"]) == 5
    code, plan = console.objects("plan", "--lookback-days", "0")
    assert (code, told(plan)) == (0, {})


@pytest.mark.parametrize("how", ["SUSPENDED", "PENDING_CLOSURE"])
@pytest.mark.full
def test_an_update_goes_past_it_and_what_is_taken_away_ends(console: Console, how: str) -> None:
    assert apply(console)[0] == 0
    close(console, WEB)
    member(WEB).state = how
    console.settle(**ANOTHER_KEY)
    code, err = apply(console)
    assert code == 0, err
    assert instances(console)[WEB, HOME_REGION]["StackInstanceStatus"]["DetailedStatus"] == "SKIPPED_SUSPENDED_ACCOUNT"
    with console.client(DATA, "events") as events:
        assert "team" in events.describe_rule(Name="ownertag-tampering")["EventPattern"]
    code, plan = console.objects("plan", "--lookback-days", "0")
    assert (code, told(plan)) == (0, {"inactive-account": {(WEB, None)}})

    code, out, err = destroy(console)
    assert code == 0, err
    assert f"forget in {HOME_REGION}: {WEB}" in out
    assert stack_sets(console) == set()
    assert {key for key, found in state(console).items() if found} <= {
        f"roles in {WEB}", f"rules in {WEB} {HOME_REGION}", f"queues in {WEB} {HOME_REGION}",
        f"queues in {HUB} {HOME_REGION}",
    }  # fmt: skip
    code, _, err = destroy(console)
    assert (code, "there is nothing to do" in err) == (0, True)


@pytest.mark.full
def test_where_aws_keeps_its_instances_all_else_is_gone_and_it_is_told_until_when(console: Console) -> None:
    """AWS's documentation does not say whether it finds a suspended account under its unit; here it does not."""
    console.sandbox.front.stack_sets.finds_suspended = False
    assert apply(console)[0] == 0
    close(console, WEB)
    code, _, err = destroy(console)
    assert code == 3
    for said in (f"not let go of those of {WEB}", "90 days", "CloseAccount", "`ownertag deploy destroy` again"):
        assert said in err
    assert "were not begun" not in err
    assert stack_sets(console) == {"ownertag-spoke-account", "ownertag-spoke-region"}
    assert {place[0] for place in instances(console)} == {WEB}
    assert {key for key, found in state(console).items() if found} <= {
        f"roles in {WEB}", f"rules in {WEB} {HOME_REGION}", f"queues in {WEB} {HOME_REGION}",
        f"queues in {HUB} {HOME_REGION}",
    }  # fmt: skip

    console.sandbox.front.stack_sets.finds_suspended = True
    assert destroy(console)[0] == 0
    assert stack_sets(console) == set()


@pytest.mark.full
def test_one_that_is_suspended_between_plan_and_apply_is_no_failure(console: Console) -> None:
    assert apply(console)[0] == 0
    console.settle(**ANOTHER_KEY)
    ready = console.prepared()
    steps = to_apply(ready.desired, ready.current)
    close(console, WEB)
    assert [result.failed for result in run(ready, steps) if result.failed] == []
    assert to_apply(ready.desired, console.prepared().current) == to_apply(ready.desired, console.prepared().current)
    assert console("plan", "--lookback-days", "0")[0] == 0


@pytest.mark.full
def test_one_that_left_the_organization_while_its_instances_stay_holds_nothing_up(console: Console) -> None:
    assert apply(console)[0] == 0
    organizations_backends[MANAGEMENT]["aws"].accounts.remove(member(WEB))
    console.settle(**ANOTHER_KEY)
    code, err = apply(console)
    assert code == 0, err
    code, plan = console.objects("plan", "--lookback-days", "0")
    assert (code, told(plan)) == (0, {"left-organization": {(WEB, None)}})
    code, _, err = destroy(console)
    assert (code, f"those of {WEB}, which left the organization: ask AWS Support" in err) == (3, True)
    assert not state(console)[f"roles in {DATA}"]
    assert not state(console)["policy"]


@pytest.mark.full
def test_one_that_moved_to_a_unit_that_is_not_deployed_to_loses_its_stacks(console: Console) -> None:
    """As where automatic deployment did not do it: the instance still names the unit that the account left."""
    assert apply(console)[0] == 0
    with console.client(MANAGEMENT, "organizations") as organizations:
        root = organizations.list_roots()["Roots"][0]["Id"]
        organizations.move_account(
            AccountId=WEB, SourceParentId=console.sandbox.organization.unit, DestinationParentId=root
        )
    assert apply(console)[0] == 0
    assert not state(console)[f"roles in {WEB}"]
    assert state(console)[f"roles in {DATA}"]
    assert console("plan", "--lookback-days", "0")[0] == 0
