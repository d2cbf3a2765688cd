"""A hub that failed, or was destroyed, is made again: nothing blocks it, and nothing that it held is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.cloudformation.models import cloudformation_backends

from ownertag.render.documents import HUB_STACK
from ownertag.rollout.deploy.execute import StepResult, execute
from ownertag.rollout.deploy.steps import to_apply
from ownertag.sandbox.personas import HOME_REGION, HUB
from ownertag.sandbox.sandbox import Sandbox
from rollout.deploy.console import Console, at_console

DEAD, LOG, TABLE = "ownertag-dead-letters", "/aws/lambda/ownertag", "ownertag-ledger"
YOUNG = (
    'Resource handler returned message: "The role defined for the function cannot be assumed by Lambda. (Service: '
    'Lambda, Status Code: 400)" (RequestToken: 0, HandlerErrorCode: InvalidRequest)'
)
APPLY = ("apply", "--yes", "--lookback-days", "0")


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with Sandbox(empty=True) as sandbox:
        yield at_console(sandbox, tmp_path)


def left(console: Console) -> dict[str, bool]:
    """Which of the things that are retained are there."""
    with console.client(HUB, "sqs") as sqs:
        urls = sqs.list_queues(QueueNamePrefix="ownertag").get("QueueUrls", [])
    with console.client(HUB, "logs") as logs:
        groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    with console.client(HUB, "dynamodb") as dynamodb:
        tables = dynamodb.list_tables()["TableNames"]
    return {DEAD: any(url.endswith(f"/{DEAD}") for url in urls), LOG: LOG in groups, TABLE: TABLE in tables}


def leave_a_dead_letter(console: Console) -> None:
    """Leaves a dead letter, an item in the ledger, and a line in the log."""
    with console.client(HUB, "sqs") as sqs:
        sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=DEAD)["QueueUrl"], MessageBody="not tagged")
    with console.client(HUB, "dynamodb") as dynamodb:
        dynamodb.put_item(TableName=TABLE, Item={"pk": {"S": "kept"}, "sk": {"S": "kept"}})
    with console.client(HUB, "logs") as logs:
        logs.create_log_stream(logGroupName=LOG, logStreamName="kept")


def held(console: Console) -> tuple[int, bool, list[str]]:
    """Dead letters, whether the ledger has its item, and the log's streams."""
    with console.client(HUB, "sqs") as sqs:
        url = sqs.get_queue_url(QueueName=DEAD)["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    with console.client(HUB, "dynamodb") as dynamodb:
        item = dynamodb.get_item(TableName=TABLE, Key={"pk": {"S": "kept"}, "sk": {"S": "kept"}})
    with console.client(HUB, "logs") as logs:
        streams = [stream["logStreamName"] for stream in logs.describe_log_streams(logGroupName=LOG)["logStreams"]]
    return int(found["ApproximateNumberOfMessages"]), "Item" in item, [name for name in streams if name == "kept"]


def status(console: Console) -> str:
    with console.client(HUB, "cloudformation") as cloudformation:
        return str(cloudformation.describe_stacks(StackName=HUB_STACK)["Stacks"][0]["StackStatus"])


def of_hub() -> Any:
    """The hub's stack as the emulator holds it."""
    stacks = cloudformation_backends[HUB][HOME_REGION].stacks.values()
    return next(stack for stack in stacks if stack.name == HUB_STACK)


def applied(console: Console) -> tuple[tuple[StepResult, ...], list[str]]:
    """What an apply does whose waits take no time, and what it tells."""
    told: list[str] = []
    ready = console.prepared()
    steps = to_apply(ready.desired, ready.current)
    organization = ready.desired.organization
    done = execute(steps, ready.clients, organization, lambda _, text: told.append(text), lambda _: None)
    return done, told


def failures(done: tuple[StepResult, ...]) -> list[str]:
    return [result.failed for result in done if result.failed]


def test_destroyed_and_made_again_it_has_its_dead_letters_ledger_and_log(console: Console) -> None:
    assert console(*APPLY)[0] == 0
    leave_a_dead_letter(console)
    assert console("destroy", "--yes")[0] == 0
    assert left(console) == {DEAD: True, LOG: True, TABLE: True}
    _, steps = console.objects("plan")
    hub = next(step for step in steps if step["kind"] == "step" and step["what"] == f"stack {HUB_STACK}")
    assert {"take over AWS::SQS::Queue DeadLetters", "take over AWS::DynamoDB::Table Ledger"} < {*hub["changes"]}
    code, _, err = console(*APPLY)
    assert (code, "takes over what an older one left: DeadLetters, Ledger, Log" in err) == (0, True), err
    assert held(console) == (1, True, ["kept"])
    assert console("plan")[0] == 0
    with console.client(HUB, "sqs") as sqs:
        assert sqs.get_queue_url(QueueName="ownertag")


@pytest.mark.full
def test_it_can_be_destroyed_and_made_again_more_than_once(console: Console) -> None:
    for _ in range(2):
        assert console(*APPLY)[0] == 0
        assert console("destroy", "--yes")[0] == 0
    assert console(*APPLY)[0] == 0


def test_a_first_creation_that_fails_leaves_nothing_and_the_next_one_goes_well(console: Console) -> None:
    console.sandbox.front.failures.plan(HUB, HOME_REGION, "Function", "no such package")
    code, _, err = console(*APPLY)
    assert (code, "ended as ROLLBACK_COMPLETE: Function: no such package" in err) == (1, True), err
    assert status(console) == "ROLLBACK_COMPLETE"
    found = left(console)
    assert (found[DEAD], found[LOG]) == (False, False)
    code, _, err = console(*APPLY)
    assert (code, "it is taken away first" in err) == (0, True), err


def test_what_an_older_failed_creation_left_is_taken_over(console: Console) -> None:
    with console.client(HUB, "sqs") as sqs:
        sqs.create_queue(QueueName=DEAD)
    with console.client(HUB, "logs") as logs:  # Lambda itself makes it when a function runs first
        logs.create_log_group(logGroupName=LOG)
        logs.create_log_stream(logGroupName=LOG, logStreamName="kept")
    code, _, err = console(*APPLY)
    assert (code, "takes over what an older one left: DeadLetters, Log" in err) == (0, True), err
    assert held(console)[2] == ["kept"]
    assert console("plan")[0] == 0


@pytest.mark.full
def test_a_table_of_somebody_else_is_not_taken_over(console: Console) -> None:
    with console.client(HUB, "dynamodb") as dynamodb:
        dynamodb.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "theirs", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "theirs", "KeyType": "HASH"}],
        )
    code, _, err = console(*APPLY)
    assert (code, "a DynamoDB table ownertag-ledger that is not ownertag's: its key is theirs" in err) == (3, True), err
    assert left(console) == {DEAD: False, LOG: False, TABLE: True}
    with console.client(HUB, "dynamodb") as dynamodb:
        dynamodb.delete_table(TableName=TABLE)
    assert console(*APPLY)[0] == 0


