"""Whether statements of a policy deny a request. Pure; what can't be evaluated is not known, never allowed.

There are libraries that do this for whole policies; none says "not known" where a condition key of the request is not
known, which is the case for most keys here: we ask about requests that nobody has made yet.

Sources: IAM user guide, "IAM JSON policy elements" (Action, Resource, Condition operators, variables) and "Conditions
with multiple context keys or values": operators and keys are all to hold, of several values one, of a negated
operator's none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from functools import lru_cache
from typing import Any

from msgspec import Struct

from ownertag.rollout.preflight.facts import Document


class Holds(Enum):
    """Whether something holds of a request."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class PolicyRequest(Struct, frozen=True):
    """A request as a policy sees it.

    `context` has the values of condition keys, in small letters; None for a key that the request lacks. A key that
    ends in `/` stands for all that begin with it. A key that is not in it at all is not known.
    """

    action: str
    resource: str
    context: Mapping[str, tuple[str, ...] | None]

    def values(self, key: str) -> tuple[bool, tuple[str, ...] | None]:
        """Whether a key is known, and its values."""
        lowered = key.lower()
        beginning = lowered.partition("/")[0] + "/"
        for name in (lowered, beginning):
            if name in self.context:
                return True, self.context[name]
        return False, None


class StatementAnswer(Struct, frozen=True):
    """Whether a statement applies to a request; where that is not known, what it depends on."""

    holds: Holds
    depends_on: str = ""


_NO = StatementAnswer(Holds.NO)
_YES = StatementAnswer(Holds.YES)
# ${*}, ${?} and ${$} stand for the characters themselves; any other is filled in from the request.
_VARIABLE = re.compile(r"\$\{(?![*?$]\})")


def applies(statement: Document, request: PolicyRequest) -> StatementAnswer:
    """Whether a statement, be it Allow or Deny, applies to a request."""
    return applies_besides(statement, request) if covers_action(statement, request.action) else _NO


def applies_besides(statement: Document, request: PolicyRequest) -> StatementAnswer:
    """Whether a statement applies to a request, whose action it is known to be about."""
    if "Condition" not in statement and statement.get("Resource") == "*":  # most of all, FullAWSAccess
        return _YES
    unknown: dict[str, None] = {}
    for answer in _parts(statement, request):
        if answer.holds is Holds.NO:
            return _NO
        if answer.holds is Holds.UNKNOWN:
            unknown[answer.depends_on] = None
    return StatementAnswer(Holds.UNKNOWN, ", ".join(unknown)) if unknown else _YES


def _parts(statement: Document, request: PolicyRequest) -> Iterator[StatementAnswer]:
    """Its resource and each of its conditions, which all must hold."""
    yield _resource(statement, request.resource)
    for operator, keys in (statement.get("Condition") or {}).items():
        for key, wanted in keys.items():
            yield _condition(operator, key, as_list(wanted), request)


def statements_of(document: Document, effect: str) -> list[Document]:
    """The statements of a policy with this effect."""
    return [statement for statement in as_list(document.get("Statement", [])) if statement.get("Effect") == effect]


def condition_keys(statement: Document) -> frozenset[str]:
    """The condition keys that a statement names, in small letters."""
    return frozenset(key.lower() for keys in (statement.get("Condition") or {}).values() for key in keys)


def covers_action(statement: Document, action: str) -> bool:
    """Whether a statement is about an action, by `Action` or `NotAction`."""
    if "NotAction" in statement:
        return not _any_glob(as_list(statement["NotAction"]), action.lower())
    return _any_glob(as_list(statement.get("Action", [])), action.lower())


def as_list(given: Any) -> list[Any]:
    """What IAM takes alone or in a list, as a list."""
    return list(given) if isinstance(given, list | tuple) else [given]


def _any_glob(patterns: Iterable[str], action: str) -> bool:
    return any(_glob(pattern.lower()).fullmatch(action) for pattern in patterns)


