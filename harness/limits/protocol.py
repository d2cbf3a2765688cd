"""The headers and access keys that callers and the endpoint agree on."""

from __future__ import annotations

from msgspec import Struct

HUB = "222222222222"

#: A caller on a clock of its own sends its time in seconds since 1970 by this header, and is told by the other how many
#: seconds the call took. To anybody else a slow answer is slow.
TIME_HEADER, SECONDS_HEADER = "x-limits-at", "x-limits-seconds"


def key_of(account: str) -> str:
    """The access key of an account's user `alice`, who launches; of the hub's, for whoever tags."""
    return f"AKIA{account:0>16}"


class TracedCall(Struct, frozen=True, omit_defaults=True):
    """An answered call: its time, account, Region and operation, the ids, and the outcome."""

    at: float
    seconds: float
    account: str
    region: str
    service: str
    operation: str
    outcome: str = "ok"
    ids: tuple[str, ...] = ()