@pytest.mark.full
@pytest.mark.parametrize("taken", ["bus", "role"])
def test_a_name_that_somebody_else_has_is_told_with_the_resource(console: Console, taken: str) -> None:
    if taken == "bus":
        with console.client(HUB, "events") as events:
            events.create_event_bus(Name="ownertag")
        told = (
            "Bus (AWS::Events::EventBus): Resource of type 'AWS::Events::EventBus' with identifier 'ownertag' already"
        )
    else:
        with console.client(HUB, "iam") as iam:
            trust = '{"Version": "2012-10-17", "Statement": []}'
            iam.create_role(RoleName="ownertag-hub", AssumeRolePolicyDocument=trust)
        told = (
            "HubRole (AWS::IAM::Role): Resource of type 'AWS::IAM::Role' with identifier 'ownertag-hub' already exists"
        )
    code, _, err = console(*APPLY)
    assert code == 1
    for text in ("[AWS::EarlyValidation::ResourceExistenceCheck]", told, "delete it or rename it"):
        assert text in err
    assert left(console) == {DEAD: False, LOG: False, TABLE: False}


@pytest.mark.full
@pytest.mark.parametrize("during", ["the import", "the update"])
def test_what_fails_while_it_is_made_again_loses_nothing(console: Console, during: str) -> None:
    assert console(*APPLY)[0] == 0
    leave_a_dead_letter(console)
    assert console("destroy", "--yes")[0] == 0
    console.sandbox.front.failures.plan(
        HUB, HOME_REGION, "DeadLetters" if during == "the import" else "Function", "not now"
    )
    code, _, err = console(*APPLY)
    assert (code, "not now" in err) == (1, True), err
    assert held(console) == (1, True, ["kept"])
    code, _, err = console(*APPLY)
    assert code == 0, err
    assert held(console) == (1, True, ["kept"])
    assert console("plan")[0] == 0


@pytest.mark.full
def test_a_role_that_is_too_young_is_tried_again(console: Console) -> None:
    console.sandbox.front.failures.plan(HUB, HOME_REGION, "Function", YOUNG, YOUNG)
    done, told = applied(console)
    assert failures(done) == []
    assert sum("this passes, again in 60 s" in text for text in told) == 2
    assert console("plan")[0] == 0


@pytest.mark.full
def test_a_role_that_stays_too_young_is_told_after_the_third_time(console: Console) -> None:
    console.sandbox.front.failures.plan(HUB, HOME_REGION, "Function", YOUNG, YOUNG, YOUNG)
    done, _ = applied(console)
    [failed] = failures(done)
    assert "Function: Resource handler returned message" in failed
    assert failures(applied(console)[0]) == []


@pytest.mark.full
def test_an_update_whose_rollback_stuck_is_rolled_back_to_the_end_and_made(console: Console) -> None:
    assert console(*APPLY)[0] == 0
    of_hub().status = "UPDATE_ROLLBACK_FAILED"
    code, _, err = console(*APPLY)
    assert (code, "it is rolled back to the end first" in err) == (0, True), err


@pytest.mark.full
def test_a_hub_whose_deletion_failed_is_taken_away_and_made_again(console: Console) -> None:
    assert console(*APPLY)[0] == 0
    leave_a_dead_letter(console)
    of_hub().status = "DELETE_FAILED"
    code, _, err = console(*APPLY)
    assert (code, "delete failed: it is taken away first" in err) == (0, True), err
    assert held(console) == (1, True, ["kept"])
    assert console("plan")[0] == 0


@pytest.mark.full
def test_a_second_run_that_began_at_the_same_time_changes_nothing_and_fails_nowhere(console: Console) -> None:
    first, second = console.prepared(), console.prepared()
    for ready in (first, second):  # the second one's plan is old by the time that it is carried out
        steps = to_apply(ready.desired, ready.current)
        done = execute(steps, ready.clients, ready.desired.organization, lambda *_: None, lambda _: None)
        assert failures(done) == []
    assert console("plan")[0] == 0
