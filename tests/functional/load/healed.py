"""Everything throttled for a minute, then healed: the product's own adapters over HTTP, on EC2's own buckets.

One account and Region has more to tag than ownertag's share of its quota lets it, so that the share is what bounds it.
"""

from __future__ import annotations

from collections import defaultdict

from harness.limits.buckets import RATES, Bucket, Rate
from harness.limits.endpoint import Endpoint, Throttled
from harness.limits.protocol import TracedCall
from harness.simulated.event_source import deployed
from harness.simulated.events import START
from load.checks import Check
from load.hub import launches, run
from ownertag.core.settings import Settings

_ACCOUNTS = tuple(f"3333333333{number:02}" for number in range(5))
_REGIONS = ("us-east-1", "eu-west-1")
THROTTLED = 60.0
#: The events arrive within two minutes and a half; the hub has sessions when the throttling begins, and calls EC2.
_ARRIVING = (START, START + 150.0)
_SINCE = START + 30.0


def healed(busy: int = 800, others: int = 40, seed: int = 1) -> Check:
    """Launches, throttles and heals, and looks what is tagged by how many calls.

    Args:
        busy: Launches in one account and Region.
        others: And in each of the others.
        seed: Of all.
    """
    endpoint = Endpoint(seed, _ACCOUNTS, throttled=(Throttled(_SINCE, _SINCE + THROTTLED),))
    places = [(account, region) for account in _ACCOUNTS for region in _REGIONS]
    arriving = [
        launch
        for place in places
        for launch in launches(endpoint, place, busy if place == places[0] else others, _ARRIVING, seed)
    ]
    handled = run(endpoint, arriving, START, deployed(), seed)
    ids = [id_ for creation in arriving for id_ in creation.ids]
    missing = [id_ for id_ in ids if id_ not in handled.tagged]
    early = [at for at in handled.tagged.values() if _SINCE + 1 < at < _SINCE + THROTTLED]
    calls = [call for call in endpoint.trace if call.service == "ec2"]
    share = Settings().limits.quota_share
    beyond = beyond_the_share(calls, share)
    figures = {
        "launches": len(arriving),
        "resources tagged": len(ids) - len(missing),
        "dead letters": handled.dead,
        "calls of EC2": len(calls),
        "refused": sum(call.outcome != "ok" for call in calls),
        "beyond the share": len(beyond),
        "of the share at most used": f"{_most_used(calls, share):.0%}",
        "last tag after it healed, s": round(max(handled.tagged.values(), default=0.0) - _SINCE - THROTTLED),
    }
    wrong = []
    if missing or handled.dead:
        wrong.append(f"{len(missing)} resources are not tagged, {handled.dead} messages are dead")
    if beyond:
        wrong.append(f"{len(beyond)} calls beyond the share, such as {beyond[0]}")
    if early:
        wrong.append("something was tagged while everything was throttled")
    return Check(f"all throttled for {THROTTLED:.0f} s, then healed", figures, tuple(wrong))


def beyond_the_share(calls: list[TracedCall], share: float) -> list[TracedCall]:
    """Calls, refused ones among them, for which a bucket of this share of AWS's own would have held no token."""
    buckets: dict[tuple[str, str, str], Bucket] = {}
    found = []
    for call in sorted(calls, key=lambda call: call.at):
        rate = RATES[call.operation]
        key = (call.account, call.region, call.operation)
        bucket = buckets.setdefault(key, Bucket(Rate(rate.size * share, rate.per_second * share)))
        # The time of a call is told in millionths of a second.
        if bucket.wait(1, call.at) > 1e-5:
            found.append(call)
        bucket.take(1, call.at)
    return found


def _most_used(calls: list[TracedCall], share: float) -> float:
    """The most that any API of any place was called in a minute, of what the share allows within one."""
    by_key: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for call in sorted(calls, key=lambda call: call.at):
        by_key[call.account, call.region, call.operation].append(call.at)
    limit = 0.0
    for (_, _, operation), times in by_key.items():
        first = 0
        for last, at in enumerate(times):
            while times[first] < at - 60:
                first += 1
            limit = max(limit, (last - first + 1) / (RATES[operation].within(60) * share))
    return limit
