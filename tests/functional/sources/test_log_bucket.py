"""Scans of buckets, on moto."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from moto.server import ThreadedMotoServer

from contracts.emulated import HOME, Call, error, moto, session
from harness import logs
from harness.fakes import NOON
from ownertag.core.records import Arrival
from ownertag.sources.logs import bucket as bucket_module
from ownertag.sources.logs import listing as listing_module
from ownertag.sources.logs import scan as scan_module
from ownertag.sources.logs.bucket import BucketSource, asks_somebody
from ownertag.sources.logs.faults import FaultKind, ScanStopped
from ownertag.sources.logs.keys import Selection
from ownertag.sources.logs.places import Bucket, place_of
from ownertag.sources.logs.scan import LogScan
from sources.log_bucket import NAME, OF_ALL, OF_ONE, WANTED, A, B, C, LogBucket


@pytest.fixture
def world() -> Iterator[LogBucket]:
    with moto():
        yield LogBucket()


@pytest.mark.parametrize("prefix", ["", "trail/", f"trail/AWSLogs/{logs.ORGANIZATION}/"])
def test_everything_below_a_prefix_is_read(world: LogBucket, prefix: str) -> None:
    one, found = world.scan(prefix=prefix)
    assert found == world.ids(lambda *_: True)
    assert one.report.is_complete
    assert sorted(world.got()) == sorted(world.files)


def test_a_prefix_within_an_account_is_read_alone(world: LogBucket) -> None:
    key = logs.key(B, "us-east-1", NOON, prefix="trail/")
    for parts, wanted in ((4, lambda account, *_: account == B), (6, lambda *place: place[:2] == (B, "us-east-1"))):
        found = world.scan(prefix="/".join(key.split("/")[:parts]) + "/")[1]
        assert found == world.ids(wanted)


def test_what_is_not_wanted_is_neither_fetched_nor_listed(world: LogBucket) -> None:
    selection = Selection(frozenset({B}), frozenset({"us-east-1"}), NOON + timedelta(days=3), NOON + timedelta(days=6))
    one, found = world.scan(selection)
    assert found == world.ids(lambda account, region, day: (account, region) == (B, "us-east-1") and 3 <= day < 6)
    assert len(world.got()) == 5  # three days, that of the end, and the next one, for what comes late
    listed = [str(call.request.url) for call in world.wire.calls if call.operation == "ListObjectsV2"]
    assert not [url for url in listed if A in url or C in url or f"{HOME}%2F" in url]
    assert len([url for url in listed if "us-east-1" in url]) == 1
    assert one.report.not_wanted == 3


def test_listing_ends_behind_the_last_day_that_is_wanted(world: LogBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    client = session().client("s3")
    for number in range(3):  # as of years
        client.put_object(
            Bucket=NAME, Key=logs.key(A, HOME, NOON + timedelta(days=500 + number), prefix="trail/"), Body=b"x"
        )
    asked: list[dict[str, Any]] = []
    pages = BucketSource._pages

    def small(self: BucketSource, prefix: str, delimiter: str, start: str, listed: Any) -> Iterator[dict[str, Any]]:
        for page in pages(self, prefix, delimiter, start, listed):
            asked.append(page)
            yield page

    monkeypatch.setattr(BucketSource, "_pages", small)
    one, _ = world.scan(Selection(frozenset({A}), frozenset({HOME}), until=NOON))
    assert one.report.is_complete
    assert one.report.objects == 2


def test_a_prefix_that_may_not_be_listed_is_told_by_its_account(world: LogBucket) -> None:
    world.wire.fail("ListObjectsV2", "AccessDenied", 403, when=lambda call: B in str(call.request.url))
    one, found = world.scan()
    assert found == world.ids(lambda account, *_: account != B)
    [same] = one.report.faults
    assert same.first.account == B
    assert same.first.kind is FaultKind.DENIED
    assert same.examples == [f"s3://{NAME}/trail/AWSLogs/{logs.ORGANIZATION}/{B}/"]
    assert "s3:ListBucket" in same.first.do
    assert f"account {B} is not known" in same.first.do
    assert one.report.faults.unreached == {B}
    assert not one.report.is_complete


def test_a_bucket_that_may_not_be_listed_is_told(world: LogBucket) -> None:
    world.wire.fail("ListObjectsV2", "AccessDenied", 403)
    one, found = world.scan()
    assert not found
    assert one.report.faults.unreached == {None}
    assert not one.report.is_complete


FAULTS = {
    "AccessDenied": (403, FaultKind.DENIED, "s3:GetObject"),
    "KMS.DisabledException": (400, FaultKind.DENIED, "kms:Decrypt"),
    "NoSuchKey": (404, FaultKind.GONE, "scan again"),
    "InvalidObjectState": (403, FaultKind.ARCHIVED, "restore"),
    "SlowDown": (503, FaultKind.THROTTLED, "scan again"),
    "SomethingNew": (400, FaultKind.FAILED, "look at the object"),
}


@pytest.mark.parametrize("code", FAULTS)
def test_objects_that_cannot_be_had_are_told_once_for_an_account(world: LogBucket, code: str) -> None:
    status, kind, do = FAULTS[code]
    world.wire.fail("GetObject", code, status, when=lambda call: B in str(call.request.url))
    one, found = world.scan()
    assert found == world.ids(lambda account, *_: account != B)
    [same] = one.report.faults
    assert (same.first.account, same.first.kind, same.count) == (B, kind, OF_ONE)
    assert len(same.examples) == 5
    assert do in same.first.do
    assert code == "NoSuchKey" or kind is FaultKind.ARCHIVED or code in same.first.what
    assert one.report.faults.unreached == {B}


def test_what_its_key_refuses_says_the_key(world: LogBucket) -> None:
    said = "User: arn:aws:iam::1:user/a is not authorized to perform: kms:Decrypt on the resource"
    world.wire.fail("GetObject", "AccessDenied", 403, message=said)
    one, _ = world.scan()
    assert {same.first.account: same.count for same in one.report.faults} == {A: OF_ONE, B: OF_ONE, C: OF_ONE}
    assert all("kms:Decrypt" in same.first.do for same in one.report.faults)


def test_archived_objects_are_told_without_a_call(world: LogBucket) -> None:
    key = logs.key(A, HOME, NOON, prefix="trail/")
    session().client("s3").put_object(Bucket=NAME, Key=key, Body=world.files[key], StorageClass="DEEP_ARCHIVE")
    one, found = world.scan()
    assert len(found) == OF_ALL - 1
    [same] = one.report.faults
    assert same.first.kind is FaultKind.ARCHIVED
    assert key not in world.got()


def test_a_fault_that_goes_by_is_no_fault(world: LogBucket) -> None:
    world.wire.fail("GetObject", ReadTimeoutError(endpoint_url="x"), times=2)
    one, found = world.scan()
    assert len(found) == OF_ALL
    assert one.report.is_complete


@pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException", "RequestExpired"])
def test_credentials_that_expire_while_it_runs_are_had_anew(world: LogBucket, code: str) -> None:
    seen = [0]

    def rule(call: Call) -> AWSResponse | None:
        seen[0] += call.operation == "GetObject"
        return error(call, code, 400) if seen[0] in {17, 40} and call.operation == "GetObject" else None

    world.wire.rule(rule)
    one, found = world.scan()
    assert len(found) == OF_ALL
    assert one.report.is_complete
    assert world.sessions == 3


def test_credentials_that_stay_expired_end_the_scan_with_advice(world: LogBucket) -> None:
    world.wire.rule(lambda call: error(call, "ExpiredToken", 400) if len(world.got()) > 20 else None)
    place = Bucket(NAME, "trail/")
    found: list[object] = []
    one = LogScan(place, WANTED, processes=0, source=world.source(place))
    with pytest.raises(ScanStopped, match="have expired: log in again") as told:
        found.extend(one.records())
    assert "scan again" in told.value.do
    assert not one.report.is_complete


def test_a_bucket_that_is_not_there_or_out_of_reach_ends_the_scan(world: LogBucket) -> None:
    place = Bucket("no-such-bucket")
    with pytest.raises(ScanStopped, match="there is no bucket no-such-bucket"):
        list(LogScan(place, WANTED, processes=0, source=world.source(place)).records())
    world.wire.fail("ListObjectsV2", EndpointConnectionError(endpoint_url="https://x"))
    with pytest.raises(ScanStopped, match="endpoint be reached"):
        world.scan()


def test_a_large_object_goes_to_the_disk_first(world: LogBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_module, "IN_MEMORY", 100)
    one, found = world.scan()
    assert found == world.ids(lambda *_: True)
    assert one.report.is_complete


class _Full:
    """A file on a disk that is full."""

    def write(self, _: bytes) -> None:
        raise OSError(28, os.strerror(28))

    def close(self) -> None:
        pass


def test_a_full_disk_ends_the_scan_with_advice(world: LogBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_module, "IN_MEMORY", 100)
    monkeypatch.setattr(bucket_module, "TemporaryFile", _Full)
    with pytest.raises(ScanStopped, match="disk is full") as told:
        world.scan()
    assert "TMPDIR" in told.value.do


def test_folders_that_a_console_made_and_other_services_logs_are_left_out(world: LogBucket) -> None:
    client = session().client("s3")
    client.put_object(Bucket=NAME, Key="trail/AWSLogs/", Body=b"")
    client.put_object(Bucket=NAME, Key=f"trail/AWSLogs/{A}/vpcflowlogs/{HOME}/2026/01/31/x.log.gz", Body=b"x")
    client.put_object(Bucket=NAME, Key=f"trail/AWSLogs/{A}/CloudTrail-Digest/{HOME}/2026/01/31/x.json.gz", Body=b"x")
    one, found = world.scan()
    assert found == world.ids(lambda *_: True)
    assert one.report.left_out == {"folder: log of another service": 1, "folder: digest file": 1}


@pytest.mark.parametrize(("profile", "asked"), [("direct", True), ("through", True), ("plain", False), (None, False)])
def test_a_profile_that_asks_for_a_code_is_used_by_one_process(
    profile: str | None, asked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = "role_arn = arn:aws:iam::111111111111:role/reader\n"
    config = tmp_path / "config"
    config.write_text(
        f"[profile direct]\n{role}source_profile = plain\nmfa_serial = arn:aws:iam::111111111111:mfa/alice\n"
        f"[profile through]\n{role}source_profile = direct\n"
        "[profile plain]\naws_access_key_id = testing\naws_secret_access_key = testing\n",
        "utf-8",
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    assert asks_somebody(Bucket(NAME, profile=profile)) is asked


def test_processes_read_a_bucket_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_module, "ALONE_BYTES", 0)
    monkeypatch.setattr(listing_module, "LIST_OBJECTS", 7)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        records = logs.volumes(A, range(50))
        files = {logs.key(A, HOME, NOON, f"x{number}"): logs.log_file([made]) for number, made in enumerate(records)}
        logs.in_bucket(session().client("s3", endpoint_url=url), NAME, files)
        place = place_of(f"s3://{NAME}", region=HOME, endpoint_url=url)
        one = LogScan(place, WANTED, processes=2)
        found = [arrival.record.event_id for arrival in one.records() if isinstance(arrival, Arrival)]
    finally:
        server.stop()
    assert sorted(found) == sorted(made["eventID"] for made in records)
    assert one.report.is_complete
