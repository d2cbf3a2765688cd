"""Where a record tells the ids and names that an ARN is built of: in the answer, or as a second way in the request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from botocore.model import StringShape

from derive import models, reference, shapes
from derive.arn_paths import IDS, Found
from derive.shapes import Member
from derive.types import WRAPPING, Candidate, bare, plain, spelled
from derive.words import alike, operation, words

_DEEPEST = 3
#: A name in the request that scores as much is the ARN's, whatever id the answer has.
_SURE = 7.5
#: So begins the name of what a copy makes; the name alone is that of what is copied.
_NEW = frozenset({"target", "new"})
_COPIES = frozenset({"copy", "replicate"})
#: What an answer holds beside, or instead of, what was made.
_NOT_MADE = frozenset({"operation", "error", "failed", "failure"})
#: A structure of what will be, not of what is.
_LATER = ("pending", "modified", "value")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is looked for.

    Attributes:
        variable: The words of the ARN's variable.
        last: It is the last: the thing's own id or name; the ones before belong to what the thing stands in.
        nouns: What the thing is called: the operation's noun, the type's name.
        copies: The operation copies: the request names what is copied.
        whole: The words of the structure that is all that the operation answers; none where it answers more.
    """

    variable: tuple[str, ...]
    last: bool
    nouns: tuple[tuple[str, ...], ...]
    copies: bool
    whole: tuple[str, ...]


def ids(client: str, name: str, made: Candidate, variable: str, *, last: bool) -> list[Found]:
    """Members that may hold a variable of the ARN, those of the answer and of the request each with the best first.

    Args:
        client: The client.
        name: The operation.
        made: What it makes.
        variable: A variable of the ARN's form.
        last: It is the last: the thing's own id or name, where the ones before belong to what it stands in.
    """
    answer, taken = shapes.answer(client, name), operation(name)
    nouns = (taken.noun, spelled(made.resource))
    others = {spelled(type_) for type_ in reference.types(models.service(client))} - {*nouns}
    whole = _whole(answer)
    wanted = _Wanted(words(variable), last, nouns, taken.verb in _COPIES, () if plain(whole) in others else whole)
    told, asked = (_rated(members, wanted) for members in (answer, shapes.request(client, name)))
    if any(one.score >= _SURE and _is_of_kind(one.member, wanted) for one in asked):
        told = [one for one in told if _is_of_kind(one.member, wanted)]  # the ARN has the name, the answer an id
    return told + asked


def _rated(members: Sequence[Member], wanted: _Wanted) -> list[Found]:
    rated = [one for member in members if _may_be(member) and (one := _rate(member, wanted))]
    return sorted(rated, key=lambda one: (-one.score, one.member.depth, one.member.path))


def _whole(answer: Sequence[Member]) -> tuple[str, ...]:
    top = [member.words for member in answer if member.depth == 0]
    return top[0] if len(top) == 1 and not set(top[0]) & _NOT_MADE else ()


def _may_be(member: Member) -> bool:
    if not isinstance(member.shape, StringShape) or member.depth > _DEEPEST or _LATER in member.above:
        return False
    if member.shape.enum:  # a kind; the ARN spells it in its own way (WAF: REGIONAL)
        return False
    return member.path.startswith("response") or not member.many


def _rate(member: Member, wanted: _Wanted) -> Found | None:
    in_answer = member.path.startswith("response")
    of_new = member.words[0] in _NEW and not in_answer
    if wanted.copies and wanted.last and not in_answer and not of_new:
        return None
    name = member.words[1:] if of_new else member.words
    score, reason = _by_name(name, member, wanted, in_answer=in_answer)
    if not score and wanted.last and set(name) & IDS and not bare(name):
        score, reason = _by_place(member, wanted, in_answer=in_answer)
    if not score:
        return None
    if not _is_of_kind(member, wanted):
        score -= 2.0 if in_answer else 3.5
    return Found(member, score - 1.5 * max(0, member.depth - (1 if in_answer else 0)), reason)


def _by_name(name: tuple[str, ...], member: Member, wanted: _Wanted, *, in_answer: bool) -> tuple[float, str]:
    own, asked = bare(name), bare(wanted.variable)
    outside = member.above[-1] if member.above else ()
    nouns = {"".join(noun) for noun in (*wanted.nouns, bare(wanted.nouns[0]))}
    if "".join(name) == "".join(wanted.variable) and (asked or member.depth == 0):
        foreign = not in_answer and set(bare(outside)) - WRAPPING - {word for noun in wanted.nouns for word in noun}
        return (8.0 if foreign else 10.0), "the variable's name"
    if not own or "arn" in name:
        inside = not wanted.last and not own and outside and bare(outside) == asked and set(name) & IDS
        return (7.0, "in the variable's structure") if inside else (0.0, "")
    if not set(name) & IDS:
        named = own == asked or (wanted.last and own == wanted.nouns[0])
        return (
            (7.0, "the variable's name without its kind") if named and not in_answer and not member.depth else (0, "")
        )
    if own == asked:
        return 9.0, "the variable's words"
    if wanted.last and "".join(own) in nouns:
        return 8.5, "named as what the operation makes"
    if wanted.last and own == wanted.nouns[0][-len(own) :]:
        return 7.5, "named as the end of what the operation makes"
    return 0.0, ""


def _by_place(member: Member, wanted: _Wanted, *, in_answer: bool) -> tuple[float, str]:
    if member.depth == 0:
        if "resource" in member.words and not in_answer:  # what it is attached to
            return 0.0, ""
        return 8.0, "a bare id or name at the top"
    outside = member.above[-1]
    if max(alike(one, noun) for one in (bare(outside), plain(outside)) for noun in wanted.nouns) == 1:
        return 8.2, "a bare id or name in what it makes"
    if in_answer and member.depth == 1 and outside == wanted.whole:
        return 7.0, "a bare id or name in all that it answers"
    if set(bare(outside)) & {word for noun in wanted.nouns for word in noun}:
        return 6.5, f"a bare id or name in {' '.join(outside)}"
    return 0.0, ""


def _is_of_kind(member: Member, wanted: _Wanted) -> bool:
    """Whether both are names, or both are ids: an identifier is either."""
    one, other = set(member.words) & IDS, set(wanted.variable) & IDS
    return not one or not other or bool(one & other) or "identifier" in one | other
