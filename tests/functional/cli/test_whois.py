"""`ownertag whois` as it is typed: its output, its exit code, and its calls to AWS."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace as with_fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from flows.test_whois import ADDRESS, ONE, OTHER, Hub, after, arn, key, launched
from harness import fixtures
from harness.fakes import FakeTagger
from ownertag.cli.app import app
from ownertag.core.findings import TagChange
from ownertag.core.ownership import EventKey
from ownertag.core.record_details import Actor
from ownertag.ledger.dynamodb import DynamoLedger
from ownertag.ledger.dynamodb_client import DynamoDBClient
from ownertag.ledger.entries import TagChanged
from ownertag.ledger.sqlite import SqliteLedger
from ownertag.ledger.table import DEFINITION
from ownertag.render.documents import LEDGER_TABLE
from ownertag.sinks.observing import ObservingTagger

ACCOUNT, REGION = fixtures.ACCOUNT, fixtures.REGION
PORTS = Hub.ports.__get__
KEYS = {
    "schema", "taken_for", "source", "arn", "id", "type", "account", "account_name", "account_contact", "account_owner",
    "account_not_read", "region", "attached", "attached_not_checked", "owner", "since", "until", "created", "address",
    "address_since", "access_key", "addresses", "parents", "tags", "observed", "tags_now", "tags_then", "not_checked",
    "deleted", "history", "history_left_out", "state", "state_not_checked",
}  # fmt: skip


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["whois", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hides the settings, ledger and credentials of the person who runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name, value in (
        ("XDG_CONFIG_HOME", str(tmp_path)),
        ("AWS_CONFIG_FILE", str(tmp_path / "none")),
        ("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none")),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ):
        monkeypatch.setenv(name, value)
    for name in ("OWNERTAG_LEDGER", "OWNERTAG_CONFIG", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


@pytest.fixture
def hub(path: Path) -> Hub:
    """A hub whose ledger is a file; alice has launched an instance."""
    found = Hub(SqliteLedger(path))
    made = launched(ONE, "alice", 0, event=1)
    made["userIdentity"] = fixtures.session("alice", sourceIdentity="alice.smith")
    made["userIdentity"]["sessionContext"]["attributes"]["mfaAuthenticated"] = "true"
    found.deliver(made)
    return found


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "settings.toml"
    file.write_text(fixtures.SETTINGS_TEXT)
    return file


def change_tag(hub: Hub, old: str | None, new: str | None, minutes: float = 35) -> None:
    event = EventKey(ACCOUNT, REGION, f"change-{minutes}")
    actor = Actor(f"arn:aws:iam::{ACCOUNT}:user/mallory")
    hub.ledger.append([TagChanged(key(ONE), event, actor, (TagChange("owner", old, new),), 3, after(minutes))])


# --- what a person reads


def test_a_person_reads_the_name_first_and_then_all_that_is_known(hub: Hub, path: Path) -> None:
    change_tag(hub, "alice.smith", "mallory")
    hub.give(ONE, "bob", 40)
    hub.delete(ONE, 50)
    code, output, errors = run(ONE, "--ledger", f"sqlite:{path}")
    role = f"arn:aws:iam::{ACCOUNT}:role/network-admin"
    mallory, carol = (f"arn:aws:iam::{ACCOUNT}:user/{name}" for name in ("mallory", "carol"))
    principal = f"arn:aws:sts::{ACCOUNT}:assumed-role/network-admin/alice"
    event = "00000000-0000-4000-8000-000000000001"
    changed = "(event change-35), on this and 2 more"
    assert output.splitlines() == [
        "bob  (asserted)",
        f"  resource   {ONE}  (ec2:instance)",
        f"  arn        {arn(ONE)}",
        f"  account    {ACCOUNT}, {REGION}",
        "  contact    not read: the settings have no [organization]: name them with --config",
        "  created    2026-03-02T09:00:00Z by RunInstances of ec2.amazonaws.com",
        f"  by         {principal}  (AssumedRole)",
        "  session    alice",
        f"  role       {role}",
        "  identity   alice.smith",
        "  access key ASIAI44QH8DHBEXAMPLE",
        "  from       203.0.113.64, with MFA",
        "  agent      aws-cli/2.27.41",
        f"  event      {event}",
        f"  life       deleted by {carol} on 2026-03-02T09:50:00Z from an address that is not said",
        "  evidence   transfer",
        "  through    ops",
        "  addresses  10.0.0.5",
        "             203.0.113.9",
        "  belongs to r-00000000000000001",
        "  tags       owner = bob",
        "             dateCreated = 2026-03-02T09:00:00Z",
        f"             WhatIsThis = RunInstances in {REGION}",
        "  tags now   not checked: its life ended",
        f"  history    2026-03-02T09:00:00Z  created by {principal} (RunInstances {event}): alice.smith's",
        "             2026-03-02T09:30:00Z  tagged, for alice.smith",
        f'             2026-03-02T09:35:00Z  tag owner: "alice.smith" -> "mallory" by {mallory} {changed}',
        "             2026-03-02T09:40:00Z  given to bob by ops: moved teams",
        f"             2026-03-02T09:50:00Z  deleted by arn:aws:iam::{ACCOUNT}:user/carol (event deletion-50)",
    ]
    assert (code, errors) == (0, "")


def test_an_address_tells_each_with_its_span(hub: Hub, path: Path) -> None:
    hub.deliver(launched(OTHER, "dave", 20, event=2))
    hub.delete(ONE, 10)
    _, output, _ = run(f"::ffff:{ADDRESS}", "--ledger", f"sqlite:{path}", "--offline")
    first, second = output.split("\n\n")
    assert first.startswith("dave  (asserted)\n")
    assert "  had        10.0.0.5 from 2026-03-02T09:20:00Z and still, as far as the ledger knows\n" in first
    assert "  life       not ended, as far as the ledger knows\n" in first
    assert second.startswith("alice.smith  (asserted)\n")
    assert "  had        10.0.0.5 from 2026-03-02T09:00:00Z until 2026-03-02T09:10:00Z\n" in second


@pytest.mark.parametrize(
    ("when", "code", "name"),
    [
        ("2026-03-02T09:05:00Z", 0, "alice.smith"),
        ("2026-03-02T09:05", 0, "alice.smith"),
        ("2026-03-02T10:05:00+01:00", 0, "alice.smith"),
        ("2026-03-02T09:15:00Z", 1, ""),
        ("2026-03-02T09:25:00Z", 0, "dave"),
        ("2026-03-02", 0, "dave"),
        ("2026-03-01", 1, ""),
    ],
)
def test_a_time_or_a_day_picks_who_had_it(hub: Hub, path: Path, when: str, code: int, name: str) -> None:
    hub.deliver(launched(OTHER, "dave", 20, event=2))
    hub.delete(ONE, 10)
    ended, output, errors = run(ADDRESS, "--at", when, "--ledger", f"sqlite:{path}", "--offline")
    assert (ended, output.split("  (")[0]) == (code, name)
    assert ("does not know it at that time" in errors) == bool(code)


def test_what_the_record_does_not_say_is_not_made_up(hub: Hub, path: Path) -> None:
    made = launched(OTHER, "dave", 20, event=2)
    for name in ("userAgent", "sourceIPAddress"):
        del made[name]
    hub.deliver(made)
    _, output, _ = run(OTHER, "--ledger", f"sqlite:{path}")
    assert "  from       an address that is not said, MFA not said\n" in output
    assert "  agent      not said\n" in output
    assert "without MFA" not in output


def test_without_mfa_and_a_repeat_and_a_hand_over_alone_are_told(hub: Hub, path: Path) -> None:
    made = launched(OTHER, "dave", 20, event=2)
    made["userIdentity"] = fixtures.session("dave")
    hub.deliver(made)
    hub.deliver(launched(OTHER, "mallory", 25, event=3))
    hub.give(fixtures.numbered("i", 9), "erin", 40)
    _, output, _ = run(OTHER, "--ledger", f"sqlite:{path}")
    assert "203.0.113.64, without MFA" in output
    assert "seen again by arn:aws:iam::111122223333:user/mallory (RunInstances 00000000-" in output
    _, output, _ = run(OTHER, "--ledger", f"sqlite:{path}", "--json")
    kinds = [entry["kind"] for entry in json.loads(output)["history"]]
    assert sorted(kinds) == ["created", "outcome", "seen-again"]
    _, output, _ = run(fixtures.numbered("i", 9), "--ledger", f"sqlite:{path}")
    assert output.startswith("erin  (asserted)\n")
    assert "  created    nobody saw it; known since 2026-03-02T09:40:00Z\n" in output


def test_nothing_that_a_stranger_wrote_moves_the_terminal(hub: Hub, path: Path) -> None:
    made = launched(OTHER, "dave", 20, event=2)
    made["userAgent"] = "x\x1b[2Jy\u202e\nroot\n  owner"
    hub.deliver(made)
    change_tag(hub, "a\x1b]0;t\x07b", "c\u202ed")
    for id_ in (ONE, OTHER):
        _, output, _ = run(id_, "--ledger", f"sqlite:{path}")
        assert not {"\x1b", "\x07", "\u202e"} & set(output)
        assert "\nroot" not in output


# --- what programs read


def test_what_was_only_observed_is_told_as_that_and_nothing_is_to_be_put_back(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = Hub(SqliteLedger(path))
    observed = ObservingTagger(FakeTagger(hub.aws), lambda _: True)
    monkeypatch.setattr(Hub, "ports", property(lambda self: with_fields(PORTS(self), tagger=observed)))
    hub.deliver(launched(ONE, "alice", 0, event=1))
    change_tag(hub, None, "mallory")
    code, output, errors = run(ONE, "--ledger", f"sqlite:{path}")
    lines = output.splitlines()
    assert (code, errors, lines[0]) == (0, "", "alice  (asserted)")
    assert "  observed   not tagged: the account was observed at 2026-03-02T09:30:00Z" in lines
    assert "  would be   owner = alice" in lines
    assert any("observed, not tagged, for alice" in line for line in lines)
    assert not [line for line in lines if line.startswith(("  put back", "  tags"))]
    answer = json.loads(run(ONE, "--json", "--ledger", f"sqlite:{path}")[1])
    assert (answer["observed"], answer["tags"]["owner"]) == ("2026-03-02T09:30:00Z", "alice")
    assert [entry["outcome"] for entry in answer["history"] if entry["kind"] == "outcome"] == ["observed"]
    then = json.loads(run(ONE, "--at", "2026-03-02T09:20:00Z", "--json", "--ledger", f"sqlite:{path}")[1])
    assert then["observed"] == "2026-03-02T09:30:00Z"


def test_what_was_undone_is_said_with_who_ordered_it_and_not_taken_for_a_change_of_others(hub: Hub, path: Path) -> None:
    event = EventKey(ACCOUNT, REGION, "undo-run-1")
    changes = (TagChange("owner", "alice.smith", None),)
    hub.ledger.append([TagChanged(key(ONE), event, Actor("ops@example.com"), changes, 1, after(35), "run-1")])
    code, output, _ = run(ONE, "--ledger", f"sqlite:{path}")
    lines = output.splitlines()
    assert (code, lines[0]) == (0, "alice.smith  (asserted)")
    assert "  undone     run run-1, at 2026-03-02T09:35:00Z by ops@example.com" in lines
    assert any(line.endswith('run run-1 undone by ops@example.com: tag owner: "alice.smith" -> none') for line in lines)
    assert not [line for line in lines if "put back" in line]
    last = json.loads(run(ONE, "--json", "--ledger", f"sqlite:{path}")[1])["history"][-1]
    assert (last["kind"], last["undone"], last["principal"]) == ("tag-changed", "run-1", "ops@example.com")


def test_json_has_every_field(hub: Hub, path: Path) -> None:
    change_tag(hub, "alice.smith", None)
    code, output, _ = run(ADDRESS, "--json", "--ledger", f"sqlite:{path}")
    [line] = output.splitlines()
    answer = json.loads(line)
    assert (code, set(answer)) == (0, KEYS)
    assert answer["schema"] == 1
    assert answer["owner"] == {
        "name": "alice.smith",
        "evidence": "source-identity",
        "confidence": "asserted",
        "via": [f"arn:aws:sts::{ACCOUNT}:assumed-role/network-admin/alice"],
        "reason": None,
        "provisional": False,
    }
    assert (answer["arn"], answer["address"], answer["address_since"]) == (arn(ONE), ADDRESS, "2026-03-02T09:00:00Z")
    assert (answer["created"]["mfa"], answer["created"]["session"]) == (True, "alice")
    assert answer["history"][-1] == {
        "at": "2026-03-02T09:35:00Z",
        "kind": "tag-changed",
        "event_id": "change-35",
        "principal": f"arn:aws:iam::{ACCOUNT}:user/mallory",
        "resources": 3,
        "changes": [{"key": "owner", "old": "alice.smith", "new": None}],
        "undone": None,
    }
    assert [entry["kind"] for entry in answer["history"]] == ["created", "outcome", "tag-changed"]


def test_the_page_names_every_field_and_kind() -> None:
    text = (Path(__file__).parents[3] / "docs/reference/json.md").read_text("utf-8")
    part = text[text.index("## `ownertag whois`") :]
    for name in [*KEYS, "created", "seen-again", "outcome", "tag-changed", "transferred", "deleted"]:
        assert f"`{name}`" in part, name


def test_csv_has_a_row_for_each(hub: Hub, path: Path) -> None:
    hub.deliver(launched(OTHER, "=dave", 20, event=2))
    _, output, _ = run(ADDRESS, "--output", "csv", "--ledger", f"sqlite:{path}")
    rows = list(csv.DictReader(io.StringIO(output)))
    assert [(row["owner"], row["arn"], row["source"]) for row in rows] == [
        ("'=dave", arn(OTHER), "ledger"),
        ("alice.smith", arn(ONE), "ledger"),
    ]


def test_more_than_are_told_are_counted(hub: Hub, path: Path) -> None:
    hub.deliver(launched(OTHER, "dave", 20, event=2))
    code, output, errors = run(ADDRESS, "--limit", "1", "--ledger", f"sqlite:{path}")
    assert (code, output.count("  resource ")) == (0, 1)
    assert "1 more that are older" in errors


# --- what is not there, and what is wrong


@pytest.mark.parametrize("what", [fixtures.numbered("i", 77), "i-*", "%", "a';--", "10.9.9.9", "*"])
@pytest.mark.usefixtures("hub")
def test_what_is_not_known_is_said(path: Path, what: str) -> None:
    code, output, errors = run(what, "--ledger", f"sqlite:{path}", "--offline")
    assert (code, output) == (1, "")
    assert f"{what}: the ledger sqlite:{path} does not know it" in errors


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["010.0.0.5"], "octal to some programs"),
        (["fe80::1%eth0"], "write fe80::1"),
        ([""], "it is empty; paste an id, name, ARN"),
        (["i-\x1b[2J"], "is no id, ARN or IP address"),
        (["i-" + "0" * 2048], "is no id, ARN or IP address"),
        (["i-" + "0" * 9000], "no id, ARN or link is so long"),
        (["' OR 1=1 --"], "is several words"),
        (["\uff11\uff10.0.0.5"], "is no id, ARN or IP address"),
        ([ONE, "--at", "yesterday"], "write 2026-03-02T14:30:00Z"),
        ([ONE, "--at", "9999-12-31T23:59:59-23:59"], "is no time"),
        ([ONE, "--account", "1"], "write its 12 digits"),
        ([ONE, "--region", "Frankfurt"], "write it as eu-central-1"),
        ([ONE, "--ledger", "mysql:x"], "write dynamodb:TABLE, or sqlite:PATH"),
    ],
)
@pytest.mark.usefixtures("hub")
def test_bad_input_is_refused_with_what_to_write(path: Path, arguments: list[str], said: str) -> None:
    given = arguments if "--ledger" in arguments else [*arguments, "--ledger", f"sqlite:{path}"]
    code, output, errors = run(*given)
    assert (code, output) == (2, "")
    assert said in errors


def test_a_ledger_that_is_not_there_is_not_made(path: Path) -> None:
    code, _, errors = run(ONE, "--ledger", f"sqlite:{path}")
    assert code == 3
    assert "there is no such file" in errors
    assert not path.exists()


@pytest.mark.usefixtures("hub")
def test_a_damaged_ledger_is_told_and_left_as_it_is(path: Path) -> None:
    path.with_name("bad").write_bytes(b"no database at all, but long enough to be read as one" * 100)
    before = path.with_name("bad").read_bytes()
    code, output, errors = run(ONE, "--ledger", f"sqlite:{path.with_name('bad')}")
    assert (code, output) == (3, "")
    assert "is no SQLite database, or is damaged; it was left as it is" in errors
    assert path.with_name("bad").read_bytes() == before


def test_a_locked_ledger_is_told(tmp_path: Path) -> None:
    path = tmp_path / "locked"
    ledger = SqliteLedger(path)
    ledger.close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    code, output, errors = run(ONE, "--ledger", f"sqlite:{path}")
    other.close()
    assert (code, output) == (3, "")
    assert "is locked" in errors


@pytest.mark.usefixtures("hub")
def test_the_ledger_is_named_by_the_environment(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWNERTAG_LEDGER", f"sqlite:{path}")
    assert run(ONE)[1].startswith("alice.smith  (asserted)\n")


@pytest.mark.usefixtures("hub")
def test_a_file_is_read_without_what_is_slow_to_import(path: Path) -> None:
    script = (
        "import sys; from ownertag.cli.app import app\n"
        "try: app(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print(sorted({'boto3', 'botocore', 'jmespath', 'pydantic', 'rich', 'ownertag.core.match'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "whois", ADDRESS, "--ledger", f"sqlite:{path}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("alice.smith  (asserted)\n")
    assert done.stdout.splitlines()[-1] == "[]"


# --- the hub's table


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        client = boto3.client("dynamodb", region_name=REGION)
        client.create_table(TableName=LEDGER_TABLE, **DEFINITION)
        found = Hub(DynamoLedger(DynamoDBClient(client, LEDGER_TABLE)))
        found.deliver(launched(ONE, "alice", 0, event=1))
        yield found


@pytest.mark.parametrize("what", [ONE, arn(ONE), ADDRESS])
@pytest.mark.usefixtures("table")
def test_without_a_ledger_named_the_hubs_table_is_asked(config: Path, what: str) -> None:
    code, output, errors = run(what, "--config", str(config))
    assert (code, errors) == (0, "")
    assert output.startswith("alice  (asserted)\n")
    assert "tags now   none at all: they were removed, or it is gone" in output


@pytest.mark.usefixtures("table")
def test_a_table_that_is_not_there_is_told(config: Path) -> None:
    hub = config.with_name("hub.toml")
    hub.write_text(re.sub(r'hub_account = "[0-9]+"', 'hub_account = "123456789012"', config.read_text()))
    code, output, errors = run(ONE, "--config", str(hub), "--ledger", "dynamodb:another")
    assert (code, output) == (3, "")
    assert "another" in errors


@pytest.mark.usefixtures("table")
def test_a_table_that_is_not_there_because_the_account_is_another_is_told(config: Path) -> None:
    code, output, errors = run(ONE, "--config", str(config), "--ledger", "dynamodb:another")
    assert (code, output) == (2, "")
    assert "these are credentials of account 123456789012, and the hub's account is" in errors


def test_without_credentials_the_table_can_not_be_read(config: Path) -> None:
    code, output, errors = run(ONE, "--config", str(config))
    assert (code, output) == (3, "")
    assert "credentials" in errors.lower()
    code, output, errors = run(ONE, "--config", str(config), "--profile", "nobody")
    assert (code, output) == (2, "")
    assert "profile nobody, Region" in errors
    code, output, errors = run(ONE)
    assert (code, output) == (2, "")
    assert "there are no settings, neither " in errors


# --- the tags of today, and CloudTrail


REFUSED = {
    **dict.fromkeys(
        ("AssumeRole", "GetAccessKeyInfo"),
        "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>",
    ),
    "DescribeTags": "<Response><Errors><Error><Code>UnauthorizedOperation</Code></Error></Errors></Response>",
    **dict.fromkeys(
        ("LookupEvents", "DescribeAccount", "ListTagsForResource"), json.dumps({"__type": "AccessDeniedException"})
    ),
    **dict.fromkeys(
        ("DescribeAddresses", "DescribeInstances"),
        "<Response><Errors><Error><Code>UnauthorizedOperation</Code></Error></Errors></Response>",
    ),
}


class Aws:
    """STS, EC2, CloudTrail and Organizations over HTTP, as far as these tests call them.

    `refuses` names operations that are denied; `waits` (operation, other) the first is answered only after the other.
    """

    def __init__(self) -> None:
        self.tags: dict[str, str] = {}
        self.records: list[dict[str, Any]] = []
        self.refuses: set[str] = set()
        self.calls: list[tuple[str, str]] = []
        self.account_tags: dict[str, str] = {}
        self.leads_to = ""
        self.state = "running"
        self.waits: tuple[str, str] = ("", "")
        self.met = threading.Event()

    def called(self) -> list[tuple[str, str]]:
        """The calls, without those that read accounts' names."""
        names = {"DescribeAccount", "ListTagsForResource"}
        return [call for call in self.calls if call[0] not in names]

    def answer(self, operation: str, body: str) -> tuple[int, str]:
        given = parse_qs(body)
        asked = given.get("RoleArn") or given.get("Filter.1.Value.1") or [body]
        self.calls.append((operation, asked[0]))
        if operation == self.waits[1]:
            self.met.set()
        if operation == self.waits[0]:
            assert self.met.wait(20)
        if operation in self.refuses:
            return 403, REFUSED[operation]
        match operation:
            case "AssumeRole":
                keys = "<AccessKeyId>A</AccessKeyId><SecretAccessKey>B</SecretAccessKey><SessionToken>C</SessionToken>"
                given_keys = f"<Credentials>{keys}<Expiration>2126-01-01T00:00:00Z</Expiration></Credentials>"
                return 200, (
                    f"<AssumeRoleResponse><AssumeRoleResult>{given_keys}</AssumeRoleResult></AssumeRoleResponse>"
                )
            case "DescribeTags":
                items = "".join(
                    f"<item><resourceId>{asked[0]}</resourceId><key>{escape(k)}</key><value>{escape(v)}</value></item>"
                    for k, v in self.tags.items()
                )
                return 200, f"<DescribeTagsResponse><tagSet>{items}</tagSet></DescribeTagsResponse>"
            case "DescribeAccount":
                account = {"Id": ACCOUNT, "Name": "we\u202eb", "Email": "web@example.com", "Status": "ACTIVE"}
                return 200, json.dumps({"Account": account})
            case "ListTagsForResource":
                tags = [{"Key": name, "Value": value} for name, value in self.account_tags.items()]
                return 200, json.dumps({"Tags": tags})
            case "DescribeInstances":
                state = f"<instanceState><code>0</code><name>{self.state}</name></instanceState>"
                item = f"<item><instanceId>{asked[0]}</instanceId>{state}</item>"
                made = f"<item><instancesSet>{item}</instancesSet></item>" if self.state else ""
                answer = "DescribeInstancesResponse"
                return 200, f"<{answer}><reservationSet>{made}</reservationSet></{answer}>"
            case "DescribeAddresses":
                item = f"<item><allocationId>{asked[0]}</allocationId>{self.leads_to}</item>"
                return (
                    200,
                    f"<DescribeAddressesResponse><addressesSet>{item}</addressesSet></DescribeAddressesResponse>",
                )
            case "GetAccessKeyInfo":
                told = f"<GetAccessKeyInfoResult><Account>{ACCOUNT}</Account></GetAccessKeyInfoResult>"
                return 200, f"<GetAccessKeyInfoResponse>{told}</GetAccessKeyInfoResponse>"
            case "LookupEvents":
                events = [
                    {"EventId": record["eventID"], "CloudTrailEvent": json.dumps(record)} for record in self.records
                ]
                return 200, json.dumps({"Events": events})
        return 400, "{}"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Aws, Callable[..., tuple[int, str, str]]]]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    found = Aws()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            target = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
            status, text = found.answer(target or parse_qs(body)["Action"][0], body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def ask(*arguments: str) -> tuple[int, str, str]:
        return run(*arguments, "--endpoint-url", f"http://127.0.0.1:{server.server_port}")

    yield found, ask
    server.shutdown()
    server.server_close()


Aws_ = tuple[Aws, Callable[..., tuple[int, str, str]]]


@pytest.mark.usefixtures("hub")
def test_the_tags_of_today_are_told_against_the_ledgers(path: Path, config: Path, aws: Aws_) -> None:
    world, ask = aws
    where = ("--ledger", f"sqlite:{path}", "--config", str(config))
    world.tags = {"owner": "alice.smith", "dateCreated": "2026-03-02T09:00:00Z", "Name": "web"}
    world.tags["WhatIsThis"] = f"RunInstances in {REGION}"
    code, output, _ = ask(ONE, *where)
    assert code == 0
    assert "  tags now   as the ledger has them\n" in output
    assert world.called() == [
        ("AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/ownertag-audit"),
        ("DescribeTags", ONE),
        ("DescribeInstances", ONE),
    ]
    world.tags["owner"] = "mallory"
    del world.tags["dateCreated"]
    _, output, _ = ask(ONE, *where)
    assert "  tags now   owner = mallory, not as the ledger has it\n             dateCreated is missing\n" in output
    _, output, _ = ask(ONE, *where, "--json")
    assert json.loads(output)["tags_now"] == world.tags
    world.tags["owner"] = "mal\u202elory"
    _, output, _ = ask(ONE, *where)
    assert "  tags now   owner = mallory, not as" in output


@pytest.mark.parametrize(
    ("state", "life", "as_json"),
    [
        ("running", "running, EC2 says now", "running"),
        ("stopped", "stopped, EC2 says now", "stopped"),
        ("terminated", "ended: terminated, EC2 says now", "terminated"),
        ("shutting-down", "ended: shutting-down, EC2 says now", "shutting-down"),
        ("", "ended: EC2 no longer shows it, as it does from about an hour after an instance was terminated", "gone"),
    ],
)
@pytest.mark.usefixtures("hub")
def test_an_instance_that_is_terminated_says_so(
    path: Path, config: Path, aws: Aws_, state: str, life: str, as_json: str
) -> None:
    world, ask = aws
    world.state = state
    where = ("--ledger", f"sqlite:{path}", "--config", str(config))
    assert f"  life       {life}\n" in ask(ONE, *where)[1]
    answer = json.loads(ask(ONE, *where, "--json")[1])
    assert (answer["state"], answer["state_not_checked"], answer["until"]) == (as_json, None, None)


@pytest.mark.usefixtures("hub")
def test_a_state_that_can_not_be_looked_at_is_not_taken_for_an_end(path: Path, config: Path, aws: Aws_) -> None:
    world, ask = aws
    world.refuses = {"DescribeInstances"}
    where = ("--ledger", f"sqlite:{path}", "--config", str(config))
    assert "  life       not ended, as far as the ledger knows\n" in ask(ONE, *where)[1]
    answer = json.loads(ask(ONE, *where, "--json")[1])
    assert (answer["state"], answer["state_not_checked"].partition(":")[0]) == (None, "forbidden")


def test_before_a_transfer_the_past_is_compared_with_the_past(hub: Hub, path: Path, config: Path, aws: Aws_) -> None:
    world, ask = aws
    where = ("--ledger", f"sqlite:{path}", "--config", str(config))
    hub.give(ONE, "bob", 40)
    hub.give(ONE, "carol", 50)
    world.tags = {"owner": "carol"}
    for when, owner, to in (("09:39", "alice.smith", "bob"), ("09:45", "bob", "carol")):
        code, output, _ = ask(ONE, *where, "--at", f"2026-03-02T{when}:00Z")
        assert code == 0
        assert output.startswith(f"{owner}  (asserted)\n")
        assert "  tags then  as the ledger has them\n" in output
        assert f"  tags now   not checked: it was given to {to} after the time that is asked about\n" in output
        assert "not as the ledger has it" not in output
    assert world.called() == []
    change_tag(hub, "alice.smith", "mallory")
    _, output, _ = ask(ONE, *where, "--at", "2026-03-02T09:39:00Z")
    assert "  tags then  owner = mallory, not as the ledger has it\n" in output
    answer = json.loads(ask(ONE, *where, "--json", "--at", "2026-03-02T09:39:00Z")[1])
    assert (answer["tags"]["owner"], answer["tags_then"]["owner"], answer["tags_now"]) == (
        "alice.smith",
        "mallory",
        None,
    )
    # After the last transfer it is today.
    _, output, _ = ask(ONE, *where, "--at", "2026-03-02T09:55:00Z")
    assert "  through    ops\n" in output
    assert "tags then" not in output
    assert "  tags now   " in output


@pytest.mark.parametrize("operation", ["AssumeRole", "DescribeTags"])
@pytest.mark.usefixtures("hub")
def test_tags_that_can_not_be_looked_at_are_not_taken_for_none(
    path: Path, config: Path, aws: Aws_, operation: str
) -> None:
    world, ask = aws
    world.refuses = {operation}
    code, output, _ = ask(ONE, "--ledger", f"sqlite:{path}", "--config", str(config))
    assert code == 0
    assert "  tags now   not checked: forbidden: " in output


def test_offline_and_what_has_ended_look_at_nothing(hub: Hub, path: Path, config: Path, aws: Aws_) -> None:
    world, ask = aws
    where = ("--ledger", f"sqlite:{path}", "--config", str(config))
    assert "not checked: --offline" in ask(ONE, *where, "--offline")[1]
    ask(arn(OTHER), *where, "--offline")
    assert world.calls == []
    hub.delete(ONE, 10)
    assert "not checked: its life ended" in ask(ONE, *where)[1]
    assert world.called() == []


ALL = {"account_name", "account_contact", "account_owner", "account_not_read"}


def told_of_account(output: str) -> dict[str, Any]:
    return {name.removeprefix("account_"): value for name, value in json.loads(output).items() if name in ALL}


@pytest.mark.usefixtures("hub")
def test_the_account_has_its_name_and_whom_to_ask(path: Path, config: Path, aws: Aws_) -> None:
    world, ask = aws
    where = ("--ledger", f"sqlite:{path}", "--config", str(config))
    _, output, _ = ask(ONE, *where)
    assert f"  account    {ACCOUNT} web, {REGION}\n  contact    web@example.com\n" in output
    assert ("DescribeAccount", json.dumps({"AccountId": ACCOUNT})) in world.calls
    world.account_tags = {"Owner": "shop team"}
    _, output, _ = ask(ONE, *where)
    assert "  contact    web@example.com; the account's owner is shop team\n" in output
    _, output, _ = ask(ONE, *where, "--json")
    named = {"name": "web", "contact": "web@example.com"}
    assert told_of_account(output) == {**named, "owner": "shop team", "not_read": None}
    _, output, _ = ask(ONE, *where, "--output", "csv")
    [row] = csv.DictReader(io.StringIO(output))
    assert told_of_account(json.dumps(row)) == {**named, "owner": "shop team"}
    world.refuses = {"ListTagsForResource"}
    _, output, _ = ask(ONE, *where, "--json")
    found = told_of_account(output)
    assert found["not_read"].startswith("its owner tag: forbidden: ")
    assert found == {**named, "owner": None, "not_read": found["not_read"]}


@pytest.mark.usefixtures("hub")
def test_an_account_that_can_not_be_read_stops_no_answer(path: Path, config: Path, aws: Aws_) -> None:
    world, ask = aws
    where = ("--ledger", f"sqlite:{path}", "--config", str(config))
    world.refuses = {"DescribeAccount"}
    world.tags = {"owner": "alice.smith"}
    code, output, errors = ask(ONE, *where)
    assert (code, errors) == (0, "")
    assert f"  account    {ACCOUNT}, {REGION}\n  contact    not read: forbidden: " in output
    assert "dateCreated is missing" in output  # its tags were read
    code, output, _ = ask(ONE, *where, "--offline")
    assert (code, "  contact    not read: --offline\n" in output) == (0, True)
    code, output, _ = ask(ONE, *where, "--profile", "nobody")
    assert code == 0
    assert output.count(": forbidden: profile nobody: can't be used ") == 2


@pytest.mark.parametrize("waits", [("DescribeAccount", "DescribeTags"), ("DescribeTags", "DescribeAccount")])
@pytest.mark.usefixtures("hub")
def test_accounts_and_tags_do_not_wait_for_each_other(
    path: Path, config: Path, aws: Aws_, waits: tuple[str, str]
) -> None:
    world, ask = aws
    world.waits = waits
    code, output, _ = ask(ONE, "--ledger", f"sqlite:{path}", "--config", str(config))
    assert (code, "web@example.com" in output) == (0, True)


# --- Elastic IP addresses


PUBLIC = "198.51.100.7"
ALLOCATION = "eipalloc-03de62e925fba5788"


def allocated(minutes: float) -> dict[str, Any]:
    """An Elastic IP address that bob allocated, with the address of `fixtures` in its response."""
    return fixtures.record(
        "AllocateAddress", userIdentity=fixtures.user("bob"), eventID="00000000-0000-4000-8000-0000000000e1",
        eventTime=after(minutes).strftime("%Y-%m-%dT%H:%M:%SZ"), requestParameters={"domain": "vpc"},
        responseElements={"allocationId": ALLOCATION, "publicIp": PUBLIC, "domain": "vpc"},
    )  # fmt: skip


def test_an_elastic_ip_is_its_own_creators_and_tells_what_it_leads_to(
    hub: Hub, path: Path, config: Path, aws: Aws_
) -> None:
    world, ask = aws
    hub.deliver(allocated(-10))  # and attached, later, to what alice launched
    where = ("--ledger", f"sqlite:{path}", "--config", str(config))
    world.leads_to = (
        f"<instanceId>{ONE}</instanceId><networkInterfaceId>eni-1</networkInterfaceId>"
        f"<privateIpAddress>{ADDRESS}</privateIpAddress>"
    )
    code, output, _ = ask(PUBLIC, *where)
    assert (code, output.count("  resource ")) == (0, 1)
    assert output.startswith("bob  (asserted)\n")
    assert f"  attached   {ONE} by eni-1, {ADDRESS}\n" in output
    assert ("DescribeAddresses", ALLOCATION) in world.calls
    _, output, _ = ask(PUBLIC, *where, "--json")
    assert json.loads(output)["attached"] == {"instance": ONE, "interface": "eni-1", "private_address": ADDRESS}
    world.leads_to = ""
    assert "  attached   nothing, now\n" in ask(PUBLIC, *where)[1]
    world.refuses = {"DescribeAddresses"}
    assert "  attached   not checked: forbidden: " in ask(PUBLIC, *where)[1]
    assert "  attached   not checked: --offline\n" in ask(PUBLIC, *where, "--offline")[1]
    world.calls.clear()
    assert "\n  attached " not in ask(ONE, *where)[1]
    assert "DescribeAddresses" not in dict(world.calls)


# --- CloudTrail


@pytest.mark.parametrize("named", [[arn(OTHER)], [OTHER, "--account", ACCOUNT, "--region", REGION]])
@pytest.mark.usefixtures("hub")
def test_what_the_ledger_never_saw_is_looked_for_in_cloudtrail(
    path: Path, config: Path, aws: Aws_, named: list[str]
) -> None:
    world, ask = aws
    world.records = [launched(OTHER, "dave", 20, event=2)]
    code, output, _ = ask(*named, "--ledger", f"sqlite:{path}", "--config", str(config))
    assert code == 0
    assert output.startswith("dave  (asserted)\n")
    assert "  evidence   iam-user\n" in output
    assert "  source     from CloudTrail: the ledger never saw it" in output
    assert f"  by         arn:aws:iam::{ACCOUNT}:user/dave  (IAMUser)\n" in output
    assert "  life " not in output
    [(_, role), (_, asked)] = world.called()
    assert role == f"arn:aws:iam::{ACCOUNT}:role/ownertag-audit"
    assert json.loads(asked)["LookupAttributes"] == [{"AttributeKey": "ResourceName", "AttributeValue": OTHER}]
    _, output, _ = ask(*named, "--ledger", f"sqlite:{path}", "--config", str(config), "--json")
    assert json.loads(output)["source"] == "cloudtrail"


@pytest.mark.usefixtures("hub")
def test_cloudtrail_that_knows_nothing_or_is_forbidden_is_told_apart(path: Path, config: Path, aws: Aws_) -> None:
    world, ask = aws
    where = ("--ledger", f"sqlite:{path}", "--config", str(config))
    code, _, errors = ask(arn(OTHER), *where)
    assert (code, "hold no creation that names it" in errors) == (1, True)
    for operation in ("AssumeRole", "LookupEvents"):
        world.refuses = {operation}
        code, _, errors = ask(arn(OTHER), *where)
        assert (code, "can't be read: forbidden" in errors) == (3, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([OTHER], "to look into CloudTrail, write its ARN, or --account and --region"),
        (
            ["arn:aws:polly:eu-central-1:333333333333:lexicon/w"],
            "the catalogue has no such type, so CloudTrail was not asked",
        ),
        (["10.9.9.9"], "none that came later"),
    ],
)
@pytest.mark.usefixtures("hub")
def test_why_cloudtrail_was_not_asked_is_said(
    path: Path, config: Path, aws: Aws_, arguments: list[str], said: str
) -> None:
    world, ask = aws
    code, _, errors = ask(*arguments, "--ledger", f"sqlite:{path}", "--config", str(config))
    assert (code, said in errors, world.calls) == (1, True, [])


