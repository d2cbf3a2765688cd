"""Counts in CloudTrail's event history what our rules would have matched: the newest write events of a Region.

EventBridge counts matches only of rules that are there, and no other metric counts creations. LookupEvents takes two
calls a second in an account and Region, and one attribute (doc): so all write events of a day are read, at most
`MAX_PAGES` pages of 50. Where a Region has more, the rate is that of the hours that were read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from ownertag.core.catalogue_types import Catalogue
from ownertag.rollout.doctor.facts import Observed
from ownertag.rollout.doctor.trails import AccountReader
from ownertag.rollout.preflight.facts import Sample

#: How far back.
WINDOW = timedelta(hours=24)
#: Pages of 50 events in one account and Region.
MAX_PAGES = 4


def read_sample(account: AccountReader, region: str, catalogue: Catalogue, now: datetime) -> Observed[Sample]:
    """Reads the newest write events of a Region."""

    def use(cloudtrail: Any) -> Sample:
        given: dict[str, Any] = {
            "LookupAttributes": [{"AttributeKey": "ReadOnly", "AttributeValue": "false"}],
            "StartTime": now - WINDOW,
        }
        events: list[Mapping[str, Any]] = []
        for _ in range(MAX_PAGES):
            page = cloudtrail.lookup_events(**given)
            events += page["Events"]
            if not (token := page.get("NextToken")):
                return sampled(events, catalogue, now, whole=True)
            given["NextToken"] = token
        return sampled(events, catalogue, now, whole=False)

    return account.read("cloudtrail", region, use)


def sampled(events: list[Mapping[str, Any]], catalogue: Catalogue, now: datetime, *, whole: bool) -> Sample:
    """The sample of these events, the newest first, as LookupEvents gives them.

    Failed calls are counted too where the answer's short form does not tell; the rules leave them out, so the price is
    rather too high.
    """
    matched = sum((event.get("EventSource"), event.get("EventName")) in catalogue.rows for event in events)
    hours = WINDOW / timedelta(hours=1)
    if not whole and events:
        hours = max((now - min(event["EventTime"] for event in events)) / timedelta(hours=1), 1 / 60)
    return Sample(len(events), matched, min(hours, WINDOW / timedelta(hours=1)), whole)
