"""`ownertag backfill`: exit codes, the plan file, what it says when it is ended, and its run's file."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from flows.backfill_fakes import DAY, World, arn_of, arrival, found
from flows.hub import A
from harness.events import CATALOGUE, HOME, volume_id
from harness.fakes import NOON, FakeLookups
from ownertag.cli.app import app
from ownertag.cli.backfill import command, runs
from ownertag.cli.backfill.world import World as Adapters
from ownertag.core.backfill.found import Unlisted
from ownertag.core.values import Failure, OutcomeKind, Unavailable
from ownertag.runs import file as run_file
from ownertag.runs.backfill import BackfillStore

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Three volumes: of the first its record tells, of the second one of the 90 days, of the third nothing."""
    world = World(tmp_path / "unused.sqlite")
    world.put(found(1), found(2), found(3))
    world.history.told[A, HOME] = [arrival(1, "alice", NOON - 2 * DAY), arrival(2, "carol", NOON - DAY)]
    adapters = Adapters(
        "all", ((A, HOME),), "", "by", world.inventory, world.history, world.ledger, FakeLookups(world.aws), world,
        lambda account: f"the owner of {account}",
    )  # fmt: skip
    monkeypatch.setattr(command, "_world", lambda *_: adapters)
    monkeypatch.setattr(command, "_now", world.clock)
    monkeypatch.setattr(runs, "_now", world.clock)
    monkeypatch.setattr("ownertag.cli.backfill.command.time.sleep", world.wait)
    monkeypatch.setattr(runs, "folder", lambda: tmp_path / "runs")
    return world


@pytest.fixture
def run(tmp_path: Path) -> Run:
    settings = tmp_path / "ownertag.toml"
    settings.write_text("")

    def run(*words: str) -> tuple[int, str, str]:
        done = CliRunner().invoke(app, ["backfill", "--config", str(settings), *words])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.stdout, done.stderr

    return run


def rows_of(out: str) -> dict[str, dict[str, Any]]:
    return {row["arn"]: row for row in map(json.loads, out.splitlines()) if row["kind"] == "resource"}


def edited(out: str, path: Path, change: Callable[[dict[str, str]], None]) -> Path:
    """The plan file as somebody changed it."""
    lines = list(csv.DictReader(out.splitlines()))
    for line in lines:
        change(line)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, lines[0])
        writer.writeheader()
        writer.writerows(lines)
    return path


# --- what it prints, and with what it ends


def test_the_plan_is_shown_and_nothing_is_written(world: World, run: Run) -> None:
    code, out, err = run("--json")
    assert code == 1  # nobody can know of one
    plan = rows_of(out)
    assert [plan[arn_of(number)]["owner"]["name"] for number in (1, 2)] == ["alice", "carol"]
    assert plan[arn_of(3)]["action"] == "leave"
    assert plan[arn_of(3)]["ask"] == f"the owner of {A}"
    assert world.writes() == []
    assert "3 resources without a right owner tag" in err
    assert "1 nobody can know" in err
    assert "nothing is written: --apply tags 2" in err


def test_the_table_names_whom_to_ask(world: World, run: Run) -> None:  # noqa: ARG001 - it stands behind the command
    _, out, _ = run()
    assert f"{arn_of(3)}\n" in out
    assert f"ask the owner of {A}" in out


def test_it_ends_with_0_where_all_is_known(world: World, run: Run) -> None:
    world.aws.places[A, HOME].listed.pop()
    assert run()[0] == 0
    code, _, err = run("--apply")
    assert code == 0, err
    assert "2 tagged" in err


def test_the_same_command_applies_what_was_shown_and_then_does_nothing(world: World, run: Run) -> None:
    _, shown, _ = run("--json")
    listed = len(world.aws.calls)
    _, out, err = run("--apply", "--json")
    plan, done = rows_of(shown), rows_of(out)
    assert {row["run"] for row in done.values()} == {row["run"] for row in plan.values()}
    assert done[arn_of(1)]["outcome"] == "tagged"
    assert world.tags(1) == plan[arn_of(1)]["tags"] == done[arn_of(1)]["tags"]
    assert len(world.writes()) == 2
    assert "`ownertag backfill undo" in err
    assert listed < len(world.aws.calls)
    run("--apply")  # the run has ended: looks again, and finds nothing to do
    assert len(world.writes()) == 2


def test_records_that_aws_was_too_busy_for_are_never_none_and_asked_for_again(world: World, run: Run) -> None:
    """One resource has a tag of its own, which would count if no record could tell."""
    world.put(found(4, tags={"owner": "mallory"}))
    world.history.told[A, HOME].append(arrival(4, "dave", NOON - DAY))
    world.history.unread = lambda *_: Unavailable(OutcomeKind.THROTTLED, "later")
    code, out, err = run("--apply", "--json")
    assert code == 3
    assert f"{A} {HOME}: CloudTrail's records: throttled: later" in err
    plan = rows_of(out)
    assert {row["undecided"] for row in plan.values()} == {True}
    assert all(
        "CloudTrail's records could not all be read (throttled: later)" in row["reason"] for row in plan.values()
    )
    assert world.writes() == []

    world.history.unread = lambda *_: None
    code, out, err = run("--apply", "--json")
    assert code == 1, err
    again = rows_of(out)
    assert again[arn_of(1)]["run"] == plan[arn_of(1)]["run"]
    assert [again[arn_of(number)]["owner"]["name"] for number in (1, 2, 4)] == ["alice", "carol", "dave"]
    assert not again[arn_of(3)]["undecided"]
    assert len(world.writes()) == 3


