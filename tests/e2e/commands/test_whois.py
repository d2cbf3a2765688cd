"""Whose is it, after it is gone: by its id and by its address, from the table that the deployed function has kept.

And what it looks up in AWS: the account's name, what an Elastic IP address is attached to, and CloudTrail.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.waiting import wait
from ownertag.cli.app import app
from ownertag.ledger.sqlite import SqliteLedger
from ownertag.sandbox.console_reporter import ConsoleReporter
from ownertag.sandbox.demo_launches import IMAGE
from ownertag.sandbox.sandbox import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(ConsoleReporter(lambda _: None)) as sandbox:
        yield sandbox


def whois(sandbox: Sandbox, *arguments: str) -> list[dict[str, Any]]:
    given = ["--config", str(sandbox.settings_file), "--profile", "admin-security", "--json", "--quiet"]
    answer = CliRunner().invoke(app, ["whois", *arguments, *given], env={"AWS_CONFIG_FILE": str(sandbox.config_file)})
    assert answer.exit_code in {0, 1}, answer.output
    return [json.loads(line) for line in answer.stdout.splitlines()]


def heard_of(sandbox: Sandbox, id_: str) -> None:
    """Waits until the ledger has its owner for good: who made a session is looked up after a first decision."""
    wait(lambda: [answer for answer in whois(sandbox, id_, "--offline") if not answer["owner"]["provisional"]])


def test_a_terminated_instance_still_has_its_person_by_id_and_by_address(sandbox: Sandbox) -> None:
    with closing(sandbox.client(sandbox.session("erin"), "ec2")) as ec2:
        launched = ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)["Instances"][0]
        id_, address = launched["InstanceId"], launched["PrivateIpAddress"]
        heard_of(sandbox, id_)
        ec2.terminate_instances(InstanceIds=[id_])
    wait(lambda: whois(sandbox, id_, "--offline")[0]["until"])  # its end is heard of as its creation was
    for asked in (id_, address):
        found = next(answer for answer in whois(sandbox, asked) if answer["id"] == id_)
        # The session is named after carol, and its person is whoever assumed the role: a name that anybody may
        # choose is not believed.
        assert (found["owner"]["name"], found["owner"]["confidence"]) == ("erin-user", "inferred")
        assert found["owner"]["via"][0].endswith(":assumed-role/developer/carol@example.com")
        assert found["created"]["event_name"] == "RunInstances"
        assert found["created"]["mfa"] is False
        assert (found["account_name"], found["account_not_read"]) == ("web", None)
        assert "@" in found["account_contact"]
        assert (found["state"], found["until"] >= found["created"]["at"]) == (None, True)
    assert whois(sandbox, "i-0123456789abcdef0") == []
    # The same by the key of the session that launched it, and by the JSON of a finding.
    [key] = {answer["created"]["access_key_id"] for answer in whois(sandbox, id_, "--offline")}
    made = {answer["id"]: answer for answer in whois(sandbox, key, "--offline")}
    assert (made[id_]["access_key"], made[id_]["owner"]["name"]) == (key, "erin-user")
    assert {answer["type"] for answer in made.values()} == {"ec2:instance", "ec2:volume", "ec2:network-interface"}
    place = {"AwsAccountId": found["account"], "Region": found["region"]}
    finding = {"Findings": [{**place, "Resources": [{"Id": f"AWS::IAM::AccessKey:{key}"}, {"Id": found["arn"]}]}]}
    assert {answer["id"] for answer in whois(sandbox, json.dumps(finding), "--offline")} == {*made}


def test_an_elastic_ip_is_whose_it_was_allocated_by_wherever_it_is_attached_later(sandbox: Sandbox) -> None:
    with (
        closing(sandbox.client(sandbox.session("alice", "us-east-1"), "ec2")) as alice,
        closing(sandbox.client(sandbox.session("erin", "us-east-1"), "ec2")) as erin,
    ):
        allocated = alice.allocate_address(Domain="vpc")
        id_, address = allocated["AllocationId"], allocated["PublicIp"]
        instance = erin.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)["Instances"][0]
        heard_of(sandbox, id_)
        [found] = whois(sandbox, address)
        assert (found["id"], found["owner"]["name"]) == (id_, "alice")
        assert found["attached"] == {"instance": None, "interface": None, "private_address": None}
        erin.associate_address(AllocationId=id_, InstanceId=instance["InstanceId"])
        heard_of(sandbox, instance["InstanceId"])
        [found] = whois(sandbox, address)
        assert (found["id"], found["owner"]["name"]) == (id_, "alice")
        assert found["attached"]["instance"] == instance["InstanceId"]
        erin.terminate_instances(InstanceIds=[instance["InstanceId"]])


def test_what_the_ledger_never_saw_is_answered_from_cloudtrail(sandbox: Sandbox, tmp_path: Path) -> None:
    SqliteLedger(tmp_path / "empty").close()
    session = sandbox.session("alice")
    with closing(sandbox.client(session, "ec2")) as ec2:
        launched = ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)["Instances"][0]
        id_ = launched["InstanceId"]
        ec2.create_tags(Resources=[id_], Tags=[{"Key": "Name", "Value": "web"}])
        ec2.terminate_instances(InstanceIds=[id_])
    place = ("--account", "333333333333", "--region", str(session.region_name))
    arn = f"arn:aws:ec2:{session.region_name}:333333333333:instance/{id_}"
    for asked in ((arn,), (id_, *place)):
        [found] = whois(sandbox, *asked, "--ledger", f"sqlite:{tmp_path / 'empty'}")
        assert (found["source"], found["id"], found["owner"]["name"]) == ("cloudtrail", id_, "alice")
        assert found["created"]["event_name"] == "RunInstances"
        assert found["account_name"] == "web"
        assert launched["PrivateIpAddress"] in found["addresses"]
    other = ("i-0123456789abcdef0", *place)
    assert whois(sandbox, *other, "--ledger", f"sqlite:{tmp_path / 'empty'}") == []
