"""`ownertag tag` with a hub: the function does it, so that the ledger counts and knows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness import fixtures
from harness.waiting import wait
from ownertag.cli.app import app
from ownertag.sandbox.console_reporter import ConsoleReporter
from ownertag.sandbox.sandbox import Sandbox

WEB, REGION = "333333333333", "us-east-1"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(ConsoleReporter(lambda _: None)) as running:
        yield running


def command(sandbox: Sandbox, *arguments: str, profile: str = "admin-security") -> tuple[int, list[Any], str]:
    given = [*arguments, "--config", str(sandbox.settings_file), "--profile", profile, "--json"]
    answer = CliRunner().invoke(app, given, env={"AWS_CONFIG_FILE": str(sandbox.config_file)})
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
    return answer.exit_code, [json.loads(line) for line in answer.stdout.splitlines()], answer.stderr


@contextmanager
def no_delivery(sandbox: Sandbox) -> Iterator[None]:
    """The rules of alice's account are off, as when EventBridge loses an event."""
    with closing(sandbox.client(sandbox.account_session(WEB, REGION), "events")) as events:
        names = [rule["Name"] for rule in events.list_rules()["Rules"]]
        assert names
        for name in names:
            events.disable_rule(Name=name)
        try:
            yield
        finally:
            for name in names:
                events.enable_rule(Name=name)


def made(sandbox: Sandbox) -> str:
    with closing(sandbox.client(sandbox.session("alice"), "ec2")) as ec2:
        volume: str = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1)["VolumeId"]
    return volume


def delete(sandbox: Sandbox, volume: str) -> None:
    with closing(sandbox.client(sandbox.session("alice"), "ec2")) as ec2:
        ec2.delete_volume(VolumeId=volume)


def tags(sandbox: Sandbox, id_: str) -> dict[str, str]:
    with closing(sandbox.client(sandbox.account_session(WEB, REGION), "ec2")) as ec2:
        found = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [id_]}])["Tags"]
    return {tag["Key"]: tag["Value"] for tag in found}


def history(sandbox: Sandbox, folder: Path, id_: str, event: str = "CreateVolume") -> str:
    """What `aws cloudtrail lookup-events` prints of this volume's creation, or another event, in a file."""
    with closing(sandbox.client(sandbox.account_session(WEB, REGION), "cloudtrail")) as trail:
        wanted = [{"AttributeKey": "ResourceName", "AttributeValue": id_}]
        found = wait(
            lambda: [one for one in trail.lookup_events(LookupAttributes=wanted)["Events"] if one["EventName"] == event]
        )
    path = folder / "events.json"
    path.write_text(json.dumps({"Events": found}, default=str))
    return str(path)


def test_after_a_transfer_the_old_record_changes_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    volume = made(sandbox)
    wait(lambda: tags(sandbox, volume).get("owner") == "alice")
    arn = f"arn:aws:ec2:{REGION}:{WEB}:volume/{volume}"
    assert command(sandbox, "transfer", arn, "--to", "bob", "--reason", "alice has left")[0] == 0
    assert tags(sandbox, volume)["owner"] == "bob"
    path = history(sandbox, tmp_path, volume)
    for more in ([], ["--dry-run"]):
        code, [answer], _ = command(sandbox, "tag", path, *more)
        assert (code, answer["outcomes"][0]["outcome"], tags(sandbox, volume)["owner"]) == (0, "unchanged", "bob")
    _, [known], _ = command(sandbox, "whois", volume)
    assert known["owner"]["name"] == "bob"


def test_a_transfer_of_what_delivery_missed_stands_as_well(sandbox: Sandbox, tmp_path: Path) -> None:
    with no_delivery(sandbox):
        volume = made(sandbox)
    arn = f"arn:aws:ec2:{REGION}:{WEB}:volume/{volume}"
    # The ledger does not know it: only with the account and Region of the link can it be found.
    page = f"/ec2/home?region={REGION}#VolumeDetails:volumeId={volume}"
    link = f"https://{WEB}-abcd1234.{REGION}.console.aws.amazon.com{page}"
    assert command(sandbox, "transfer", link, "--to", "bob", "--reason", "it was always bob's")[0] == 0
    for more in (["--dry-run"], []):
        code, [answer], _ = command(sandbox, "tag", history(sandbox, tmp_path, volume), *more)
        assert code == 0
        assert answer["outcomes"] == [
            {"arn": arn, "outcome": "unchanged", "reason": "was given to somebody by hand, who keeps it"}
        ]
        assert tags(sandbox, volume)["owner"] == "bob"


