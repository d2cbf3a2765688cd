"""Whether a trail records what is created in each account and Region: without one EventBridge gets nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ownertag.core.arn import account_of, last_part
from ownertag.rollout.doctor.facts import Missing, NotGiven, Observed, TrailFacts, Unread
from ownertag.rollout.preflight.facts import PreflightAccount
from ownertag.rollout.preflight.findings import PreflightCheck, PreflightFinding, Verdict

_CREATE = (
    "an organization's trail for all Regions is best: `aws cloudtrail create-trail --is-multi-region-trail "
    "--is-organization-trail --name NAME --s3-bucket-name BUCKET` in the management account, then "
    "`aws cloudtrail start-logging --name NAME`"
)


def check_trails(facts: PreflightAccount) -> Iterator[PreflightFinding]:
    """Checks each Region of an account that could be read."""
    for place in facts.places:
        verdict, seen, advice = judge_trails(place.trails, place.region)
        yield PreflightFinding(PreflightCheck.TRAIL, verdict, facts.account, place.region, seen, advice)


def judge_trails(trails: Observed[tuple[TrailFacts, ...]], region: str) -> tuple[Verdict, str, str]:
    """What the trails that reach a Region come to: the verdict, what was seen, and what to do."""
    if isinstance(trails, Missing):
        trails = ()
    if not isinstance(trails, tuple):
        return Verdict.UNKNOWN, f"the trails can't be read: {_why(trails)}", "allow cloudtrail:DescribeTrails"
    here = [trail for trail in trails if trail.multi_region or trail.home == region]
    if any(trail.logging is True and trail.writes is True for trail in here):
        return Verdict.FINE, "a trail logs management events that write", ""
    for trail in here:
        for part, action in ((trail.logging, "GetTrailStatus"), (trail.writes, "GetEventSelectors")):
            if isinstance(part, Unread | NotGiven):
                seen = f"whether trail {last_part(trail.arn)} records can't be read: {_why(part)}"
                return Verdict.UNKNOWN, seen, f"allow cloudtrail:{action}"
    if not here:
        return Verdict.STOPS, "no trail logs here, so nothing that is created is seen", _CREATE
    stopped = [trail for trail in here if trail.logging is not True]
    if stopped:
        one = stopped[0]
        # A trail can be started only from the Region and by the account that it belongs to (doc: StartLogging).
        start = f"`aws cloudtrail start-logging --region {one.home} --name {one.arn}` in account {account_of(one.arn)}"
        names = ", ".join(last_part(trail.arn) for trail in stopped)
        return Verdict.STOPS, f"logging is stopped: {names}", start
    names = ", ".join(last_part(trail.arn) for trail in here)
    advice = (
        f"`aws cloudtrail put-event-selectors --region {here[0].home} --trail-name {here[0].arn} --event-selectors "
        """'[{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": true}]'`, which replaces the selectors"""
    )
    return Verdict.STOPS, f"no trail logs management events that write: {names}", advice


def _why(unread: Unread | NotGiven) -> str:
    return unread.reason if isinstance(unread, Unread) else f"the answer lacks {unread.field}"
