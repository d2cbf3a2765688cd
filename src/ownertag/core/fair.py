"""In which order a batch is done."""

from __future__ import annotations

from collections.abc import Sequence

from ownertag.core.records import Arrival
from ownertag.core.values import Refusal

#: An account with more messages than this in a batch is busy: it is done after the others.
FEW = 100


def fair_parts(arrivals: Sequence[Arrival | Refusal]) -> list[list[Arrival | Refusal]]:
    """A batch in parts, so that who creates much does not hold up the others.

    First come the accounts with few arrivals, all together; then each of the others, who has most last. An account's
    arrivals stay together, so that no more calls are made for them than for the whole batch at once.
    """
    by_account: dict[str, list[Arrival | Refusal]] = {}
    for each in arrivals:
        by_account.setdefault("" if isinstance(each, Refusal) else each.record.account, []).append(each)
    few = [each for its in by_account.values() if len(its) <= FEW for each in its]
    busy = sorted((its for its in by_account.values() if len(its) > FEW), key=len)
    return [few, *busy] if few else busy
