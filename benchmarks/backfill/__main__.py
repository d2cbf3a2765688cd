"""Runs backfill's plan and reconciling for several numbers of resources, each in a process of its own."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.backfill.flows import FLOWS, LISTED_AT_ONCE, LOOKED_UP_AT_ONCE, Ran, Step
from benchmarks.backfill.modelled import by_api, function_seconds, seconds_of, share_of
from harness.results import show
from ownertag.flows.reconcile.legs import SIDE_BY_SIDE

SIZES = (50_000, 150_000, 500_000)
#: So many APIs are shown by name.
NAMED = 12
AT_ONCE = {"list": LISTED_AT_ONCE, "look up": LOOKED_UP_AT_ONCE, "decide": 1, "reconcile": SIDE_BY_SIDE}


def run(flow: str, resources: int, accounts: int) -> Ran:
    """Runs a flow in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.backfill.flows", flow]
    answer = subprocess.run(
        [*command, "--resources", str(resources), "--accounts", str(accounts)],
        stdout=subprocess.PIPE, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    return msgspec.json.decode(answer.stdout, type=Ran)


def growth_rows(flow: str, ran: Ran) -> Iterator[dict[str, Any]]:
    """A row for each step of a flow."""
    for step in ran.steps:
        calls = sum(map(sum, step.calls.values()))
        yield {
            "flow": flow,
            "resources": f"{ran.resources:,}",
            "step": step.name,
            "calls": f"{calls:,}",
            "most in one account and Region": f"{_busiest(step):,}",
            "orders": f"{step.orders:,}",
            "hours in AWS, modelled": round(modelled_seconds(ran, step) / 3600, 2),
            "processor here, s": round(step.seconds),
            "peak MB": round(step.peak),
            "file, MB": round(ran.file) if step is ran.steps[-1] else "",
        }


def modelled_seconds(ran: Ran, step: Step) -> float:
    """Seconds of a step in AWS."""
    seconds = seconds_of(ran.places, step.calls, AT_ONCE[step.name])
    return seconds + function_seconds(ran.resources, step.orders) if step.name == "decide" else seconds


def call_rows(ran: Ran) -> Iterator[dict[str, Any]]:
    """A row for each of the APIs that are called most, and one for all others."""
    for step in ran.steps:
        apis = by_api(step.calls)
        named = dict(list(apis.items())[:NAMED])
        for api, (calls, most) in named.items():
            share = share_of(api, ran.places, step.calls)
            yield {
                "step": step.name,
                "API": api,
                "calls": f"{calls:,}",
                "most in one account and Region": f"{most:,}",
                "of its quota there, modelled": "" if share is None else f"{share:.1%}",
            }
        others = {api: both for api, both in apis.items() if api not in named}
        if others:
            yield {
                "step": step.name,
                "API": f"{len(others)} others",
                "calls": f"{sum(calls for calls, _ in others.values()):,}",
                "most in one account and Region": f"{max(most for _, most in others.values()):,}",
                "of its quota there, modelled": _largest(
                    [share for api in others if (share := share_of(api, ran.places, step.calls)) is not None]
                ),
            }


def _largest(shares: list[float]) -> str:
    return f"at most {max(shares):.1%}" if shares else ""


def _busiest(step: Step) -> int:
    return max((sum(counts) for counts in zip(*step.calls.values(), strict=True)), default=0)


def main() -> None:
    """Runs all, and shows the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=200)
    parser.add_argument("--resources", type=int, nargs="*", default=SIZES)
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for flow in FLOWS:
        for resources in given.resources:
            print(f"{flow}: {resources:,} resources in {given.accounts} accounts", file=sys.stderr, flush=True)
            ran = run(flow, resources, given.accounts)
            rows += growth_rows(flow, ran)
        print(f"\n{flow}: {ran.counts}, at most {ran.largest:,} resources in one account and Region")
        show(
            f"{flow}-calls",
            f"Calls of {flow}, {ran.resources:,} resources, {given.accounts} accounts",
            [*call_rows(ran)],
        )
    show("backfill", "How each step grows", rows)


if __name__ == "__main__":
    main()
