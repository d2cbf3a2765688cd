"""A bucket with the logs of an organization, on moto, and the wire to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from botocore.config import Config

from contracts.emulated import HOME, ONCE, Call, Wire, session
from harness import logs
from harness.fakes import NOON
from ownertag.aws.credentials import CallerSession
from ownertag.core.records import Arrival
from ownertag.sources.logs.bucket import BucketSource
from ownertag.sources.logs.keys import Selection
from ownertag.sources.logs.places import Bucket
from ownertag.sources.logs.scan import LogScan
from ownertag.sources.logs.wanted import Wanted

A, B, C = "111111111111", "222222222222", "333333333333"
NAME = "central-trail"
WANTED = Wanted(frozenset({("ec2.amazonaws.com", "CreateVolume")}))
DAYS = 8
OF_ONE = 2 * DAYS
OF_ALL = 3 * OF_ONE


class LogBucket:
    """A bucket with the logs of three accounts, two Regions and some days, and the wire to it."""

    def __init__(self) -> None:
        self.session = session()
        self.wire = Wire(self.session)
        self.files: dict[str, bytes] = {}
        self.records: dict[tuple[str, str, int], str] = {}
        for account in (A, B, C):
            for region in (HOME, "us-east-1"):
                for day in range(DAYS):
                    at = NOON + timedelta(days=day)
                    [made] = logs.volumes(account, [len(self.files)], region, at=at)
                    self.files[logs.key(account, region, at, prefix="trail/")] = logs.log_file([made])
                    self.records[account, region, day] = made["eventID"]
        logs.in_bucket(session().client("s3"), NAME, self.files)
        self.sessions = 0

    def source(self, place: Bucket, config: Config = ONCE) -> BucketSource:
        def opened(_: Bucket) -> CallerSession:
            self.sessions += 1
            return CallerSession(self.session)

        return BucketSource(place, opened, config)

    def scan(
        self, selection: Selection | None = None, prefix: str = "trail/", config: Config = ONCE
    ) -> tuple[LogScan, list[str]]:
        """A finished scan, and the ids of the events that it found."""
        place = Bucket(NAME, prefix)
        one = LogScan(place, WANTED, selection, processes=0, source=self.source(place, config))
        return one, sorted(found.record.event_id for found in one.records() if isinstance(found, Arrival))

    def ids(self, wanted: Callable[[str, str, int], bool]) -> list[str]:
        return sorted(event for place, event in self.records.items() if wanted(*place))

    def got(self) -> list[str]:
        """The keys that were fetched."""
        return [key_of(call) for call in self.wire.calls if call.operation == "GetObject"]


def key_of(call: Call) -> str:
    return str(call.request.url).partition("amazonaws.com/")[2].partition("?")[0].removeprefix(f"{NAME}/")
