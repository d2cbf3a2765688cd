"""Resolves the owner of what a record created: the principal itself, or who stands behind a machine or a session.

Every hop is a question and a fact. Without its fact a hop is not taken: the best answer so far stands, and the question
is named. The order (docs/reference/identities.md): an authority of the organization; the resource that a machine ran on
or launched for; the caller of AssumeRole; a SourceIdentity, a session tag, a session's name; the account's owner.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from ownertag.core.owner.carried import beside_carried, carried_owner, not_seen
from ownertag.core.owner.chain import FINAL, OwnerChain
from ownertag.core.owner.facts import FactTracker
from ownertag.core.owner.principal import no_owner, owner_by_identity
from ownertag.core.owner.rules import apply_rules
from ownertag.core.parents import Parents
from ownertag.core.records import CANARY_ROLE, Record, is_canary, is_word
from ownertag.core.settings import Settings
from ownertag.core.values import Confidence, Facts, Owner, Question, Wait


class Trace(Struct, frozen=True):
    """The best answer that the facts give, what else has to be asked, and what can't be told yet."""

    owner: Owner
    questions: tuple[Question, ...] = ()
    waits: tuple[Wait, ...] = ()


def resolve(record: Record, settings: Settings, parents: Parents, facts: Facts | None = None) -> Owner:
    """The owner of what this record made, as far as these facts tell, after the owner rules of the settings."""
    return trace(record, settings, parents, facts).owner


def trace(record: Record, settings: Settings, parents: Parents, facts: Facts | None = None) -> Trace:
    """The owner of what this record made, and what has to be looked up to tell better.

    Args:
        record: The creation's record.
        settings: Whom to trust, and the owner rules.
        parents: What the catalogue says of parents.
        facts: Answers so far.
    """
    traced = _trace(record, settings, parents, facts or {})
    return replace(traced, owner=beside_carried(traced.owner, record, settings)) if is_word(record) else traced


def _trace(record: Record, settings: Settings, parents: Parents, facts: Facts) -> Trace:
    identity = record.identity
    if identity is None:
        return Trace(no_owner("no-identity", "the record has no userIdentity"))
    own = owner_by_identity(identity, record, settings)
    proven, nobody_named = own.confidence is Confidence.PROVEN, own.confidence is Confidence.NONE
    if (own.evidence in FINAL and not nobody_named) or (proven and own.evidence != "identity-center-user"):
        return Trace(apply_rules(own, record.account, settings))
    if is_canary(record):
        # Whoever sends it owns nothing, and waits for it: CloudTrail may need a quarter of an hour to show who it was.
        canary = Owner(CANARY_ROLE, "role-name", Confidence.ASSERTED, own.via)
        return Trace(apply_rules(canary, record.account, settings))
    known = FactTracker(facts)
    chain = OwnerChain(settings, parents, known)
    hop = chain.behind(record, own, 0)
    owner = hop.owner
    if owner.confidence is Confidence.NONE and not known.questions:
        if carried := carried_owner(record, settings):
            return Trace(carried, (), tuple(dict.fromkeys(known.waits)))
        owner = chain.account_owner(record, owner)
    if owner.confidence is Confidence.NONE and is_word(record):
        owner = not_seen(owner)
    if not hop.settled:
        owner = apply_rules(owner, record.account, settings)
    return Trace(owner, tuple(known.questions), tuple(dict.fromkeys(known.waits)))
