"""What `ownertag prove` prints for a person, from its document; and its canaries as CSV."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ownertag.cli.options import Output
from ownertag.cli.output import print_table
from ownertag.cli.terminal import CommandLine, screen, table
from ownertag.cli.writing import RED, YELLOW, Marks, print_lines

MARKS: Marks = {**dict.fromkeys(("lost", "left"), RED), **dict.fromkeys(("not measured", "not every hop"), YELLOW)}
#: The columns of its tables that are no numbers.
NAMES = ("hop", "Region, call-to-tag")
#: Where the same is to be said of many places, so many accounts or Regions have a line; JSON and CSV name all.
MOST_LINES = 5
#: So many of the others are named in a line.
MOST_NAMES = 2

_Document = Mapping[str, Any]


def print_text(told: _Document, profile: str | None) -> None:
    """Prints the text; its commands have the profile that was given."""
    print_lines(text_of(told, profile, screen(sys.stdout).prose), MARKS)


def print_canaries(told: _Document) -> None:
    """Prints a row for each canary, as CSV."""
    hops = [hop["hop"] for hop in told["hops"]]
    rows = []
    for canary in told["canaries"]:
        row = {key: canary[key] for key in ("account", "region", "round", "ending")}
        row |= {hop: canary["hops"].get(hop, {}).get("seconds") for hop in hops}
        row |= {key: canary[key] for key in ("reason", "seen_last", "detail", "left")}
        rows.append({key: "" if value is None else str(value) for key, value in row.items()})
    print_table(rows, Output.CSV)


def text_of(told: _Document, profile: str | None = None, width: int | None = None) -> Iterator[str]:
    """The lines, with tables of this width; prose is not folded."""
    settings = told["settings"]
    yield (
        f"ownertag {told['ownertag']}, {told['started']}: "
        f"{_number(settings['rounds'], 'round')} in {_number(settings['accounts'], 'account')} and "
        f"{_number(len(told['regions']), 'Region')}, home {settings['home_region']}"
    )
    counts = f"{told['tagged']} tagged, {told['lost']} lost, {told['not_measured']} not measured"
    yield f"{counts}, in {told['seconds']:.0f} s"
    if told["interrupted"]:
        yield "stopped by Ctrl-C: what follows is of those that had ended"
    if not told["on_aws"]:
        yield "not measured on AWS: another endpoint answered, and these are its times"
    yield ""
    yield from _table(_hops(told["hops"]), width)
    yield ""
    yield (
        "Seconds, of those that were tagged; each may be wrong by `error` either way. A percentile needs enough of "
        "them: p90 10, p99 100."
    )
    yield from _clocks(told)
    yield ""
    yield from _table(_regions(told["regions"]), width)
    yield from _others(told, f" --profile {profile}" if profile else "")


def _number(number: int, word: str, many: str = "") -> str:
    return f"{number} {word if number == 1 else many or f'{word}s'}"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _hops(hops: Sequence[_Document]) -> Iterator[dict[str, str]]:
    for hop in hops:
        row = {"hop": hop["hop"], "n": str(hop["n"])}
        yield row | {key: _seconds(hop[key]) for key in ("min", "p50", "p90", "p99", "max", "error")}


def _regions(regions: Sequence[_Document]) -> Iterator[dict[str, str]]:
    for region in regions:
        [whole] = [hop for hop in region["hops"] if hop["hop"] == "call-to-tag"]
        row = {"Region, call-to-tag": region["region"], "tagged": str(region["tagged"])}
        row |= {"lost": str(region["lost"] or "-"), "not measured": str(region["not_measured"] or "-")}
        yield row | {key: _seconds(whole[key]) for key in ("p50", "p90", "p99", "max")}


def _table(rows: Iterator[dict[str, str]], width: int | None) -> Iterator[str]:
    held = list(rows)
    return table(held, width, right={column for row in held for column in row if column not in NAMES})


def _clocks(told: _Document) -> Iterator[str]:
    """How this machine's clock stands to AWS's, and where clocks disagree."""
    if clocks := told["clocks"]:
        least, most = min(clock["ahead_min"] for clock in clocks), max(clock["ahead_max"] for clock in clocks)
        yield (
            f"This machine's clock is between {least:+.2f} and {most:+.2f} s ahead of EC2's. That is taken out: calls "
            "are dated by EC2's answers."
        )
    for hop in told["hops"]:
        if hop["impossible"]:
            yield (
                f"{hop['impossible']} of {hop['n']} of {hop['hop']} are negative by more than their error: two of "
                "AWS's clocks disagree, so don't trust this hop."
            )


def _others(told: _Document, profile: str) -> Iterator[str]:
    """The canaries that were lost, not measured, not wholly measured, or left; the same is said once."""
    said: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for canary in told["canaries"]:
        for kind, text in _said(canary):
            said.setdefault((kind, text), []).append((canary["account"], canary["region"]))
    for (kind, text), places in said.items():
        yield ""
        yield f"{kind}: {text}"
        yield from _places(places)
        if kind == "lost" and not told["anonymized"]:
            account, region = places[0]
            yield CommandLine(f"  ownertag doctor --accounts {account} --regions {region}{profile}")


def _places(places: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Where it was: by account or by Region, whichever is shorter, with the number of canaries."""
    by_account: dict[str, list[str]] = {}
    by_region: dict[str, list[str]] = {}
    for account, region in places:
        by_account.setdefault(account, []).append(region)
        by_region.setdefault(region, []).append(account)
    shorter = by_account if len(by_account) <= len(by_region) else by_region
    for name, held in list(shorter.items())[:MOST_LINES]:
        others = list(dict.fromkeys(held))
        more = f" and {len(others) - MOST_NAMES} more" if len(others) > MOST_NAMES else ""
        yield f"  {name}: {', '.join(others[:MOST_NAMES])}{more} ({_number(len(held), 'canary', 'canaries')})"
    if len(shorter) > MOST_LINES:
        what = "account" if shorter is by_account else "Region"
        yield f"  and {_number(len(shorter) - MOST_LINES, f'more {what}')}"


def _said(canary: _Document) -> Iterator[tuple[str, str]]:
    match canary["ending"]:
        case "lost":
            yield "lost", f"{canary['reason']}; seen last: {canary['seen_last']}: {canary['detail']}"
        case "not-measured":
            yield "not measured", canary["reason"]
        case _ if canary["reason"]:
            yield "not every hop", canary["reason"]
    if canary["left"]:
        delete = f"aws ec2 delete-placement-group --group-name ownertag-canary --region {canary['region']}"
        yield "left", f"{canary['left']}; in that account: {delete}"
