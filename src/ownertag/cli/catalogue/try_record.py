"""`ownertag catalogue try`: what the catalogue makes of a record, and the row that it would take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from ownertag.catalogue.files import CatalogueError
from ownertag.catalogue.merge import merged
from ownertag.cli.catalogue import texts
from ownertag.cli.catalogue.trial import Trial, try_arrival
from ownertag.cli.inputs import Reading
from ownertag.cli.options import NO_AWS, Exit, Options, Output, fail, with_options
from ownertag.cli.writing import print_lines
from ownertag.core.records import Arrival
from ownertag.core.values import Refusal

SCHEMA = 1
_AS_IT_IS = (
    "the golden event has the record as it is: with all replaced it would come to something else, since an id loses its"
    " form, or AWS's models do not have the service; replace names, accounts and addresses before you give it away"
)
_STATUS = {
    "on": "has a row, which is on",
    "off": "has a row, which is off",
    "none": "has no row",
}


@with_options(without=NO_AWS)
def try_record(
    files: Annotated[list[str], typer.Argument(help="Files, folders, or - for standard input.", metavar="FILE...")],
    options: Options,
    write: Annotated[
        Path | None,
        typer.Option(
            "--write",
            help="Write the entry and the golden event below this folder: the repository's.",
            metavar="FOLDER",
        ),
    ] = None,
) -> None:
    """Try a record against the rows of every service.

    Names its row, on or off, or says that there is none; shows what the row's paths find in this record, what would be
    tagged, and by which call; or why nothing would be. Then prints the entry for the overlay and the golden event that
    turn the row on, or writes them with --write. Where AWS's models gave no row, one is made of the record, and what
    has to be looked at is said. AWS is not called.

    A file holds CloudTrail records in any form that `ownertag explain` reads. In the golden event names, ids and
    addresses are replaced; where they can't be, it says so. A record with an account or an id of AWS's examples is
    documented, not seen, and that is said as well.

    Exits with 0 where every record has a row, on or off, by which something would be tagged, with 1 where one has not,
    and with 2 where one could not be read.
    """
    if options.format is Output.CSV:
        fail("catalogue try prints text or JSON: leave out --output csv")
    try:
        whole, reading = merged(), Reading(options)
    except CatalogueError as error:
        fail(str(error))
    unread = missing = count = 0
    for arrival, data in reading.with_data(files):
        count += 1
        if isinstance(arrival, Refusal):
            unread += arrival.reason.is_unread
            _print_unread(arrival, options)
            continue
        trial = try_arrival(arrival, whole)
        missing += trial.status == "none" or not trial.tagged
        _print(arrival, trial, data, options, shows=write is None)
        if write is not None:
            _write(trial, data, write, options)
    if not count:
        fail("there is no record in it")
    raise typer.Exit(Exit.BAD_INPUT if unread else Exit.FINDINGS if missing else Exit.OK)


def _write(trial: Trial, data: bytes, folder: Path, options: Options) -> None:
    if trial.status == "on" or not trial.tagged:
        why = "the row is on" if trial.status == "on" else "nothing would be tagged"
        return options.say(f"{trial.event}: nothing written: {why}")
    try:
        paths, redacted = texts.write(trial, data, folder)
        for path in paths:
            options.say(f"written: {path}")
        _say_notes(data, redacted, options)
        options.say(f"its test: {texts.test_command(trial)}")
    except FileExistsError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{folder}: can't be written: {error.strerror}")


def _say_notes(data: bytes, redacted: bool, options: Options) -> None:
    if example := texts.example_in(data):
        options.say(
            f"{example} is of AWS's examples, so that the entry says documented: name the page in source, or write seen"
            " if somebody made this call"
        )
    if not redacted:
        options.say(_AS_IT_IS)


def _print_unread(refusal: Refusal, options: Options) -> None:
    if options.format is Output.JSON:
        told = {"reason": refusal.reason.value, "detail": refusal.detail}
        print(json.dumps({"schema": SCHEMA, "where": refusal.where, "refusal": told}))
    else:
        print_lines([f"no record  ({refusal.where})", f"  refused    {refusal.reason.value}: {refusal.detail}"])


def _print(arrival: Arrival, trial: Trial, data: bytes, options: Options, *, shows: bool) -> None:
    if options.format is Output.JSON:
        print(json.dumps(_as_object(arrival, trial, data)))
        return
    print_lines(_lines(arrival, trial))
    if shows and trial.tagged and trial.status != "on":
        print(f"\n# {texts.overlay_path(trial)}")
        print(texts.overlay_text(trial, data, head=False))
        print(f"# {texts.golden_path(trial)}")
        golden, redacted = texts.golden_event(trial, data)
        print(json.dumps(golden, indent=2))
        _say_notes(data, redacted, options)


def _lines(arrival: Arrival, trial: Trial) -> list[str]:
    lines = [f"{trial.source.removesuffix('.amazonaws.com')} {trial.event}  ({arrival.where})"]
    lines.append(f"  row        {_STATUS[trial.status]}{f': {trial.why}' if trial.why else ''}")
    if trial.entry is not None and trial.draft is None:
        lines.append(f"  rests on   {_basis(trial)}")
    if trial.draft is not None:
        lines.append("  tried      a row that is made of this record alone; look at")
        lines += [f"             - {what}" for what in trial.draft.look_at]
    for number, found in enumerate(trial.found):
        said = ", ".join(found.values) or ("" if found.path.startswith("when ") else "finds nothing")
        lines.append(f"  {'paths' if not number else '':<10} {found.path}{f'  {said}' if said else ''}")
    for number, tagged in enumerate(trial.tagged):
        none = "by no call yet" if trial.draft else "in the ledger alone: AWS has no call for it"
        call = f"by {tagged.call}" if tagged.call else none
        lines.append(f"  {'would tag' if not number else '':<10} {tagged.arn}")
        lines.append(f"             {tagged.type}, {call}")
        lines.append(f"             ids are {tagged.id_form}")
    if trial.refused:
        lines.append(f"  refused    {trial.refused[0]}: {trial.refused[1]}")
    if not trial.tagged and trial.entry is None:
        lines.append("  finds      nothing in this record that could have been made")
    return lines


def _basis(trial: Trial) -> str:
    assert trial.entry is not None  # noqa: S101 - asked before
    words = {"seen": "a record", "documented": "AWS's documentation", "in-use": "other taggers"}
    basis = words.get(trial.entry.basis, f"AWS's models alone, {trial.entry.confidence or 'no'} confidence")
    return f"{basis}: {trial.entry.source}" if trial.entry.source else basis


def _as_object(arrival: Arrival, trial: Trial, data: bytes) -> dict[str, Any]:
    adds = bool(trial.tagged) and trial.status != "on"
    golden, redacted = texts.golden_event(trial, data) if adds else (None, True)
    return {
        "schema": SCHEMA,
        "where": arrival.where,
        "event_source": trial.source,
        "event_name": trial.event,
        "row": trial.status,
        "why": trial.why,
        "basis": trial.entry.basis if trial.entry else None,
        "look_at": list(trial.draft.look_at) if trial.draft else [],
        "paths": [{"type": one.type, "path": one.path, "values": list(one.values)} for one in trial.found],
        "would_tag": [
            {"arn": one.arn, "type": one.type, "call": one.call or None, "id_form": one.id_form} for one in trial.tagged
        ],
        "refusal": {"reason": trial.refused[0], "detail": trial.refused[1]} if trial.refused else None,
        "overlay": texts.overlay_text(trial, data, head=False) if adds else None,
        "golden": golden,
        "redacted": redacted,
    }
