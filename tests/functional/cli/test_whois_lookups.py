"""Records read from files: every carrier in one folder, the decisions, and memory that does not grow."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness import fixtures
from ownertag.cli.app import app

WAYS = Path(__file__).parents[2] / "golden" / "ways"
EXPECTED: dict[str, Any] = tomllib.loads((WAYS / "expected.toml").read_text("utf-8"))


def explain(*arguments: str) -> tuple[int, list[dict[str, Any]], str]:
    answer = CliRunner().invoke(app, ["explain", "--json", *arguments])
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
    return answer.exit_code, [json.loads(line) for line in answer.stdout.splitlines()], answer.stderr


def owner_or_reason(decision: dict[str, Any]) -> str:
    return str(decision["owner"]["name"] if decision["refusal"] is None else decision["refusal"]["reason"])


@pytest.mark.parametrize("name", EXPECTED)
def test_each_file_comes_to_what_is_expected(name: str) -> None:
    code, found, _ = explain(str(WAYS / f"{name}.json"))
    assert (code, [owner_or_reason(decision) for decision in found]) == (EXPECTED[name]["exit"], EXPECTED[name]["each"])


def test_every_file_has_its_expectation() -> None:
    assert {path.stem for path in WAYS.glob("*.json")} == {*EXPECTED}


def numbered(number: int) -> fixtures.Json:
    return fixtures.record(
        eventID=f"00000000-0000-4000-8000-{number:012}",
        responseElements={"volumeId": fixtures.numbered("vol", number)},
    )


@pytest.fixture
def mixed(tmp_path: Path) -> tuple[Path, list[str]]:
    """A folder with two records in each carrier, and files that hold none."""
    names = [*fixtures.CARRIERS_OF_MANY, "athena"]
    for number, name in enumerate(names):
        carry = fixtures.CARRIERS_OF_MANY.get(name, fixtures.athena)
        (tmp_path / name).write_bytes(carry([numbered(2 * number), numbered(2 * number + 1)]))
    digests = tmp_path / "AWSLogs" / fixtures.ACCOUNT / "CloudTrail-Digest"
    digests.mkdir(parents=True)
    (digests / "digest.json.gz").write_bytes(gzip.compress((WAYS / "digest.json").read_bytes()))
    (tmp_path / "notes.txt").write_text("not records")
    (tmp_path / "rows.csv.metadata").write_bytes(b"\x00\x01\x02")
    return tmp_path, names


def test_a_folder_of_every_carrier_is_read_whole_and_each_is_counted(mixed: tuple[Path, list[str]]) -> None:
    folder, names = mixed
    code, found, errors = explain(str(folder))
    assert code == 0
    ids = sorted(decision["event_id"] for decision in found if decision["event_id"])
    assert ids == [f"00000000-0000-4000-8000-{number:012}" for number in range(2 * len(names))]
    assert f"{2 * len(names)} records: {2 * len(names)} creations, 0 refused" in errors
    assert "skipped: 1 digest-file" in errors
    assert "left out, since they do not begin as records do: 2\n" in errors
    counts = {name: int(count) for name, count in re.findall(r"^read as (.*): (\d+)$", errors, re.MULTILINE)}
    assert counts["EventBridge event in SNS notification in SQS message"] == 2
    assert counts["CSV"] == 4  # Athena's, and that of an export of messages
    assert sum(counts.values()) == 2 * len(names) + 1


def test_one_that_is_lost_in_a_folder_is_told_by_its_place(mixed: tuple[Path, list[str]]) -> None:
    folder, _ = mixed
    (folder / "z.json").write_bytes(fixtures.bytes_of({"Records": [numbered(500), {**numbered(501), "eventTime": 7}]}))
    code, found, errors = explain(str(folder))
    assert code == 2
    [lost] = [decision for decision in found if owner_or_reason(decision) == "not-a-record"]
    assert (lost["where"], lost["event_id"]) == (f"{folder / 'z.json'}#2", "00000000-0000-4000-8000-000000000501")
    assert f"could not be read: {folder / 'z.json'}#2" in errors


def test_creations_alone_leave_out_what_creates_nothing_and_count_it(tmp_path: Path) -> None:
    many = [
        numbered(1),
        fixtures.record("DescribeInstances"),
        fixtures.record("ModifyVolume"),
        fixtures.record(errorCode="Client.DryRunOperation"),
        fixtures.record("CreateApplication", eventSource="appconfig.amazonaws.com"),
        fixtures.record("CreateApplication", eventSource="appconfig.amazonaws.com"),
        fixtures.record("CreateEnvironment", eventSource="appconfig.amazonaws.com"),
    ]
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join(map(fixtures.bytes_of, many)) + b"\nnull\n")
    _, found, errors = explain(str(path))
    assert len(found) == 8
    for arguments in ([str(path)], ["--creations-only", str(path)]):
        code, found, errors = explain(*arguments)
        assert code == 2
        assert "8 records: 1 creations, 3 not covered yet, 4 refused (" in errors
        assert "2 not-a-creation" in errors
        assert "not covered yet: 2 appconfig CreateApplication, 1 appconfig CreateEnvironment" in errors
    assert [owner_or_reason(decision) for decision in found] == ["alice", *["not-covered"] * 3, "not-a-record"]
    assert found[1]["refusal"]["detail"] == "not covered yet: appconfig CreateApplication"


MEASURE = """
import sys
from ownertag.cli.main import run
sys.argv = ["ownertag", "explain", "--json", sys.argv[1]]
try:
    run()
