"""What fits a terminal: nothing is cut, nothing is folded where nobody sees it, and a colour is never alone."""

from __future__ import annotations

import io
import random
import shlex

import pytest

from ownertag.cli.terminal import CommandLine, Screen, cells, folded, screen, table
from ownertag.cli.writing import RED, clean_lines, write

ARN = "arn:aws:sts::333333333333:assumed-role/AWSReservedSSO_PowerUser_0123456789abcdef/carol@example.com"
WORDS = (
    *("a", "owner", "i-0123456789abcdef0", "333333333333", "`ownertag deploy apply --yes`", "eu-central-1:", "(1"),
    *(ARN, "团队甲", "Jürgen", "/Users/Jane", r"C:\Users\Jane", "--profile"),
)


def fold(line: str, width: int | None) -> list[str]:
    return list(folded([line], width))


@pytest.mark.parametrize("width", [20, 40, 80, 100])
def test_no_word_is_lost_or_cut_and_only_a_word_alone_is_too_wide(width: int) -> None:
    draw = random.Random(width)  # noqa: S311 - a test's
    for _ in range(500):
        line = " " * draw.randrange(0, 14) + " ".join(draw.choices(WORDS, k=draw.randrange(1, 20)))
        lines = fold(line, width)
        assert " ".join(lines).split() == line.split()
        assert [one for one in lines if cells(one) > width and " " in one.strip()] == []


def test_where_there_is_no_terminal_a_line_is_a_line() -> None:
    line = f"fault: {' '.join(WORDS)}"
    assert fold(line, None) == [line]
    assert list(table([{"arn": ARN, "owner": "alice"}] * 2, None)) == [
        f"arn{' ' * (len(ARN) - 3)}  owner",
        *[f"{ARN}  alice"] * 2,
    ]


def test_what_is_labelled_continues_below_its_text() -> None:
    assert fold("  created    2026-11-29T22:29:53Z by RunInstances of ec2.amazonaws.com", 44) == [
        "  created    2026-11-29T22:29:53Z by",
        "             RunInstances of",
        "             ec2.amazonaws.com",
    ]
    assert fold("fault: rule, 333333333333 in us-east-1: DISABLED", 30) == [
        "fault: rule, 333333333333 in",
        "  us-east-1: DISABLED",
    ]


def test_a_long_arn_is_on_its_own_line_and_further_left_where_it_fits_only_there() -> None:
    arn = "arn:aws:ec2:eu-central-1:333333333333:network-interface/eni-0123456789abcdef0"
    assert fold(f"  resource   {arn} (ec2:network-interface)", 80) == [
        "  resource",
        f"  {arn}",
        "             (ec2:network-interface)",
    ]
    assert fold(f"  resource   {ARN}", 80) == ["  resource", ARN]
    user = "arn:aws:sts::333333333333:assumed-role/developer/carol@example.com"
    assert fold(f"{' ' * 13}2026-11-29T23:08:28Z  created by {user} (RunInstances): erin's", 80) == [
        "             2026-11-29T23:08:28Z  created by",
        f"             {user}",
        "               (RunInstances): erin's",
    ]


def test_a_command_can_be_pasted_from_any_width() -> None:
    command = (
        r"    aws events put-rule --name ownertag-1 --pattern '{\"a b\": [\"c\"]}' --config 'C:\Users\Jane Doe\o.toml'"
    )
    for width in (30, 40, 60, 80):
        lines = fold(CommandLine(command), width)
        pasted = " ".join(line.removesuffix("\\") for line in lines)
        assert shlex.split(pasted) == shlex.split(command)
        assert all(line.endswith(" \\") for line in lines[:-1])
    assert fold(CommandLine("  it's no shell's " + "x " * 30), 30)[-1].strip(" x") == ""


ROWS = [
    {"number": "1", "match": "*@example.com", "owner": "团队甲", "why": "a glob, in any account", "taken_by": ""},
    {"number": "12", "match": f"{ARN}*", "owner": "team-platform", "why": "exact", "taken_by": "1"},
]


@pytest.mark.parametrize("width", [40, 80])
def test_a_table_that_is_too_wide_becomes_records_without_losing_anything(width: int) -> None:
    lines = list(table(ROWS, width))
    text = " ".join(" ".join(lines).split())
    for row in ROWS:
        assert " ".join(f"{name} {value}" for name, value in row.items() if value) in text
    assert [line for line in lines if cells(line) > width and " " in line.strip()] == []
    assert sum(line.startswith("number") for line in lines) == 2


def test_a_table_counts_columns_and_not_letters() -> None:
    rows = [{"owner": "团队甲", "n": "7"}, {"owner": "alice", "n": "42"}]
    assert list(table(rows, 80, right={"n"})) == ["owner    n", "团队甲   7", "alice   42"]


@pytest.mark.parametrize(
    ("environment", "colour", "width"),
    [
        ({}, False, None),
        ({"FORCE_COLOR": "1"}, True, None),
        ({"FORCE_COLOR": "0"}, False, None),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, None),
        ({"FORCE_COLOR": "1", "NO_COLOR": ""}, True, None),
        ({"COLUMNS": "120"}, False, None),  # readline sets it for all that a program starts
        ({"OWNERTAG_COLUMNS": "120"}, False, 120),
        ({"OWNERTAG_COLUMNS": "3"}, False, 20),
        ({"OWNERTAG_COLUMNS": "wide"}, False, None),
        ({"OWNERTAG_COLUMNS": "0"}, False, None),
        ({"OWNERTAG_COLUMNS": "²"}, False, None),
    ],
)
def test_what_is_no_terminal_is_one_only_if_it_is_said(
    environment: dict[str, str], colour: bool, width: int | None
) -> None:
    assert screen(io.StringIO(), environment) == Screen(width, colour)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "colour"),
    [
        ({"TERM": "xterm-256color"}, True),
        ({}, True),  # Windows has no TERM
        ({"TERM": "dumb"}, False),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": "0"}, False),
        ({"NO_COLOR": ""}, True),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True),
    ],
)
def test_a_terminal_shows_colours_unless_somebody_asks_for_none(environment: dict[str, str], colour: bool) -> None:
    assert screen(Terminal(), environment).colour == colour
    assert screen(Terminal(), environment).width == 80  # it does not say how wide it is
    assert screen(Terminal(), {**environment, "COLUMNS": "120"}).width == 120


def test_a_stream_that_is_closed_is_no_terminal() -> None:
    stream = io.StringIO()
    stream.close()
    assert screen(stream, {}) == Screen(None, False)
    assert screen(None, {}) == Screen(None, False)


def test_our_words_are_coloured_and_those_of_strangers_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    stream = io.StringIO()
    hostile = "\x1b[31mfault\x1b[0m [red]x[/red]\u202e"
    lines = [*clean_lines([f"fault: {hostile}", f"  fault {hostile}", "faulty: 1", "a  b  fault", "no-fault"])]
    write(lines, {"fault": RED}, stream)
    red = "\x1b[31m\x1b[1mfault\x1b[0m"
    assert stream.getvalue().splitlines() == [
        f"{red}: [31mfault[0m [red]x[/red]",
        "  fault [31mfault[0m [red]x[/red]",
        "faulty: 1",
        f"a  b  {red}",
        "no-fault",
    ]
