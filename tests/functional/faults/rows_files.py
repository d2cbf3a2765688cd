"""B1 to B14: what backfill and reconcile read: files of records, and LookupEvents. `rows_logs` has buckets."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from contracts.trail import Trail
from faults.inject import each_code
from faults.made import volume_of
from faults.row import NotBuilt, Proof, Row
from faults.world import World
from harness import fixtures, logs
from harness.events import volume, volume_id
from ownertag.core.reading.documents import parse_document
from ownertag.core.reading.encodings import MAX_INFLATED_BYTES
from ownertag.core.records import Arrival
from ownertag.core.values import Reason, Refusal
from ownertag.sources.logs.places import Folder
from ownertag.sources.logs.scan import LogScan
from ownertag.sources.logs.wanted import Wanted

A = "111111111111"
GOOD = json.dumps({"Records": [volume(A, volume_id(number), number=number) for number in range(20)]}).encode()


def _refused(data: bytes, *reasons: Reason) -> None:
    """The object is a refusal that names it, no record of it is used, and the next is read; in a scan as well."""
    with TemporaryDirectory() as folder:
        broken, good = logs.key(A, name="broken"), logs.key(A, name="good")
        logs.in_folder(Path(folder), {broken: data, good: gzip.compress(GOOD)})
        scan = LogScan(Folder(folder), Wanted(frozenset({("ec2.amazonaws.com", "CreateVolume")})), processes=0)
        assert len([found for found in scan.records() if isinstance(found, Arrival)]) == 20
        assert not scan.report.is_complete
        [same] = scan.report.faults
        assert same.examples == [f"{folder}/{broken}"]
        assert same.first.what
        assert same.first.do
    found = list(parse_document(data, "logs/broken.json.gz"))
    assert len(found) == 1
    [refusal] = found
    assert isinstance(refusal, Refusal)
    assert refusal.where == "logs/broken.json.gz"
    assert refusal.reason in reasons
    assert refusal.detail
    assert len([parsed for parsed in parse_document(gzip.compress(GOOD), "next") if isinstance(parsed, Arrival)]) == 20


def _truncated(_: Path) -> None:
    whole = gzip.compress(GOOD)
    for cut in (1, 8, 9, len(whole) // 2, len(whole) - 11):
        _refused(whole[:-cut], Reason.UNREADABLE)


def _flipped(_: Path) -> None:
    whole = gzip.compress(GOOD)
    for place in range(30, len(whole), 97):
        broken = bytearray(whole)
        broken[place] ^= 1 << place % 8
        _refused(bytes(broken), Reason.UNREADABLE)


def _more_after_the_end(_: Path) -> None:
    for more in (b"x", b"\x1f\x8b", b"{}" * 100):
        _refused(gzip.compress(GOOD) + more, Reason.UNREADABLE)


def _bomb(_: Path) -> None:
    bomb = gzip.compress(b" " * (MAX_INFLATED_BYTES + 1), 1)
    assert len(bomb) < MAX_INFLATED_BYTES / 100
    _refused(bomb, Reason.TOO_LARGE)


def _not_json(_: Path) -> None:
    for text in (GOOD[:-1], GOOD[: len(GOOD) // 2], b"[1, 2", b"no json", b"", b'{"Records": 7}', b'{"other": []}'):
        _refused(gzip.compress(text), Reason.UNREADABLE, Reason.NOT_A_RECORD)


def _one_bad_record(_: Path) -> None:
    """The rest of a file counts where one record of it can't be read."""
    records = json.loads(GOOD)["Records"]
    records[7] = {"eventTime": 7}
    found = list(parse_document(json.dumps({"Records": records}).encode(), "log"))
    refusals = [parsed for parsed in found if isinstance(parsed, Refusal)]
    assert [refusal.where for refusal in refusals] == ["log#8"]
    assert len(found) == 20


def _both(*shows: Callable[[Path], None]) -> Callable[[Path], None]:
    def show(folder: Path) -> None:
        for one in shows:
            one(folder)

    return show


def _by_a_session(world: World) -> None:
    """A volume made by a role's session: who made the session is asked of CloudTrail."""
    made_at = (world.clock() - timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    attributes = {"creationDate": made_at, "mfaAuthenticated": "false"}
    record = world.record("a1")
    record["userIdentity"] = fixtures.session("john", account=world.a, attributes=attributes)
    world.knows("a1", record, [volume_of("a1")], user="john")
    world.send("a1", record)
    world.undo.append(lambda: world.wire.rule(Trail()))


_READ = "the object is a refusal that names it, no record of it is used, and the next one is read"

PROOFS = [
    Proof("B1", "a log file is cut (gzip)", _READ, _truncated),
    Proof("B2", "a bit of a log file is flipped", _READ, _flipped),
    Proof("B3", "there is something after a log file's end", _READ, _more_after_the_end),
    Proof("B4", "a log file is a bomb", _READ, _bomb),
    Proof(
        "B5",
        "a log file is no JSON, or no log; or one record is bad",
        f"{_READ}; one bad record is refused alone",
        _both(_not_json, _one_bad_record),
    ),
]

ROWS = [
    Row(
        "B11",
        "LookupEvents is throttled, or its token expires",
        "unavailable, never absent: the role's name stands for a while, not the session's, and the message comes back",
        {"*": "back, other, open tagged"},
        each_code("LookupEvents", "ThrottlingException InvalidNextTokenException InvalidTimeRangeException"),
        scene=_by_a_session,
    ),
]

NOT_BUILT = [
    NotBuilt(
        "B10",
        "a digest does not fit",
        "digest files are left out, and a log is believed as it lies in the bucket;"
        " `aws cloudtrail validate-logs` tells whether it is CloudTrail's",
    ),
]
