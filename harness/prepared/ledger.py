"""The ledger of an organization that is only prepared: it knows all that was not missed, and holds nothing of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from harness.prepared.organization import DAY, KINDS, NOON, Organization
from ownertag.core.ownership import Claim, Holding, ResourceKey
from ownertag.core.values import Confidence, OutcomeKind, Owner
from ownertag.ledger.entries import Entry, KnownResource
from ownertag.ledger.read_only import DryRunLedger, NoLedger

OWNER = "somebody@example.com"
_VOLUME = ":volume/vol-"


class PreparedLedger(DryRunLedger):
    """Knows all resources but those that were missed, and in some places one that is not there any more.

    Args:
        organization: What is there.
        vanished: In every so many-th account and Region one vanished without a record.

    Attributes:
        asked: How often each method was called.
    """

    def __init__(self, organization: Organization, vanished: int) -> None:
        super().__init__(NoLedger())
        self._organization = organization
        self._vanished = set(list(organization.counts)[::vanished])
        claim = Claim(NOON - 30 * DAY, "event", "creation")
        owner = Owner(OWNER, "identity", Confidence.ASSERTED)
        self._holding = Holding(claim, owner, (("owner", OWNER),), outcome=OutcomeKind.TAGGED)
        self.asked: Counter[str] = Counter()

    def by_key(self, keys: Iterable[ResourceKey]) -> list[KnownResource]:
        """Those of them that were not missed."""
        self.asked["by_key"] += 1
        return [KnownResource(key, key.id, "", self._holding) for key in keys if not self._is_missed(key)]

    def _is_missed(self, key: ResourceKey) -> bool:
        _, _, number = key.arn.partition(_VOLUME)
        return bool(number) and self._organization.is_missed("ec2:volume", int(number, 16))

    def living(self, account: str, region: str, size: int) -> Iterator[list[KnownResource]]:
        """All of a place."""
        self.asked["living"] += 1
        place, known = (account, region), list[KnownResource]()
        for name in self._organization.counts[place]:
            for one in self._organization.made(name, place):
                if not self._organization.is_missed(name, one.number):
                    known.append(KnownResource(ResourceKey(account, region, one.arn), one.id, name, self._holding))
                if len(known) == size:
                    yield known
                    known = []
        if place in self._vanished:
            arn = KINDS["ec2:volume"].arn.format(region=region, account=account, id="vol-0fffffffffffffff0")
            known.append(
                KnownResource(ResourceKey(account, region, arn), "vol-0fffffffffffffff0", "ec2:volume", self._holding)
            )
        yield known

    def append(self, entries: Sequence[Entry]) -> set[ResourceKey]:
        """Counts them."""
        self.asked["append"] += 1
        return super().append(entries)
