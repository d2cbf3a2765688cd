"""The entry of the overlay and the golden event that a record gives, as texts, and where they belong."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from ownertag.catalogue.merge import TO_BE_NAMED
from ownertag.catalogue.source_file import MakesEntry, TypeEntry
from ownertag.cli.catalogue.trial import Trial
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.reading.documents import parse_document
from ownertag.core.redaction.record import Redactor
from ownertag.core.settings_file import read_settings
from ownertag.core.values import Refusal
from ownertag.flows.explain import explain
from ownertag.flows.result_object import result_object
from ownertag.sources.api_words import ApiModels

_OVERLAY, _GOLDEN = "src/ownertag/catalogue/overlay", "tests/golden"
_REASON = "a record shows it"
_SHOWS = {"seen": "a record that was seen", "documented": "an example of AWS's documentation"}
#: The accounts that AWS's documentation writes, and ids with EXAMPLE in them; as parts of UUIDs they say nothing.
_EXAMPLE = re.compile(
    r"(?<![0-9A-Za-z-])(?:111122223333|123456789012|444455556666|777788889999|999999999999|000000000000)(?![0-9A-Za-z-])"
    r"|[0-9A-Za-z-]*EXAMPLE[0-9A-Za-z-]*"
)
#: The tags that golden events expect.
_TAGS = '[tags]\nowner = "{owner}"\ndateCreated = "{created_at}"\nWhatIsThis = "{event_name} in {region}"\n'


def overlay_path(trial: Trial) -> str:
    """Where the entry belongs, from the repository's folder."""
    return f"{_OVERLAY}/{trial.source.removesuffix('.amazonaws.com')}.toml"


def golden_path(trial: Trial) -> str:
    """Where the golden event belongs, from the repository's folder."""
    return f"{_GOLDEN}/{trial.source.removesuffix('.amazonaws.com')}/{trial.event}/seen.json"


def test_command(trial: Trial) -> str:
    """What runs the tests of its golden events, in the repository's folder."""
    service = trial.source.removesuffix(".amazonaws.com")
    return f'.venv/bin/pytest tests/unit/core/test_golden.py -k "{service} and {trial.event}"'


def example_in(data: bytes) -> str:
    """What shows that a record is an example of AWS's documentation: an account or an id; empty where nothing does."""
    found = _EXAMPLE.search(msgspec.json.encode(_bare(data)).decode())
    return found[0] if found else ""


def _basis(data: bytes) -> str:
    return "documented" if example_in(data) else "seen"


def overlay_text(trial: Trial, data: bytes, *, head: bool) -> str:
    """The entry in TOML; with `head`, as a file of its own."""
    assert trial.entry is not None  # noqa: S101 - a trial without a row writes nothing
    basis = _basis(data)
    lines = [f'event_source = "{trial.source}"', ""] if head else []
    for name, type_ in (trial.draft.types if trial.draft else {}).items():
        lines += [f"[types.{_text(name)}]", *_type_lines(type_, TO_BE_NAMED[basis]), ""]
    makes = trial.entry.makes if trial.draft else ()
    lines += ["[[creation]]", f'event = "{trial.event}"', f'basis = "{basis}"', f'reason = "{_REASON}"']
    lines.append(f'source = "{TO_BE_NAMED[basis]}"')
    if makes:
        lines += ["makes = [", *(f"  {_makes_line(made)}," for made in makes), "]"]
    return "\n".join([*lines, ""])


def _type_lines(type_: TypeEntry, source: str) -> list[str]:
    fields = {"arn": type_.arn, "id": type_.id, "api": type_.api or "", "reason": _REASON, "source": source}
    return [f"{key} = {_text(value)}" for key, value in fields.items()]


def _makes_line(makes: MakesEntry) -> str:
    fields: Mapping[str, Any] = msgspec.to_builtins(makes)
    return "{ " + ", ".join(f"{key} = {json.dumps(value)}" for key, value in fields.items()) + " }"


def _text(value: str) -> str:
    return json.dumps(value)


def golden_event(trial: Trial, data: bytes) -> tuple[dict[str, Any], bool]:
    """The golden event: the record with all names, ids and addresses replaced, and what it comes to.

    The second is whether they are: where an id would lose its form, or AWS's models do not have the service, so that
    its words can't be told from names, the record stays as it is.
    """
    assert trial.catalogue is not None  # noqa: S101 - as above
    models = ApiModels()
    redactor = Redactor(secrets.randbelow, trial.catalogue, models.services(), models.words_of)
    plain = _bare(data)
    record = redactor.redact(plain)
    expected = _expected(record, trial.catalogue)
    redacted = len(expected.get("resources", ())) == len(trial.tagged)
    if not redacted:
        record, expected = plain, _expected(plain, trial.catalogue)
    return {"shows": _SHOWS[_basis(data)], "record": record, "expected": expected}, redacted


def _bare(data: bytes) -> dict[str, Any]:
    """The record without the event that carried it."""
    plain: dict[str, Any] = msgspec.json.decode(data, type=dict[str, Any])
    detail = plain.get("detail")
    return detail if isinstance(detail, dict) and "eventName" in detail else plain


def _expected(record: Mapping[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    [read] = parse_document(msgspec.json.encode(record), "record")
    settings = read_settings(_TAGS, "golden")
    explained = explain(read, catalogue, settings, datetime.now(UTC))
    result = result_object(explained.result, explained.owner, explained.questions)
    if result["refusal"] is not None or isinstance(read, Refusal):
        arns = sorted(resource["arn"] for resource in result["resources"])
        return {"refusal": {"reason": (result["refusal"] or {}).get("reason"), "resources": arns}}
    owner = result["owner"] or {}
    return {
        "resources": sorted(resource["arn"] for resource in result["resources"]),
        "owner": {key: owner.get(key) for key in ("name", "evidence", "confidence")},
        "tags": result["tags"],
        "questions": [[question["kind"], question["value"]] for question in result["questions"]],
    }


def write(trial: Trial, data: bytes, folder: Path) -> tuple[list[Path], bool]:
    """Writes both below a folder; an entry goes to the end of a file that is there.

    Returns where, and whether the golden event is redacted.

    Raises:
        FileExistsError: The overlay has an entry for the event, or the golden event is there.
        OSError: It can't be written.
    """
    overlay, golden = folder / overlay_path(trial), folder / golden_path(trial)
    before = overlay.read_text("utf-8") if overlay.is_file() else ""
    if f'event = "{trial.event}"' in before:
        raise FileExistsError(f"{overlay}: has an entry for {trial.event} already: change it there")
    if golden.exists():
        raise FileExistsError(f"{golden}: is there already")
    overlay.parent.mkdir(parents=True, exist_ok=True)
    golden.parent.mkdir(parents=True, exist_ok=True)
    text = overlay_text(trial, data, head=not before)
    overlay.write_text(f"{before.rstrip()}\n\n{text}" if before else text, "utf-8")
    plain, redacted = golden_event(trial, data)
    golden.write_text(json.dumps(plain, indent=2) + "\n", "utf-8")
    return [overlay, golden], redacted
