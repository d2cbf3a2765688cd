"""What `ownertag redrive` prints: what lies where and why, and what became of it. Of a record only the call's name."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ownertag.cli.options import Output
from ownertag.cli.output import print_table
from ownertag.cli.writing import YELLOW, Marks, print_lines
from ownertag.core.values import Failure
from ownertag.render.documents import BUS, DEAD_LETTERS, UNDELIVERED

if TYPE_CHECKING:
    from ownertag.rollout.redrive.access import Site
    from ownertag.rollout.redrive.look import Found
    from ownertag.rollout.redrive.put_back import Tally
    from ownertag.rollout.redrive.queues import Depth

SCHEMA = 1
_MOST_NAMED = 4
MARKS: Marks = {"dead-letters": YELLOW, "undelivered": YELLOW}


def print_found(found: Sequence[Found], hub: Depth | Failure, *, by_task: bool) -> None:
    """Prints what lies where, for a person.

    Args:
        found: What was found in each queue.
        hub: How many messages the hub's own queue has.
        by_task: Whether SQS moves the dead letters by itself.
    """
    print_lines(_lines(found, hub, by_task=by_task), MARKS)


def _lines(found: Sequence[Found], hub: Depth | Failure, *, by_task: bool) -> Iterator[str]:
    from ownertag.rollout.redrive.messages import ADVICE

    ways = {
        DEAD_LETTERS: f"SQS moves them to {BUS} by a task"
        if by_task
        else f"each is sent to {BUS}, and then deleted here",
        UNDELIVERED: f"each is looked up in CloudTrail there, sent to {BUS}, and then deleted",
    }
    for name, way in ways.items():
        of_queue = [one for one in found if one.site.queue == name]
        holding = [one for one in of_queue if one.holds]
        if not of_queue:
            continue
        total = sum(one.depth.waiting for one in holding if one.depth)
        hidden = sum(one.depth.hidden for one in of_queue if one.depth)
        looked = sum(one.contents.messages for one in holding)
        oldest = min((one.contents.oldest for one in holding if one.contents.oldest), default=None)
        age = f", the oldest of {_at(oldest)}" if oldest else ""
        yield f"{name}: {f'about {_messages(total)}{age}' if total else 'empty'}"
        if total:
            yield f"  in {_places(holding)}"
            for code, count in _summed([one.contents.codes for one in holding]).most_common():
                advice = ADVICE.get(code, "")
                yield f"  {count} {code}{f': {advice}' if advice else ''}"
            calls = _summed([one.contents.calls for one in holding]).most_common()
            named = ", ".join(f"{call} {count}" for call, count in calls[:_MOST_NAMED])
            yield f"  of {named}{_more(len(calls))}"
            if looked < total:
                yield f"  {looked} of them were looked at"
            yield f"  {way}"
        if hidden:
            yield f"  {hidden} more are hidden: somebody works on them, or they come back in 5 minutes"
    if isinstance(hub, Failure):
        yield f"{BUS}: its depth can't be read ({hub.code})"
    else:
        yield f"{BUS}: {hub.waiting} wait and {hub.hidden} are worked on; they come back by themselves"


def _messages(count: int) -> str:
    return f"{count} message{'' if count == 1 else 's'}"


def _places(holding: Sequence[Found]) -> str:
    ordered = sorted(holding, key=lambda one: -one.depth.waiting if one.depth else 0)
    named = [f"{one.site.account} {one.site.region} ({one.depth.waiting if one.depth else 0})" for one in ordered]
    return f"{', '.join(named[:_MOST_NAMED])}{_more(len(named))}"


def _more(count: int) -> str:
    return f" and {count - _MOST_NAMED} more" if count > _MOST_NAMED else ""


def _summed(counts: Sequence[Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return total


def _at(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC")


def summary(
    found: Sequence[Found], tallies: Mapping[Site, Tally], *, declined: bool, dry_run: bool, limited: bool
) -> Iterator[str]:
    """What became of it, in a few lines: what stays and why, what could not be reached, and the sum."""
    from ownertag.rollout.redrive.put_back import NOT_CHOSEN
    from ownertag.rollout.redrive.restore import ADVICE

    for one in found:
        if one.unreached:
            yield f"{one.site.queue}, {one.site.account} {one.site.region}: can't be read: {one.unreached}"
    waiting_at = {one.site: one.depth.waiting if one.depth else 0 for one in found}
    for site, tally in tallies.items():
        place = f"{site.queue}, {site.account} {site.region}"
        for reason, count in tally.left.items():
            advice = ADVICE.get(reason, "")
            if reason != NOT_CHOSEN:
                yield f"{place}: {_messages(count)} left, {reason}{f': {advice}' if advice else ''}"
        if tally.failed:
            yield f"{place}: {tally.failed}; the rest lies where it lay: run it again"
        elif (short := waiting_at[site] - tally.put_back - sum(tally.left.values())) > 0 and not limited:
            yield f"{place}: about {short} more could not be had now: they are shown again in 5 minutes, run it again"
    missing = sum(one.missing for one in found)
    if missing:
        yield f"{missing} Regions of accounts have no such queue: nothing is deployed there"
    waiting = sum(one.depth.waiting for one in found if one.depth)
    if not waiting and any(one.unreached for one in found):
        yield "nothing lies in the queues that could be read"
    elif not waiting:
        yield "nothing lies there to be put back"
    elif declined:
        yield f"about {_messages(waiting)} {'would be put back' if dry_run else 'lie there, and stay'}"
    else:
        total = sum(tally.put_back for tally in tallies.values())
        yield f"{total} put back; `ownertag doctor` shows in a few minutes whether any came back"


def print_objects(found: Sequence[Found], tallies: Mapping[Site, Tally], output: Output) -> None:
    """Prints an object for each queue, as JSON lines or CSV."""
    objects = [_object(one, tallies.get(one.site)) for one in found if not one.missing]
    if output is Output.JSON:
        for one in objects:
            print(json.dumps(one))
    elif objects:
        rows = [{key: _cell(value) for key, value in one.items() if key != "schema"} for one in objects]
        print_table(rows, output)


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}={count}" for key, count in value.items())
    return "" if value is None else str(value)


def _object(one: Found, tally: Tally | None) -> dict[str, Any]:
    oldest = one.contents.oldest
    return {
        "schema": SCHEMA,
        "queue": one.site.queue,
        "account": one.site.account,
        "region": one.site.region,
        "waiting": one.depth.waiting if one.depth else None,
        "hidden": one.depth.hidden if one.depth else None,
        "looked_at": one.contents.messages,
        "oldest": oldest.isoformat().replace("+00:00", "Z") if oldest else None,
        "codes": dict(one.contents.codes),
        "calls": dict(one.contents.calls),
        "put_back": tally.put_back if tally else None,
        "left": dict(tally.left) if tally else {},
        "twice": tally.twice if tally else 0,
        "failed": (tally.failed or None) if tally else None,
        "unreached": one.unreached or None,
    }
