"""Takes one hop of an owner chain: the confidence of an owner one hop nearer, and names of Identity Center users."""

from __future__ import annotations

import re

from msgspec import Struct
from msgspec.structs import replace

from ownertag.core.arn import last_part, parse_arn
from ownertag.core.catalogue_types import QuestionKind
from ownertag.core.owner.facts import FactTracker
from ownertag.core.owner.principal import UNKNOWN, first_name, hops, issuer_of, no_owner
from ownertag.core.records import Identity, Record
from ownertag.core.settings import Settings
from ownertag.core.values import Confidence, Fact, Found, Owner, Question

_CONFIDENCE_ORDER = {confidence: number for number, confidence in enumerate(Confidence)}


class OwnerHop(Struct, frozen=True):
    """An owner in the chain.

    `settled`: the owner rules are applied. `forgeable`: a member could have made the hop up. `chosen`: whoever made the
    session chose the name.
    """

    owner: Owner
    settled: bool = False
    forgeable: bool = False
    chosen: bool = False


def named_owner(fact: Fact | None) -> Owner | None:
    """The owner that an answer names, clean; one without a name is none."""
    if not isinstance(fact, Found) or fact.owner is None or fact.owner.confidence is Confidence.NONE:
        return None
    name = first_name(fact.owner.name)
    return None if name == UNKNOWN else replace(fact.owner, name=name, via=hops(*fact.owner.via))


def inherited_owner(behind: OwnerHop, evidence: str, via: tuple[str, ...], forgeable: bool = False) -> OwnerHop:
    """The owner of a parent, as owner of its child: inferred at most, and asserted where the hop is forgeable."""
    owner = behind.owner
    forgeable = forgeable or behind.forgeable
    confidence = owner.confidence
    if _CONFIDENCE_ORDER[confidence] <= _CONFIDENCE_ORDER[Confidence.INFERRED]:
        confidence = Confidence.ASSERTED if forgeable else Confidence.INFERRED
    via = tuple(dict.fromkeys((*via, *owner.via)))
    return OwnerHop(Owner(owner.name, evidence, confidence, via), behind.settled, forgeable, behind.chosen)


def without_session_name(own: Owner, identity: Identity) -> Owner:
    """The owner while it is not known who made a session: the role, as anybody could have chosen the session's name."""
    role = issuer_of(identity)[2]
    if role:
        return Owner(role, "role-name", Confidence.ASSERTED, own.via)
    return no_owner("role-name", "it is not known who made the session, and its name could be anybody's", own.via)


_USER_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


def user_of_directory(identity: Identity, own: Owner, record: Record, settings: Settings, known: FactTracker) -> Owner:
    """The owner with the user's name instead of the id, if the identity store is the organization's."""
    user = identity.on_behalf_of
    if user is None or own.confidence is not Confidence.PROVEN or not _USER_ID.fullmatch(user.user_id or ""):
        return own
    store = parse_arn(user.identity_store_arn or "")
    if store is None:
        return own
    org = settings.organization
    region = settings.trust.identity_center_region or (org.home_region if org else record.region)
    value = f"{last_part(store.resource)}/{user.user_id}"
    found = named_owner(known.fact(Question(QuestionKind.IDENTITY_CENTER_USER, store.account, region, value)))
    return replace(own, name=found.name, via=(*own.via, f"user {user.user_id}")) if found else own
