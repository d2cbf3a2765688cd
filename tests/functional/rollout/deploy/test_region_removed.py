"""A Region, or a unit, that is taken out of the settings: it is taken away in every account, and loses no event."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ownertag.rollout.deploy.steps import to_apply
from ownertag.sandbox.personas import HOME_REGION, HUB, MANAGEMENT
from ownertag.sandbox.sandbox import Sandbox
from rollout.deploy.console import (
    DATA,
    MEMBERS,
    WEB,
    Console,
    at_console,
    deny,
    few,
    instances,
    run,
    stack_sets,
    state,
    told,
)

REMOVED = "eu-west-1"


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with Sandbox(empty=True) as sandbox:
        console = at_console(sandbox, tmp_path)
        few(console, REMOVED)
        assert apply(console)[0] == 0
        yield console


def apply(console: Console) -> tuple[int, str]:
    code, _, err = console("apply", "--yes", "--lookback-days", "0")
    return code, err


def remove(console: Console) -> None:
    console.settle(**{f', "{REMOVED}"]': "]"})


def rules(console: Console, account: str, region: str) -> set[str]:
    with console.client(account, "events", region) as events:
        return {rule["Name"] for rule in events.list_rules()["Rules"]}


def test_it_is_taken_away_in_every_account_the_management_accounts_own_too(console: Console) -> None:
    assert rules(console, MANAGEMENT, REMOVED)
    remove(console)
    code, plan = console.objects("plan", "--lookback-days", "0")
    gone = {(step["what"], step["account"], step["region"]) for step in plan if step.get("action") == "delete"}
    unit = console.sandbox.organization.unit
    assert (code, gone) == (
        1,
        {
            ("stack ownertag-spoke-region", MANAGEMENT, REMOVED),
            (f"stack set ownertag-spoke-region in {unit}", MANAGEMENT, None),
        },
    )
    assert apply(console)[0] == 0
    for account in (MANAGEMENT, *MEMBERS):
        assert (account, rules(console, account, REMOVED)) == (account, set())
        assert rules(console, account, HOME_REGION)
    assert console("plan", "--lookback-days", "0")[0] == 0


def test_destroy_finds_what_an_earlier_version_left_in_the_management_account(console: Console) -> None:
    """As after an `apply` that took a Region away in the members alone."""
    remove(console)
    ready = console.prepared()
    with console.client(MANAGEMENT, "cloudformation") as cloudformation:
        cloudformation.delete_stack_instances(
            StackSetName="ownertag-spoke-region",
            Regions=[REMOVED],
            RetainStacks=False,
            DeploymentTargets={"OrganizationalUnitIds": [console.sandbox.organization.unit]},
        )
    assert (MANAGEMENT, REMOVED, "ownertag-spoke-region") in ready.current.stacks
    code, out, err = console("destroy", "--yes")
    assert code == 0, err
    assert f"stack ownertag-spoke-region  ({MANAGEMENT} {REMOVED})" in out
    for region in (HOME_REGION, REMOVED):
        assert rules(console, MANAGEMENT, region) == set()


@pytest.mark.full
@pytest.mark.parametrize("account", [MANAGEMENT, WEB])
def test_where_events_wait_in_its_queue_nothing_is_changed(console: Console, account: str) -> None:
    remove(console)
    with console.client(account, "sqs", REMOVED) as sqs:
        url = sqs.get_queue_url(QueueName="ownertag-undelivered")["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="an event")
        for command in ("plan", "apply"):
            code, _, err = console(command, "--lookback-days", "0", *(["--yes"] if command == "apply" else []))
            assert code == 3
            said = f"account {account}: 1 event waits in queue ownertag-undelivered in {REMOVED}, and would be lost"
            assert said in err
        assert rules(console, WEB, REMOVED)
        sqs.purge_queue(QueueUrl=url)
    assert apply(console)[0] == 0
    assert not rules(console, WEB, REMOVED)


def test_where_events_wait_nothing_is_destroyed_unless_they_are_given_up(console: Console) -> None:
    for account, region, events in ((WEB, REMOVED, 1), (MANAGEMENT, HOME_REGION, 2)):
        with console.client(account, "sqs", region) as sqs:
            url = sqs.get_queue_url(QueueName="ownertag-undelivered")["QueueUrl"]
            for number in range(events):
                sqs.send_message(QueueUrl=url, MessageBody=f"event {number}")
    before = instances(console)
    code, _, err = console("destroy", "--yes")
    assert code == 3
    assert f"account {WEB}: 1 event waits in queue ownertag-undelivered in {REMOVED}, and would be lost" in err
    assert f"account {MANAGEMENT}: 2 events wait in queue ownertag-undelivered in {HOME_REGION}" in err
    assert "ownertag redrive --queue undelivered" in err
    assert instances(console) == before
    assert rules(console, WEB, REMOVED)
    deny(console, DATA)
    code, _, err = console("destroy", "--yes", "--drop-undelivered")
    assert code == 0, err
    assert stack_sets(console) == set()


def test_a_queue_that_can_not_be_looked_into_is_told_before_all_is_destroyed(console: Console) -> None:
    deny(console, WEB)
    code, out, err = console("destroy", "--yes")
    assert code == 0, err
    assert "it is not known whether events wait in the queue ownertag-undelivered there" in " ".join(out.split())
    assert stack_sets(console) == set()


@pytest.mark.full
def test_a_queue_that_can_not_be_looked_into_is_told_before(console: Console) -> None:
    remove(console)
    deny(console, WEB)
    code, plan = console.objects("plan", "--lookback-days", "0")
    assert (code, told(plan)) == (1, {"queue-not-read": {(WEB, REMOVED)}})
    [note] = [line for line in plan if line["kind"] == "left-out"]
    assert "sts:AssumeRole is missing" in note["advice"][0]


@pytest.mark.full
def test_a_unit_that_is_deleted_is_cleared_under_the_root(console: Console) -> None:
    """Its account went elsewhere, and the instances still name the unit that is no more."""
    with console.client(MANAGEMENT, "organizations") as organizations:
        root = organizations.list_roots()["Roots"][0]["Id"]
        old = console.sandbox.organization.unit
        new = organizations.create_organizational_unit(ParentId=root, Name="new")["OrganizationalUnit"]["Id"]
        for account in MEMBERS:
            parent = new if account in (HUB, DATA) else root
            organizations.move_account(AccountId=account, SourceParentId=old, DestinationParentId=parent)
        for policy in organizations.list_policies(Filter="SERVICE_CONTROL_POLICY")["Policies"]:
            if policy["Name"].startswith("ownertag"):  # moto keeps what is attached to a unit that is no more
                organizations.detach_policy(PolicyId=policy["Id"], TargetId=old)
        organizations.delete_organizational_unit(OrganizationalUnitId=old)
    code, _, err = console("plan", "--lookback-days", "0")
    assert (code, "look at organization.units" in err) == (3, True)
    console.settle(**{old: new})
    code, err = apply(console)
    assert code == 0, err
    assert {account for account, _ in instances(console)} == {HUB, DATA}
    assert not state(console)[f"roles in {WEB}"]
    assert console("plan", "--lookback-days", "0")[0] == 0
    assert console("destroy", "--yes")[0] == 0
    assert stack_sets(console) == set()


@pytest.mark.full
def test_a_stack_of_the_management_account_that_fails_holds_up_nobody_else(console: Console) -> None:
    """Somebody's rule stands where ours should; the members get theirs all the same."""
    more = "us-west-2"
    with console.client(MANAGEMENT, "sqs", more) as sqs:
        sqs.create_queue(QueueName="ownertag-undelivered", Attributes={"DelaySeconds": "5"})
    console.settle(**{f'"{REMOVED}"]': f'"{REMOVED}", "{more}"]'})
    ready = console.prepared()
    done = run(ready, to_apply(ready.desired, ready.current))
    failed = [(result.step.what, result.step.region) for result in done if result.failed]
    assert failed == [("stack ownertag-spoke-region", more)]
    assert rules(console, WEB, more)