# --- the key that the ledger never saw

UNSEEN = "ASIAEXAMPLEEXAMPLE12"


@pytest.mark.usefixtures("hub")
def test_a_key_that_the_ledger_never_saw_is_looked_for_in_cloudtrail(path: Path, config: Path, aws: Aws_) -> None:
    world, ask = aws
    where = ("--ledger", f"sqlite:{path}", "--config", str(config))
    world.records = [launched(OTHER, "dave", 20, event=2)]
    code, output, errors = ask(UNSEEN, *where, "--region", REGION)
    assert (code, errors) == (0, f"taken for: access key id: {UNSEEN}\n")
    assert output.startswith("dave  (asserted)\n")
    assert "  source     from CloudTrail: " in output
    assert [name for name, _ in world.called()] == ["GetAccessKeyInfo", "AssumeRole", "LookupEvents"]
    asked = json.loads(dict(world.calls)["LookupEvents"])
    assert asked["LookupAttributes"] == [{"AttributeKey": "AccessKeyId", "AttributeValue": UNSEEN}]
    world.calls.clear()
    ask(UNSEEN, *where, "--region", REGION, "--account", ACCOUNT)
    assert [name for name, _ in world.called()] == ["AssumeRole", "LookupEvents"]


@pytest.mark.usefixtures("hub")
def test_a_key_that_nobody_knows_has_its_account_told_and_what_was_asked(path: Path, config: Path, aws: Aws_) -> None:
    world, ask = aws
    where = ("--ledger", f"sqlite:{path}", "--config", str(config))
    code, _, errors = ask(UNSEEN, *where)
    assert code == 1
    assert f"AWS says that it is of account {ACCOUNT}; to look into CloudTrail, write --region as well" in errors
    code, _, errors = ask(UNSEEN, *where, "--region", REGION)
    assert code == 1
    assert "the newest 250 records hold no creation by it, and there are no more calls of it" in errors
    for operation, said in (
        ("GetAccessKeyInfo", "its account can't be read (forbidden"),
        ("LookupEvents", "can't be read"),
    ):
        world.refuses = {operation}
        code, _, errors = ask(UNSEEN, *where, "--region", REGION)
        assert (code, said in errors) == (3, True)
    world.calls.clear()
    code, _, errors = ask(UNSEEN, *where, "--offline")
    assert (code, world.calls) == (1, [])
    code, _, errors = ask(UNSEEN, "--ledger", f"sqlite:{path}", "--region", REGION)
    assert (code, "the settings have no [organization]" in errors) == (1, True)
