"""The plan file: what is written, what may be changed, and what is refused with its line."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from ownertag.core.backfill.found import State
from ownertag.core.backfill.plan import COLUMNS, Action, Edit, PlanFault, PlanRow, plan_text, read_plan, run_of
from ownertag.core.ownership import ResourceKey
from ownertag.core.values import Confidence

RUN = "20260302-091405-0f3a9c1d-5b7e"
A = "123456789012"


def row(number: int, owner: str = "alice", **fields: object) -> PlanRow:
    key = ResourceKey(A, "eu-central-1", f"arn:aws:ec2:eu-central-1:{A}:volume/vol-{number}")
    made = PlanRow(
        key, "ec2:volume", f"vol-{number}", State.UNTAGGED, Action.TAG if owner else Action.LEAVE, owner,
        Confidence.ASSERTED if owner else Confidence.NONE, "iam-user" if owner else "", event_id=f"event-{number}",
        made_at=datetime(2026, 3, 2, 9, 14, 5, tzinfo=UTC), source="log s3://logs/a.json.gz",
    )  # fmt: skip
    return replace(made, **fields)


def lines(*rows: PlanRow) -> list[list[str]]:
    return list(csv.reader(io.StringIO("".join(plan_text(RUN, rows)))))


def text(changed: list[list[str]], separator: str = ",") -> str:
    file = io.StringIO()
    csv.writer(file, delimiter=separator).writerows(changed)
    return file.getvalue()


def edited(change: Callable[[list[list[str]]], object], *rows: PlanRow) -> dict[ResourceKey, Edit] | list[PlanFault]:
    found = lines(*rows)
    change(found)
    return read_plan(text(found), RUN, {one.key: one for one in rows})


def cell(found: list[list[str]], line: int, column: str, value: str) -> None:
    found[line - 1][COLUMNS.index(column)] = value


def faults(change: Callable[[list[list[str]]], object], *rows: PlanRow) -> list[str]:
    found = edited(change, *rows)
    assert isinstance(found, list), found
    return [str(fault) for fault in found]


def test_a_file_that_nobody_changed_wants_what_was_planned() -> None:
    rows = row(1), row(2, "")
    assert edited(lambda _: None, *rows) == {rows[0].key: Edit(2, Action.TAG), rows[1].key: Edit(3, Action.LEAVE)}
    assert run_of("".join(plan_text(RUN, rows))) == RUN


@pytest.mark.parametrize("name", ["=cmd|'/C calc'!A0", "+49 30", "-x", "@team", "o'hara", 'büro, "quoted"', "\uff1dx"])
def test_no_owner_is_a_formula_in_a_spreadsheet_and_comes_back_as_it_was(name: str) -> None:
    one = row(1, name)
    assert not lines(one)[1][COLUMNS.index("owner")].startswith(("=", "+", "-", "@", "\uff1d"))
    assert edited(lambda _: None, one) == {one.key: Edit(2, Action.TAG)}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_spreadsheet_may_save_it_with_its_own_separator_and_mark(separator: str) -> None:
    one = row(1, "", reason="a; b, c\td")
    found = lines(one)
    cell(found, 2, "owner", "bob")
    assert read_plan("\ufeff" + text(found, separator), RUN, {one.key: one}) == {one.key: Edit(2, Action.TAG, "bob")}


def test_an_owner_that_was_changed_is_given_and_a_line_that_was_left_or_taken_out_is_left() -> None:
    rows = row(1), row(2), row(3), row(4, "")

    def change(found: list[list[str]]) -> None:
        cell(found, 2, "owner", "team-data")
        cell(found, 3, "action", "leave")
        cell(found, 5, "owner", "erin")  # where nobody was known, its name is enough
        del found[3]

    found = edited(change, *rows)
    assert found == {
        rows[0].key: Edit(2, Action.TAG, "team-data"),
        rows[1].key: Edit(3, Action.LEAVE),
        rows[3].key: Edit(4, Action.TAG, "erin"),
    }


ADDED = "take the line out; a resource can't be added here"
CHANGED = "owner and action are what can be changed"


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("region", "eu-west-1", f"line 2: {row(1).key.arn} in account {A}, eu-west-1 is not in the plan: {ADDED}"),
        ("action", "delete", "line 2: delete is no action: write tag or leave"),
        ("owner", "", "line 2: it is to be tagged, and names no owner: write one, or leave as its action"),
        ("owner", "a\x1b[31mb", "line 2: a\\x1b[31mb is no name: write a person or team, at most 256 characters"),
        ("owner", "x" * 257, f"line 2: {'x' * 120}… is no name: write a person or team, at most 256 characters"),
        ("confidence", "proven", f"line 2: confidence was changed to proven: put back asserted; {CHANGED}"),
        ("run", "another", f"line 2: is of run another, not of {RUN}: hand back the file of one run"),
    ],
)  # fmt: skip
def test_a_wrong_cell_is_told_with_its_line_and_what_to_do(column: str, value: str, told: str) -> None:
    assert faults(lambda found: cell(found, 2, column, value), row(1)) == [told]


def test_all_that_is_wrong_is_told_at_once() -> None:
    def change(found: list[list[str]]) -> None:
        cell(found, 2, "action", "")
        cell(found, 3, "owner", "")
        found.append(found[3])
        found[4] = found[4][:-1]

    assert faults(change, row(1), row(2), row(3)) == [
        "line 2:  is no action: write tag or leave",
        "line 3: it is to be tagged, and names no owner: write one, or leave as its action",
        "line 5: has 14 cells, not 15: is a quote missing? take the line anew",
    ]


def test_a_resource_stands_there_once() -> None:
    [told] = faults(lambda found: found.append(found[1]), row(1))
    assert told.startswith("line 3: ")
    assert told.endswith("was in line 2 already: take one of them out")


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (COLUMNS[:-1], "the column ask is missing"),
        ((*COLUMNS, "note"), "note is no column of a plan"),
        (("account", "run", *COLUMNS[2:]), "the columns are in another order"),
        ((), "the column run is missing"),
    ],
)
def test_other_columns_are_refused(columns: tuple[str, ...], told: str) -> None:
    found = read_plan(text([list(columns)]), RUN, {})
    assert found == [PlanFault(1, told, "leave the columns as `ownertag backfill` wrote them")]


def test_a_quote_that_is_open_is_told() -> None:
    found = read_plan("".join(plan_text(RUN, [row(1)])) + '"half', RUN, {row(1).key: row(1)})
    assert isinstance(found, list)
    assert [fault.line for fault in found] == [3]
    assert "is no CSV" in found[0].what


def test_what_one_call_made_is_left_together_or_not_at_all() -> None:
    rows = row(1, event_id="one"), row(2, event_id="one")
    [told] = faults(lambda found: cell(found, 3, "action", "leave"), *rows)
    assert told.startswith(f"line 2: one call made {rows[0].key.arn} and {rows[1].key.arn}, and one is left")

    def both(found: list[list[str]]) -> None:
        cell(found, 2, "action", "leave")
        cell(found, 3, "action", "leave")

    assert edited(both, *rows) == {rows[0].key: Edit(2, Action.LEAVE), rows[1].key: Edit(3, Action.LEAVE)}
    given = edited(lambda found: cell(found, 3, "owner", "bob"), *rows)
    assert given == {rows[0].key: Edit(2, Action.TAG), rows[1].key: Edit(3, Action.TAG, "bob")}


def test_what_is_not_decided_yet_needs_a_name_or_another_run() -> None:
    one = row(1, waits=True, reason="throttled: AWS is busy")
    [told] = faults(lambda _: None, one)
    assert told == (
        "line 2: it is not decided yet: throttled: AWS is busy: run `ownertag backfill` again, or name an owner"
    )
    assert edited(lambda found: cell(found, 2, "owner", "bob"), one) == {one.key: Edit(2, Action.TAG, "bob")}
