"""What the preflight of `ownertag deploy` prints: findings grouped by cause for a person, each for a machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ownertag.cli.options import Options, Output
from ownertag.cli.writing import DIM, RED, YELLOW, Marks, print_lines

if TYPE_CHECKING:
    from ownertag.rollout.preflight.examine import PreflightResult
    from ownertag.rollout.preflight.findings import FindingGroup

SCHEMA = 1
MARKS: Marks = {"stops": RED, "not known": YELLOW, "fine": DIM}
#: Of so many accounts the ids are listed; of more, only the first ones.
MOST_ACCOUNTS = 4
_INDENT = " " * 11
#: What nobody can see from here, or what takes too long to read.
NOT_LOOKED_AT = "permissions boundaries, policies of VPC endpoints, and service quotas"


def preflight_objects(result: PreflightResult) -> list[dict[str, Any]]:
    """The findings as objects for `--json`, and one of how much was read."""
    objects: list[dict[str, Any]] = [
        {
            "schema": SCHEMA,
            "kind": "preflight",
            "check": finding.check.value,
            "verdict": finding.verdict.value,
            "account": finding.account,
            "region": finding.region,
            "seen": finding.text,
            "advice": finding.to_do or None,
        }
        for finding in result.findings
    ]
    calls = [f"{api}={number}" for api, number in sorted(result.calls.items())]
    return [*objects, {"schema": SCHEMA, "kind": "preflight-calls", "accounts": result.accounts, "calls": calls}]


def print_preflight(result: PreflightResult, options: Options) -> None:
    """Prints the findings for a person, the gravest first; what is fine is a number, and a line each with --verbose."""
    if options.format is Output.TABLE:
        print_lines(_lines(result, verbose=options.verbose), MARKS)


def _lines(result: PreflightResult, *, verbose: bool) -> Iterator[str]:
    from ownertag.rollout.preflight.findings import Verdict, count_verdicts, grouped

    counts = count_verdicts(result.findings)
    yield ""
    yield f"Preflight: {result.accounts} accounts, read with {sum(result.calls.values()):,} calls"
    for group in grouped(result.findings):
        if verbose or group.first.verdict is not Verdict.FINE:
            yield from _group(group)
    groups = grouped(result.findings)
    of = {verdict: sum(group.first.verdict is verdict for group in groups) for verdict in Verdict}
    yield ""
    yield (
        f"{of[Verdict.STOPS]} causes stop it, {of[Verdict.UNKNOWN]} are not known, {of[Verdict.TOLD]} to know; "
        f"{counts[Verdict.FINE]} checks are fine"
    )
    yield f"Not looked at: {NOT_LOOKED_AT}."


def _group(group: FindingGroup) -> Iterator[str]:
    first = group.first
    yield ""
    yield f"{first.verdict.value:<10} {first.check.value}: {_where(group)}: {first.text}"
    if len(group.accounts) > 1:
        more = len(group.accounts) - MOST_ACCOUNTS
        listed = ", ".join(group.accounts[:MOST_ACCOUNTS]) + (f" and {more} more" if more > 0 else "")
        yield f"{_INDENT}{listed}"
    if first.to_do:
        which = f"for {first.account}: " if len(group.accounts) > 1 and first.advice != first.to_do else ""
        yield f"{_INDENT}{which}{first.to_do}"


def _where(group: FindingGroup) -> str:
    accounts = group.accounts[0] if len(group.accounts) == 1 else f"{len(group.accounts)} accounts"
    if not group.regions:
        return accounts
    if len(group.regions) > 3:
        return f"{accounts} in {len(group.regions)} Regions"
    return f"{accounts} in {', '.join(group.regions)}"
