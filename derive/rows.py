"""A status for every operation that takes tags: what it makes and where its record tells of it, or why it is no row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from derive import ids, models, types, verbs
from derive.arn_paths import ENOUGH, arns
from derive.tag_api_names import tag_api
from derive.taking import Taker, takers
from derive.types import Candidate
from derive.words import operation

#: An ARN that scores as much is named, or placed, as that of what was made.
_FITS = 8.0
#: A type that scores so little less may be the one as well.
_CLOSE = 2.0


@dataclass(frozen=True, slots=True)
class Made:
    """What a row says of one type.

    Attributes:
        type: Its name in the catalogue.
        arn: Paths to its ARN.
        each: Paths, or texts of paths, to its id.
        when: Discriminators; all have to hold.
        strip: What the id's text begins with and the ARN leaves out.
    """

    type: str
    arn: tuple[str, ...]
    each: tuple[str, ...]
    when: tuple[str, ...] = ()
    strip: str = ""


@dataclass(frozen=True, slots=True)
class TypeEntry:
    """A type, as the catalogue has it."""

    name: str
    arn: str
    id: str
    api: str


@dataclass(frozen=True, slots=True)
class Row:
    """An operation that makes something.

    Attributes:
        client: The client.
        operation: The operation.
        source: The event source.
        event: The name of its records.
        made: What it makes.
        type: The type.
        traits: job, upsert, copy, batch, asynchronous.
        confidence: high, medium or low.
    """

    client: str
    operation: str
    source: str
    event: str
    made: Made
    type: TypeEntry
    traits: tuple[str, ...]
    confidence: str


@dataclass(frozen=True, slots=True)
class NoRow:
    """An operation that takes tags and is no row, with its reason."""

    client: str
    operation: str
    reason: str


@cache
def status(taker: Taker) -> Row | NoRow:
    """What becomes of an operation that takes tags."""
    client, name = taker.client, taker.name
    if reason := verbs.makes_nothing(client, name) or _tags_of_another(taker):
        return NoRow(client, name, reason)
    candidates = types.candidates(client, name)
    if not candidates:
        return NoRow(client, name, "the authorization reference knows no type that it could make")
    best = candidates[0]
    found = ids.variables(client, name, best)
    told = [one for one in arns(client, name, best) if one.score >= ENOUGH]
    each = ids.each(best, found)
    if not told and not each:
        return NoRow(client, name, f"neither the answer nor the request tells the ARN or the id of {best.name}")
    made = Made(best.name, tuple(one.member.path for one in told[:1]), tuple(each), strip=ids.strip(best))
    entry = TypeEntry(best.name, best.form.arn, ids.id_form(best, found), tag_api(client, best))
    return Row(
        client,
        name,
        models.event_source(client),
        models.event_name(client, name),
        made,
        entry,
        tuple(verbs.traits(client, name)),
        _confidence(operation(name).noun, best, candidates[1:], told[0].score if told else 0.0, each),
    )


@cache
def statuses() -> tuple[Row | NoRow, ...]:
    """The status of every operation that takes tags, by client and operation."""
    return tuple(status(taker) for taker in takers())


def _confidence(
    noun: tuple[str, ...], best: Candidate, others: tuple[Candidate, ...], arn: float, each: list[str]
) -> str:
    alone = best.sure and not any(other.sure and best.score - other.score < _CLOSE for other in others)
    if not best.sure or not types.is_called(best, noun) or not (arn >= _FITS or each):
        return "low"
    answered = arn >= _FITS or any(text.startswith(("response", "{response")) for text in each)
    return "high" if alone and answered else "medium"


def _tags_of_another(taker: Taker) -> str:
    """Why no tags of the request are those of what it makes; "" where some are."""
    if not taker.members:
        return ""
    noun = set(operation(taker.name).noun)
    for member in taker.members:
        last = {*member.words} - {"tag", "list", "resource", "set", "specification", "tagging", "add"}
        if not last and (member.depth == 0 or _stands_for_the_made(member.above, noun)):
            return ""
        if last & noun:
            return ""
        if member.depth == 0 and "filter" not in last:
            return ""
    return f"its tags are of something else: {taker.members[0].path}"


def _stands_for_the_made(above: tuple[tuple[str, ...], ...], noun: set[str]) -> bool:
    wrapping = {
        "input",
        "config",
        "configuration",
        "request",
        "specification",
        "detail",
        "parameter",
        "entry",
        "item",
        "to",
        "create",
        "new",
        "data",
        "tag",
    }
    return all(set(one) & (noun | wrapping) for one in above)
