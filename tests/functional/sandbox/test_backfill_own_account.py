"""`ownertag backfill` without an organization: in the caller's own account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness import logs
from harness.events import record
from ownertag.cli.app import app
from ownertag.sandbox.console_reporter import ConsoleReporter
from ownertag.sandbox.sandbox import Sandbox

ACCOUNT, REGION = "333333333333", "eu-central-1"


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with Sandbox(ConsoleReporter(lambda _: None), empty=True) as sandbox:
        credentials = sandbox.account_session(ACCOUNT, REGION).get_credentials()
        assert credentials is not None
        keys = credentials.get_frozen_credentials()
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", str(keys.access_key))
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", str(keys.secret_key))
        if keys.token:
            monkeypatch.setenv("AWS_SESSION_TOKEN", keys.token)
        yield sandbox


def test_what_a_log_tells_of_is_tagged_and_put_back(sandbox: Sandbox, tmp_path: Path) -> None:
    sns = sandbox.client(sandbox.account_session(ACCOUNT, REGION), "sns")
    known, unknown = (sns.create_topic(Name=name)["TopicArn"] for name in ("orders", "old"))
    made = record("CreateTopic", ACCOUNT, REGION, {"topicArn": known}, {"name": "orders"})
    made["eventSource"] = "sns.amazonaws.com"
    logs.in_folder(tmp_path / "logs", {logs.key(ACCOUNT, REGION): logs.log_file([made])})
    settings = tmp_path / "ownertag.toml"
    settings.write_text("")

    def run(*words: str) -> tuple[int, str, str]:
        line = [
            "backfill",
            "--config",
            str(settings),
            "--region",
            REGION,
            "--state",
            str(tmp_path / "run.sqlite"),
            *words,
        ]
        line += ["--ledger", f"sqlite:{tmp_path / 'ledger.sqlite'}", "--endpoint-url", sandbox.endpoint_url]
        done = CliRunner().invoke(app, line)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.stdout, done.stderr

    def tags(arn: str) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in sns.list_tags_for_resource(ResourceArn=arn)["Tags"]}

    source = ("--source", str(tmp_path / "logs"))
    _, out, err = run(*source, "--json")
    plan = {row["arn"]: row for row in map(json.loads, out.splitlines()) if row["kind"] == "resource"}
    assert plan[known]["owner"]["name"] == "alice", err
    assert plan[known]["source"].startswith("log ")
    assert plan[unknown]["ask"] == f"whoever answers for account {ACCOUNT}"
    assert tags(known) == tags(unknown) == {}

    _, out, err = run(*source, "--apply", "--json")
    assert tags(known) == plan[known]["tags"], err
    assert tags(known)["owner"] == "alice"

    code, _, err = run("undo", plan[known]["run"], "--apply")
    assert code == 0, err
    assert tags(known) == {}
