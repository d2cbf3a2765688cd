"""`ownertag explain`: the decision for every record, without touching AWS."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated

import typer

from ownertag.catalogue.loader import load
from ownertag.cli.inputs import records
from ownertag.cli.options import Exit, Options, with_options
from ownertag.cli.output import Printer, as_object
from ownertag.core.values import Reason
from ownertag.flows.explain import explain as decide


@with_options
def explain(
    files: Annotated[list[str], typer.Argument(help="Files, folders, or - for standard input.", metavar="FILE...")],
    options: Options,
) -> None:
    """Print the decision for every record.

    What was created, whose it is and why, and which tags it would get; or why it is refused. AWS is not touched.

    A file holds CloudTrail records in any form: a record, an EventBridge event, a queue message or batch, a log file
    (plain or gzipped), what lookup-events prints, or JSON lines of these.

    Exits with 0 also where records are refused, with 2 where input can't be read.
    """
    settings, catalogue = options.settings(), load()
    printer = Printer(options.format)
    refused: Counter[Reason] = Counter()
    creations = 0
    for arrival in records(files, options):
        each = decide(arrival, catalogue, settings, datetime.now(UTC))
        refusal = each.result.refusal
        if refusal is None:
            creations += 1
        else:
            refused[refusal.reason] += 1
        printer.print(arrival.where, as_object(each.result, each.owner, each.questions))
    reasons = ", ".join(f"{count} {reason.value}" for reason, count in refused.most_common())
    total = f"{creations + refused.total()} records: {creations} creations, {refused.total()} refused"
    options.say(f"{total} ({reasons})" if reasons else total)
    raise typer.Exit(exit_code(refused, creations))


def exit_code(refused: Counter[Reason], creations: int) -> int:
    """2 for input that can't be read at all, or that holds no record where one was promised."""
    if refused[Reason.UNREADABLE] or refused[Reason.TOO_LARGE]:
        return Exit.BAD_INPUT
    no_record = refused[Reason.NOT_A_RECORD]
    return Exit.BAD_INPUT if no_record and no_record == refused.total() + creations else Exit.WELL
