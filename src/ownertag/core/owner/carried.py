"""The owner that a living resource names by the owner tag that it carries, where nobody saw it being made."""

from __future__ import annotations

from msgspec.structs import replace

from ownertag.core.owner.chain import OWNER_TAG
from ownertag.core.owner.principal import UNKNOWN, first_name
from ownertag.core.parameters import parameters_of
from ownertag.core.records import Record, is_word
from ownertag.core.settings import Settings
from ownertag.core.values import Confidence, Owner

#: The member of a word's request that holds the owner tags which the resource carries.
CARRIED = "carried"
#: The evidence where nothing is there to go by.
NOT_SEEN = "not-seen"


def carried_owner(record: Record, settings: Settings) -> Owner | None:
    """Who stands in the owner tag that the resource of this word carries; None where it names nobody.

    Somebody wrote it, nobody knows who: it is asserted, and what AWS wrote of the resource comes before it. The
    account's owner is a guess, and comes after.
    """
    if not is_word(record) or settings.owner_key is None:
        return None
    carried = (parameters_of(record)["request"] or {}).get(CARRIED)
    value = carried.get(settings.owner_key) if isinstance(carried, dict) else None
    name = first_name(value) if isinstance(value, str) else UNKNOWN
    return None if name == UNKNOWN else Owner(name, OWNER_TAG, Confidence.ASSERTED, ("the owner tag that it carried",))


def not_seen(owner: Owner) -> Owner:
    """No owner of a resource that nobody saw being made, with what to do."""
    why = "no record tells who made it, and neither does the resource: ask whoever uses the account"
    unlinked = owner.evidence == "no-identity-type"
    return replace(owner, evidence=NOT_SEEN, reason=why) if unlinked else owner


def beside_carried(owner: Owner, record: Record, settings: Settings) -> Owner:
    """The owner; where the resource carries another name, with that: the ledger keeps it before it is written over."""
    carried = carried_owner(record, settings)
    if carried is None or owner.confidence is Confidence.NONE or carried.name == owner.name:
        return owner
    return replace(owner, reason=f"its owner tag said {carried.name!a}, and nobody knows who wrote that")
