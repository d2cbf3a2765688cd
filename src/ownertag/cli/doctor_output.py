"""Prints what doctor found: faults first, by cause, with what mends them; or an object for each check."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from ownertag.cli.options import Output
from ownertag.cli.output import print_table
from ownertag.cli.terminal import CommandLine
from ownertag.cli.writing import DIM, RED, YELLOW, Marks, print_lines

if TYPE_CHECKING:
    from ownertag.rollout.doctor.commands import Caller, Command
    from ownertag.rollout.doctor.findings import Finding
    from ownertag.rollout.doctor.grouping import Group, Scale

SCHEMA = 1
MARKS: Marks = {
    **dict.fromkeys(("fault", "unreached"), RED),
    "not checked here": YELLOW,
    **dict.fromkeys(("not checkable", "ok", "no fault"), DIM),
}
#: So many accounts are named in one command; of more, the first is mended first.
MOST_NAMED = 4
#: So many lines say where something is; of more places, the number is told.
MOST_PLACES = 2


def print_objects(findings: list[Finding], caller: Caller, output: Output) -> None:
    """Prints an object for each finding, as JSON lines or CSV."""
    from ownertag.rollout.doctor.commands import line

    objects = [
        {
            "schema": SCHEMA,
            "account": finding.account,
            "region": finding.region,
            "check": finding.check.value,
            "state": finding.state.value,
            "cause": finding.cause.value if finding.cause else None,
            "seen": finding.seen,
            "advice": finding.advice or None,
            "commands": [line(command, caller) for command in finding.commands],
        }
        for finding in findings
    ]
    if output is Output.JSON:
        for json_object in objects:
            print(json.dumps(json_object))
    elif objects:
        rows = [
            {**json_object, "commands": "\n".join(line(command, caller) for command in finding.commands)}
            for json_object, finding in zip(objects, findings, strict=True)
        ]
        columns = [key for key in rows[0] if key != "schema"]
        print_table([{key: str(row[key] or "") for key in columns} for row in rows], output)


def print_report(findings: list[Finding], scale: Scale, caller: Caller, *, everything: bool) -> None:
    """Prints the findings for a person, in groups; with `everything`, also what is well, and each place."""
    print_lines(report(findings, scale, caller, everything=everything), MARKS)


def report(findings: list[Finding], scale: Scale, caller: Caller, *, everything: bool) -> Iterator[str]:
    """The lines of it, not folded."""
    from ownertag.rollout.doctor.causes import Cause
    from ownertag.rollout.doctor.findings import CheckState
    from ownertag.rollout.doctor.grouping import group

    urgent = {CheckState.FAULT, CheckState.UNREACHABLE}
    unchecked = [
        finding
        for finding in findings
        if finding.state is CheckState.NOT_CHECKABLE or finding.cause is Cause.DRIFT_UNCHECKED
    ]
    groups = group(findings if everything else [finding for finding in findings if finding.state in urgent])
    bad = [one for one in groups if one.state in urgent]
    for one in groups:
        yield from _group(one, scale, caller, everything=everything)
    counts = Counter(finding.check.value for finding in unchecked)
    if counts and not everything:
        named = ", ".join(f"{check} {number}" for check, number in counts.items())
        yield f"not checked here, so not known: {named}; --all says why"
    well = sum(finding.state is CheckState.OK for finding in findings)
    accounts = len({finding.account for finding in findings})
    told = [
        f"{_number(number, 'fault') if state is CheckState.FAULT else f'{number:,} unread'}"
        for state in (CheckState.FAULT, CheckState.UNREACHABLE)
        if (number := sum(finding.state is state for finding in findings))
    ]
    said = f"{_number(len(bad), 'cause')} ({', '.join(told)})" if bad else "no fault"
    more = "" if everything else " (--all)"
    yield f"{said}; {_number(well, 'check')} in {_number(accounts, 'account')} well{more}"


def _number(number: int, what: str) -> str:
    return f"{number:,} {what if number == 1 else f'{what}s'}"


def _group(one: Group, scale: Scale, caller: Caller, *, everything: bool) -> Iterator[str]:
    from ownertag.rollout.doctor.commands import known, line
    from ownertag.rollout.doctor.findings import CheckState
    from ownertag.rollout.doctor.grouping import places

    where = list(places(one, scale))
    shown = where if everything or len(where) <= MOST_PLACES else where[: MOST_PLACES - 1]
    others = f"; {len(where) - len(shown)} other places" if len(shown) < len(where) else ""
    follows = f" ({one.follows} checks more follow from it)" if one.follows else ""
    head = f"{one.state.value}: {one.check.value}, {'; '.join(shown)}{others}: {one.seen}{follows}"
    commands = one.commands
    # What several places need is shown for the first of them; but one command can make a few accounts anew.
    part = not everything and (len(commands) > len(one.first) or _too_many(one))
    if part:
        commands = one.first
    advice = f". {one.advice[:1].upper()}{one.advice[1:]}" if one.advice else ""
    if part:
        advice += f" (1 of {len(one.findings)})"
    needed = (_account(command, caller) for command in commands if not known(command, caller))
    if in_turn := ", then ".join(account for account, _ in groupby(needed)):
        advice += f", in account {in_turn}"
    yield f"{head}{advice}{':' if commands else ''}"
    if everything and (one.state in {CheckState.FAULT, CheckState.UNREACHABLE} or _differ(one)):
        for finding in one.findings if len(one.findings) > 1 else ():
            own = f": {finding.seen}" if finding.seen != one.seen else ""
            yield f"    {' '.join(part for part in (finding.account, finding.region) if part)}{own}"
    yield from (CommandLine(f"    {line(command, caller)}") for command in commands)


def _too_many(one: Group) -> bool:
    """Whether the accounts are too many for one line."""
    return len(one.accounts) > MOST_NAMED and one.commands != one.first


def _differ(one: Group) -> bool:
    return len({finding.seen for finding in one.findings}) > 1


def _account(command: Command, caller: Caller) -> str:
    return command.account or caller.management
