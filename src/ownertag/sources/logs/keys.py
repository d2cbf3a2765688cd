"""What the name of a log file says: what kind of file, whose, of which Region, and when it was delivered.

Source: CloudTrail user guide, "Finding your CloudTrail log files" and "CloudTrail log file name format":
`[prefix/]AWSLogs/[o-ORG/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_ID.json.gz`.
A file that is delivered at a time can hold records of any time before it, and none of a time after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from msgspec import Struct

#: Records come about five minutes after their calls (user guide, "How CloudTrail works"), which is not guaranteed: so
#: many days after the last one that is wanted are read as well.
LATE_DAYS = 1

_ACCOUNT = r"(?P<account>[0-9]{12})"
_REGION = r"(?P<region>[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-[0-9]{1,2})"
_NAME = re.compile(
    rf"{_ACCOUNT}_(?P<kind>CloudTrail(?:-[A-Za-z]+)*)_{_REGION}_(?:[^/]*_)?"
    r"(?P<day>[0-9]{8})T[0-9]{4,6}Z[^/]*\.json(?:\.gz)?$"
)
_FOLDER = re.compile(
    rf"(?:^|/)AWSLogs/(?:o-[a-z0-9]{{10,32}}/)?{_ACCOUNT}(?:/(?P<kind>[A-Za-z0-9-]+)(?:/{_REGION}"
    r"(?:/(?P<year>[0-9]{4})(?:/(?P<month>[0-9]{2})(?:/(?P<day>[0-9]{2}))?)?)?)?)?(?=/|$)"
)
_READABLE = (".json.gz", ".json", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")


class Kind(StrEnum):
    """What a file is by its name. One that CloudTrail did not name is read if it ends as JSON does."""

    LOG = "log file"
    JSON = "JSON with a name of its own"
    DIGEST = "digest file"
    INSIGHT = "Insights file"
    OTHER_LOG = "log of another service"
    OTHER = "no log file by its name"

    @property
    def is_read(self) -> bool:
        """Whether such a file can hold records of calls."""
        return self in _READ


_READ = frozenset({Kind.LOG, Kind.JSON})
_KINDS = {"CloudTrail": Kind.LOG, "CloudTrail-Digest": Kind.DIGEST, "CloudTrail-Insight": Kind.INSIGHT}


class LogObject(Struct, frozen=True, array_like=True):
    """A file or object: its path below the folder, or its key; its size; and whose it is, as far as its name says."""

    key: str
    size: int
    account: str | None = None


class Named(Struct, frozen=True):
    """What a path or key says; `day` is that of the delivery, and has none of what only its folder would tell."""

    kind: Kind
    account: str | None = None
    region: str | None = None
    day: date | None = None


class Selection(Struct, frozen=True):
    """What is wanted: accounts and Regions (empty: all), records from the time `since` to before `until`, in UTC.

    With `days`, files of these deliveries alone (`days_of` tells those of some times).
    """

    accounts: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    days: frozenset[date] = frozenset()

    def takes(self, named: Named) -> bool:
        """Whether a file with this name can hold what is wanted. What its name does not say can be."""
        if (day := named.day) is not None and (
            (self.since is not None and day < self.since.date())
            or (self.until is not None and day > self.last_day)
            or (self.days and day not in self.days)
        ):
            return False
        return self.takes_place(named.account, named.region)

    def takes_place(self, account: str | None, region: str | None) -> bool:
        """Whether anything of this account and Region is wanted."""
        return not (account and self.accounts and account not in self.accounts) and not (
            region and self.regions and region not in self.regions
        )

    @property
    def last_day(self) -> date:
        """The last day whose deliveries are read."""
        return date.max if self.until is None else self.until.date() + timedelta(days=LATE_DAYS)

    def holds(self, time: datetime) -> bool:
        """Whether a record of this time is wanted."""
        return (self.since is None or time >= self.since) and (self.until is None or time < self.until)


def days_of(times: Iterable[datetime]) -> frozenset[date]:
    """The days on which files with records of these times (in UTC) are delivered."""
    days = {time.date() for time in times}
    return frozenset(day + timedelta(days=late) for day in days for late in range(LATE_DAYS + 1))


def named(key: str) -> Named:
    """What a path or key says of the file."""
    found = _NAME.match(key, key.rfind("/") + 1)
    if found:
        account, kind, region, day = found.groups()
        return Named(_KINDS.get(kind, Kind.OTHER_LOG), account, region, _day(day))
    folder = _FOLDER.search(key)
    kind = Kind.JSON if key.endswith(_READABLE) else Kind.OTHER
    if folder is None:
        return Named(kind)
    if folder["kind"] is not None and folder["kind"] != "CloudTrail":
        kind = _KINDS.get(folder["kind"], Kind.OTHER_LOG)
    return Named(
        kind, folder["account"], folder["region"], _day("".join(map(str, folder.group("year", "month", "day"))))
    )


def folder_of(path: str) -> Named | None:
    """What the name of a folder says of all in it; None where it says nothing. Its day is told of a whole one only."""
    folder = _FOLDER.search(path.rstrip("/"))
    if folder is None:
        return None
    kind = Kind.LOG if folder["kind"] is None else _KINDS.get(folder["kind"], Kind.OTHER_LOG)
    return Named(
        kind, folder["account"], folder["region"], _day("".join(map(str, folder.group("year", "month", "day"))))
    )


def region_folder(path: str) -> bool:
    """Whether a folder is that of an account's Region, below which names are in the order of their days."""
    folder = _FOLDER.search(path.rstrip("/"))
    return (
        folder is not None and folder.end() == len(path.rstrip("/")) and bool(folder["region"]) and not folder["year"]
    )


@lru_cache(maxsize=4096)
def _day(text: str) -> date | None:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8])) if len(text) == 8 and text.isdigit() else None
    except ValueError:
        return None
