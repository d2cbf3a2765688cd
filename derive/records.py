"""Holds the catalogue against records whose outcome is known: `python -m derive.records FILE [OUTCOMES]`.

FILE has a record a line, or an object that holds one as `record`. OUTCOMES is TOML: of each line what it makes, an ARN
with its type, or by which reason it is refused. Without it, each line says what it comes to.
"""

from __future__ import annotations

import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from derive import models
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.match import match
from ownertag.core.parse import parse_record
from ownertag.core.settings import Settings
from ownertag.core.values import Refusal


class Outcome(NamedTuple):
    """What a record comes to: its event, ARNs with their types, or the reason of a refusal and what that says."""

    event: str
    made: Mapping[str, str]
    refused: str = ""
    detail: str = ""


def records(file: Path) -> list[dict[str, Any]]:
    """The records of a file."""
    plain = [msgspec.json.decode(line) for line in file.read_bytes().splitlines() if line.strip()]
    return [line.get("record", line) for line in plain]


def outcome(record: Mapping[str, Any], catalogue: Catalogue) -> Outcome:
    """What a record comes to by this catalogue, with settings that name no organization."""
    event = f"{record['eventSource'].removesuffix('.amazonaws.com')} {record['eventName']}"
    read = parse_record(msgspec.json.encode(record), "record")
    found = read if isinstance(read, Refusal) else match(read, catalogue, Settings())
    if isinstance(found, Refusal):
        return Outcome(event, {}, found.reason.value, found.detail)
    return Outcome(event, {resource.arn: resource.type for resource in found.resources})


def expected(file: Path) -> list[Outcome]:
    """The outcomes that stand in a file, in the order of its lines.

    Raises:
        ValueError: A line is missing, or stands there twice.
    """
    plain = tomllib.loads(file.read_text("utf-8"))["record"]
    if [entry["line"] for entry in plain] != list(range(1, len(plain) + 1)):
        raise ValueError(f"{file}: its lines are not 1, 2, 3 ...")
    return [Outcome(entry["event"], entry.get("made", {}), entry.get("refused", "")) for entry in plain]


@cache
def _protocols() -> Mapping[str, str]:
    """The protocol of each event source; of several clients' the first's, with EC2's own apart."""
    found: dict[str, str] = {}
    for client in models.clients():
        found.setdefault(models.event_source(client), _short(str(models.model(client).metadata["protocol"])))
    return found


def _short(name: str) -> str:
    return "cbor" if name.endswith("cbor") else name


def protocol(record: Mapping[str, Any]) -> str:
    """The protocol by which a record's service is called, by the SDK's model."""
    return _protocols().get(record["eventSource"], "none")


def wrong(found: Outcome, wanted: Outcome) -> bool:
    """Whether a record came to something else than it should."""
    return (found.event, found.made, found.refused) != (wanted.event, dict(wanted.made), wanted.refused)


def table(plain: Iterable[Mapping[str, Any]], found: Iterable[Outcome], wanted: Iterable[Outcome]) -> list[str]:
    """The lines of a table: of each protocol how many are right, refused as they should be, and wrong."""
    counts: dict[str, Counter[str]] = {}
    for record, outcome_, right in zip(plain, found, wanted, strict=True):
        how = "wrong" if wrong(outcome_, right) else "refused" if right.refused else "right"
        counts.setdefault(protocol(record), Counter())[how] += 1
    counts["all"] = sum(counts.values(), Counter())
    lines = [f"{'protocol':<12}{'records':>8}{'right':>8}{'refused':>9}{'wrong':>7}"]
    return lines + [
        f"{name:<12}{count.total():>8}{count['right']:>8}{count['refused']:>9}{count['wrong']:>7}"
        for name, count in sorted(counts.items(), key=lambda item: (item[0] == "all", item[0]))
    ]


def main(arguments: list[str]) -> int:
    """Prints the table, and what is wrong; 1 if anything is."""
    plain = records(Path(arguments[0]))
    found = [outcome(record, load_catalogue()) for record in plain]
    if len(arguments) == 1:
        lines = [f"{number:>5}  {one.event}  {_said(one)}" for number, one in enumerate(found, 1)]
        sys.stdout.write("\n".join([*lines, ""]))
        return 0
    wanted = expected(Path(arguments[1]))
    faults = [
        f"{number:>5}  {should.event}: {_said(is_)}, not {should.refused or ', '.join(should.made)}"
        for number, (is_, should) in enumerate(zip(found, wanted, strict=True), 1)
        if wrong(is_, should)
    ]
    sys.stdout.write("\n".join([*table(plain, found, wanted), *faults, ""]))
    return 1 if faults else 0


def _said(outcome_: Outcome) -> str:
    return f"{outcome_.refused}: {outcome_.detail}" if outcome_.refused else ", ".join(outcome_.made)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
