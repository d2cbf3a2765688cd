"""`ownertag redrive` in a sandbox without its function: what it moves stays in the hub's queue, to be looked at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from harness import fixtures
from ownertag.sandbox.personas import HOME_REGION, HUB, MANAGEMENT
from ownertag.sandbox.sandbox import Sandbox
from rollout.redrive.world import DEAD_LETTERS, MEMBER, REGION, UNDELIVERED, RedriveWorld

AT_HUB = (DEAD_LETTERS, HUB, HOME_REGION)
AT_MEMBER = (UNDELIVERED, MEMBER, REGION)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def world(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedriveWorld]:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(sandbox.config_file))
    world = RedriveWorld(sandbox)
    yield world
    for name, account, region in (AT_HUB, AT_MEMBER, ("ownertag", HUB, HOME_REGION)):
        world.bodies(name, account, region)  # SQS lets nobody purge a queue twice in a minute


def event(**changed: Any) -> str:
    return json.dumps({**fixtures.event(fixtures.record()), **changed})


def ids(bodies: list[str]) -> list[str]:
    return sorted(json.loads(body)["detail"]["eventID"] for body in bodies)


def test_where_nothing_lies_it_says_so_and_is_well(world: RedriveWorld) -> None:
    answer = world.redrive()
    assert answer.exit_code == 0
    assert f"{DEAD_LETTERS}: empty" in answer.stdout
    assert f"{UNDELIVERED}: empty" in answer.stdout
    assert "nothing lies there to be put back" in answer.stderr


def test_what_sqs_moved_and_what_the_function_sent_there_goes_back_by_one_task(world: RedriveWorld) -> None:
    world.refuse_too_often(event(id="by-sqs"))
    world.dead_letter(event(id="by-hand"), "forbidden")
    code, objects = world.run("--queue", "dead-letters")
    assert code == 0
    assert objects[AT_HUB]["codes"] == {"received-too-often": 1, "forbidden": 1}
    assert objects[AT_HUB]["put_back"] == 2
    assert sorted(json.loads(body)["id"] for body in world.bodies()) == ["by-hand", "by-sqs"]
    assert world.depth(DEAD_LETTERS) == (0, 0)


def test_undelivered_events_go_to_the_hub_as_cloudtrail_has_them(world: RedriveWorld) -> None:
    events = world.launch_undelivered(3)
    code, objects = world.run()
    assert code == 0
    assert (objects[AT_MEMBER]["put_back"], objects[AT_MEMBER]["codes"]) == (3, {"FAILED_TO_ASSUME_ROLE": 3})
    assert objects[AT_MEMBER]["calls"] == {"ec2 RunInstances": 3}
    assert ids(world.bodies()) == sorted(events)
    assert world.depth(UNDELIVERED, MEMBER, REGION) == (0, 0)


@pytest.mark.full
def test_all_at_once_and_what_will_happen_is_said_first(world: RedriveWorld) -> None:
    world.launch_undelivered(2)
    world.dead_letter(event(), "forbidden")
    answer = world.redrive("--yes")
    assert answer.exit_code == 0
    text = " ".join(answer.stdout.split())
    for said in (
        f"{DEAD_LETTERS}: about 1 message, the oldest of 20",
        "1 forbidden: the tagger's role was refused; if it still is, they come back",
        "SQS moves them to ownertag by a task",
        f"{UNDELIVERED}: about 2 messages, the oldest of 20",
        f"in {MEMBER} {REGION} (2)",
        "2 FAILED_TO_ASSUME_ROLE: the forwarder's role could not be assumed",
        "of ec2 RunInstances 2",
        "each is looked up in CloudTrail there, sent to ownertag, and then deleted",
        "ownertag: 0 wait and 0 are worked on",
    ):
        assert said in text
    assert all(len(line) <= 80 for line in answer.stdout.splitlines())
    assert "3 put back" in answer.stderr
    assert len(world.bodies()) == 3


@pytest.mark.full
def test_no_text_of_a_record_is_shown_but_the_calls_name(world: RedriveWorld) -> None:
    secret = "AKIAIOSFODNN7EXAMPLE"
    record = {**fixtures.record(), "requestParameters": {"password": secret}}
    world.dead_letter(json.dumps(fixtures.event(record)), "forbidden")
    for arguments in (["--yes"], ["--json", "--yes"], ["--output", "csv", "--yes", "--verbose"]):
        answer = world.redrive(*arguments)
        assert secret not in answer.stdout + answer.stderr


@pytest.mark.full
def test_a_dry_run_moves_nothing_and_hides_nothing(world: RedriveWorld) -> None:
    world.dead_letter(event(), "forbidden")
    world.launch_undelivered()
    code, objects = world.run("--dry-run")
    assert code == 1
    assert (objects[AT_HUB]["put_back"], objects[AT_MEMBER]["put_back"]) == (None, None)
    assert (world.depth(DEAD_LETTERS), world.depth(UNDELIVERED, MEMBER, REGION)) == ((1, 0), (1, 0))
    assert world.bodies() == []


@pytest.mark.full
def test_without_a_terminal_nobody_is_asked_and_nothing_is_moved(world: RedriveWorld) -> None:
    world.dead_letter(event(), "forbidden")
    answer = world.redrive()
    assert answer.exit_code == 2
    assert "repeat with --yes" in answer.stderr
    assert world.depth(DEAD_LETTERS) == (1, 0)


@pytest.mark.full
def test_only_messages_of_a_code_are_put_back_and_the_others_are_shown_again(world: RedriveWorld) -> None:
    world.dead_letter(event(id="one"), "forbidden")
    world.dead_letter(event(id="other"), "unreadable")
    code, objects = world.run("--only", "forbidden", "--queue", "dead-letters")
    assert (code, objects[AT_HUB]["put_back"], objects[AT_HUB]["left"]) == (0, 1, {"not-chosen": 1})
    assert [json.loads(body)["id"] for body in world.bodies()] == ["one"]
    assert world.depth(DEAD_LETTERS) == (1, 0)


@pytest.mark.full
def test_a_limit_is_kept_in_each_queue(world: RedriveWorld) -> None:
    for number in range(15):
        world.dead_letter(event(id=str(number)), "forbidden")
    code, objects = world.run("--limit", "12", "--queue", "dead-letters")
    assert (code, objects[AT_HUB]["put_back"]) == (0, 12)
    assert (len(world.bodies()), world.depth(DEAD_LETTERS)) == (12, (3, 0))


@pytest.mark.full
def test_what_a_member_wrote_into_its_queue_stays_there_and_is_told(world: RedriveWorld) -> None:
    genuine = world.launch_undelivered()
    here = {"account": MEMBER, "region": REGION}
    record = {**fixtures.record(), "recipientAccountId": MEMBER, "awsRegion": REGION}
    forgeries = [
        event(),  # of another account
        json.dumps({**fixtures.event(record), **here, "source": "evil.ec2"}),
        json.dumps({**fixtures.event({**record, "eventID": "11111111-2222-4333-8444-555555555555"}), **here}),
        "no event",
    ]
    for body in forgeries:
        world.dead_letter(body, "NO_PERMISSIONS", MEMBER, REGION, UNDELIVERED)
    code, objects = world.run("--queue", "undelivered")
    assert code == 1
    assert objects[AT_MEMBER]["put_back"] == 1
    assert objects[AT_MEMBER]["left"] == {"other-place": 1, "forged": 2, "not-listed-yet": 1}
    assert ids(world.bodies()) == genuine
    assert world.depth(UNDELIVERED, MEMBER, REGION) == (4, 0)


@pytest.mark.full
def test_a_member_that_changes_an_event_in_its_queue_changes_nothing_at_the_hub(world: RedriveWorld) -> None:
    world.launch_undelivered()
    [body] = world.bodies(UNDELIVERED, MEMBER, REGION)
    changed = json.loads(body)
    changed["detail"]["userIdentity"] = {"type": "Root", "accountId": MEMBER, "arn": f"arn:aws:iam::{MEMBER}:root"}
    world.dead_letter(json.dumps(changed), "NO_PERMISSIONS", MEMBER, REGION, UNDELIVERED)
    assert world.run("--queue", "undelivered")[0] == 0
    [sent] = world.bodies()
    assert json.loads(sent)["detail"]["userIdentity"] == json.loads(body)["detail"]["userIdentity"]
    assert json.loads(sent)["detail"]["userIdentity"]["type"] == "IAMUser"


@pytest.mark.full
def test_an_account_that_lets_nobody_in_is_unreached_and_others_go_on(world: RedriveWorld) -> None:
    world.launch_undelivered()
    iam = world.sandbox.client(world.sandbox.account_session("444444444444"), "iam")
    trust = iam.get_role(RoleName="ownertag-redrive")["Role"]["AssumeRolePolicyDocument"]
    nobody = {**trust, "Statement": [{**trust["Statement"][0], "Effect": "Deny"}]}
    iam.update_assume_role_policy(RoleName="ownertag-redrive", PolicyDocument=json.dumps(nobody))
    try:
        code, objects = world.run()
        again = world.redrive()
    finally:
        iam.update_assume_role_policy(RoleName="ownertag-redrive", PolicyDocument=json.dumps(trust))
    assert (code, again.exit_code) == (3, 3)
    assert "nothing lies in the queues that could be read" in again.stderr
    closed = [one for (_, account, _), one in objects.items() if account == "444444444444"]
    assert closed
    assert all(one["unreached"] and one["waiting"] is None for one in closed)
    assert objects[AT_MEMBER]["put_back"] == 1


@pytest.mark.full
def test_where_the_management_account_can_not_be_read_the_hub_is_put_back_all_the_same(world: RedriveWorld) -> None:
    world.dead_letter(event(), "forbidden")
    iam = world.sandbox.client(world.sandbox.account_session(MANAGEMENT), "iam")
    trust = iam.get_role(RoleName="ownertag-audit")["Role"]["AssumeRolePolicyDocument"]
    nobody = {**trust, "Statement": [{**trust["Statement"][0], "Effect": "Deny"}]}
    iam.update_assume_role_policy(RoleName="ownertag-audit", PolicyDocument=json.dumps(nobody))
    try:
        answer = world.redrive("--yes")
    finally:
        iam.update_assume_role_policy(RoleName="ownertag-audit", PolicyDocument=json.dumps(trust))
    assert answer.exit_code == 3
    assert f"the accounts can't be read in {MANAGEMENT}" in answer.stderr
    assert len(world.bodies()) == 1


@pytest.mark.full
def test_two_at_once_put_each_message_back_once(world: RedriveWorld) -> None:
    events = world.launch_undelivered(2)
    sqs = world.sqs()
    url = sqs.get_queue_url(QueueName=UNDELIVERED)["QueueUrl"]
    [held] = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1)["Messages"]  # as another run holds it
    code, objects = world.run("--queue", "undelivered")
    assert (code, objects[AT_MEMBER]["put_back"], objects[AT_MEMBER]["hidden"]) == (0, 1, 1)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=held["ReceiptHandle"], VisibilityTimeout=0)
    assert world.run("--queue", "undelivered")[0] == 0
    assert ids(world.bodies()) == sorted(events)


@pytest.mark.full
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--queue", "spoke"], "there are dead-letters and undelivered"),
        (["--accounts", "999999999999"], "account 999999999999 is not deployed to"),
        (["--regions", "mars-north-1"], "Region mars-north-1 is not deployed to"),
        (["--limit", "0"], "--limit"),
    ],
)
def test_bad_input_is_refused_before_anything_is_moved(world: RedriveWorld, arguments: list[str], said: str) -> None:
    answer = world.redrive("--yes", *arguments)
    assert answer.exit_code == 2
    assert said in answer.stderr


@pytest.mark.full
def test_credentials_of_another_account_are_refused(world: RedriveWorld) -> None:
    answer = world.redrive("--profile", "admin-web")
    assert answer.exit_code == 2
    assert "the hub's account is" in answer.stderr