@lru_cache(maxsize=4096)
def _glob(pattern: str) -> re.Pattern[str]:
    """`*` and `?` as IAM reads them; `${*}` and the like are the characters themselves."""
    parts = re.split(r"(\$\{[*?$]\}|\*|\?)", pattern)
    ways = {"*": ".*", "?": "."}
    return re.compile(
        "".join(ways.get(part) or re.escape(part[2:-1] if part.startswith("${") else part) for part in parts), re.DOTALL
    )


def _resource(statement: Document, resource: str) -> StatementAnswer:
    named = "NotResource" if "NotResource" in statement else "Resource"
    # An SCP's Allow may leave it out in its older form; a policy of any kind without it is about all.
    patterns = as_list(statement.get(named, "*"))
    if named == "Resource" and "*" in patterns:
        return _YES
    found = _one_of(patterns, lambda pattern: bool(_glob(pattern).fullmatch(resource)))
    if found is None:
        return StatementAnswer(Holds.UNKNOWN, f"variables in {named}")
    return _YES if found != (named == "NotResource") else _NO


def _one_of(patterns: Iterable[str], matches: Callable[[str], bool]) -> bool | None:
    """Whether one matches; None if that depends on a policy variable."""
    depends = False
    for pattern in patterns:
        if _VARIABLE.search(pattern):
            depends = True
        elif matches(pattern):
            return True
    return None if depends else False


# --- conditions


def _equals(value: str, wanted: str) -> bool:
    return value == wanted


def _equals_ignoring_case(value: str, wanted: str) -> bool:
    return value.lower() == wanted.lower()


def _like(value: str, wanted: str) -> bool:
    return bool(_glob(wanted).fullmatch(value))


def _arn_like(value: str, wanted: str) -> bool:
    """Each of the six parts of an ARN is compared for itself (doc: Amazon Resource Name condition operators)."""
    one, other = value.split(":", 5), wanted.split(":", 5)
    return len(one) == len(other) == 6 and all(map(_like, one, other))


#: Operators and whether they are negated. `ArnEquals` takes wildcards as `ArnLike` does (doc).
_OPERATORS: Mapping[str, tuple[Callable[[str, str], bool], bool]] = {
    "stringequals": (_equals, False),
    "stringnotequals": (_equals, True),
    "stringequalsignorecase": (_equals_ignoring_case, False),
    "stringnotequalsignorecase": (_equals_ignoring_case, True),
    "stringlike": (_like, False),
    "stringnotlike": (_like, True),
    "arnequals": (_arn_like, False),
    "arnlike": (_arn_like, False),
    "arnnotequals": (_arn_like, True),
    "arnnotlike": (_arn_like, True),
    "bool": (_equals_ignoring_case, False),
}
_ANY, _ALL, _IF_EXISTS = "foranyvalue:", "forallvalues:", "ifexists"


def _condition(operator: str, key: str, wanted: list[Any], request: PolicyRequest) -> StatementAnswer:
    name = operator.lower()
    quantifier = next((begin for begin in (_ANY, _ALL) if name.startswith(begin)), "")
    name = name.removeprefix(quantifier)
    known, values = request.values(key)
    if not known:
        return StatementAnswer(Holds.UNKNOWN, key)
    texts = [str(value).lower() if isinstance(value, bool) else str(value) for value in wanted]
    if name == "null":
        return _YES if texts[0].lower() == str(values is None).lower() else _NO
    if_exists, name = name.endswith(_IF_EXISTS), name.removesuffix(_IF_EXISTS)
    found = _OPERATORS.get(name)
    if found is None:
        return StatementAnswer(Holds.UNKNOWN, f"{operator} on {key}")
    matches, negated = found
    if values is None:  # a negated operator holds of a key that is absent, and so does ForAllValues (doc)
        return _YES if if_exists or quantifier == _ALL or (negated and quantifier != _ANY) else _NO
    singles = []
    for value in values:
        one = _one_of(texts, lambda pattern, value=value: matches(value, pattern))  # type: ignore[misc] # bound now
        if one is None:
            return StatementAnswer(Holds.UNKNOWN, f"variables for {key}")
        singles.append(one != negated)
    return _YES if (all(singles) if quantifier == _ALL else any(singles)) else _NO
