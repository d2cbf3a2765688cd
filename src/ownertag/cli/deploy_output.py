"""What `ownertag deploy` prints: a plan for a person or a machine, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ownertag.cli.options import Options, Output
from ownertag.cli.output import print_table
from ownertag.cli.terminal import CommandLine
from ownertag.cli.writing import DIM, GREEN, RED, YELLOW, Marks, print_lines

if TYPE_CHECKING:
    from ownertag.rollout.deploy.execute import StepResult
    from ownertag.rollout.deploy.tag_usage import TagUsage
    from ownertag.rollout.deploy.told import Note
    from ownertag.rollout.deploy.values import Step

SCHEMA = 1

MARKS: Marks = {
    "create": GREEN,
    **dict.fromkeys(("update", "left out"), YELLOW),
    "delete": RED,
    "unchanged": DIM,
}
#: So many accounts are named in a line; of more, only the number is told.
MOST_NAMED = 20


def print_plan(
    steps: tuple[Step, ...],
    usage: TagUsage | None,
    options: Options,
    notes: tuple[Note, ...] = (),
    *,
    more: Iterable[dict[str, Any]] = (),
) -> None:
    """Prints each step with what it changes, what is left out, and whom the policy would stop (None: not counted).

    `more` has objects of other kinds, for a machine alone.
    """
    objects: list[dict[str, Any]] = [
        {
            "schema": SCHEMA,
            "kind": "step",
            "action": step.action.value,
            "what": step.what,
            "account": step.account,
            "region": step.region or None,
            "changes": list(step.changes),
            "diff": step.diff or None,
        }
        for step in steps
    ]
    objects += [
        {
            "schema": SCHEMA,
            "kind": "left-out",
            "why": note.why.value,
            "what": note.said,
            "places": [{"account": account or None, "region": region or None} for account, region in note.places],
            "advice": list(note.advice),
        }
        for note in notes
    ]
    objects += [
        {
            "schema": SCHEMA,
            "kind": "use",
            "account": use.account,
            "principal": use.principal,
            "keys": list(use.keys),
            "calls": use.calls,
            "last": use.last.isoformat().replace("+00:00", "Z"),
            "tool": use.tool or None,
        }
        for use in (usage.uses if usage else ())
    ]
    objects += [
        {"schema": SCHEMA, "kind": "unread", "account": account, "reason": reason}
        for account, reason in (usage.unread if usage else ())
    ]
    objects += more
    if options.format is Output.JSON:
        for json_object in objects:
            print(json.dumps(json_object))
    elif options.format is Output.CSV:
        _print_rows(objects, options)
    else:
        lines = [line for step in steps for line in _lines(step)]
        lines += [line for note in notes for line in _note_lines(note)]
        print_lines([*lines, *(_use_lines(usage) if usage is not None else ())], MARKS)


def _lines(step: Step) -> Iterator[str]:
    place = " ".join(part for part in (step.account, step.region) if part)
    yield f"{step.action.value:<10} {step.what}  ({place})"
    for change in step.changes:
        yield f"             {change}"
    for line in step.diff.splitlines():
        yield f"             {line}"


def _note_lines(note: Note) -> Iterator[str]:
    by_region: dict[str, list[str]] = {}
    for account, region in note.places:
        by_region.setdefault(region, []).append(account)
    for region, accounts in sorted(by_region.items()):
        named = [account for account in accounts if account]
        who = ", ".join(named) if len(named) <= MOST_NAMED else f"{len(named)} accounts"
        place = " in ".join(part for part in (region, who) if part)
        yield f"left out   {place}: {note.said}"
    for line in note.advice:
        indented = f"{' ' * 13}{line.strip()}"
        yield CommandLine(indented) if line.startswith(" ") else indented


def _use_lines(usage: TagUsage) -> Iterator[str]:
    yield ""
    if usage.uses:
        yield "The policy would stop these, who write or remove the protected keys today:"
    elif not usage.unread:
        yield "Nobody was seen to use the protected keys: the policy would stop nobody."
    for use in usage.uses:
        named = f"{use.calls} calls with {', '.join(use.keys)}, last {use.last:%Y-%m-%d %H:%M}"
        yield f"  {use.account}  {use.principal}: {named}"
    if usage.unread:
        yield "It is not known of these, whose history could not be read to the end:"
    for account, reason in usage.unread:
        yield f"  {account}  {reason}"


def print_done(done: tuple[StepResult, ...], options: Options) -> None:
    """Prints what became of each step; in a table nothing, since the progress said it."""
    if options.format is Output.TABLE:
        return
    objects: list[dict[str, Any]] = [
        {
            "schema": SCHEMA,
            "kind": "done",
            "action": step_result.step.action.value,
            "what": step_result.step.what,
            "account": step_result.step.account,
            "region": step_result.step.region or None,
            "failed": step_result.failed or None,
        }
        for step_result in done
    ]
    if options.format is Output.JSON:
        for json_object in objects:
            print(json.dumps(json_object))
    else:
        _print_rows(objects, options)


def _print_rows(objects: list[dict[str, Any]], options: Options) -> None:
    columns = list(
        dict.fromkeys(key for json_object in objects for key in json_object if key not in {"schema", "diff"})
    )
    rows = [{column: _text(json_object.get(column)) for column in columns} for json_object in objects]
    if rows:
        print_table(rows, options.format)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "/".join(str(part) for part in value.values() if part)
    if isinstance(value, list):
        return " ".join(map(_text, value))
    return "" if value is None else str(value)
