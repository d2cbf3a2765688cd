"""Of several records that name a resource, the one that made what is there now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

#: How far the time that a service tells of a creation may be from that of the call's record.
NEAR = timedelta(hours=1)
#: What is so much older than the resource made another one of its name, whose end was not recorded.
OLDER = timedelta(days=1)


class Dated(Protocol):
    """A record that made or ended a resource, and when."""

    @property
    def at(self) -> datetime:
        """Its time, in UTC."""

    @property
    def ends(self) -> bool:
        """Whether it ended the resource."""


_Dated = TypeVar("_Dated", bound=Dated)


def maker_of(records: Sequence[_Dated], made_at: datetime | None) -> _Dated | None:
    """The record that made the resource that is there; None where none of them did.

    What came before the last deletion was another one of the same name; a deletion in the same second came after the
    creation that it ended. Of several creations the first owns, unless another one is near the time that the service
    itself tells, and the first is not: then a deletion between them was not recorded.

    Args:
        records: All that name the resource, the earliest first.
        made_at: When the service says that it was made (UTC).
    """
    ended = max((record.at for record in records if record.ends), default=None)
    makers = [record for record in records if not record.ends and (ended is None or record.at > ended)]
    if made_at is not None:
        near = [record for record in makers if abs(record.at - made_at) <= NEAR]
        makers = near or [record for record in makers if made_at - record.at <= OLDER]
    return makers[0] if makers else None
