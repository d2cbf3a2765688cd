"""What the preflight of `ownertag deploy` prints: findings grouped by cause for a person, each for a machine."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ownertag.cli.options import Options, Output
from ownertag.cli.output import clean_lines

if TYPE_CHECKING:
    from ownertag.rollout.preflight.examine import PreflightResult
    from ownertag.rollout.preflight.findings import FindingGroup

SCHEMA = 1
#: The width of what is printed for a person; commands to paste are never broken.
WIDTH = 80
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
        print("\n".join(clean_lines(_lines(result, verbose=options.verbose))))


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
    yield from _wrapped(f"Not looked at: {NOT_LOOKED_AT}.", "")


def _group(group: FindingGroup) -> Iterator[str]:
    first = group.first
    yield ""
    yield from _wrapped(f"{first.verdict.value:<10} {first.check.value}: {_where(group)}: {first.text}", _INDENT)
    if len(group.accounts) > 1:
        more = len(group.accounts) - MOST_ACCOUNTS
        listed = ", ".join(group.accounts[:MOST_ACCOUNTS]) + (f" and {more} more" if more > 0 else "")
        yield from _wrapped(f"{_INDENT}{listed}", _INDENT)
    if first.to_do:
        which = f"for {first.account}: " if len(group.accounts) > 1 and first.advice != first.to_do else ""
        yield from _wrapped(f"{_INDENT}{which}{first.to_do}", _INDENT)


def _where(group: FindingGroup) -> str:
    accounts = group.accounts[0] if len(group.accounts) == 1 else f"{len(group.accounts)} accounts"
    if not group.regions:
        return accounts
    if len(group.regions) > 3:
        return f"{accounts} in {len(group.regions)} Regions"
    return f"{accounts} in {', '.join(group.regions)}"


def _wrapped(text: str, indent: str) -> list[str]:
    """Lines of at most `WIDTH` characters; a command between backticks stays in one piece, and may be longer."""
    pieces = [piece.replace(" ", "\0") if number % 2 else piece for number, piece in enumerate(text.split("`"))]
    lines = textwrap.wrap(
        "`".join(pieces), WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return [line.replace("\0", " ") for line in lines]
