"""An owner on the way to the record that is asked about, and what it is worth one hop nearer to it."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from ownertag.core.identity import UNKNOWN, hops, issuer_of, named, nobody
from ownertag.core.records import Identity
from ownertag.core.values import Confidence, Fact, Found, Owner

_SURENESS = {confidence: number for number, confidence in enumerate(Confidence)}


class Named(Struct, frozen=True):
    """An owner on the way: its rules are applied (`settled`), the way can be made up, its name was anybody's choice."""

    owner: Owner
    settled: bool = False
    forgeable: bool = False
    chosen: bool = False


def given(fact: Fact | None) -> Owner | None:
    """The owner that an answer names, clean; one without a name is none."""
    if not isinstance(fact, Found) or fact.owner is None or fact.owner.confidence is Confidence.NONE:
        return None
    name = named(fact.owner.name)
    return None if name == UNKNOWN else replace(fact.owner, name=name, via=hops(*fact.owner.via))


def inherited(behind: Named, evidence: str, via: tuple[str, ...], forgeable: bool = False) -> Named:
    """What a parent's owner is worth for its child: inferred at most, and asserted where the way could be made up."""
    owner = behind.owner
    forgeable = forgeable or behind.forgeable
    confidence = owner.confidence
    if _SURENESS[confidence] <= _SURENESS[Confidence.INFERRED]:
        confidence = Confidence.ASSERTED if forgeable else Confidence.INFERRED
    way = tuple(dict.fromkeys((*via, *owner.via)))
    return Named(Owner(owner.name, evidence, confidence, way), behind.settled, forgeable, behind.chosen)


def without_the_session(own: Owner, identity: Identity) -> Owner:
    """What is written while it can't be told who made a session: its name is whatever its user liked to choose."""
    role = issuer_of(identity)[2]
    if role:
        return Owner(role, "role-name", Confidence.ASSERTED, own.via)
    return nobody("role-name", "it is not known who made the session, and its name could be anybody's", own.via)
