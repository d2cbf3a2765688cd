"""The plan of a backfill, as a CSV file that a person reads, changes and hands back.

Two columns may be changed: `owner`, which gives the resource to that name after it was tagged, and `action`, where
`leave` leaves it alone. A line that is taken out is left alone as well. Whatever else is changed is refused, with the
line and what to do, so that nothing is written for a plan that was not meant.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from ownertag.core.backfill.found import State
from ownertag.core.owner.principal import clean
from ownertag.core.ownership import ResourceKey
from ownertag.core.tags import MAX_VALUE
from ownertag.core.toml.advice import shown
from ownertag.core.values import Confidence, TagPairs

#: Of one plan file, so much is read.
MOST_BYTES = 512 << 20

COLUMNS = (
    "run", "account", "region", "arn", "type", "made_at", "state", "tag_now", "action", "owner", "confidence",
    "evidence", "source", "reason", "ask",
)  # fmt: skip
#: What a spreadsheet takes for a formula; it stands behind an apostrophe in the file.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # noqa: RUF001 - fullwidth signs count as well


class Action(StrEnum):
    """What is to be done with a resource."""

    TAG = "tag"
    LEAVE = "leave"


class PlanRow(Struct, frozen=True):
    """What is known of a resource's owner, and what is to be done.

    Attributes:
        event_id: The record that tells the owner; empty: the resource's own word does.
        tag_now: The owner tag that it carries; empty where it has none.
        tags: What is to be written.
        source: Where the evidence is: `log` and the file, `lookup-events`, or `resource`.
        reason: Why nobody is named, or why it is left, or what does not fit together.
        ask: Who could know it, where the evidence names nobody.
        waits: Something could not be looked up.
        chosen: The action of the plan file that was handed back; None where none was.
        given: The owner that was written into it.
    """

    key: ResourceKey
    type: str
    id: str
    state: State
    action: Action
    owner: str = ""
    confidence: Confidence = Confidence.NONE
    evidence: str = ""
    via: tuple[str, ...] = ()
    event_id: str = ""
    made_at: datetime | None = None
    tag_now: str = ""
    tags: TagPairs = ()
    source: str = ""
    reason: str = ""
    ask: str = ""
    waits: bool = False
    chosen: Action | None = None
    given: str = ""

    @property
    def is_tagged(self) -> bool:
        """Whether it is to be tagged, after all that a person said."""
        return (self.chosen or self.action) is Action.TAG and (not self.waits or bool(self.given))

    @property
    def is_open(self) -> bool:
        """Whether it is decided again when the run goes on. What a person decided is not."""
        return self.waits and self.chosen is None

    @property
    def is_guess(self) -> bool:
        """Whether nothing but the account tells whose it is, or not even that."""
        return self.confidence in {Confidence.ACCOUNT, Confidence.NONE}


class Edit(Struct, frozen=True):
    """What a person wants done with a resource: the action, and whose it is to be if not the planned owner's."""

    line: int
    action: Action
    given: str = ""


class PlanFault(Struct, frozen=True):
    """A line of a plan file that can't be used: what is wrong, and what to do. Line 1 is that of the columns."""

    line: int
    what: str
    do: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}: {self.do}"


# --- writing


def plan_text(run: str, rows: Iterable[PlanRow]) -> Iterator[str]:
    """The lines of the plan file, that of the columns first."""
    yield _line(COLUMNS)
    for row in rows:
        yield _line([_cell(text) for text in cells(run, row).values()])


def cells(run: str, row: PlanRow) -> dict[str, str]:
    """A row's texts, by column."""
    made = row.made_at.isoformat().replace("+00:00", "Z") if row.made_at else ""
    texts = (
        run, row.key.account, row.key.region, row.key.arn, row.type, made, row.state.value, row.tag_now,
        row.action.value, row.owner, row.confidence.value, row.evidence, row.source, row.reason, row.ask,
    )  # fmt: skip
    return dict(zip(COLUMNS, texts, strict=True))


def _line(texts: Iterable[str]) -> str:
    file = io.StringIO()
    csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(texts)
    return file.getvalue()


def _cell(text: str) -> str:
    text = clean(text)
    return f"'{text}" if text.startswith(_FORMULA) else text


# --- reading


def run_of(text: str) -> str:
    """The run that a plan file names in its first line; empty where it names none."""
    reader = _reader(text)
    try:
        columns = next(reader, [])
        first = next(reader, [])
    except csv.Error:
        return ""
    return first[0].strip() if columns[:1] == ["run"] and first else ""


