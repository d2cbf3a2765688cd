"""Names of AWS's models, taken apart into words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+\d*|[A-Z]+\d*|\d+")
#: What follows such a word says from what, to where or for what the noun is made.
_AFTER = frozenset({"from", "to", "with", "for", "by", "into", "in", "on", "as", "via"})
_PLURAL = re.compile(r"(ARN|ID|ACL|VPC)s(?![a-z])")
_VERSION = re.compile(r"v?\d+")


@dataclass(frozen=True, slots=True)
class Name:
    """An operation's name.

    Attributes:
        verb: Its first word, in small letters; of a batch the second.
        noun: The words of what it is done to, in small letters and the singular.
        batch: It begins with "Batch".
    """

    verb: str
    noun: tuple[str, ...]
    batch: bool


@cache
def words(name: str) -> tuple[str, ...]:
    """The words of a name, in small letters and the singular: `DBInstanceArn` has db, instance, arn."""
    return tuple(singular(word.lower()) for word in _WORD.findall(_PLURAL.sub(r"\1", name)))


@cache
def operation(name: str) -> Name:
    """Takes an operation's name apart."""
    found = list(words(name))
    batch = found[0] == "batch"
    verb, *rest = found[1:] if batch else found
    if (verb, rest[:3]) == ("create", ["or", "update", rest[2] if len(rest) > 2 else ""]):
        rest = rest[2:]
    noun: list[str] = []
    for word in rest:
        if noun and word in _AFTER:
            break
        noun.append(word)
    plain = tuple(word for word in noun if not _VERSION.fullmatch(word))
    return Name(verb, plain or tuple(noun), batch)


def singular(word: str) -> str:
    """A word without its plural's ending: the same for both, though no word at times."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ss", "us", "is")) or len(word) < 4:
        return word
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word.removesuffix("s")


def alike(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    """How much two names have in common: 1 where they are the same, 0 where they share no word."""
    if not one or not other:
        return 0.0
    if squashed(one) == squashed(other):
        return 1.0
    common = len(set(one) & set(other))
    return common / len({*one, *other})


def squashed(name: tuple[str, ...]) -> str:
    """A name in one word, without the letter by which plurals differ: the reference writes `savingsplan`."""
    return "".join(name).replace("s", "")
