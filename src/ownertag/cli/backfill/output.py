"""Prints the plan of a backfill and what became of it: for a person, as the plan file, or as JSON."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from ownertag.cli.options import Output
from ownertag.cli.output import print_table
from ownertag.cli.writing import GREEN, RED, YELLOW, Marks, print_lines
from ownertag.core.backfill.plan import Action, PlanRow, plan_text

if TYPE_CHECKING:
    from ownertag.flows.backfill.applying import Applied
    from ownertag.flows.backfill.undoing import Undone
    from ownertag.runs.backfill import BackfillStore
    from ownertag.runs.values import JournalEntry

SCHEMA = 1
#: A table for a person has so many rows; all are in the file and in JSON.
MOST_ROWS = 200
MARKS: Marks = {"leave": YELLOW, "tagged": GREEN, "failed": RED, "forbidden": RED}


def print_plan(store: BackfillStore, output: Output, applied: Applied | None) -> None:
    """Prints the plan; if it was applied, with what became of each."""
    if output is Output.CSV:
        for line in plan_text(store.run.id, store.plan()):
            sys.stdout.write(line)
        return
    if output is Output.JSON:
        for row in store.plan():
            print(json.dumps(_object(store, row)))
        for (account, region), listed in store.places().items():
            for one in listed.unlisted if listed else ():
                unlisted = {"account": account, "region": region, "types": list(one.types), "reason": one.why.reason}
                print(json.dumps({"schema": SCHEMA, "kind": "unlisted", "run": store.run.id, **unlisted}))
        return
    rows: list[dict[str, str]] = []
    more = 0
    for row in store.plan():
        if len(rows) < MOST_ROWS:
            rows.append(_cells(row, _entry(store, row) if applied else None, bool(applied)))
        else:
            more += 1
    if rows:
        print_table(rows, output, marks=MARKS)
    if more:
        print_lines([f"and {more:,} more: --output csv prints all"])
    print_lines(_unknown(store), MARKS)


def summary(store: BackfillStore, applied: Applied | None) -> Iterator[str]:
    """What is said of all of it."""
    counts: Counter[str] = Counter()
    guesses = nobody = waits = 0
    for row in store.plan():
        counts[(row.chosen or row.action).value] += 1
        guesses += row.is_tagged and row.is_guess and not row.given
        nobody += not row.owner and not row.given and not row.waits
        waits += row.is_open
    right = sum(listed.states.get("right", 0) for listed in store.places().values() if listed)  # type: ignore[call-overload] # a StrEnum's value is its key
    yield f"{sum(counts.values()):,} resources without a right owner tag, {right:,} with one"
    if guesses:
        yield f"{guesses:,} are guesses: nothing but their account tells whose they are"
    if nobody:
        yield f"{nobody:,} nobody can know: they are left alone, each with the reason and whom to ask"
    if waits:
        yield f"{waits:,} could not be looked up yet: the same command asks again"
    if applied is None:
        yield f"nothing is written: --apply tags {counts['tag']:,}; --output csv writes the plan to change"
        return
    yield ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(applied.outcomes.items())) or "nothing to tag"
    if applied.given:
        yield f"{applied.given:,} given to whom the plan file names"
    if applied.otherwise:
        yield f"{applied.otherwise:,} have another owner than was planned, since their parents' are known now"
    if applied.left:
        yield f"{applied.left:,} are left: the same command goes on with them"
    yield f"`ownertag backfill undo {store.run.id}` puts back what was there"


def unlisted_lines(store: BackfillStore) -> Iterator[str]:
    """What could not be listed, and where; alike in many places once."""
    same: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for (account, region), listed in store.places().items():
        for one in listed.unlisted if listed else ():
            if not one.lasting:
                same.setdefault((one.types, one.why.reason), []).append(f"{account} {region}")
    for (types, reason), places in same.items():
        more = f" and {len(types) - 3} more" if len(types) > 3 else ""
        where = places[0] if len(places) == 1 else f"{len(places)} places, such as {places[0]}"
        yield f"not listed in {where}: {', '.join(types[:3]) or 'anything'}{more}: {reason}"


def print_undone(store: BackfillStore, undone: Undone, output: Output) -> None:
    """Prints what became of each resource that was, or would be, restored."""
    from ownertag.flows.backfill.undoing import is_written
    from ownertag.flows.restore import WOULD_RESTORE

    left = {entry.key: entry for entry in undone.left}
    if output is Output.TABLE:
        lines = [f"{one.key.arn}: {one.restored}: {one.restored_reason}".rstrip(": ") for one in undone.left]
        print_lines(lines, MARKS)
        return
    written = (left.get(entry.key, entry) for entry in store.whole_journal() if is_written(entry))
    # a dry run keeps nothing: what is not left is what it would restore
    rows = [_restored(store.run.id, replace(entry, restored=entry.restored or WOULD_RESTORE)) for entry in written]
    if output is Output.JSON:
        for row in rows:
            print(json.dumps(row))
    elif rows:
        print_table([{key: _text(value) for key, value in row.items()} for row in rows], output)


def undo_summary(store: BackfillStore, undone: Undone, apply: bool) -> Iterator[str]:
    """What is said of it."""
    said = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(undone.outcomes.items()))
    yield said or "the run wrote nothing"
    if undone.left:
        yield f"{len(undone.left):,} stay as they are"
    if not apply and undone.outcomes:
        yield f"nothing is written: `ownertag backfill undo {store.run.id} --apply` does it"


# --- a row


def _entry(store: BackfillStore, row: PlanRow) -> JournalEntry | None:
    return store.journal([row.key]).get(row.key)


def _cells(row: PlanRow, entry: JournalEntry | None, applied: bool) -> dict[str, str]:
    owner = row.given or row.owner or "-"
    cells = {
        "account": row.key.account,
        "region": row.key.region,
        "resource": f"{row.type} {row.id}",
        "owner": owner,
        "confidence": "by hand" if row.given else row.confidence.value,
        "source": row.source.partition(" ")[0],
    }
    if not applied:
        return {**cells, "action": (row.chosen or row.action).value}
    return {**cells, "outcome": (entry.outcome or "no answer") if entry else (row.chosen or Action.LEAVE).value}


def _unknown(store: BackfillStore) -> Iterator[str]:
    """What nobody can know, with the reason and whom to ask."""
    first, told = True, 0
    for row in store.plan():
        if row.owner or row.given:
            continue
        if first:
            yield ""
            yield "nobody can know whose these are:"
            first = False
        told += 1
        if told > MOST_ROWS:
            yield "  and more: --output csv prints all"
            return
        yield f"  {row.key.arn}"
        yield f"    {row.reason or 'nothing tells it'}"
        if row.ask:
            yield f"    ask {row.ask}"


def _object(store: BackfillStore, row: PlanRow) -> dict[str, Any]:
    entry = _entry(store, row)
    return {
        "schema": SCHEMA,
        "kind": "resource",
        "run": store.run.id,
        "account": row.key.account,
        "region": row.key.region,
        "arn": row.key.arn,
        "id": row.id,
        "type": row.type,
        "made_at": row.made_at.isoformat().replace("+00:00", "Z") if row.made_at else None,
        "state": row.state.value,
        "tag_now": row.tag_now or None,
        "action": (row.chosen or row.action).value,
        "owner": {
            "name": row.owner,
            "confidence": row.confidence.value,
            "evidence": row.evidence,
            "via": list(row.via),
        }
        if row.owner
        else None,
        "given": row.given or None,
        "event_id": row.event_id or None,
        "source": row.source or None,
        "reason": row.reason or None,
        "ask": row.ask or None,
        "undecided": row.waits,
        "tags": dict(row.tags) or None,
        "outcome": entry.outcome if entry else None,
        "outcome_reason": (entry.reason or None) if entry else None,
        "owner_now": (entry.owner or None) if entry else None,
    }


def _restored(run: str, entry: JournalEntry) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "kind": "restored",
        "run": run,
        "account": entry.key.account,
        "region": entry.key.region,
        "arn": entry.key.arn,
        "before": dict(entry.before),
        "written": dict(entry.written),
        "outcome": entry.restored,
        "outcome_reason": entry.restored_reason or None,
    }


def _text(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}={'' if text is None else text}" for key, text in value.items())
    return "" if value is None else str(value)