def test_what_delivery_missed_is_tagged_and_known_to_whois(sandbox: Sandbox, tmp_path: Path) -> None:
    with no_delivery(sandbox):
        volume = made(sandbox)
    path = history(sandbox, tmp_path, volume)
    assert tags(sandbox, volume) == {}
    code, _, _ = command(sandbox, "whois", volume, "--offline")
    assert code == 1

    code, [answer], said = command(sandbox, "tag", path, "--dry-run")
    assert (code, answer["outcomes"][0]["outcome"]) == (0, "would-tag")
    assert "would tag 1 resources" in said
    assert tags(sandbox, volume) == {}
    assert command(sandbox, "whois", volume, "--offline")[0] == 1  # a dry run keeps nothing

    code, [answer], _ = command(sandbox, "tag", path)
    assert (code, answer["where"], answer["outcomes"][0]["outcome"]) == (0, f"{path}#1", "tagged")
    assert tags(sandbox, volume)["owner"] == "alice"
    _, [known], _ = command(sandbox, "whois", volume)
    assert (known["owner"]["name"], known["source"]) == ("alice", "ledger")
    assert known["created"]["event_name"] == "CreateVolume"

    code, [answer], _ = command(sandbox, "tag", path)
    assert (code, [(one["outcome"], one["reason"]) for one in answer["outcomes"]]) == (
        0,
        [("unchanged", "is tagged already")],
    )


def test_a_deletion_is_kept_whether_it_is_delivered_or_given_in_a_file(sandbox: Sandbox, tmp_path: Path) -> None:
    delivered, missed = made(sandbox), made(sandbox)
    wait(lambda: all(tags(sandbox, volume).get("owner") == "alice" for volume in (delivered, missed)))
    delete(sandbox, delivered)
    wait(lambda: command(sandbox, "whois", delivered)[1][0]["deleted"])
    with no_delivery(sandbox):
        delete(sandbox, missed)
    path = history(sandbox, tmp_path, missed, "DeleteVolume")
    assert command(sandbox, "whois", missed, "--offline")[1][0]["deleted"] is None
    code, [answer], said = command(sandbox, "tag", path)
    assert (code, [one["outcome"] for one in answer["outcomes"]]) == (0, ["deleted"])
    assert "1 deletions" in said
    for volume in (delivered, missed):
        _, [known], _ = command(sandbox, "whois", volume)
        assert (known["owner"]["name"], known["deleted"]["by"], known["until"]) == (
            "alice",
            "alice",
            known["deleted"]["at"],
        )


def test_what_creates_nothing_or_can_not_be_read_never_comes_to_the_function(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    uncovered = fixtures.record("CreateApplication", eventSource="appconfig.amazonaws.com")
    many = [fixtures.record("ModifyVolume"), uncovered, None]
    path.write_bytes(b"\n".join(map(fixtures.bytes_of, many)))
    code, found, said = command(sandbox, "tag", str(path))
    assert code == 2
    assert [row["refusal"]["reason"] for row in found] == ["not-a-creation", "not-covered", "not-a-record"]
    assert "nothing to tag" in said


def test_a_creation_of_another_organization_is_refused_by_the_hub(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    account = fixtures.OUTSIDE_ACCOUNT.replace("5", "9")
    path.write_bytes(fixtures.bytes_of(fixtures.record(awsRegion=REGION, recipientAccountId=account)))
    code, [answer], _ = command(sandbox, "tag", str(path))
    assert (code, answer["refusal"]["reason"], answer["where"]) == (3, "unknown-account", str(path))
