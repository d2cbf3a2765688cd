"""`ownertag deploy` in the sandbox's organization: plan, apply, resume after an interruption, and destroy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness import fixtures
from ownertag.aws.credentials import CallerSession
from ownertag.catalogue.loader import load_catalogue
from ownertag.render.patterns import spoke_rules
from ownertag.render.tagger import tagger_policies
from ownertag.rollout.deploy.clients import Clients
from ownertag.rollout.deploy.destroy import to_destroy
from ownertag.rollout.deploy.steps import to_apply
from ownertag.rollout.deploy.values import Stage
from ownertag.sandbox.personas import HOME_REGION, HUB, MANAGEMENT
from ownertag.sandbox.sandbox import Sandbox
from rollout.deploy.console import (
    DATA,
    MEMBERS,
    REGIONS,
    UNTAGS,
    WEB,
    Console,
    at_console,
    called,
    changes,
    deny,
    run,
    state,
)


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with Sandbox(empty=True) as sandbox:
        yield at_console(sandbox, tmp_path)


def test_apply_puts_everything_in_its_place_and_a_second_plan_has_nothing(console: Console) -> None:
    code, steps = console.objects("plan")
    assert code == 1
    assert {step["action"] for step in steps if step["kind"] == "step"} == {"create"}
    hub = next(step for step in steps if step["what"] == "stack ownertag-hub")
    assert {"add AWS::Events::EventBus", "add AWS::Lambda::Function"} <= set(hub["changes"])
    assert not any(found for found in state(console).values())

    code, done = console.objects("apply", "--yes")
    assert code == 0
    assert [step for step in done if step.get("failed")] == []
    found = state(console)
    roles = {"auto-tag-role", "ownertag-forwarder", "ownertag-audit", "ownertag-canary", "ownertag-redrive"}
    for account in (MANAGEMENT, *MEMBERS):
        assert found[f"roles in {account}"] - {"ownertag-hub"} == roles
        iam = console.sandbox.client(console.sandbox.account_session(account), "iam")
        attached = iam.list_attached_role_policies(RoleName="auto-tag-role")["AttachedPolicies"]
        assert {each["PolicyName"] for each in attached} == {*tagger_policies(load_catalogue(), fixtures.settings())}
        for region in (HOME_REGION, "us-east-1", "us-west-2"):
            at_hub = (account, region) == (HUB, HOME_REGION)
            rules = {*spoke_rules(load_catalogue(), fixtures.settings())}
            rules |= {"hub-ownertag-accounts", "hub-ownertag-reconcile"} if at_hub else set()
            assert found[f"rules in {account} {region}"] == rules
            assert (found[f"queues in {account} {region}"] == {"ownertag-undelivered"}) != at_hub
    assert found["policy"] == [{console.sandbox.organization.unit}] * len(console.prepared().desired.policies)
    assert len(found["policy"]) > 1

    code, steps = console.objects("plan")
    assert code == 0
    assert {step["action"] for step in steps} == {"unchanged"}
    code, _, err = console("apply", "--yes")
    assert (code, "there is nothing to do" in err) == (0, True)


def test_after_an_interruption_at_any_stage_the_next_run_does_the_rest(console: Console) -> None:
    """Each round goes one stage further and ends there, as if the process had been killed between two of its calls."""
    rounds = 0
    while True:
        ready = console.prepared()
        steps = to_apply(ready.desired, ready.current)
        waiting = [step for step in steps if step.task is not None]
        if not waiting:
            break
        first = waiting[0].stage
        done = run(ready, tuple(step for step in waiting if step.stage == first)[:1])
        assert [step.failed for step in done] == [""]
        rounds += 1
        assert rounds < 40
    assert rounds >= len(Stage)
    assert len(state(console)[f"roles in {WEB}"]) == 5


def test_a_stack_that_a_killed_run_left_half_made_is_made_anew(console: Console) -> None:
    ready = console.prepared()
    with console.client(HUB, "cloudformation") as cloudformation:
        cloudformation.create_change_set(
            StackName="ownertag-hub",
            ChangeSetName="left",
            ChangeSetType="CREATE",
            TemplateBody=ready.desired.hub.template,
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in ready.desired.hub.parameters.items()
            ],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
    assert console("apply", "--yes")[0] == 0


def test_destroy_takes_it_away_and_leaves_the_tags(console: Console) -> None:
    with console.client(WEB, "ec2", "us-east-1") as ec2:
        volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
        ec2.create_tags(Resources=[volume], Tags=[{"Key": "owner", "Value": "alice"}])
    assert console("apply", "--yes", "--lookback-days", "0")[0] == 0
    code, _, err = console("destroy", "--yes")
    assert code == 0, err
    left = {key: found for key, found in state(console).items() if found}
    assert set(left) <= {f"queues in {HUB} {HOME_REGION}"}, left  # the dead letters, where they are retained
    with console.client(WEB, "ec2", "us-east-1") as ec2:
        tags = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [volume]}])["Tags"]
    assert [(tag["Key"], tag["Value"]) for tag in tags] == [("owner", "alice")]
    assert not called(console.sandbox) & {*UNTAGS}
    ready = console.prepared()
    assert to_destroy(ready.desired, ready.current) == ()
    assert console("apply", "--yes", "--lookback-days", "0")[0] == 0


def test_what_changes_is_shown_and_then_is_so(console: Console) -> None:
    assert console("apply", "--yes")[0] == 0
    console.settle(
        **{'WhatIsThis = "https://wiki.internal/ownertag"': 'WhatIsThis = "https://wiki.internal/tags"\nteam = "x"'}
    )
    code, steps = console.objects("plan")
    assert code == 1
    changed = {step["what"]: step for step in steps if step["kind"] == "step" and step["action"] != "unchanged"}
    assert "team" in changed["service control policy ownertag"]["diff"]
    assert '"equals-ignore-case": "team"' in changed["stack set ownertag-spoke-region"]["diff"]
    assert any("PackageKey" in line for line in changed["stack ownertag-hub"]["changes"])
    # A change set names the resource; where only the policy's text differs, that is what it has to name.
    assert any("Tagger" in line for line in changed["stack ownertag-spoke-account"]["changes"])
    assert console("apply", "--yes")[0] == 0
    with console.client(WEB, "iam") as iam:
        held = iam.get_role_policy(RoleName="auto-tag-role", PolicyName="ownertag-tagger")["PolicyDocument"]
    assert "team" in json.dumps(held)
    with console.client(WEB, "events", "us-west-2") as events:
        assert "team" in events.describe_rule(Name="ownertag-tampering")["EventPattern"]
    assert console("plan")[0] == 0


def test_a_region_less_takes_its_rules_away(console: Console) -> None:
    console.settle(**{REGIONS: REGIONS.replace("]", ', "eu-west-1"]')})
    assert console("apply", "--yes")[0] == 0
    console.settle(**{', "eu-west-1"]': "]"})
    code, steps = console.objects("plan")
    assert code == 1
    gone = {(step["what"].partition(" in ")[0], step["region"]) for step in steps if step["action"] == "delete"}
    assert gone == {("stack ownertag-spoke-region", "eu-west-1"), ("stack set ownertag-spoke-region", None)}
    assert console("apply", "--yes")[0] == 0
    for account in (MANAGEMENT, WEB):
        with console.client(account, "events", "eu-west-1") as events:
            assert events.list_rules()["Rules"] == []


def test_an_account_that_may_not_be_touched_is_refused_before_anything_is_changed(console: Console) -> None:
    console.settle(**{f'hub_account = "{HUB}"': f'hub_account = "{DATA}"'})
    deny(console, DATA)
    before = changes(console.sandbox)
    code, out, err = console("apply", "--yes")
    assert (code, out) == (3, "")
    for text in (f"account {DATA}", "sts:AssumeRole is missing", "OrganizationAccountAccessRole", "--access-role"):
        assert text in err
    assert changes(console.sandbox) == before


def test_a_unit_without_room_for_all_policies_is_refused_before_anything_is_changed(console: Console) -> None:
    with console.client(MANAGEMENT, "organizations") as organizations:
        root = organizations.list_roots()["Roots"][0]["Id"]
        organizations.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
        for number in range(4):
            made = organizations.create_policy(
                Name=f"theirs-{number}",
                Description="theirs",
                Type="SERVICE_CONTROL_POLICY",
                Content='{"Version": "2012-10-17", "Statement": []}',
            )["Policy"]["PolicySummary"]["Id"]
            organizations.attach_policy(PolicyId=made, TargetId=console.sandbox.organization.unit)
    before = changes(console.sandbox)
    code, out, err = console("apply", "--yes")
    assert (code, out) == (3, "")
    for text in ("has no room for 3 service control policies", "theirs-0, ", "AWS takes 5 on a unit"):
        assert text in err
    assert changes(console.sandbox) == before
    assert console("destroy", "--yes")[0] == 0


def test_nobody_is_asked_where_nobody_is(console: Console) -> None:
    before = changes(console.sandbox)
    code, _, err = console("apply")
    assert (code, "repeat with --yes" in err) == (2, True)
    assert changes(console.sandbox) <= before | {"cloudformation:CreateChangeSet", "cloudformation:DeleteChangeSet"}


# --- who would be stopped


def test_who_uses_the_protected_keys_is_counted_before_the_policy_comes(console: Console) -> None:
    with closing(console.sandbox.client(console.sandbox.session("alice"), "ec2")) as ec2:
        volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
        for _ in range(2):
            ec2.create_tags(Resources=[volume], Tags=[{"Key": "Owner", "Value": "me"}, {"Key": "Name", "Value": "x"}])
        ec2.delete_tags(Resources=[volume], Tags=[{"Key": "Owner"}])
        ec2.create_tags(Resources=[volume], Tags=[{"Key": "Name", "Value": "y"}])
    code, objects = console.objects("plan")
    assert code == 1
    [use] = [entry for entry in objects if entry["kind"] == "use"]
    assert (use["account"], use["principal"]) == (WEB, f"arn:aws:iam::{WEB}:user/alice")
    assert (use["keys"], use["calls"]) == (["owner"], 3)
    assert datetime.now(UTC) - datetime.fromisoformat(use["last"]) < timedelta(minutes=10)

    code, _, err = console("apply", "--yes")
    assert (code, "would stop 1 principals" in err, "--force" in err) == (1, True, True)
    assert not state(console)["policy"]
    code, out, _ = console("plan")
    assert f"{WEB}  arn:aws:iam::{WEB}:user/alice: 3 calls with owner" in out
    assert console("apply", "--yes", "--force")[0] == 0
    assert state(console)["policy"]


def test_an_account_whose_history_can_not_be_read_is_listed_as_not_known(console: Console) -> None:
    deny(console, WEB)
    _, objects = console.objects("plan")
    [unread] = [entry for entry in objects if entry["kind"] == "unread"]
    assert unread["account"] == WEB
    assert "sts:AssumeRole is missing" in unread["reason"]


# --- one account that fails


def test_an_account_that_can_not_be_deployed_to_is_named_and_the_others_go_on(console: Console) -> None:
    with console.client(WEB, "iam") as iam:  # somebody has a role of that name already
        iam.create_role(RoleName="auto-tag-role", AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}')
    code, _, err = console("apply", "--yes")
    assert code == 3
    assert f"{WEB} {HOME_REGION}: " in err
    found = state(console)
    assert found[f"roles in {DATA}"] >= {"auto-tag-role", "ownertag-forwarder"}
    assert found[f"rules in {DATA} us-west-2"]
    with console.client(WEB, "iam") as iam:
        iam.delete_role(RoleName="auto-tag-role")
    assert console("apply", "--yes")[0] == 0
    assert console("plan")[0] == 0


def test_what_was_deleted_by_hand_is_made_anew_and_loses_nothing(console: Console) -> None:
    assert console("apply", "--yes")[0] == 0
    with console.client(WEB, "iam") as iam:
        for name in iam.list_role_policies(RoleName="auto-tag-role")["PolicyNames"]:
            iam.delete_role_policy(RoleName="auto-tag-role", PolicyName=name)
        for attached in iam.list_attached_role_policies(RoleName="auto-tag-role")["AttachedPolicies"]:
            iam.detach_role_policy(RoleName="auto-tag-role", PolicyArn=attached["PolicyArn"])
        iam.delete_role(RoleName="auto-tag-role")
    assert console("plan")[0] == 0  # CloudFormation does not see it
    with console.client(WEB, "sqs", "us-east-1") as sqs:
        url = sqs.get_queue_url(QueueName="ownertag-undelivered")["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="an event")
        code, _, err = console("apply", "--yes", "--recreate", WEB)
        assert (code, "1 event waits in queue ownertag-undelivered in us-east-1" in err) == (3, True)
        sqs.purge_queue(QueueUrl=url)
    assert console("apply", "--yes", "--recreate", WEB)[0] == 0
    assert len(state(console)[f"roles in {WEB}"]) == 5
    assert console("plan")[0] == 0
    code, _, err = console("plan", "--recreate", "999999999999")
    assert (code, "999999999999: is not one of those that ownertag is deployed to" in err) == (3, True)


def test_clients_are_of_the_account_that_was_asked_for(console: Console) -> None:
    organization = console.prepared().desired.organization
    session = CallerSession(console.sandbox.account_session(MANAGEMENT), console.sandbox.endpoint_url)
    clients = Clients(session, organization)
    for account in (MANAGEMENT, HUB, WEB):
        assert clients.of(account, "sts").get_caller_identity()["Account"] == account
