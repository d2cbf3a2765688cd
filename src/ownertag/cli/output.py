"""Results to standard output: for a person, as JSON lines, or as CSV."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ownertag.cli.options import Output
from ownertag.cli.terminal import screen, table
from ownertag.cli.writing import Marks, clean_lines, write
from ownertag.core.owner.principal import clean

__all__ = ["Printer", "clean_lines", "print_table"]

_COLUMNS = (
    "where",
    "event_id",
    "event_source",
    "event_name",
    "account",
    "region",
    "created_at",
    "resources",
    "owner",
    "evidence",
    "confidence",
    "tags",
    "outcomes",
    "refusal",
    "detail",
)


class Printer:
    """Prints results one by one, in the format asked for."""

    def __init__(self, format: Output) -> None:  # noqa: A002 - the word of the option
        self._format = format
        self._csv = csv.writer(sys.stdout, quoting=csv.QUOTE_ALL, lineterminator="\n")
        if format is Output.CSV:
            self._csv.writerow(_COLUMNS)

    def print(self, result: Mapping[str, Any]) -> None:
        """Prints one result, an object of `flows.result_object`."""
        if self._format is Output.JSON:
            print(json.dumps(result))
        elif self._format is Output.CSV:
            self._csv.writerow(_row(result))
        else:
            print(_block(result))


def _row(result: Mapping[str, Any]) -> list[str]:
    owner, refusal = result["owner"] or {}, result["refusal"] or {}
    cells = {
        **result,
        "resources": " ".join(resource["arn"] for resource in result["resources"]),
        "owner": owner.get("name"),
        "evidence": owner.get("evidence"),
        "confidence": owner.get("confidence"),
        "tags": " ".join(f"{key}={value}" for key, value in (result["tags"] or {}).items()),
        "outcomes": " ".join(f"{outcome['outcome']}:{outcome['arn'] or '*'}" for outcome in result["outcomes"]),
        "refusal": refusal.get("reason"),
        "detail": refusal.get("detail"),
    }
    return [_cell(cells[column]) for column in _COLUMNS]


def _cell(value: object) -> str:
    """Returns a text that no spreadsheet takes for a formula."""
    text = clean(str(value)) if value is not None else ""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"} else text


def _block(result: Mapping[str, Any]) -> str:
    """Returns a result for a person: what happened in one line, and what follows from it below."""
    refusal = result["refusal"]
    place = [result[key] for key in ("account", "region", "created_at") if result[key]]
    lines = [f"{'  '.join([result['event_name'] or 'no record', *place])}  ({result['where']})"]
    if refusal:
        lines.append(f"  refused    {refusal['reason']}: {refusal['detail']}")
    owner = result["owner"]
    if owner:
        lines.append(f"  owner      {owner['name']}, {owner['confidence']} by {owner['evidence']}")
        lines += [f"             through {hop}" for hop in owner["via"]]
        if owner["reason"]:
            lines.append(f"             because {owner['reason']}")
    lines += _list("resources", [resource["arn"] for resource in result["resources"]])
    lines += _list("tags", [f"{key} = {value}" for key, value in (result["tags"] or {}).items()])
    lines += _list("looks up", [f"{question['kind']} {question['value']}" for question in result["questions"]])
    lines += _list("outcomes", [_outcome(outcome) for outcome in result["outcomes"]])
    return "\n".join(clean_lines(lines))


def _outcome(outcome: Mapping[str, Any]) -> str:
    reason = f" ({outcome['reason']})" if outcome["reason"] else ""
    return f"{outcome['outcome'].replace('would-', 'would ')} {outcome['arn'] or 'as a whole'}{reason}"


def _list(name: str, items: Sequence[str]) -> list[str]:
    return [f"  {name if not number else '':<10} {item}" for number, item in enumerate(items)]


def print_table(
    rows: Sequence[Mapping[str, str]],
    format: Output,  # noqa: A002 - the word of the option
    right: Collection[str] = (),
    marks: Marks | None = None,
) -> None:
    """Prints rows, which have the same columns, as a table for a person, or as CSV.

    Args:
        rows: At least one.
        format: How; not as JSON.
        right: The columns of numbers.
        marks: The words that have a colour.
    """
    columns = list(rows[0])
    if format is Output.CSV:
        writer = csv.writer(sys.stdout, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([[_cell(row[column]) for column in columns] for row in rows])
        return
    cleaned = [{column: clean(row[column]) for column in columns} for row in rows]
    write(table(cleaned, screen(sys.stdout).width, right), marks, sys.stdout)
