"""B9: a backfill is ended in the middle, at any moment and by a disk that is full, and goes on where it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from faults.row import Proof
from flows.backfill_fakes import DAY, OLD, RUN, Killed, World, arrival, fill, found, outcome
from flows.hub import B
from harness.events import HOME
from harness.fakes import NOON
from ownertag.core.backfill.plan import plan_text
from ownertag.runs.backfill import BackfillStore
from ownertag.runs.file import RunError, RunFile

#: So many moments at which it is killed, at least.
MOMENTS = 100


def _made(path: Path) -> World:
    world = World(path)
    fill(world)
    world.put(*(found(number, B) for number in range(20, 140)))
    world.logs += [arrival(number, "erin", OLD + number * DAY / 10, B) for number in range(20, 110)]
    world.history.told[B, HOME] += [arrival(number, "erin", NOON - 2 * DAY, B) for number in range(110, 125)]
    return world


def _result(world: World) -> tuple[Any, ...]:
    """What came of it, with the bytes of the plan file."""
    store = BackfillStore(world.path, RUN)
    try:
        plan = "".join(plan_text(store.run.id, store.plan()))
    finally:
        store.close()
    return plan, *outcome(world), sorted(world.writes())


def _ended(folder: Path) -> None:
    undisturbed = _made(folder / "undisturbed.sqlite")
    undisturbed.apply()
    wanted, moments = _result(undisturbed), undisturbed.steps
    assert moments >= MOMENTS, moments
    for moment in range(1, moments + 1):
        world = _made(folder / f"{moment}.sqlite")
        world.kill_at = moment
        with pytest.raises(Killed):
            world.apply()
        assert world.apply().left == 0, moment
        assert _result(world) == wanted, moment
    _full(folder, wanted)


def _full(folder: Path, wanted: tuple[Any, ...]) -> None:
    """The run's file can't grow: SQLite's own answer to a disk that is full."""
    opened = RunFile._open
    full: list[str] = []
    for pages in range(20, 90, 5):
        world = _made(folder / f"full-{pages}.sqlite")

        def small(file: RunFile, pages: int = pages) -> None:
            opened(file)
            file._do.execute(f"PRAGMA max_page_count = {pages}")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(RunFile, "_open", small)
            try:
                world.apply()
            except RunError as error:
                full.append(str(error))
        assert world.apply().left == 0, pages
        assert _result(world) == wanted, pages
    assert len(full) > 3
    assert all("full" in said for said in full), full


PROOFS = [
    Proof(
        "B9",
        "a backfill is killed in the middle, or its disk is full",
        "the same command goes on: the same plan, tags, ledger and journal as without, and nothing is written twice",
        _ended,
    ),
]