def test_records_that_are_denied_are_told_beside_what_the_resource_says(world: World, run: Run) -> None:
    """Nobody waits for them: they are denied until somebody changes that."""
    world.history.unread = lambda *_: Unavailable(OutcomeKind.FORBIDDEN, "AccessDenied")
    code, out, _ = run("--json")
    assert code == 3
    row = rows_of(out)[arn_of(1)]
    assert (row["undecided"], row["action"]) == (False, "leave")
    assert row["reason"].startswith("CloudTrail's records could not all be read (forbidden: AccessDenied)")


def test_what_aws_was_too_busy_to_list_is_listed_again(world: World, run: Run) -> None:
    whole = world.inventory.resources
    why = Unlisted(A, HOME, ("ec2:volume",), Unavailable(OutcomeKind.THROTTLED, "later"))
    world.inventory.resources = lambda *_: iter([why])  # type: ignore[method-assign] # AWS is busy
    code, out, err = run("--json")
    assert (code, rows_of(out)) == (3, {})
    assert f"not listed in {A} {HOME}: ec2:volume: later" in err
    world.inventory.resources = whole  # type: ignore[method-assign] # and is no more
    assert len(rows_of(run("--json")[1])) == 3


@pytest.mark.parametrize("moment", range(1, 7))
def test_ctrl_c_says_where_it_goes_on_and_it_does(world: World, run: Run, moment: int) -> None:
    at = iter(range(1, 1_000))

    def interrupted(_what: str) -> None:
        if next(at) == moment:
            raise KeyboardInterrupt

    world.end = interrupted  # type: ignore[method-assign] # a moment at which somebody presses it
    done = CliRunner().invoke(app, ["backfill", "--config", str(world.path.with_name("ownertag.toml")), "--apply"])
    assert done.exit_code != 0
    assert "the same command goes on where it was" in done.stderr
    code, out, err = run("--apply", "--json")
    assert code == 1, err
    assert [rows_of(out)[arn_of(number)]["outcome"] for number in (1, 2)] == ["tagged", "tagged"]
    assert sorted(world.writes()) == sorted(set(world.writes()))


def test_a_full_disk_ends_it_with_words_and_it_goes_on(
    world: World, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """SQLite's own error of a file that can't grow."""
    whole = run_file.RunFile._open

    def small(self: run_file.RunFile) -> None:
        whole(self)
        self._do.execute(f"PRAGMA max_page_count = {pages}")

    monkeypatch.setattr(run_file.RunFile, "_open", small)
    world.put(*(found(number) for number in range(10, 400)))
    pages = 30
    code, out, err = run()
    assert (code, out) == (1, "")
    assert "full" in err
    assert "the same command goes on where it was" in err
    assert world.writes() == []
    pages = 100_000
    code, _, err = run("--apply")
    assert code == 1, err
    assert len(world.writes()) == 2


# --- the plan file


def test_what_somebody_changed_in_the_plan_file_is_done(world: World, run: Run, tmp_path: Path) -> None:
    _, out, _ = run("--output", "csv")

    def change(line: dict[str, str]) -> None:
        if line["arn"] == arn_of(1):
            line["action"] = "leave"
        if line["arn"] == arn_of(3):
            line.update(action="tag", owner="dora")

    code, _, err = run("--plan", str(edited(out, tmp_path / "plan.csv", change)), "--apply")
    assert code == 0, err
    assert "owner" not in world.tags(1)
    assert world.tags(2)["owner"] == "carol"
    assert [order.to for order in world.given] == ["dora"]


def test_what_somebody_decided_is_not_decided_again(world: World, run: Run, tmp_path: Path) -> None:
    """The records could not be read when the plan was handed back, and can be now."""
    world.history.unread = lambda *_: Unavailable(OutcomeKind.THROTTLED, "later")
    _, out, _ = run("--output", "csv")

    def change(line: dict[str, str]) -> None:
        if line["arn"] == arn_of(1):
            line.update(action="tag", owner="dora")

    run("--plan", str(edited(out, tmp_path / "plan.csv", change)), "--apply")
    assert [order.to for order in world.given] == ["dora"]
    world.history.unread = lambda *_: None
    _, out, err = run("--state", str(next((tmp_path / "runs").iterdir())), "--apply", "--json")
    rows = rows_of(out)
    assert (rows[arn_of(1)]["given"], rows[arn_of(2)]["action"]) == ("dora", "leave"), err
    assert "owner" not in world.tags(2)


def test_one_wrong_line_and_nothing_is_written(world: World, run: Run, tmp_path: Path) -> None:
    _, out, _ = run("--output", "csv")

    def change(line: dict[str, str]) -> None:
        if line["arn"] == arn_of(2):
            line["action"] = "delete"

    path = edited(out, tmp_path / "plan.csv", change)
    code, _, err = run("--plan", str(path), "--apply")
    assert code == 2
    assert f"{path}, line 3" in err
    assert "nothing was written: mend this line" in err
    assert world.writes() == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "can't be read: No such file"),
        (b"", "is no plan: hand back what `ownertag backfill --output csv` printed"),
        (b"a;b\n1;2\n", "is no plan"),
        (b"run\n\xff\xfe\n", "line 2: is no UTF-8: save the file as CSV in UTF-8"),
        (b'"run","account"\n"../../etc/passwd","1"\n', "is no run; one is called such as"),
        (b'"run","account"\n"20200101-000000-00000000-0000","1"\n', "there is no such file"),
    ],
)
def test_a_file_that_is_no_plan_of_a_run_is_refused(
    world: World, run: Run, tmp_path: Path, content: bytes | None, said: str
) -> None:  # fmt: skip
    path = tmp_path / "plan.csv"
    if content is not None:
        path.write_bytes(content)
    code, out, err = run("--plan", str(path), "--apply")
    assert (code, out) == (2, "")
    assert said in err
    assert world.writes() == []


