"""Orders a batch so that no account and no retried message holds up the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ownertag.core.records import Arrival
from ownertag.core.values import Refusal

#: An account with more messages than this in a batch is busy: it is done after the others.
FEW = 100
#: A message that is received for this time, or more often, is done after the others.
AGAIN = 3

BatchPart = list[Arrival | Refusal]


def fair_parts(arrivals: Sequence[Arrival | Refusal], receives: Mapping[str, int]) -> list[BatchPart]:
    """Divides a batch into parts, so that nothing in it holds up the others.

    Args:
        arrivals: The batch.
        receives: How often each was received, by where it was read.

    Whatever it is that keeps a message coming back must not keep those waiting that come for the first time.
    """
    return [
        *_by_account([arrival for arrival in arrivals if receives[arrival.where] < AGAIN]),
        *_by_account([arrival for arrival in arrivals if receives[arrival.where] >= AGAIN]),
    ]


def _by_account(arrivals: Sequence[Arrival | Refusal]) -> list[BatchPart]:
    """The parts of a batch: the accounts with few arrivals, all together; then each of the others, the busiest last.

    An account's arrivals stay together, so that no more calls are made for them than for the whole batch at once.
    """
    by_account: dict[str, BatchPart] = {}
    for arrival in arrivals:
        by_account.setdefault("" if isinstance(arrival, Refusal) else arrival.record.account, []).append(arrival)
    few = [arrival for part in by_account.values() if len(part) <= FEW for arrival in part]
    busy = sorted((part for part in by_account.values() if len(part) > FEW), key=len)
    return [few, *busy] if few else busy
