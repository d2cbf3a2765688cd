"""Scans of folders, by this process and by others."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness import logs
from harness.events import record
from harness.fakes import NOON
from ownertag.core.records import Arrival
from ownertag.core.values import Refusal
from ownertag.sources.logs import listing, reading, scan
from ownertag.sources.logs.faults import FaultKind, ScanStopped
from ownertag.sources.logs.keys import LogObject, Selection
from ownertag.sources.logs.places import Folder, place_of
from ownertag.sources.logs.progress import Progress
from ownertag.sources.logs.scan import LogScan
from ownertag.sources.logs.wanted import Wanted

A, B = "111111111111", "222222222222"
WANTED = Wanted(frozenset({("ec2.amazonaws.com", "CreateVolume")}))
PROCESSES = pytest.mark.parametrize("processes", [0, 2])


def _scanned(folder: Path, selection: Selection | None = None, **more: Any) -> tuple[LogScan, list[str]]:
    """A finished scan, and the ids of the events that it found."""
    one = LogScan(place_of(str(folder)), WANTED, selection, **{"processes": 0, **more})
    return one, sorted(found.record.event_id for found in one.records() if isinstance(found, Arrival))


def _ids(records: list[dict[str, Any]]) -> list[str]:
    return sorted(found["eventID"] for found in records)


def _many(files: int, each: int = 3) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    made: dict[str, bytes] = {}
    every: list[dict[str, Any]] = []
    for number in range(files):
        account, region = (A, B)[number % 2], ("eu-central-1", "us-east-1")[number % 3 % 2]
        records = logs.volumes(account, range(number * each, number * each + each), region)
        reads = [record("DescribeVolumes", account, region, None, number=10**6 + number)] * 5
        made[logs.key(account, region, NOON + timedelta(hours=number % 40), f"x{number}")] = logs.log_file(
            reads + records
        )
        every += records
    return made, every


@PROCESSES
def test_every_wanted_record_is_found_once_wherever_it_is(
    tmp_path: Path, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "ALONE_BYTES", 0)
    monkeypatch.setattr(listing, "LIST_OBJECTS", 7)
    files, records = _many(60)
    logs.in_folder(tmp_path, files)
    told: list[Progress] = []
    one, found = _scanned(tmp_path, processes=processes, told=told.append)
    assert found == _ids(records)
    assert one.report.is_complete
    assert (one.report.objects, one.report.records, one.report.twice) == (60, 180, 0)
    assert one.report.size == sum(map(len, files.values()))
    assert one.report.inflated == sum(len(gzip.decompress(content)) for content in files.values())
    last = told[-1]
    assert (last.objects, last.of_objects, last.of_size, last.remaining) == (60, 60, one.report.size, 0)


def test_what_is_found_names_its_file_and_record(tmp_path: Path) -> None:
    key = logs.key(A)
    logs.in_folder(
        tmp_path, {key: logs.log_file([record("DescribeVolumes", A, "eu-central-1", None), *logs.volumes(A, [1])])}
    )
    [found] = LogScan(place_of(str(tmp_path)), WANTED, processes=0).records()
    assert found.where == f"{tmp_path}/{key}#2"


def test_a_record_without_its_account_is_of_that_of_its_files_name(tmp_path: Path) -> None:
    [made] = logs.volumes(A, [1])
    del made["recipientAccountId"]
    made["userIdentity"] = {"type": "Root"}
    logs.in_folder(tmp_path, {logs.key(B): logs.log_file([made])})
    [found] = LogScan(place_of(str(tmp_path)), WANTED, processes=0).records()
    assert isinstance(found, Arrival)
    assert found.record.account == B


@pytest.mark.parametrize(
    ("selection", "wanted"),
    [
        (Selection(accounts=frozenset({B})), lambda place: place[0] == B),
        (Selection(regions=frozenset({"us-east-1"})), lambda place: place[1] == "us-east-1"),
        (Selection(since=NOON + timedelta(hours=20)), lambda place: place[2] >= NOON + timedelta(hours=20)),
        (Selection(until=NOON + timedelta(hours=3)), lambda place: place[2] < NOON + timedelta(hours=3)),
    ],
)
def test_of_accounts_regions_and_days_only_what_is_wanted_is_read(
    tmp_path: Path, selection: Selection, wanted: Any
) -> None:
    expected = []
    for day in range(-3, 4):
        for account in (A, B):
            for region in ("eu-central-1", "us-east-1"):
                at = NOON + timedelta(days=day)
                number = (day + 3) * 100 + (account == B) * 10 + (region == "us-east-1")
                made = logs.volumes(account, [number], region, at=at)
                expected += made if wanted((account, region, at)) else []
                logs.in_folder(tmp_path, {logs.key(account, region, at): logs.log_file(made)})
    one, found = _scanned(tmp_path, selection)
    assert found == _ids(expected)
    assert one.report.objects < 28
    assert one.report.not_wanted > 0


def test_a_record_that_comes_twice_is_yielded_once(tmp_path: Path) -> None:
    records = logs.volumes(A, range(4))
    files = {logs.key(A): records, logs.key(A, name="again"): records[1:3], logs.key(A, organization=None): records}
    logs.in_folder(tmp_path, {key: logs.log_file(found) for key, found in files.items()})
    one, found = _scanned(tmp_path)
    assert found == _ids(records)
    assert one.report.twice == 6


def test_what_is_no_log_by_its_name_is_left_out_and_told(tmp_path: Path) -> None:
    other = "AWSLogs/111111111111/{0}/eu-central-1/2026/01/31/111111111111_{0}_eu-central-1_20260131T2345Z_x.json.gz"
    logs.in_folder(
        tmp_path,
        {
            logs.key(A): logs.log_file(logs.volumes(A, [1])),
            other.format("CloudTrail-Digest"): logs.log_file(logs.volumes(A, [2])),
            other.format("CloudTrail-Insight"): logs.log_file(logs.volumes(A, [3])),
            other.format("Config"): logs.log_file(logs.volumes(A, [4])),
            "readme.txt": b"hello",
            f"{logs.key(A)}.4F2b1c": b"\x1f\x8b",  # as `aws s3 sync` calls what it has not finished
        },
    )
    one, found = _scanned(tmp_path)
    assert found == _ids(logs.volumes(A, [1]))
    assert one.report.is_complete
    assert one.report.left_out == {
        "folder: digest file": 1,
        "folder: Insights file": 1,
        "folder: log of another service": 1,
        "no log file by its name": 2,
    }


BROKEN = {
    "cut": (logs.log_file(logs.volumes(A, range(50)))[:-20], FaultKind.DAMAGED),
    "empty": (b"", FaultKind.DAMAGED),
    "goes on": (logs.log_file(logs.volumes(A, range(50))) + b"x", FaultKind.DAMAGED),
    "flipped": (logs.log_file(logs.volumes(A, [1]))[:-6] + b"\0\0\0\0\0\0", FaultKind.DAMAGED),
    "cut JSON": (gzip.compress(logs.text(logs.volumes(A, [1]))[:-2]), FaultKind.DAMAGED),
    "no JSON": (gzip.compress(b"hello"), FaultKind.DAMAGED),
    "another JSON": (gzip.compress(b'{"a": 1}'), FaultKind.NO_LOG),
    "a zip": (b"PK\x03\x04" + b"\0" * 100, FaultKind.DAMAGED),
    "a bomb": (gzip.compress(b" " * (1 << 26)), FaultKind.TOO_LARGE),
    "as another program writes, and large": (
        gzip.compress(b'{"Records": [' + b" " * (1 << 25) + os.urandom(1 << 19).hex().encode() + b"]}", 1),
        FaultKind.TOO_LARGE,
    ),
}


@pytest.mark.parametrize("name", BROKEN)
@PROCESSES
def test_a_broken_file_is_told_and_no_record_of_it_is_used(
    tmp_path: Path, name: str, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "ALONE_BYTES", 0)
    content, kind = BROKEN[name]
    good = logs.volumes(A, [7])
    broken = logs.key(A, name="b")
    logs.in_folder(
        tmp_path,
        {logs.key(A, name="a"): logs.log_file(good), broken: content, logs.key(B): logs.log_file(logs.volumes(B, [8]))},
    )
    one, found = _scanned(tmp_path, processes=processes)
    assert found == _ids([*good, *logs.volumes(B, [8])])
    assert not one.report.is_complete
    [same] = one.report.faults
    assert (same.count, same.first.account, same.first.kind) == (1, A, kind)
    assert same.examples == [f"{tmp_path}/{broken}"]
    assert same.first.what
    assert same.first.do
    assert not one.report.faults.unreached


def test_a_bad_record_is_refused_alone(tmp_path: Path) -> None:
    good = logs.volumes(A, [1, 2])
    bad = good[0] | {"eventTime": 7, "eventID": "3"}
    logs.in_folder(tmp_path, {logs.key(A): logs.log_file([good[0], bad, good[1]])})
    one = LogScan(place_of(str(tmp_path)), WANTED, processes=0)
    found = list(one.records())
    assert [parsed.where.partition("#")[2] for parsed in found if isinstance(parsed, Refusal)] == ["2"]
    assert len(found) == 3
    assert not one.report.is_complete


@pytest.mark.parametrize("held", [1, 1 << 24])
def test_a_large_file_is_read_in_parts_and_yields_only_when_it_is_whole(
    tmp_path: Path, held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_HELD", held)
    records = logs.volumes(A, range(12_000))  # three parts
    whole = logs.log_file(records)
    logs.in_folder(tmp_path, {logs.key(A): whole})
    one, found = _scanned(tmp_path)
    assert found == _ids(records)
    logs.in_folder(tmp_path, {logs.key(A): whole[:-1]})
    one, found = _scanned(tmp_path)
    assert not found
    assert one.report.faults.count == 1


def test_log_files_one_after_the_other_in_one_are_read(tmp_path: Path) -> None:
    records = logs.volumes(A, range(4))
    logs.in_folder(tmp_path, {"january.json.gz": logs.log_file(records[:2]) + logs.log_file(records[2:])})
    assert _scanned(tmp_path)[1] == _ids(records)


def test_what_others_wrote_is_read_as_well(tmp_path: Path) -> None:
    records = logs.volumes(A, range(5))
    lines = "\n".join(map(json.dumps, records[3:])).encode()
    logs.in_folder(
        tmp_path,
        {"pretty.json": json.dumps({"Records": records[:3]}, indent=1).encode(), "lines.json.gz": gzip.compress(lines)},
    )
    one, found = _scanned(tmp_path)
    assert found == _ids(records)
    assert one.report.is_complete


def test_a_folder_that_may_not_be_read_is_told_by_its_account(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    logs.in_folder(tmp_path, {logs.key(account): logs.log_file(logs.volumes(account, [1])) for account in (A, B)})
    closed = tmp_path / f"AWSLogs/{logs.ORGANIZATION}/{B}"
    closed.chmod(0)
    one, found = _scanned(tmp_path)
    closed.chmod(0o755)
    assert len(found) == 1
    assert one.report.faults.unreached == {B}


class _Vanishing:
    """A folder of which one file is gone when it is opened."""

    def __init__(self, folder: Path) -> None:
        from ownertag.sources.logs.folder import FolderSource  # noqa: PLC0415

        self._source = FolderSource(Folder(str(folder)))
        self._folder = folder
        self.close = self._source.close
        self.chunks = self._source.chunks

    def objects(self, selection: Selection, listed: Any) -> Iterator[LogObject]:
        found = [*self._source.objects(selection, listed)]
        (self._folder / found[0].key).unlink()
        yield from found


def test_a_file_that_vanished_is_told(tmp_path: Path) -> None:
    logs.in_folder(tmp_path, {logs.key(account): logs.log_file(logs.volumes(account, [1])) for account in (A, B)})
    one, found = _scanned(tmp_path, source=_Vanishing(tmp_path))
    assert len(found) == 1
    [same] = one.report.faults
    assert (same.first.kind, same.first.account) == (FaultKind.GONE, A)


def test_what_is_no_folder_is_told() -> None:
    with pytest.raises(ValueError, match="no such folder"):
        place_of("/no/such/folder")
    with pytest.raises(ValueError, match="no bucket"):
        place_of("s3:///prefix")


# --- processes


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that several processes read in many lists."""
    monkeypatch.setattr(scan, "ALONE_BYTES", 0)
    monkeypatch.setattr(listing, "LIST_OBJECTS", 2)
    return logs.in_folder(tmp_path, _many(100)[0])