# --- undo


def test_undo_shows_and_then_puts_back_what_was_there(world: World, run: Run) -> None:
    """What could not be tagged is none of it."""
    before = world.tags(1)
    denied = Failure("UnauthorizedOperation", 403)
    world.aws.refuses = lambda call: denied if call.name in CATALOGUE.tag_apis and volume_id(2) in call.values else None
    _, out, _ = run("--apply", "--json")
    name = rows_of(out)[arn_of(1)]["run"]
    assert world.tags(1) != before
    code, out, err = run("undo", name, "--json")
    assert code == 0, err
    assert [(row["arn"], row["outcome"]) for row in map(json.loads, out.splitlines())] == [(arn_of(1), "would-restore")]
    assert "owner" in world.tags(1)
    code, out, err = run("undo", name, "--apply", "--json")
    assert code == 0, err
    assert [(row["arn"], row["outcome"]) for row in map(json.loads, out.splitlines())] == [(arn_of(1), "restored")]
    assert world.tags(1) == before


def test_a_run_that_is_not_there_is_refused_and_those_that_are_are_named(world: World, run: Run) -> None:
    _, out, _ = run("--json")
    name = rows_of(out)[arn_of(1)]["run"]
    code, out, err = run("undo", "20200101-000000-00000000-0000", "--apply")
    assert (code, out) == (2, "")
    assert name in err
    assert world.writes() == []


# --- words that it does not take


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["again"], "to undo a run write `ownertag backfill undo RUN`"),
        (["undo"], "to undo a run write `ownertag backfill undo RUN`"),
        (["undo", "a", "b"], "to undo a run write `ownertag backfill undo RUN`"),
        (["undo", "x", "--account", A], "undo takes no --account"),
        (["--account", "12345"], "is no account; write its 12 digits"),
        (["--account", f"{A},me"], "--account 'me' is no account"),
    ],
)
def test_other_words_are_refused(world: World, run: Run, words: list[str], said: str) -> None:
    code, out, err = run(*words, "--apply")
    assert (code, out) == (2, "")
    assert said in " ".join(err.split())
    assert world.writes() == []


def test_a_run_of_something_else_is_not_gone_on_with(
    world: World, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.sqlite"
    assert run("--state", str(path))[0] == 1
    adapters = command._world()  # type: ignore[call-arg] # the fixture's
    monkeypatch.setattr(command, "_world", lambda *_: replace(adapters, scope="other"))
    code, _, err = run("--state", str(path))
    assert code == 2
    assert "is a run of something else (all)" in err
    assert world.writes() == []


def test_two_at_once_are_refused(world: World, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "mine.sqlite"
    run("--state", str(path))
    store = BackfillStore(path)
    try:
        code, _, err = run("--state", str(path), "--apply")
    finally:
        store.close()
    assert code == 1
    assert str(path) in err
    assert world.writes() == []


def test_a_plan_that_nobody_applied_for_a_day_is_made_anew(world: World, run: Run) -> None:
    _, first, _ = run("--json")
    _, second, _ = run("--json")
    world.clock.move(timedelta(hours=25))
    _, third, _ = run("--json")
    one, two, three = ({row["run"] for row in rows_of(out).values()} for out in (first, second, third))
    assert one == two
    assert one.isdisjoint(three)


def test_neither_is_one_of_which_only_what_can_not_be_looked_up_is_left(world: World, run: Run) -> None:
    world.history.unread = lambda *_: Unavailable(OutcomeKind.THROTTLED, "later")
    first, second = (rows_of(run("--apply", "--json")[1]) for _ in range(2))
    world.clock.move(timedelta(hours=25))
    third = rows_of(run("--apply", "--json")[1])
    one, two, three = ({row["run"] for row in rows.values()} for rows in (first, second, third))
    assert one == two
    assert one.isdisjoint(three)
