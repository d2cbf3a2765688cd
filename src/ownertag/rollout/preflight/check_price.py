"""What a month costs, from the accounts' own events. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ownertag.rollout.preflight.facts import PreflightAccount, Sample
from ownertag.rollout.preflight.findings import PreflightCheck, PreflightFinding, Verdict
from ownertag.rollout.preflight.prices import PriceTable, events_a_day, idle_price, month_price
from ownertag.rollout.preflight.sample import MAX_PAGES


def check_price(accounts: Iterable[PreflightAccount], table: PriceTable, hub: str) -> Iterator[PreflightFinding]:
    """The price as one finding, at the hub; what was cut or could not be counted is named in it."""
    samples: list[Sample] = []
    counted = cut = unread = 0
    every = list(accounts)
    for account in every:
        here = [place.sample for place in account.places if isinstance(place.sample, Sample)]
        samples += here
        counted += bool(here)
        cut += any(not sample.whole for sample in here)
        unread += account.refused is not None or len(here) < len(account.places) or not account.places
    idle = idle_price(table)
    source = f"list prices of {table.prices.region}, {table.prices.date}, without discounts"
    standing = f"US$ {_dollars(idle.low)} to {_dollars(idle.high)} of it whatever is created"
    if not samples:
        seen = f"no account's events could be counted: a month costs US$ {_dollars(idle.low)} at least, by {source}"
        advice = "let the access role call cloudtrail:LookupEvents"
        yield PreflightFinding(PreflightCheck.PRICE, Verdict.UNKNOWN, hub, None, seen, advice)
        return
    a_day = events_a_day(samples)
    month = month_price(a_day, table)
    seen = (
        f"a month costs US$ {_dollars(month.low)} to {_dollars(month.high)}, {standing} ({source}): {a_day.low:,.0f} "
        f"to {a_day.high:,.0f} events a day by the last 24 hours of {counted} of {len(every)} accounts"
    )
    if cut:
        seen += (
            f"; {cut} of them had more than the newest {MAX_PAGES * 50} events in a Region, which stand for the rest"
        )
    if unread:
        seen += f"; {unread} could not be counted in full, and come on top"
    yield PreflightFinding(PreflightCheck.PRICE, Verdict.TOLD, hub, None, seen)


def _dollars(amount: float) -> str:
    return f"{amount:,.2f}" if amount < 10 else f"{amount:,.0f}"