def _children() -> set[int]:
    found = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return {int(pid) for children in found for pid in children.read_text("ascii").split()}


def _are_gone(pids: set[int]) -> bool:
    for _ in range(100):
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return True
        time.sleep(0.05)
    return False


linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@linux
def test_who_takes_no_more_ends_the_processes(many: Path) -> None:
    before = _children()
    found = LogScan(place_of(str(many)), WANTED, processes=2).records()
    next(found)
    started = _children() - before
    assert len(started) == 2
    found.close()  # type: ignore[attr-defined] # a generator
    assert _are_gone(started)


@linux
def test_a_process_that_dies_stops_the_scan_with_advice(many: Path) -> None:
    before = _children()
    found = LogScan(place_of(str(many)), WANTED, processes=2).records()
    next(found)
    for pid in _children() - before:
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(ScanStopped, match="ended by itself"):
        list(found)


_SCAN = """
import sys
from ownertag.sources.logs import listing, scan
from ownertag.sources.logs.places import place_of
from ownertag.sources.logs.wanted import Wanted
scan.ALONE_BYTES, listing.LIST_OBJECTS = 0, 2
one = scan.LogScan(place_of(sys.argv[1]), Wanted(frozenset({("ec2.amazonaws.com", "CreateVolume")})), processes=2)
for number, found in enumerate(one.records()):
    if not number:
        print("begun", flush=True)
        sys.stdin.readline()
"""


