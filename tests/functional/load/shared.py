"""Five functions and fifty that share the quota of one account: how long they take, and how much AWS sees of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from harness.limits.endpoint import Endpoint
from harness.simulated.event_source import deployed
from harness.simulated.events import START
from load.checks import Check
from load.functions import SHARE, Ran, run
from load.healed import beyond_the_share
from load.hub import Handled, launches
from load.hub import run as run_hub

_PLACE = ("333333333300", "us-east-1")
MOST = 1.25


@dataclass
class _Line:
    name: str
    case: dict[str, Any]
    strict: bool = True


def shared(calls: int = 300, lookups: int = 120, busy: int = 600, seed: int = 1) -> Check:
    """Runs the pacer alone in each case, then the whole function in five and fifty environments."""
    scarce = {"operation": "LookupEvents", "calls": lookups}
    lines = [
        _Line("5", {"functions": 5, "calls": calls}),
        _Line("50", {"functions": 50, "calls": calls}),
        _Line("50, 10 of them killed", {"functions": 50, "calls": calls, "killed": 10}),
        _Line("5, table away for 30 s", {"functions": 5, "calls": calls, "away": (10.0, 40.0)}),
        _Line("5, away for two of them", {"functions": 5, "calls": calls, "away": (10.0, 40.0), "partly": 0.4}, False),
        _Line("5 at LookupEvents", {"functions": 5, **scarce}),
        _Line("50 at LookupEvents", {"functions": 50, **scarce}),
    ]
    figures: dict[str, Any] = {}
    wrong: list[str] = []
    ended: dict[str, float] = {}
    for line in lines:
        ran = run(seed=seed, **line.case)
        ended[line.name] = ran.ended
        figures[line.name] = _told(ran, line.case)
        operation = line.case.get("operation", "CreateTags")
        share = SHARE if line.strict else 2 * SHARE
        if ran.beyond(operation, share) or ran.refused or len(ran.at) != line.case["calls"]:
            wrong.append(f"{line.name}: {ran.beyond(operation, share)} calls beyond the share, {ran.refused} refused")
    hubs = {number: _hub(number, busy, seed) for number in (5, 50)}
    for number, (handled, beyond) in hubs.items():
        ended[f"hub {number}"] = handled.ended - START
        took, batches = handled.ended - START, handled.invocations
        figures[f"the whole function, {number}"] = (
            f"{busy:,} launches in {took:.0f} s, the counter asked {handled.asked:,} times in {batches} batches"
        )
        if beyond or handled.dead or len(handled.tagged) != 3 * busy:
            wrong.append(f"the whole function, {number}: {beyond} beyond the share, {handled.dead} dead")
    for few, many in (("5", "50"), ("5 at LookupEvents", "50 at LookupEvents"), ("hub 5", "hub 50")):
        if ended[many] > MOST * ended[few]:
            wrong.append(f"{many} took {ended[many]:.0f} s, {few} {ended[few]:.0f}")
    return Check("one account's quota shared by functions", figures, tuple(wrong))


def _told(ran: Ran, case: dict[str, Any]) -> str:
    asked = sum(ran.table.values()) - ran.table["Query"]
    return (
        f"{case['calls']} calls in {ran.ended:.0f} s, {ran.most_in_a_second()} in a second at most, "
        f"{asked} calls to the table in {ran.batches} batches"
    )


def _hub(functions: int, busy: int, seed: int) -> tuple[Handled, int]:
    endpoint = Endpoint(seed, (_PLACE[0],))
    arriving = launches(endpoint, _PLACE, busy, (START, START + 10.0), seed)
    handled = run_hub(endpoint, arriving, START, replace(deployed(), concurrency=functions), seed)
    calls = [call for call in endpoint.trace if call.service == "ec2"]
    return handled, len(beyond_the_share(calls, SHARE))
