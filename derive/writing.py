"""The texts of the generated files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

import botocore

from derive import models, reference, verbs
from derive.deletions import Deletion
from derive.grouping import Creation
from derive.rows import Made, NoRow, Row, TypeEntry

#: How the reason begins of what takes tags that are not those of what it makes.
OF_SOMETHING_ELSE = "its tags are of something else"
_HEAD = "# Derived from AWS's models by `make catalogue`; never edited. What is known better stands in ../overlay/."


def head() -> list[str]:
    """The first lines of every file: what it was derived from stands in not_rows.toml alone, so that they stay."""
    return [_HEAD]


def source_file(
    source: str, creations: Sequence[Creation], types: Mapping[str, TypeEntry], deletions: Sequence[Deletion] = ()
) -> str:
    """The file of an event source, with the types that stand in it."""
    lines = [*head(), "", f'event_source = "{source}"']
    for name, entry in sorted(types.items()):
        lines += ["", f"[types.{json.dumps(name)}]", f"arn = {_text(entry.arn)}", f"id = {_text(entry.id)}"]
        lines.append(f"api = {_text(entry.api)}")
    for creation in creations:
        lines += ["", *_creation(creation)]
    for deletion in deletions:
        lines += ["", *_deletion(deletion)]
    return "\n".join(lines) + "\n"


def not_rows_file(no_rows: Iterable[NoRow]) -> str:
    """The file of the operations that take tags and are no rows, a line each."""
    no_rows = tuple(no_rows)
    lines = [
        *head(),
        f"botocore = {_text(botocore.__version__)}",
        f"authorization_reference = {_text(reference.version())}",
        "",
        "# Operations that take tags and make nothing that a record tells of, with the reason.",
        "[operations]",
    ]
    lines += [f"{json.dumps(f'{one.client}.{one.operation}')} = {_text(one.reason)}" for one in no_rows]
    lines += ["", "# What records of those are called that make something all the same.", "[makes]"]
    events = {
        f"{models.event_source(one.client)} {models.event_name(one.client, one.operation)}": one
        for one in no_rows
        if not verbs.makes_nothing(one.client, one.operation) and not one.reason.startswith(OF_SOMETHING_ELSE)
    }
    lines += [f"{json.dumps(event)} = {_text(one.reason)}" for event, one in sorted(events.items())]
    return "\n".join(lines) + "\n"


def _clients(event: str, rows: Iterable[Row]) -> str:
    return ", ".join(row.client if row.operation == event else f"{row.client}.{row.operation}" for row in rows)


def _deletion(deletion: Deletion) -> list[str]:
    lines = [
        "[[deletion]]",
        f"event = {_text(deletion.event)}",
        f"client = {_text(_clients(deletion.event, deletion.rows))}",
    ]
    if deletion.stays:
        lines.append(f"stays = {_text(deletion.stays)}")
    return [*lines, "ends = [", *(f"  {_made(made)}," for made in deletion.ends), "]"]


def _creation(creation: Creation) -> list[str]:
    lines = [
        "[[creation]]",
        f"event = {_text(creation.event)}",
        f"client = {_text(_clients(creation.event, creation.rows))}",
        'basis = "model"',
        f"confidence = {_text(creation.confidence)}",
    ]
    if creation.traits:
        lines.append(f"is = {_list(creation.traits)}")
    if creation.region:
        lines.append(f"region = {_text(creation.region)}")
    return [*lines, "makes = [", *(f"  {_made(made)}," for made in creation.makes), "]"]


def _made(made: Made) -> str:
    fields = [f"type = {_text(made.type)}"]
    fields += [
        f"{key} = {_list(values)}"
        for key, values in (("when", made.when), ("arn", made.arn), ("each", made.each))
        if values
    ]
    if made.strip:
        fields.append(f"strip = {_text(made.strip)}")
    return f"{{ {', '.join(fields)} }}"


def _list(values: Sequence[str]) -> str:
    return f"[{', '.join(map(_text, values))}]"


def _text(value: str) -> str:
    return f"'{value}'" if "\\" in value and "'" not in value else json.dumps(value)
