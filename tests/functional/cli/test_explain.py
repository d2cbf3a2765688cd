"""`ownertag explain` and what all commands share, through the command line itself."""

from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ownertag.cli.app import app

GOLDEN = Path(__file__).parents[2] / "golden" / "ec2"
KEYS = {
    "schema", "where", "event_id", "event_source", "event_name", "account", "region", "created_at", "resources",
    "owner",
    "tags", "questions", "outcomes", "refusal",
}  # fmt: skip


def record(event: str = "CreateVolume", **changes: Any) -> dict[str, Any]:
    path = min((GOLDEN / event).glob("*.json"))
    found = json.loads(path.read_text("utf-8"))["record"]
    assert isinstance(found, dict)
    return {**found, **changes}


def explain(*arguments: str, given: bytes = b"") -> tuple[int, str, str]:
    answer = CliRunner().invoke(app, ["explain", *arguments], input=given)
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
    return answer.exit_code, answer.stdout, answer.stderr


@pytest.fixture
def launch(tmp_path: Path) -> Path:
    path = tmp_path / "launch.json"
    path.write_text(json.dumps(record("RunInstances")))
    return path


def test_json_has_every_field_on_one_line(launch: Path) -> None:
    code, output, _ = explain("--json", str(launch))
    [line] = output.splitlines()
    explained = json.loads(line)
    assert code == 0
    assert set(explained) == KEYS
    assert set(explained["owner"]) == {"name", "evidence", "confidence", "via", "reason"}
    assert explained["resources"]
    assert explained["questions"][0]["kind"] == "instances-by-reservation"
    assert explained["refusal"] is None
    assert set(explained["tags"]) == {"owner", "dateCreated"}


def test_a_person_reads_what_was_made_whose_it_is_and_why(launch: Path) -> None:
    code, output, errors = explain(str(launch))
    assert code == 0
    for word in ("RunInstances", "owner ", "through ", "resources ", "tags ", "looks up "):
        assert word in output
    assert "1 records: 1 creations, 0 refused" in errors


def test_a_deletion_is_shown_as_one(tmp_path: Path) -> None:
    names = {"volumeId": "vol-0a1b2c3d4e5f60718"}
    deletion = record(eventName="DeleteVolume", requestParameters=names, responseElements={"_return": True})
    path = tmp_path / "deletion.json"
    path.write_text(json.dumps([deletion, record()]))
    code, output, errors = explain(str(path))
    assert code == 0
    assert "outcomes   deleted arn:aws:ec2:" in output
    assert "volume/vol-0a1b2c3d4e5f60718 (by " in output
    assert "2 records: 1 creations, 1 deletions, 0 refused" in errors
    assert "DeleteVolume" not in explain("--creations-only", str(path))[1]
    [line, _] = explain("--json", str(path))[1].splitlines()
    explained = json.loads(line)
    assert (explained["refusal"], explained["owner"], explained["tags"]) == (None, None, None)
    assert [one["outcome"] for one in explained["outcomes"]] == ["deleted"]


def test_csv_has_a_row_for_each_record_and_no_formula(tmp_path: Path) -> None:
    identity = {"type": "IAMUser", "userName": "=HYPERLINK(1)", "accountId": "111122223333"}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(record(userIdentity=identity)))
    _, output, _ = explain("--output", "csv", str(path))
    head, row = csv.reader(io.StringIO(output))
    assert dict(zip(head, row, strict=True))["owner"] == "'=HYPERLINK(1)"


def test_files_folders_and_standard_input_are_read(tmp_path: Path, launch: Path) -> None:
    (tmp_path / "more").mkdir()
    packed = gzip.compress(json.dumps({"Records": [record(), record()]}).encode())
    (tmp_path / "more" / "log.json.gz").write_bytes(packed)
    (tmp_path / "more" / "notes.txt").write_text("not read")
    code, output, errors = explain("--json", str(tmp_path), "-", given=json.dumps(record()).encode())
    assert code == 0
    assert len(output.splitlines()) == 4
    assert "4 records: 4 creations" in errors
    assert launch.exists()


