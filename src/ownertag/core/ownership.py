"""Decides the owner of a resource that several creations claim: the first creation of its present life owns it.

Events arrive in any order and more than once, so nothing here depends on when something was heard of: of all claims on
a resource, and all its deletions, the same one holds it in the end.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from ownertag.core.arn import last_part
from ownertag.core.values import Confidence, Creation, OutcomeKind, Owner, Resource, TagPairs

#: A name can be used again after its deletion (a bucket, a queue); nobody does it more often than this and waits for
#: events of the first lives.
MAX_DELETIONS = 64

#: What a creation makes beside what its record names is there this long after it at the latest.
BORN_WITH = timedelta(seconds=60)


class ResourceKey(Struct, frozen=True, order=True):
    """A resource, in the account and Region whose record told of it: an ARN need not name them (S3)."""

    account: str
    region: str
    arn: str

    @property
    def id(self) -> str:
        """The id, with which the ARN ends."""
        return last_part(self.arn)


def key_of(resource: Resource, creation: Creation) -> ResourceKey:
    """The key of a resource that a creation made."""
    return ResourceKey(creation.record.account, creation.record.region, resource.arn)


class EventKey(Struct, frozen=True, order=True):
    """A record. An id is unique by itself; with its account no record can be taken for another account's."""

    account: str
    region: str
    event_id: str


class Claim(Struct, frozen=True, omit_defaults=True):
    """That a creation made a resource. `named`: its record names the resource, it was not only found by looking."""

    created_at: datetime
    event_id: str
    creation_id: str
    named: bool = True
    amended: bool = False

    @property
    def rank(self) -> tuple[datetime, bool, str, bool, str]:
        """The lowest of one life owns; the same order that `plan` follows within a batch.

        What was found by looking was made within the birth window, so a claim that names it counts before until then,
        and no later: a creation that names it long after made nothing new.
        """
        at = self.created_at if self.named else self.created_at + BORN_WITH
        return (at, not self.named, self.creation_id, not self.amended, self.event_id)


class Observation(Struct, frozen=True, omit_defaults=True):
    """That tags were decided and not written, since the account was observed; `kept` keys would have stayed."""

    at: datetime
    kept: tuple[str, ...] = ()


class Holding(Struct, frozen=True, omit_defaults=True):
    """Whose a resource is now, and what became of the tags that say so.

    `provisional`: something was still awaited when the owner was decided. `outcome` is there once nothing is left to
    do with it; what was `observed` has none, since its tags are still to be written. `given_at` is the time of a
    transfer, whose owner stands until the resource's life ends. `undone_at`: a person had the tags put back as they
    were before, so that they are to stay so until somebody orders otherwise; it has no outcome then.
    """

    claim: Claim
    owner: Owner
    tags: TagPairs
    provisional: bool = False
    outcome: OutcomeKind | None = None
    given_at: datetime | None = None
    deletions: tuple[datetime, ...] = ()
    observed: Observation | None = None
    undone_at: datetime | None = None


class Standing(Struct, frozen=True):
    """What the ledger says of a resource to a creation that came to it: whose it is, and whether that is written."""

    event_id: str
    owner: Owner
    tags: TagPairs
    outcome: OutcomeKind | None = None


def apply_claim(holding: Holding | None, fresh: Holding, deletions: tuple[datetime, ...] = ()) -> Holding:
    """Whose a resource is after one more claim on it: that claim's owner, or as before.

    Args:
        holding: Whose it was until now; None for the first claim.
        fresh: The claim, as if it were the only one.
        deletions: What is known of a resource without a claim: when it was deleted.
    """
    claim = fresh.claim
    if holding is None:
        return replace(fresh, deletions=deletions)
    if claim.event_id == holding.claim.event_id:
        return _again(holding, fresh)
    life, life_before = (_life(one.created_at, holding.deletions) for one in (claim, holding.claim))
    if life != life_before:
        return replace(fresh, deletions=holding.deletions) if life > life_before else holding
    if claim.rank > holding.claim.rank:
        return holding
    if holding.given_at is not None:
        return replace(holding, claim=claim)  # a transfer outlives whoever turns out to have been first
    same = (fresh.owner, fresh.tags) == (holding.owner, holding.tags)  # such as an amendment of the same record
    return replace(
        fresh,
        deletions=holding.deletions,
        outcome=holding.outcome if same else None,
        observed=holding.observed if same else None,
    )