def read_plan(text: str, run: str, rows: Mapping[ResourceKey, PlanRow]) -> dict[ResourceKey, Edit] | list[PlanFault]:
    """What is wanted of each resource of the plan, or all that is wrong with the file.

    Args:
        text: The file.
        run: The run that it is to be of.
        rows: The plan, as it was written.
    """
    edits: dict[ResourceKey, Edit] = {}
    faults: list[PlanFault] = []
    reader = _reader(text)
    try:
        columns = next(reader, [])
        if tuple(columns) != COLUMNS:
            return [PlanFault(1, _wrong_columns(columns), "leave the columns as `ownertag backfill` wrote them")]
        for texts in reader:
            if not any(texts):
                continue
            read = _read_line(reader.line_num, texts, run, rows, edits)
            if isinstance(read, PlanFault):
                faults.append(read)
            else:
                edits[read[0]] = read[1]
    except csv.Error as error:
        return [*faults, PlanFault(reader.line_num, f"is no CSV ({error})", "save it as CSV again")]
    faults += _split_records(edits, rows)
    return sorted(faults, key=lambda fault: fault.line) if faults else edits


class _Reader:
    """Lines of a plan file; a spreadsheet may have saved it with another separator."""

    def __init__(self, text: str) -> None:
        text = text.removeprefix("\ufeff")
        first = text.partition("\n")[0]
        separator = max(",;\t", key=first.count)
        self._lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)

    @property
    def line_num(self) -> int:
        return self._lines.line_num

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        return next(self._lines)


def _reader(text: str) -> _Reader:
    return _Reader(text)


def _wrong_columns(columns: Sequence[str]) -> str:
    missing = [name for name in COLUMNS if name not in columns]
    more = [name for name in columns if name not in COLUMNS]
    if missing:
        return f"the column {missing[0]} is missing"
    return f"{shown(more[0])} is no column of a plan" if more else "the columns are in another order"


def _read_line(
    line: int, texts: list[str], run: str, rows: Mapping[ResourceKey, PlanRow], edits: Mapping[ResourceKey, Edit]
) -> tuple[ResourceKey, Edit] | PlanFault:
    if len(texts) != len(COLUMNS):
        return PlanFault(line, f"has {len(texts)} cells, not {len(COLUMNS)}", "is a quote missing? take the line anew")
    said = dict(zip(COLUMNS, map(_said, texts), strict=True))
    if said["run"] != run:
        return PlanFault(line, f"is of run {shown(said['run'])}, not of {run}", "hand back the file of one run")
    key = ResourceKey(said["account"], said["region"], said["arn"])
    row = rows.get(key)
    if row is None:
        what = f"{shown(said['arn'])} in account {shown(said['account'])}, {shown(said['region'])} is not in the plan"
        return PlanFault(line, what, "take the line out; a resource can't be added here")
    if key in edits:
        return PlanFault(line, f"{shown(key.arn)} was in line {edits[key].line} already", "take one of them out")
    planned = cells(run, row)
    for column in COLUMNS:
        if column not in {"action", "owner"} and said[column] != _said(_cell(planned[column])):
            do = f"put back {shown(planned[column])}; owner and action are what can be changed"
            return PlanFault(line, f"{column} was changed to {shown(said[column])}", do)
    return _read_edit(line, said["action"], said["owner"], row)


def _read_edit(line: int, action: str, owner: str, row: PlanRow) -> tuple[ResourceKey, Edit] | PlanFault:
    if action not in set(Action):
        return PlanFault(line, f"{shown(action)} is no action", "write tag or leave")
    changed = owner != _said(_cell(row.owner))
    if action == Action.LEAVE and not (changed and row.action is Action.LEAVE):
        return row.key, Edit(line, Action.LEAVE)
    # Who writes an owner where nobody was known wants it tagged, whatever the action says.
    if not owner:
        return PlanFault(line, "it is to be tagged, and names no owner", "write one, or leave as its action")
    if clean(owner) != owner or len(owner) > MAX_VALUE:
        return PlanFault(line, f"{shown(owner)} is no name", f"write a person or team, at most {MAX_VALUE} characters")
    if row.waits and not changed:
        return PlanFault(
            line, f"it is not decided yet: {row.reason}", "run `ownertag backfill` again, or name an owner"
        )
    return row.key, Edit(line, Action.TAG, owner if changed else "")


def _said(text: str) -> str:
    text = text.strip()
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def _split_records(edits: Mapping[ResourceKey, Edit], rows: Mapping[ResourceKey, PlanRow]) -> Iterator[PlanFault]:
    """What one call made is tagged together, since its record is what is ordered."""
    by_event: dict[tuple[str, str, str], list[ResourceKey]] = defaultdict(list)
    for key, row in rows.items():
        if row.event_id and row.action is Action.TAG:
            by_event[key.account, key.region, row.event_id].append(key)
    left = Edit(0, Action.LEAVE)
    for keys in by_event.values():
        wanted = {edits.get(key, left).action for key in keys}
        if len(wanted) > 1:
            first = next(key for key in keys if edits.get(key, left).action is Action.TAG)
            other = next(key for key in keys if edits.get(key, left).action is Action.LEAVE)
            yield PlanFault(
                edits[first].line,
                f"one call made {shown(first.arn)} and {shown(other.arn)}, and one is left",
                "leave both or none; to give one to somebody else, write its owner",
            )
