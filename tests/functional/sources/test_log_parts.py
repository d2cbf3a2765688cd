"""Logs in parts: a scan that was ended goes on behind the last part that was read to its end."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from harness import logs
from harness.fakes import NOON
from ownertag.core.backfill.logs import LogsRead
from ownertag.core.records import Arrival
from ownertag.sources.logs.keys import Selection
from ownertag.sources.logs.parts import LogParts
from ownertag.sources.logs.places import place_of
from ownertag.sources.logs.wanted import Wanted

A = "111111111111"
WANTED = Wanted(frozenset({("ec2.amazonaws.com", "CreateVolume")}))
FILES = {
    logs.key(A, at=NOON + timedelta(hours=number), name=f"x{number:02}"): logs.log_file(
        logs.volumes(A, range(number * 2, number * 2 + 2))
    )
    for number in range(10)
}


def parts_of(folder: Path, after: str = "", **more: Any) -> LogParts:
    return LogParts(place_of(str(folder)), WANTED, Selection(), after, **more)


def read(parts: LogParts, most: int = 100) -> tuple[list[str], list[LogsRead]]:
    """The ids of the events of so many parts, and what each part says when it is read."""
    ids: list[str] = []
    said: list[LogsRead] = []
    for part in parts:
        ids += [one.record.event_id for one in part.records() if isinstance(one, Arrival)]
        said.append(part.read())
        if len(said) == most:
            break
    return ids, said


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return logs.in_folder(tmp_path, FILES)


def every() -> list[str]:
    return [f"{one['eventID']}" for number in range(10) for one in logs.volumes(A, range(number * 2, number * 2 + 2))]


@pytest.mark.parametrize(("most", "count"), [({"objects": 3}, 4), ({"size": 1}, 10), ({"objects": 100}, 1), ({}, 1)])
def test_all_parts_together_are_all_logs(folder: Path, most: dict[str, Any], count: int) -> None:
    ids, said = read(parts_of(folder, **most))
    assert sorted(ids) == sorted(every())
    assert len(said) == count
    assert sum(one.objects for one in said) == 10
    assert sum(one.size for one in said) == sum(map(len, FILES.values()))
    assert not any(one.problems or one.unreached for one in said)


@pytest.mark.parametrize("read_before", range(1, 4))
def test_it_goes_on_behind_the_last_part_that_was_read(folder: Path, read_before: int) -> None:
    before, said = read(parts_of(folder, objects=3), read_before)
    after, _ = read(parts_of(folder, said[-1].end, objects=3))
    assert sorted(before + after) == sorted(every())
    assert not set(before) & set(after)


def test_behind_the_last_one_is_nothing(folder: Path) -> None:
    _, said = read(parts_of(folder))
    assert read(parts_of(folder, said[-1].end)) == ([], [])


def test_where_the_last_one_is_there_no_more_all_is_read_again(folder: Path) -> None:
    """Its place among the others can't be told: twice is better than not at all."""
    before, said = read(parts_of(folder, objects=3), 1)
    (folder / said[0].end).unlink()
    again, _ = read(parts_of(folder, said[0].end, objects=3))
    assert sorted({*before, *again}) == sorted(every())
    assert len(again) == 18


def test_what_came_before_it_meanwhile_is_not_read_and_what_came_behind_is(folder: Path) -> None:
    """So `Selection.until` has to leave out what is delivered while a run works."""
    _, said = read(parts_of(folder, objects=3), 1)
    early, late = (logs.key(A, at=NOON + timedelta(hours=hours)) for hours in (-1, 30))
    logs.in_folder(folder, {early: logs.log_file(logs.volumes(A, [90])), late: logs.log_file(logs.volumes(A, [91]))})
    ids, _ = read(parts_of(folder, said[-1].end, objects=3))
    assert logs.volumes(A, [91])[0]["eventID"] in ids
    assert logs.volumes(A, [90])[0]["eventID"] not in ids


def test_each_part_tells_what_it_could_not_read(folder: Path) -> None:
    for name in list(FILES)[:2]:
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[: len(whole) // 2])
    _, said = read(parts_of(folder, objects=3))
    assert [bool(one.problems) for one in said] == [True, False, False, False]
    assert "2 of this kind" in said[0].problems[0]


def test_a_folder_that_is_not_listed_is_told_at_the_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    denied = folder / "AWSLogs" / logs.ORGANIZATION / "222222222222"
    denied.mkdir()

    scandir = os.scandir

    def refuse(path: object = ".") -> object:
        if str(path).endswith("222222222222"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)  # type: ignore[call-overload] # as it came

    monkeypatch.setattr(os, "scandir", refuse)
    parts = parts_of(folder, objects=3)
    ids, _ = read(parts)
    assert sorted(ids) == sorted(every())
    unlisted = parts.unlisted()
    assert unlisted.unreached
    assert "222222222222" in unlisted.problems[0]