def test_a_refusal_is_a_good_answer(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    failed = record(errorCode="Client.VcpuLimitExceeded", responseElements=None)
    path.write_text(f"{json.dumps(failed)}\n{json.dumps(record())}\n")
    code, output, _ = explain("--json", str(path))
    refusals = [json.loads(line)["refusal"] for line in output.splitlines()]
    assert code == 0
    assert refusals[0]["reason"] == "failed-call"
    assert "Client.VcpuLimitExceeded" in refusals[0]["detail"]
    assert refusals[1] is None


@pytest.mark.parametrize(
    "lost",
    [
        "null",
        "{}",
        "hello",
        '{"eventID":',
        json.dumps(record(eventTime=7)),
        json.dumps({"Records": [record(recipientAccountId=None, userIdentity={"type": "AssumedRole"})]}),
        json.dumps({"Records": [{"messageId": "1", "body": "x"}]}),
    ],
)
@pytest.mark.parametrize("before", [0, 1, 5])
def test_one_that_can_not_be_read_among_many_exits_with_2_and_says_where(lost: str, before: int) -> None:
    lines = [json.dumps(record())] * 6
    lines.insert(before, lost)
    code, output, errors = explain("--json", "-", given="\n".join(lines).encode())
    decisions = [json.loads(line) for line in output.splitlines()]
    assert code == 2
    assert [one["refusal"] is None for one in decisions].count(True) == 6
    [refused] = [one for one in decisions if one["refusal"]]
    assert refused["where"].startswith(f"-:{before + 1}")
    assert f"could not be read: {refused['where']}" in errors
    assert explain("-", given="\n".join(lines[:before] + lines[before + 1 :]).encode())[0] == 0


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"\xff", gzip.compress(b"{}")[:-5], b"null", b'{"a": 1}', b"[" * 100_000],
    ids=["empty", "cut", "no utf-8", "cut gzip", "null", "no record", "deep"],
)
def test_unreadable_input_is_said_and_exits_with_2(data: bytes) -> None:
    code, output, errors = explain("--json", "-", given=data)
    assert code == 2
    assert json.loads(output)["refusal"]["detail"]
    assert "Traceback" not in output + errors


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["not-there.json"], "not-there.json: no such file or folder"),
        (["--config", "not-there.toml", "-"], "not-there.toml: can't be read"),
        (["."], "has no file that holds records"),
        ([], "Missing argument"),
        (["--output", "xml", "-"], "'xml' is not one of"),
    ],
)
def test_bad_usage_is_said_and_exits_with_2(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, output, errors = explain(*arguments)
    assert (code, output) == (2, "")
    assert said in errors


def test_wrong_settings_name_the_line(tmp_path: Path, launch: Path) -> None:
    config = tmp_path / "ownertag.toml"
    config.write_text('[tags]\nowner = "{owner}"\n\n[existing_tags]\nownr = "keep"\n')
    code, output, errors = explain("--config", str(config), str(launch))
    assert (code, output) == (2, "")
    assert f"{config}:5: [existing_tags] ownr: is no key of [tags]; did you mean 'owner'?" in errors


def test_settings_are_found_in_the_working_directory(
    tmp_path: Path, launch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ownertag.toml").write_text('[tags]\nteam = "{owner}"\n')
    monkeypatch.chdir(tmp_path)
    _, output, _ = explain("--json", str(launch))
    assert list(json.loads(output)["tags"]) == ["team"]


@pytest.mark.parametrize(
    "name",
    [
        "[red]x[/red]",
        "[/foo]",
        "[link=https://example.com]x",
        "\x1b[2Jx",
        "\x1b]52;c;eA==\x07x",
        "a\u202eb",
        "a\nb",
        "{owner}",
    ],
)
def test_a_name_can_neither_break_the_output_nor_command_the_terminal(name: str) -> None:
    identity = {"type": "IAMUser", "userName": name, "accountId": "111122223333"}
    given = json.dumps(record(userIdentity=identity)).encode()
    for form in ("table", "json", "csv"):
        code, output, errors = explain("--output", form, "-", given=given)
        assert code == 0
        assert "\x1b" not in output + errors
        assert "\u202e" not in output


def test_quiet_says_nothing(launch: Path) -> None:
    assert explain("--quiet", str(launch))[2] == ""


def test_help_and_version_load_no_aws_library() -> None:
    code = (
        "import sys; from ownertag.cli.main import run; sys.argv = ['ownertag', '--help']\n"
        "try: run()\nexcept SystemExit: pass\n"
        "loaded = {'boto3', 'botocore', 'moto', 'werkzeug'} & set(sys.modules)\nassert not loaded, loaded"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    for command in ("demo", "explain", "sandbox", "tag"):
        assert command in answer.stdout