@linux
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_however_a_scan_is_ended_its_processes_end(many: Path, sent: signal.Signals) -> None:
    line = [sys.executable, "-c", _SCAN, str(many)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(line, text=True, **pipes) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "begun\n"
        children = Path(f"/proc/{process.pid}/task").glob("*/children")
        started = {int(pid) for found in children for pid in found.read_text("ascii").split()}
        assert len(started) == 2
        process.send_signal(sent)
        process.wait(20)
        assert _are_gone(started)
        assert "worker" not in process.stderr.read()


def test_nothing_is_listed_long_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who takes nothing holds up the listing: memory does not grow with the logs."""
    monkeypatch.setattr(listing, "LISTED_AHEAD", 10)
    monkeypatch.setattr(listing, "LIST_OBJECTS", 5)
    listed: list[str] = []

    class Endless:
        def objects(self, *_: object) -> Iterator[LogObject]:
            for number in range(10**9):
                listed.append(str(number))
                yield LogObject(str(number), 1)

        def chunks(self, found: LogObject) -> Any:
            return lambda: [logs.text(logs.volumes(A, [int(found.key)]))]

        def close(self) -> None:
            pass

    found = LogScan(Folder(str(tmp_path)), WANTED, processes=0, source=Endless()).records()
    for _ in range(20):
        next(found)
    time.sleep(0.2)
    assert len(listed) < 60
    found.close()  # type: ignore[attr-defined] # a generator


def test_the_time_is_that_of_utc() -> None:
    assert Selection(since=datetime(2026, 1, 31, tzinfo=UTC)).holds(datetime(2026, 1, 31, tzinfo=UTC))
