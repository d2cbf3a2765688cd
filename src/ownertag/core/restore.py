"""An order to put back the tags that a run found, and what has to be done for each resource.

Only our keys, and only where what stands there is what the run wrote: what somebody wrote since is theirs. A key that
is as it was before already needs nothing, so that an order that was broken off can be given again.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from ownertag.core.catalogue_types import Catalogue
from ownertag.core.findings import TagChange
from ownertag.core.settings import Settings
from ownertag.core.transfer import TransferTarget, target_of_arn
from ownertag.core.values import TagPairs

#: Characters of a run's id that the ledger keeps.
MAX_RUN = 64


class RestoreItem(Struct, frozen=True, forbid_unknown_fields=True):
    """A resource that a run wrote to: the values of our keys before (null: there was none), and what it wrote."""

    account: str
    region: str
    arn: str
    before: dict[str, str | None]
    written: dict[str, str]


class RestoreOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """That a run is to be undone on these resources; `by` is who orders it, as the caller says.

    With `dry_run` nothing is written, and the answer says what would be.
    """

    run: str
    resources: list[RestoreItem]
    dry_run: bool = False
    by: str = ""


class Restoration(Struct, frozen=True):
    """What has to be written on a resource, which keys have to be removed, and what changes by that."""

    sets: TagPairs = ()
    removes: tuple[str, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether nothing has to be done."""
        return not self.sets and not self.removes


def target_of(item: RestoreItem, catalogue: Catalogue, settings: Settings) -> TransferTarget | str:
    """The resource of an item, or why it can't be restored."""
    target = target_of_arn(item.arn, catalogue, item.account, item.region)
    if target is None or target.resource.arn != item.arn:
        return f"{item.arn[:256]!a}: the catalogue knows no such resource"
    if (target.account, target.region) != (item.account, item.region):
        return f"{item.arn[:256]} is not in account {item.account[:64]}, {item.region[:64]}"
    if item.before.keys() != item.written.keys() or not item.written:
        return "the order does not say of the same keys what was there and what was written"
    if foreign := sorted(item.written.keys() - settings.tags.keys()):
        return f"{', '.join(foreign)[:256]}: the settings have no such tag, and ownertag changes no other"
    return target


def restoration(item: RestoreItem, carried: Mapping[str, str]) -> Restoration | str:
    """What has to be done where these tags stand there; or who wrote since, as far as that can be told."""
    sets: list[tuple[str, str]] = []
    removes: list[str] = []
    for key, written in item.written.items():
        before, now = item.before[key], carried.get(key)
        if now == before:
            continue
        if now != written:
            found = "none" if now is None else f"{now[:256]!a}"
            return f"left as it is: {key} is {found} now, and the run wrote {written[:256]!a}"
        if before is None:
            removes.append(key)
        else:
            sets.append((key, before))
    return Restoration(tuple(sets), tuple(removes))


def changes_of(item: RestoreItem) -> tuple[TagChange, ...]:
    """What undoing changes, key by key."""
    return tuple(
        TagChange(key, written, item.before[key])
        for key, written in item.written.items()
        if item.before[key] != written
    )
