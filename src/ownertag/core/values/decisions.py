"""Who owns what, and what is to be written."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from ownertag.core.values.creations import Creation, Refusal, Resource
from ownertag.core.values.outcomes import Outcome, OutcomeKind


class Confidence(StrEnum):
    """How certain it is that a name is the owner's, from the most certain down."""

    PROVEN = "proven"
    ASSERTED = "asserted"
    INFERRED = "inferred"
    ACCOUNT = "account"
    NONE = "none"


class Owner(Struct, frozen=True):
    """The accountable person or team: the rule that named it, its confidence and hops, or why nobody is named."""

    name: str
    evidence: str
    confidence: Confidence
    via: tuple[str, ...] = ()
    reason: str | None = None


#: (key, value) pairs in the order of the settings.
TagPairs = tuple[tuple[str, str], ...]


class Write(Struct, frozen=True):
    """One call: the same tags on resources of one account and Region, at most as many as the call takes."""

    account: str
    region: str
    tag_api: str
    tags: TagPairs
    resources: tuple[Resource, ...]


class Wait(Struct, frozen=True):
    """Part of a creation can't be decided yet, and why: its message comes back.

    `not_sent`: a call was not sent, since our share of the account's quota had no token left.
    """

    outcome: OutcomeKind
    reason: str
    not_sent: bool = False


class Decision(Struct, frozen=True):
    """What was decided for one creation: whose it is, on which resources, and what is still missing.

    `settled` holds the outcomes that need no call: what has the tags already, and what is gone. `owner_may_change` says
    that the owner is only the best answer so far, so that it must not be kept as decided. `kept` has, by ARN, the keys
    that are not written, since their values stay.
    """

    creation: Creation
    owner: Owner
    tags: TagPairs
    resources: tuple[Resource, ...] = ()
    settled: tuple[Outcome, ...] = ()
    waits: tuple[Wait, ...] = ()
    owner_may_change: bool = False
    kept: Mapping[str, frozenset[str]] = {}


class Plan(Struct, frozen=True):
    """All that a batch comes to: decisions, the fewest writes that carry them out, refusals."""

    decisions: tuple[Decision, ...]
    writes: tuple[Write, ...]
    refusals: tuple[Refusal, ...]
