"""The names of log files, as CloudTrail's user guide gives them ("CloudTrail log file name format")."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from ownertag.sources.logs.keys import Kind, Named, Selection, days_of, folder_of, named, region_folder

DAY = "AWSLogs/111122223333/CloudTrail/us-east-2/2026/01/31"
FILE = "111122223333_CloudTrail_us-east-2_20260131T2345Z_4z8l3Zj0nE3Kzj3a.json.gz"


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (f"{DAY}/{FILE}", Named(Kind.LOG, "111122223333", "us-east-2", date(2026, 1, 31))),
        (f"some/prefix/{DAY}/{FILE}", Named(Kind.LOG, "111122223333", "us-east-2", date(2026, 1, 31))),
        (f"copied/flat/{FILE}", Named(Kind.LOG, "111122223333", "us-east-2", date(2026, 1, 31))),
        (
            (
                "AWSLogs/o-exampleorgid/111122223333/CloudTrail/us-gov-west-1/2026/01/31/"
                "111122223333_CloudTrail_us-gov-west-1_20260131T2345Z_4z8l3Zj0nE3Kzj3a.json.gz"
            ),
            Named(Kind.LOG, "111122223333", "us-gov-west-1", date(2026, 1, 31)),
        ),
        (
            (
                "AWSLogs/111122223333/CloudTrail-Digest/us-east-2/2026/01/31/"
                "111122223333_CloudTrail-Digest_us-east-2_your-trail_us-east-2_20260131T234500Z.json.gz"
            ),
            Named(Kind.DIGEST, "111122223333", "us-east-2", date(2026, 1, 31)),
        ),
        (
            (
                "AWSLogs/111122223333/CloudTrail-Insight/us-east-2/2026/01/31/"
                "111122223333_CloudTrail-Insight_us-east-2_20260131T2345Z_4z8l3Zj0nE3Kzj3a.json.gz"
            ),
            Named(Kind.INSIGHT, "111122223333", "us-east-2", date(2026, 1, 31)),
        ),
        (
            "AWSLogs/111122223333/Config/us-east-2/2026/1/31/ConfigHistory/x.json.gz",
            Named(Kind.OTHER_LOG, "111122223333", "us-east-2"),
        ),
        (f"{DAY}/all-of-january.json.gz", Named(Kind.JSON, "111122223333", "us-east-2", date(2026, 1, 31))),
        (f"{DAY}/readme.txt", Named(Kind.OTHER, "111122223333", "us-east-2", date(2026, 1, 31))),
        ("export.json", Named(Kind.JSON)),
        ("notes/readme.txt", Named(Kind.OTHER)),
        (
            f"{DAY}/111122223333_CloudTrail_us-east-2_20261331T2345Z_x.json.gz",
            Named(Kind.LOG, "111122223333", "us-east-2"),
        ),
    ],
)
def test_a_key_says_what_it_is_and_whose(key: str, says: Named) -> None:
    assert named(key) == says


def test_a_folder_says_whose_it_is_and_which_is_in_the_order_of_days() -> None:
    assert folder_of("some/prefix/") is None
    assert folder_of("AWSLogs/o-exampleorgid/") is None
    account = folder_of("AWSLogs/o-exampleorgid/111122223333/")
    assert account == Named(Kind.LOG, "111122223333")
    region = folder_of("AWSLogs/111122223333/CloudTrail/us-east-2/")
    assert region == Named(Kind.LOG, "111122223333", "us-east-2")
    assert [path for path in (DAY[:-3], DAY[:-11], DAY[:-21]) if region_folder(f"{path}/")] == [DAY[:-11]]
    digests = folder_of("AWSLogs/111122223333/CloudTrail-Digest/")
    assert digests is not None
    assert not digests.kind.is_read


def test_of_single_days_only_their_files_are_read() -> None:
    selection = Selection(days=days_of([datetime(2026, 1, 31, 23, 59, tzinfo=UTC)]))
    keys = {day: f"{DAY}/{FILE}".replace("20260131", str(day)) for day in range(20260128, 20260132)}
    taken = [day for day, key in keys.items() if selection.takes(named(key))]
    assert taken == [20260131]
    assert selection.days == {date(2026, 1, 31), date(2026, 2, 1)}


def test_what_a_name_leaves_open_is_read() -> None:
    selection = Selection(
        frozenset({"111122223333"}),
        frozenset({"us-east-2"}),
        datetime(2026, 1, 31, tzinfo=UTC),
        datetime(2026, 2, 1, tzinfo=UTC),
    )
    assert selection.takes(Named(Kind.JSON))
    assert selection.takes(named(f"{DAY}/{FILE}"))
    assert not selection.takes(named(f"{DAY}/{FILE}".replace("111122223333", "444455556666")))
    assert not selection.takes(named(f"{DAY}/{FILE}".replace("us-east-2", "us-east-1")))


@pytest.mark.parametrize(
    ("day", "taken"),
    [("20260130", False), ("20260131", True), ("20260201", True), ("20260202", True), ("20260203", False)],
)
def test_a_file_is_delivered_after_its_records_and_on_the_next_day_at_most(day: str, taken: bool) -> None:
    selection = Selection(since=datetime(2026, 1, 31, 12, tzinfo=UTC), until=datetime(2026, 2, 1, 12, tzinfo=UTC))
    assert selection.takes(named(f"111122223333_CloudTrail_us-east-2_{day}T2345Z_x.json.gz")) is taken
