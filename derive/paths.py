"""Where the record of a creation tells what was made: paths to its ARN, and to the ids that its ARN is built of.

Of several ARNs the created one is named as the operation's noun, or is a bare `arn` at the top or in the noun's
structure; then as the type. What the request holds as well, or what is named after something else, was there before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from botocore.model import StringShape

from derive import shapes
from derive.shapes import Member
from derive.types import WRAPPING, Candidate, bare, spelled
from derive.words import alike, operation, words

#: Below such a score a member is not taken.
ENOUGH = 6.0
_BEFORE = frozenset({"source", "parent", "role", "kms", "key", "original", "previous", "destination", "next"})
_ID = frozenset({"id", "identifier", "name"})
#: So begins the name of what a copy makes; the name alone is that of what is copied.
_NEW = frozenset({"target", "new"})
#: So the model describes an id that is an ARN.
_SAYS_ARN = re.compile(r"\W*(?:p\W+)?(?:The |An? )?(?:unique )?(?:Amazon Resource Name|ARN)\b")
#: What says which state of a thing it is, behind the thing's name.
_VERSION = frozenset({"build", "version", "revision"})
_COPIES = frozenset({"copy", "replicate"})


@dataclass(frozen=True, slots=True)
class Found:
    """A member that may hold what was made.

    Attributes:
        member: The member.
        score: How surely; the highest is taken.
        reason: What gave the score.
    """

    member: Member
    score: float
    reason: str


def arns(client: str, name: str, made: Candidate) -> list[Found]:
    """Members of the answer that may hold the ARN of what was made, the best first."""
    asked = {member.words for member in shapes.request(client, name) if member.depth == 0}
    noun = operation(name).noun
    rated = [_rate_arn(member, noun, made, asked) for member in shapes.answer(client, name) if _is_arn(member)]
    return sorted((one for one in rated if one), key=lambda one: (-one.score, one.member.path))


def _is_arn(member: Member) -> bool:
    if not isinstance(member.shape, StringShape) or member.depth > 3:
        return False
    if "arn" in member.words[-1:]:
        return True
    return bool(set(member.words) & _ID) and _SAYS_ARN.match(member.shape.documentation) is not None


def _rate_arn(member: Member, noun: tuple[str, ...], made: Candidate, asked: set[tuple[str, ...]]) -> Found | None:
    name = bare(member.words)
    type_ = spelled(made.resource)
    outside = member.above[-1] if member.above else ()
    inner = bare(outside)
    if set(name) & _BEFORE and not set(name) & _BEFORE <= {*noun, *type_}:
        return None
    if name:
        aliases = [made.form.literals[-1:], *(bare(words(one)) for one in made.form.variables[-1:])]
        fits = max(alike(name, other) for other in (noun, type_, *aliases))
        reason = "named as what the operation makes" if fits == 1 else f"named like what it makes ({fits:.2f})"
        score = 10 * fits
        if noun[-len(name) :] == name or name[-len(noun) :] == noun:
            score, reason = max(score, 8), "named as the end of what it makes"
        elif name[: len(noun)] == noun and set(name[len(noun) :]) <= _VERSION:
            score, reason = max(score, 7), "begins as what it makes"
    else:
        plain = tuple(word for word in inner if word not in WRAPPING)
        fits = max(alike(one, other) for one in (inner, plain) for other in (noun, type_))
        within = bool(plain) and plain[-1] in {*noun[-1:], *type_[-1:]}
        if member.depth == 0:
            score, reason = 9.5, "a bare ARN at the top"
        elif fits == 1:
            score, reason = 9.8, "a bare ARN in what it makes"
        elif within:
            score, reason = 8.5, f"a bare ARN in {' '.join(outside)}"
        else:
            score, reason = 7.5 - member.depth, "a bare ARN inside"
        if "resource" in member.words:
            score -= 1
    if member.words in asked and not made.sure:
        score -= 4
    if member.words in asked and name and alike(name, noun) < 1:
        return None
    score -= 1.5 * max(0, member.depth - 1)
    return Found(member, score, reason)


def ids(client: str, name: str, made: Candidate, variable: str, *, last: bool) -> list[Found]:
    """Members that may hold a variable of the ARN, those of the answer and of the request each with the best first.

    Args:
        client: The client.
        name: The operation.
        made: What it makes.
        variable: A variable of the ARN's form.
        last: It is the last: the thing's own id or name, where the ones before belong to what it stands in.
    """
    noun, wanted, copies = operation(name).noun, words(variable), operation(name).verb in _COPIES
    found = []
    for members in (shapes.answer(client, name), shapes.request(client, name)):
        rated = [one for member in members if (one := _rate_id(member, noun, made, wanted, last=last, copies=copies))]
        found += sorted(rated, key=lambda one: (-one.score, one.member.depth, one.member.path))
    return found


def _rate_id(
    member: Member, noun: tuple[str, ...], made: Candidate, wanted: tuple[str, ...], *, last: bool, copies: bool
) -> Found | None:
    if (
        not isinstance(member.shape, StringShape)
        or member.depth > 3
        or ("pending", "modified", "value") in member.above
    ):
        return None
    in_answer = member.path.startswith("response")
    if not in_answer and member.many:
        return None
    of_new = member.words[0] in _NEW and not in_answer
    if copies and last and not in_answer and not of_new:
        return None
    own = bare(member.words[1:] if of_new else member.words)
    kind, asked_kind = set(member.words) & _ID, set(wanted) & _ID
    type_ = spelled(made.resource)
    inner = bare(member.above[-1]) if member.above else ()
    score, reason = 0.0, ""
    if "".join(member.words) == "".join(wanted) and (bare(wanted) or member.depth == 0):
        score, reason = 10.0, "the variable's name"
        if not in_answer and member.depth and set(inner) - WRAPPING - {*noun, *type_}:
            score -= 2
    elif not kind or "arn" in member.words:
        bare_name = bool(own) and not kind and "arn" not in member.words and not in_answer and member.depth == 0
        if bare_name and (own == bare(wanted) or (last and own == noun)):
            score, reason = 7.0, "the variable's name without its kind"
        else:
            return None
    elif own and own == bare(wanted):
        score, reason = 9.0, "the variable's words"
    elif last and own and "".join(own) in {"".join(noun), "".join(bare(noun)), "".join(type_)}:
        score, reason = 8.5, "named as what the operation makes"
    elif last and own and own == noun[-len(own) :]:
        score, reason = 7.5, "named as the end of what the operation makes"
    elif last and not own:
        plain = tuple(word for word in inner if word not in WRAPPING)
        fits = max(alike(one, other) for one in (inner, plain) for other in (noun, type_)) == 1
        within = bool(inner) and bool(set(inner) & {*noun, *type_})
        if member.depth == 0:
            score, reason = 8.0, "a bare id or name at the top"
        elif fits:
            score, reason = 8.2, "a bare id or name in what it makes"
        elif within:
            score, reason = 6.5, f"a bare id or name in {' '.join(member.above[-1])}"
    elif not last and not own and inner and inner == bare(wanted):
        score, reason = 7.0, "in the variable's structure"
    if not score:
        return None
    if asked_kind and kind and not _same_kind(kind, asked_kind):
        score -= 2.0 if in_answer else 3.5
    return Found(member, score - 1.5 * max(0, member.depth - (1 if in_answer else 0)), reason)


def _same_kind(one: set[str], other: set[str]) -> bool:
    """Whether both are names, or both are ids: an identifier is either."""
    return bool(one & other) or "identifier" in one or "identifier" in other