def _again(holding: Holding, fresh: Holding) -> Holding:
    """The same creation again: what was decided stands, unless something was awaited then."""
    claim = holding.claim if holding.claim.rank <= fresh.claim.rank else fresh.claim
    if holding.given_at is not None or not holding.provisional:
        return replace(holding, claim=claim)
    if (fresh.owner, fresh.tags) == (holding.owner, holding.tags):
        return replace(holding, claim=claim, provisional=fresh.provisional)
    return replace(fresh, claim=claim, deletions=holding.deletions)


def apply_outcome(
    holding: Holding, event_id: str, owner: str, kind: OutcomeKind, final: bool, observed: Observation | None = None
) -> tuple[Holding, bool]:
    """After an attempt to write the tags of this event's owner: (what is known now, whether they were the right ones).

    If somebody else holds the resource by now, its tags have to be written (again). So have those that were only
    `observed`, once the account is observed no longer.
    """
    right = (holding.claim.event_id, holding.owner.name) == (event_id, owner)
    if right and observed:
        return replace(holding, outcome=None, observed=observed), True
    if right:
        return (replace(holding, outcome=kind, observed=None, undone_at=None) if final else holding), True
    return (replace(holding, outcome=None) if kind is OutcomeKind.TAGGED else holding), False


def apply_transfer(holding: Holding | None, id_: str, to: str, by: str, tags: TagPairs, at: datetime) -> Holding:
    """After a transfer by hand: the way to its owner is through whoever gave it.

    An older one than the last, or one in an earlier life, changes nothing.

    Of a resource whose creation nobody saw, it is the first that is known; an event of its creation can still come.
    """
    owner = Owner(to, "transfer", Confidence.ASSERTED, (by,))
    if holding is None:
        claim = Claim(at, id_, id_, named=False)
        return Holding(claim, owner, tags, False, OutcomeKind.TAGGED, at)
    if holding.given_at is not None and at <= holding.given_at:
        return holding
    if _life(at, holding.deletions) != _life(holding.claim.created_at, holding.deletions):
        return holding
    return replace(
        holding,
        owner=owner,
        tags=tags,
        provisional=False,
        outcome=OutcomeKind.TAGGED,
        given_at=at,
        observed=None,
        undone_at=None,
    )


def apply_undo(holding: Holding, at: datetime) -> Holding:
    """After the tags were put back as they were before: whose it is stays, and nothing says so any more.

    One in an earlier life changes nothing; what is only observed waits for its tags as before.
    """
    of_another_life = _life(at, holding.deletions) != _life(holding.claim.created_at, holding.deletions)
    return holding if of_another_life or holding.observed else replace(holding, outcome=None, undone_at=at)


def apply_deletion(holding: Holding, claims: Iterable[Holding], at: datetime) -> Holding:
    """After a deletion became known: of all claims so far, the first of the latest life that has any holds it."""
    deletions = tuple(sorted({*holding.deletions, at})[-MAX_DELETIONS:])
    latest = min(
        claims, key=lambda claim: (-_life(claim.claim.created_at, deletions), claim.claim.rank), default=holding
    )
    if latest.claim.event_id == holding.claim.event_id:
        kept = replace(holding, deletions=deletions)
        if holding.given_at and _life(holding.given_at, deletions) != _life(holding.claim.created_at, deletions):
            return replace(latest, deletions=deletions, outcome=None)
        return kept
    return replace(latest, deletions=deletions, outcome=None)


def end_of(at: datetime, deletions: tuple[datetime, ...]) -> datetime | None:
    """When the life ended to which this time belongs, or None as far as these deletions tell (the earliest first)."""
    life = _life(at, deletions)
    return deletions[life] if life < len(deletions) else None


def is_living(holding: Holding) -> bool:
    """Whether a resource is there as far as the ledger knows: nothing is known to have deleted it."""
    return end_of(holding.claim.created_at, holding.deletions) is None


def _life(at: datetime, deletions: tuple[datetime, ...]) -> int:
    """The number of a life: how many deletions came before it.

    A deletion in the same second came after the creation that it ended.
    """
    return bisect_left(deletions, at)
