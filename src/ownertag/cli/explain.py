"""`ownertag explain`: shows the decision for every record, without calling AWS."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from ownertag.catalogue.loader import load_catalogue
from ownertag.cli.inputs import Reading
from ownertag.cli.options import NO_AWS, Exit, Options, with_options
from ownertag.cli.output import Printer
from ownertag.core.values import Reason
from ownertag.flows.explain import explain as decide
from ownertag.flows.result_object import DELETED, result_object

#: Of what could not be read, so many places are said again at the end.
_MOST_PLACES = 10


@with_options(without=NO_AWS)
def explain(
    files: Annotated[list[str], typer.Argument(help="Files, folders, or - for standard input.", metavar="FILE...")],
    options: Options,
    creations: Annotated[
        bool,
        typer.Option("--creations-only", help="Print creations alone, those not covered yet, and what can't be read."),
    ] = False,
    redact: Annotated[
        bool,
        typer.Option("--redact", help="Print the records instead, with all names, ids and addresses replaced."),
    ] = False,
) -> None:
    """Print the decision for every record.

    Shows what was created, its owner and the evidence, and the tags it would get; what was deleted, and by whom; or why
    it is refused. AWS is not called.

    A file holds CloudTrail records in any form: records, log files, EventBridge events, messages of SQS, SNS, Kinesis,
    Firehose and CloudWatch Logs, answers of lookup-events and filter-log-events, lists, lines, or Athena's CSV.

    With --redact, the records are printed instead, one JSON object a line, to be given away: names, ids, addresses,
    ARNs and free text are replaced, the same one alike throughout a run. Times, Regions, services, calls, error codes,
    counts and sizes stay, so that the decision is the same. What can't be read is left out, and told.

    Exits with 0 also where records are refused, with 2 where one could not be read, and with 1 where the account of one
    is only known by the IAM user who called, or where a redacted one decides otherwise.
    """
    if redact:
        from ownertag.cli.redact import print_redacted

        print_redacted(files, options, creations)
    settings, catalogue = options.settings(), load_catalogue()
    printer, reading, tally = Printer(options.format), Reading(options), Tally()
    for arrival in reading.records(files):
        explanation = decide(arrival, catalogue, settings, datetime.now(UTC))
        result = result_object(explanation.result, explanation.owner, explanation.questions)
        tally.count(result)
        if not (creations and explanation.is_of_no_creation):
            printer.print(result)
    tally.report(options, reading)
    raise typer.Exit(tally.exit_code or (Exit.FINDINGS if reading.inferred else Exit.OK))


@dataclass
class Tally:
    """Counts what became of the records."""

    creations: int = 0
    deletions: int = 0
    refused: Counter[Reason] = field(default_factory=Counter)
    uncovered: Counter[str] = field(default_factory=Counter)
    unread: list[str] = field(default_factory=list)

    def count(self, result: Mapping[str, Any]) -> None:
        """Counts one more result, an object of `flows.result_object`."""
        if result["refusal"] is None:
            deletes = any(outcome["outcome"] == DELETED for outcome in result["outcomes"])
            self.deletions += deletes
            self.creations += not deletes
            return
        reason = Reason(result["refusal"]["reason"])
        self.refused[reason] += 1
        if reason is Reason.NOT_COVERED:
            self.uncovered[result["refusal"]["detail"].partition(": ")[2]] += 1
        if reason.is_unread and len(self.unread) <= _MOST_PLACES:
            self.unread.append(result["where"])

    @property
    def exit_code(self) -> int:
        """Returns 2 where something should be a record and could not be read, even if it is one of many."""
        return Exit.BAD_INPUT if any(reason.is_unread for reason in self.refused) else Exit.OK

    def report(self, options: Options, reading: Reading) -> None:
        """Says the counts: what is not covered apart from what creates nothing, and where something was not read."""
        skipped = {Reason.DIGEST, Reason.INSIGHT, Reason.CONTROL_MESSAGE}
        apart = {*skipped, Reason.NOT_COVERED}
        others = [(reason, count) for reason, count in self.refused.most_common() if reason not in apart]
        refused, uncovered = sum(count for _, count in others), self.refused[Reason.NOT_COVERED]
        parts = [f"{self.creations} creations"]
        parts += [f"{self.deletions} deletions"] if self.deletions else []
        parts += [f"{uncovered} not covered yet"] if uncovered else []
        parts += [f"{refused} refused"]
        reasons = ", ".join(f"{count} {reason.value}" for reason, count in others)
        total = f"{self.creations + self.deletions + uncovered + refused} records: {', '.join(parts)}"
        options.say(f"{total} ({reasons})" if reasons else total)
        if uncovered:
            options.say(
                f"not covered yet: {', '.join(f'{count} {name}' for name, count in self.uncovered.most_common())}"
            )
        for reason in sorted(skipped & self.refused.keys()):
            options.say(f"skipped: {self.refused[reason]} {reason.value}")
        reading.report()
        if self.unread:
            more = ", ..." if len(self.unread) > _MOST_PLACES else ""
            options.say(f"could not be read: {', '.join(self.unread[:_MOST_PLACES])}{more}")