finally:
    # Of this program alone: rusage's figure begins with that of whoever started it.
    print(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0], file=sys.stderr)
"""


def test_who_waits_sees_how_far_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join(fixtures.bytes_of(numbered(number)) for number in range(2_000)))
    code = (
        "import sys\nfrom ownertag.cli import inputs\nfrom ownertag.cli.main import run\ninputs._SECONDS = 0.0\nrun()"
    )
    for more in ([], ["--quiet"]):
        command = [sys.executable, "-c", code, "explain", "--json", *more, str(path)]
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        lines = re.findall(r"read \d+ MB of 2 MB, ([\d,]+) records", answer.stderr)
        assert answer.returncode == 0, answer.stderr
        if more:
            assert answer.stderr == ""
        else:
            assert len(lines) > 3
            assert lines == sorted(lines, key=lambda line: int(line.replace(",", "")))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no /proc to read the peak from")
@pytest.mark.parametrize(
    "form",
    [
        pytest.param(form, marks=[] if form in {"lines", "gzip"} else pytest.mark.full)
        for form in ("lines", "one-after-the-other", "indented", "gzip", "utf-16", "athena")
    ],
)
def test_memory_does_not_grow_with_a_file(tmp_path: Path, form: str) -> None:
    """Reads twenty times the records in the same memory."""

    def peak(count: int) -> int:
        many = [numbered(number) for number in range(count)]
        data = {
            "lines": lambda: b"\n".join(map(fixtures.bytes_of, many)),
            "one-after-the-other": lambda: b"".join(map(fixtures.bytes_of, many)),
            "indented": lambda: "\n".join(json.dumps(record, indent=2) for record in many).encode(),
            "gzip": lambda: gzip.compress(b"\n".join(map(fixtures.bytes_of, many))),
            "utf-16": lambda: "\n".join(map(fixtures.text_of, many)).encode("utf-16"),
            "athena": lambda: fixtures.athena(many),
        }[form]()
        path = tmp_path / "records"
        path.write_bytes(data)
        command = [sys.executable, "-c", MEASURE, str(path)]
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert answer.returncode == 0, answer.stderr
        assert answer.stdout.count("\n") == count
        return int(answer.stderr.splitlines()[-1])

    few, more = peak(1_000), peak(20_000)
    assert more < few + 24_000, f"{few} kB, then {more} kB"
