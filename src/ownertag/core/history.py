"""What CloudTrail's own history holds: the calls of 90 days, each there after a quarter of an hour.

Source: CloudTrail API reference, LookupEvents (the last 90 days); CloudTrail user guide (records within 15 minutes).
"""

from __future__ import annotations

from datetime import datetime, timedelta

#: Records are there after this time at the latest, and for so long.
LAG = timedelta(minutes=15)
KEPT_FOR = timedelta(days=90)
#: A window may begin so much later than the records end, which move on while they are read.
MARGIN = timedelta(hours=1)

#: A time: from, to.
Window = tuple[datetime, datetime]


def whole_window(now: datetime) -> Window:
    """The longest window of which CloudTrail has all records, and still has them while it is read."""
    return now - KEPT_FOR + MARGIN, now - LAG
