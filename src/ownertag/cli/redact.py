"""`ownertag explain --redact`: prints records that can be given away."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NoReturn

import msgspec
import typer

from ownertag.catalogue.loader import load_catalogue
from ownertag.cli.inputs import Reading
from ownertag.cli.options import Exit, Options, Output, fail
from ownertag.core.parse import UNREADABLE
from ownertag.core.reading.documents import parse_document
from ownertag.core.records import Arrival
from ownertag.core.redaction.record import Redactor
from ownertag.core.settings import Settings
from ownertag.core.values import Reason, Refusal
from ownertag.flows.explain import Explained, explain
from ownertag.flows.result_object import result_object
from ownertag.sources.api_words import ApiModels

_MOST_PLACES = 10


def print_redacted(files: Iterable[str], options: Options, creations: bool) -> NoReturn:
    """Prints each record or event with replacements, as a line of JSON, and ends the command.

    What was read decides the same as what is printed: both are compared, by the default settings, which is what whoever
    gets the record has.
    """
    if options.format is Output.CSV:
        fail("--redact prints JSON lines: leave out --output csv")
    catalogue, reading = load_catalogue(), Reading(options)
    models = ApiModels(catalogue)
    redactor = Redactor(secrets.randbelow, catalogue, models.services(), models.words_of)
    now, printed, left_out = datetime.now(UTC), 0, Counter[Reason]()
    unread, differing = list[str](), list[str]()
    for arrival, data in reading.with_data(files):
        if isinstance(arrival, Refusal) and arrival.reason.is_unread:
            unread.append(arrival.where)
        document = _document(arrival, data)
        if document is None:
            left_out[arrival.reason if isinstance(arrival, Refusal) else Reason.UNREADABLE] += 1
            continue
        before = explain(arrival, catalogue, Settings(), now)
        if creations and before.is_of_no_creation:
            continue
        line = msgspec.json.encode(redactor.redact(document))
        print(line.decode())
        printed += 1
        [again] = parse_document(line, "redacted")
        if _without_names(before) != _without_names(explain(again, catalogue, Settings(), now)):
            differing.append(arrival.where)
    _report(options, reading, printed, left_out)
    _places(options, "could not be read as records", unread)
    _places(options, "redacted, and decided otherwise than before", differing)
    raise typer.Exit(Exit.BAD_INPUT if unread else Exit.FINDINGS if differing or reading.inferred else Exit.OK)


def _document(arrival: Arrival | Refusal, data: bytes) -> dict[str, Any] | None:
    """The record or event, with its account if only the file's name told it: the name is not given away.

    None of what is no JSON object: nothing of it can be told apart. A record that lacks a field, say, is one.
    """
    if not data or (isinstance(arrival, Refusal) and arrival.reason is Reason.TOO_LARGE):
        return None
    try:
        document = msgspec.json.decode(data, type=dict[str, Any])
    except UNREADABLE:
        return None
    if isinstance(arrival, Arrival) and arrival.envelope is None and not arrival.account_inferred:
        document["recipientAccountId"] = arrival.record.account
    return document


def _without_names(explained: Explained) -> tuple[object, ...]:
    """What a decision comes to, without names."""
    result = result_object(explained.result, explained.owner, explained.questions)
    owner = result["owner"] or {}
    return (
        (result["refusal"] or {}).get("reason"),
        owner.get("evidence"),
        owner.get("confidence"),
        len(owner.get("via", ())),
        sorted(resource["type"] for resource in result["resources"]),
        sorted(question["kind"] for question in result["questions"]),
    )


def _report(options: Options, reading: Reading, printed: int, left_out: Counter[Reason]) -> None:
    options.say(f"{printed} records redacted; look at them before you give them away")
    options.say("  stay as they are: times, Regions, services, calls, error codes, counts, sizes")
    options.say("  every run draws other replacements: give all files of one case at once")
    for reason, count in left_out.most_common():
        options.say(f"left out: {count} {reason.value}")
    reading.report()


def _places(options: Options, what: str, places: list[str]) -> None:
    if places:
        more = ", ..." if len(places) > _MOST_PLACES else ""
        options.say(f"{what}: {', '.join(places[:_MOST_PLACES])}{more}")
