"""An account with ten thousand creations that AWS throttles to nothing, beside one with a hundred.

Undisturbed is the other account alone: the same launches, arriving at the same times, through the same queue and
function. The product's own adapters over HTTP, in the simulation's time.
"""

from __future__ import annotations

from harness.limits.endpoint import Endpoint, Throttled
from harness.results import percentile
from harness.simulated.event_source import deployed
from harness.simulated.events import START
from load.checks import Check
from load.hub import Handled, Launch, launches, run

_BUSY, _QUIET = ("333333333300", "us-east-1"), ("333333333301", "us-east-1")
#: Both accounts' events arrive within one minute.
_ARRIVING = (START, START + 60.0)
MOST = 2.0


def neighbour(busy: int = 10_000, quiet: int = 100, seed: int = 1) -> Check:
    """Handles the other account's launches alone, then beside the busy one's, and compares how long they take."""
    alone, alone_ran = _run(0, quiet, seed)
    beside, beside_ran = _run(busy, quiet, seed)
    ratios = [percentile(beside, percent) / percentile(alone, percent) for percent in (50, 99)]  # type: ignore[operator]
    figures = {
        "the other's": len(beside),
        "alone: p50, p99, s": f"{percentile(alone, 50):.2f}, {percentile(alone, 99):.2f}",
        "beside: p50, p99, s": f"{percentile(beside, 50):.2f}, {percentile(beside, 99):.2f}",
        "times as long: p50, p99": ", ".join(f"{ratio:.2f}" for ratio in ratios),
        "invocations alone, beside": f"{alone_ran.invocations:,}, {beside_ran.invocations:,}",
        "the throttled one's dead letters": beside_ran.dead,
    }
    wrong = []
    if len(beside) != 3 * quiet or len(alone) != 3 * quiet:
        wrong.append(f"of {3 * quiet} resources {len(alone)} were tagged alone, {len(beside)} beside the other")
    if max(ratios) > MOST:
        wrong.append(f"the other account's took {max(ratios):.2f} times as long")
    if beside_ran.dead != busy:
        wrong.append(f"{beside_ran.dead} of {busy} that AWS never let be tagged ended as dead letters")
    return Check(f"{busy:,} creations throttled to nothing beside {quiet} of another account", figures, tuple(wrong))


def _run(busy: int, quiet: int, seed: int) -> tuple[list[float], Handled]:
    """The seconds from the event's arrival to the tag of each of the quiet account's resources, in order."""
    endpoint = Endpoint(seed, (_BUSY[0], _QUIET[0]), throttled=(Throttled(0.0, float("inf"), _BUSY[0]),))
    others: list[Launch] = launches(endpoint, _QUIET, quiet, _ARRIVING, seed)
    arriving = others + launches(endpoint, _BUSY, busy, _ARRIVING, seed)
    handled = run(endpoint, arriving, START, deployed(), seed)
    took = [handled.tagged[id_] - launch.arrives for launch in others for id_ in launch.ids if id_ in handled.tagged]
    return sorted(took), handled
