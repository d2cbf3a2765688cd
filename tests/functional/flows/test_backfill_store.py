"""The file of a run: for one process at a time, durable, and refused with what to do where it can't be used."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from harness.fakes import NOON
from harness.sandbox_process import SAME_PATH
from ownertag.core.backfill.found import FoundResource, State
from ownertag.core.values import Resource
from ownertag.runs.backfill import BackfillStore
from ownertag.runs.file import RunError, RunInUse
from ownertag.runs.values import BackfillRun, KeptResource, ListedPlace

RUN = BackfillRun("run", NOON, "all")
A, REGION = "123456789012", "eu-central-1"


def resource(number: int) -> KeptResource:
    arn = f"arn:aws:ec2:{REGION}:{A}:volume/vol-{number:017x}"
    found = FoundResource(A, REGION, Resource(arn, f"vol-{number:017x}", "ec2:volume"), {"a": "b"}, NOON)
    return KeptResource(found, State.UNTAGGED, NOON)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "below" / "run.sqlite"


def test_a_second_process_is_refused_until_the_first_has_ended_however_it_ends(path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from flows.test_backfill_store import RUN; "
        "from ownertag.runs.backfill import BackfillStore; "
        "store = BackfillStore(Path(sys.argv[1]), RUN); print('open', flush=True); time.sleep(600)"
    )
    environment = {**os.environ, **SAME_PATH}
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(RunInUse, match="another process works on it: wait for it, or end it"):
            BackfillStore(path, RUN)
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    BackfillStore(path, RUN).close()


def test_what_is_kept_is_there_after_it_is_opened_again(path: Path) -> None:
    store = BackfillStore(path, RUN)
    store.add_places([(A, REGION)])
    listed = ListedPlace(NOON, {State.UNTAGGED: 2})
    store.keep_place(A, REGION, listed, [resource(1), resource(2)])
    store.close()
    again = BackfillStore(path)
    assert (again.run, again.places()) == (RUN, {(A, REGION): listed})
    assert list(again.resources()) == [resource(1), resource(2)]
    again.close()
    assert path.stat().st_mode & 0o077 == 0


def test_more_than_a_page_is_read_whole_and_may_be_changed_meanwhile(path: Path) -> None:
    store = BackfillStore(path, RUN)
    store.add_places([(A, REGION)])
    store.keep_place(A, REGION, ListedPlace(NOON), map(resource, range(2500)))
    seen = []
    for one in store.resources():
        seen.append(one.found.key.arn)
        store.keep_step("step", one.found.key.arn)
    assert seen == [resource(number).found.key.arn for number in range(2500)]
    store.close()


def test_half_a_place_is_not_kept(path: Path) -> None:
    def half() -> object:
        yield resource(1)
        raise KeyboardInterrupt

    store = BackfillStore(path, RUN)
    store.add_places([(A, REGION)])
    with pytest.raises(KeyboardInterrupt):
        store.keep_place(A, REGION, ListedPlace(NOON), half())  # type: ignore[arg-type] # it ends before its second
    assert (list(store.resources()), store.places()) == ([], {(A, REGION): None})
    store.close()


def test_a_full_disk_is_told_and_nothing_is_half_written(path: Path) -> None:
    store = BackfillStore(path, RUN)
    store.add_places([(A, REGION)])
    pages = store._file.all("PRAGMA page_count")[0][0]
    store._file.all(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(RunError, match="the disk is full; nothing was written: make room, then run it again"):
        store.keep_place(A, REGION, ListedPlace(NOON), map(resource, range(1000)))
    assert list(store.resources()) == []
    store.close()
    BackfillStore(path).close()


def test_another_files_are_refused_and_left_as_they_are(path: Path) -> None:
    with pytest.raises(RunError, match="there is no such file; `ownertag backfill` begins a run"):
        BackfillStore(path)
    path.parent.mkdir()
    path.write_text("no database at all, but a text that is long enough to be looked at" * 20)
    with pytest.raises(RunError, match="is no SQLite database, or is damaged"):
        BackfillStore(path, RUN)
    path.unlink()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (a)")
    other.close()
    with pytest.raises(RunError, match="is another program's database; name another file"):
        BackfillStore(path, RUN)
    path.unlink()
    BackfillStore(path, RUN).close()
    newer = sqlite3.connect(path)
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(RunError, match="was written by a newer ownertag"):
        BackfillStore(path)


def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="name another file with --state"):
        BackfillStore(tmp_path / "file" / "run.sqlite", RUN)
