"""Where an answer tells the ARN of what was made.

Of several ARNs the created one is named as the operation's noun, or is a bare `arn` at the top or in the noun's
structure; then as the type. What the request holds as well, or what is named after something else, was there before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from botocore.model import StringShape

from derive import models, reference, shapes
from derive.shapes import Member
from derive.types import Candidate, bare, plain, spelled
from derive.words import alike, operation, words

#: A member that scores less is not taken.
ENOUGH = 6.0
_DEEPEST = 3
#: Named after such a thing, an ARN is that of what was there before.
_BEFORE = frozenset({"source", "parent", "role", "kms", "key", "original", "previous", "destination", "next"})
#: What says which state of a thing it is, behind the thing's name.
_VERSION = frozenset({"build", "version", "revision"})
#: So the model describes an id that is an ARN.
_SAYS_ARN = re.compile(r"\W*(?:p\W+)?(?:The |An? )?(?:unique )?(?:Amazon Resource Name|ARN)\b")
IDS = frozenset({"id", "identifier", "name"})


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
    noun = operation(name).noun
    asked = {member.words for member in shapes.request(client, name) if member.depth == 0}
    others = {spelled(type_) for type_ in reference.types(models.service(client))} - {noun, spelled(made.resource)}
    found = []
    for member in shapes.answer(client, name):
        own = bare(member.words)
        if not _is_arn(member) or set(own) & _BEFORE - {*noun, *spelled(made.resource)}:
            continue
        if not own and member.above and plain(member.above[-1]) in others:
            continue
        if member.words in asked and own and alike(own, noun) < 1:
            continue
        score, reason = _named(own, noun, made) if own else _bare(member, noun, made)
        score -= 4 if member.words in asked and not made.sure else 0
        found.append(Found(member, score - 1.5 * max(0, member.depth - 1), reason))
    return sorted(found, key=lambda one: (-one.score, one.member.path))


def _is_arn(member: Member) -> bool:
    if not isinstance(member.shape, StringShape) or member.depth > _DEEPEST:
        return False
    if "arn" in member.words[-1:]:
        return True
    return bool(set(member.words) & IDS) and _SAYS_ARN.match(member.shape.documentation) is not None


def _named(own: tuple[str, ...], noun: tuple[str, ...], made: Candidate) -> tuple[float, str]:
    aliases = (made.form.literals[-1:], *(bare(words(one)) for one in made.form.variables[-1:]))
    fits = max(alike(own, other) for other in (noun, spelled(made.resource), *aliases))
    if own in {noun[-len(own) :], *aliases} or noun == own[-len(noun) :]:
        return max(10 * fits, 8), "named as the end of what it makes"
    if own[: len(noun)] == noun and set(own[len(noun) :]) <= _VERSION:
        return max(10 * fits, 7), "begins as what it makes"
    return 10 * fits, "named as what it makes" if fits == 1 else f"named like what it makes ({fits:.2f})"


def _bare(member: Member, noun: tuple[str, ...], made: Candidate) -> tuple[float, str]:
    less = 1.0 if "resource" in member.words else 0.0  # at times what is attached to
    if member.depth == 0:
        return 9.5 - less, "a bare ARN at the top"
    outside, type_ = member.above[-1], spelled(made.resource)
    if max(alike(one, other) for one in (bare(outside), plain(outside)) for other in (noun, type_)) == 1:
        return 9.8 - less, "a bare ARN in what it makes"
    if plain(outside)[-1:] and plain(outside)[-1] in {*noun[-1:], *type_[-1:]}:
        return 8.5 - less, f"a bare ARN in {' '.join(outside)}"
    return 7.5 - member.depth - less, "a bare ARN inside"
