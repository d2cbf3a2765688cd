"""Results to the document that `ownertag prove` prints; `docs/reference/json.md` has its fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from ownertag.rollout.prove.figures import Figures, figures
from ownertag.rollout.prove.hops import Bounds, Hop
from ownertag.rollout.prove.result import CanaryResult, Ending
from ownertag.rollout.prove.rounds import Rounds

SCHEMA = 1


class Circumstances(Struct, frozen=True):
    """Under which the measurement was made: what a reader needs to compare it with another.

    Attributes:
        versions: Of ownertag, Python and boto3, by name.
        started: When, in UTC, as ISO 8601.
        seconds: How long it took.
        on_aws: Whether the endpoints were AWS's; else the figures are an emulator's.
        settings: What was asked for, and what of the deployment matters for latency.
        ahead: How far this machine's clock was before EC2's in each Region, at least and at most.
    """

    versions: Mapping[str, str]
    started: str
    seconds: float
    on_aws: bool
    settings: Mapping[str, Any]
    ahead: Mapping[str, Bounds]


def document(rounds: Rounds, circumstances: Circumstances) -> dict[str, Any]:
    """The document, of JSON's own types. Seconds have three decimals."""
    results = rounds.results
    regions = sorted({result.place.region for result in results})
    return {
        "schema": SCHEMA,
        **circumstances.versions,
        "started": circumstances.started,
        "seconds": _rounded(circumstances.seconds),
        "on_aws": circumstances.on_aws,
        "interrupted": rounds.interrupted,
        "anonymized": False,
        "settings": dict(circumstances.settings),
        "clocks": [
            {"region": region, "ahead_min": _rounded(least), "ahead_max": _rounded(most)}
            for region, (least, most) in sorted(circumstances.ahead.items())
        ],
        **_summary(results),
        "regions": [
            {"region": region, **_summary([result for result in results if result.place.region == region])}
            for region in regions
        ],
        "canaries": [_canary(result) for result in results],
    }


def _summary(results: Sequence[CanaryResult]) -> dict[str, Any]:
    counts = Counter(result.ending for result in results)
    return {
        "tagged": counts[Ending.TAGGED],
        "lost": counts[Ending.LOST],
        "not_measured": counts[Ending.NOT_MEASURED],
        "hops": [dict(_hop(hop, results)) for hop in Hop],
    }


def _hop(hop: Hop, results: Iterable[CanaryResult]) -> dict[str, Any]:
    found = figures(result.latencies[hop] for result in results if hop in result.latencies)
    shown = found or Figures(0, 0, None, None, None, 0, 0)
    return {
        "hop": hop.value,
        "n": shown.n,
        "min": _rounded(shown.least) if found else None,
        "p50": _rounded(shown.p50),
        "p90": _rounded(shown.p90),
        "p99": _rounded(shown.p99),
        "max": _rounded(shown.most) if found else None,
        "error": _rounded(shown.error) if found else None,
        "negative": shown.negative,
        "impossible": shown.impossible,
    }


def _canary(result: CanaryResult) -> dict[str, Any]:
    return {
        "account": result.place.account,
        "region": result.place.region,
        "round": result.round,
        "ending": result.ending.value,
        "hops": {
            hop.value: {"seconds": _rounded(latency.seconds), "error": _rounded(latency.error)}
            for hop, latency in result.latencies.items()
        },
        "reason": result.reason or None,
        "seen_last": result.trail.seen_last.value if result.trail else None,
        "detail": result.trail.detail if result.trail else None,
        "left": result.left or None,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
