"""B6 to B8 and B14: a scan of a bucket of logs, of which a part can't be had."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.config import Config

from contracts.emulated import moto
from faults.row import Proof
from ownertag.sources.logs import bucket
from ownertag.sources.logs.bucket import s3_config
from ownertag.sources.logs.faults import FaultKind, ScanStopped
from sources.log_bucket import OF_ALL, OF_ONE, B, LogBucket

#: As the scan's own, with fewer attempts: the waits between eight take minutes.
_PATIENT = s3_config().merge(Config(retries={"mode": "adaptive", "total_max_attempts": 3}))


def _in_a_bucket(show: Callable[[LogBucket], None]) -> Callable[[Path], None]:
    def shown(_: Path) -> None:
        with moto():
            show(LogBucket())

    return shown


def _told(world: LogBucket, code: str, status: int, kind: FaultKind, message: str = "made up") -> None:
    """One account's objects can't be had: told once with their number, and all others are read."""
    world.wire.fail("GetObject", code, status, when=lambda call: B in str(call.request.url), message=message)
    scan, found = world.scan()
    assert found == world.ids(lambda account, *_: account != B)
    [same] = scan.report.faults
    assert (same.first.account, same.first.kind, same.count) == (B, kind, OF_ONE)
    assert same.first.do
    assert scan.report.faults.unreached == {B}
    assert not scan.report.is_complete
    world.wire.heal()
    assert len(world.scan()[1]) == OF_ALL


def _gone(world: LogBucket) -> None:
    _told(world, "NoSuchKey", 404, FaultKind.GONE)
    _told(world, "InvalidObjectState", 403, FaultKind.ARCHIVED)


def _throttled(world: LogBucket) -> None:
    for operation in ("ListObjectsV2", "GetObject"):
        world.wire.fail(operation, "SlowDown", 503, times=2)
        scan, found = world.scan(config=_PATIENT)
        assert len(found) == OF_ALL
        assert scan.report.is_complete
        world.wire.heal()
    _told(world, "SlowDown", 503, FaultKind.THROTTLED)


def _key_denies(world: LogBucket) -> None:
    said = "is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext"
    _told(world, "AccessDenied", 403, FaultKind.DENIED, said)
    _told(world, "KMS.DisabledException", 400, FaultKind.DENIED)


class _FullDisk:
    """A file on a disk that is full."""

    def write(self, _: bytes) -> None:
        raise OSError(28, os.strerror(28))

    def close(self) -> None:
        pass


def _disk_full(world: LogBucket) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bucket, "IN_MEMORY", 100)
        patch.setattr(bucket, "TemporaryFile", _FullDisk)
        with pytest.raises(ScanStopped, match="disk is full") as told:
            world.scan()
        assert "scan again" in told.value.do
        patch.undo()
        assert len(world.scan()[1]) == OF_ALL


_TOLD = "told once for an account, with how many and what to do; all others are read, and the scan is not complete"

PROOFS = [
    Proof("B6", "an object vanished or was archived", _TOLD, _in_a_bucket(_gone)),
    Proof(
        "B7",
        "listing or reading objects is throttled",
        f"tried again, later each time; then {_TOLD}",
        _in_a_bucket(_throttled),
    ),
    Proof("B8", "the log's key denies", f"{_TOLD}: its key", _in_a_bucket(_key_denies)),
    Proof(
        "B14",
        "the disk is full while a large object is put there",
        "the scan stops and says how to make room; the next one reads all",
        _in_a_bucket(_disk_full),
    ),
]
