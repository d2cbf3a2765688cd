"""All places of an organization, as far as the time of one call goes: a leg. The next one goes on where it ended.

Where it goes on stands in the order itself, so that nothing has to be kept between two legs: the last place that was
done, those for which no time was left, and the sums so far. Places are sorted by Region and then by account, so that
those that are done side by side are of different accounts, each with its own quotas.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from ownertag.aws.concurrency import Concurrency
from ownertag.core.values import OutcomeKind
from ownertag.flows.isolate_failures import wait_for
from ownertag.flows.reconcile.place import reconcile_place
from ownertag.flows.reconcile.report import PlaceReport, Totals, totals_of
from ownertag.flows.reconcile.world import World

#: Records are looked for so far back, unless the order says otherwise: a run can fail, and delivery can be late.
SPAN = timedelta(days=3)
#: Places that are done side by side.
SIDE_BY_SIDE = 8
#: A chain of legs that goes on for longer ends, and tells what it did not reach: the next day begins anew.
LONGEST = timedelta(hours=22)

#: An account and a Region.
PlaceKey = tuple[str, str]


class Chain(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a leg goes on.

    Attributes:
        began: When the first leg began.
        leg: The number of this leg, from 1.
        after: The last place that was taken (account, Region); None at the beginning.
        again: Places for which no time was left in the leg before. They have a whole leg now.
        totals: The sums of what was done.
    """

    began: datetime
    leg: int = 1
    after: PlaceKey | None = None
    again: tuple[PlaceKey, ...] = ()
    totals: Totals = Totals()


class ReconcileOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be reconciled.

    Attributes:
        account: One account alone; empty: all.
        region: One Region alone; empty: all.
        since: No record from before is looked for; None: three days.
        dry_run: Write nothing, keep nothing and tell nobody.
        chain: Where a leg goes on; None for a first one.
    """

    account: str = ""
    region: str = ""
    since: datetime | None = None
    dry_run: bool = False
    chain: Chain | None = None

    @property
    def is_one_place(self) -> bool:
        """Whether it is about one account and Region."""
        return bool(self.account and self.region)


class Leg(Struct, frozen=True):
    """What a leg did: the places with all that was found there, the sums of the chain so far, and how it goes on.

    `unreached`: how many places the chain leaves, because it took too long; 0 while it goes on.
    """

    reports: tuple[PlaceReport, ...]
    totals: Totals
    began: datetime
    number: int = 1
    next: ReconcileOrder | None = None
    unreached: int = 0


def places_of(order: ReconcileOrder, accounts: Iterable[str], regions: Iterable[str]) -> list[PlaceKey]:
    """The places of an order, in the order in which they are done."""
    chosen = [account for account in accounts if order.account in {"", account}]
    found = [(account, region) for region in regions if order.region in {"", region} for account in chosen]
    return sorted(set(found), key=_place_order)


def reconcile_leg(order: ReconcileOrder, places: Sequence[PlaceKey], world: World, side_by_side: Concurrency) -> Leg:
    """Does as many of the places as there is time for.

    Args:
        order: What is to be done, and where it goes on.
        places: All places of the order, as `places_of` sorts them.
        world: The world; `ports.expired` is true once no other place may be begun.
        side_by_side: Runs the places of a block.
    """
    now = world.ports.now()
    chain = order.chain or Chain(now)
    since = order.since or chain.began - SPAN
    after = chain.after
    left = [place for place in places if after is None or _place_order(place) > _place_order(after)]
    if now - chain.began >= LONGEST:
        unreached = len(left) + len(chain.again)
        totals = chain.totals.plus(Totals(places=unreached, not_reached=unreached))
        return Leg((), totals, chain.began, chain.leg, unreached=unreached)
    again = [place for place in chain.again if place in places]
    todo = [*again, *left]
    reports: list[PlaceReport] = []
    later: list[PlaceKey] = []
    taken = 0
    while taken < len(todo) and (taken == 0 or not world.ports.expired()):
        block = todo[taken : taken + SIDE_BY_SIDE]
        taken += len(block)
        for place, report in zip(block, _reconciled(block, since, world, side_by_side), strict=True):
            if report.is_done or place in again or order.is_one_place:
                reports.append(report)
            else:
                later.append(place)
    totals = chain.totals.plus(totals_of(reports))
    untaken = todo[taken:]
    if order.is_one_place or not (later or untaken):
        return Leg(tuple(reports), totals, chain.began, chain.leg)
    new = todo[len(again) : taken]
    last = new[-1] if new else after
    rest = tuple(place for place in untaken if place in again)
    following = Chain(chain.began, chain.leg + 1, last, (*later, *rest), totals)
    return Leg(tuple(reports), totals, chain.began, chain.leg, replace(order, since=since, chain=following))


def _reconciled(
    block: Sequence[PlaceKey], since: datetime, world: World, side_by_side: Concurrency
) -> list[PlaceReport]:
    found: dict[PlaceKey, PlaceReport] = {}

    def work(place: PlaceKey) -> None:
        account, region = place
        try:
            found[place] = reconcile_place(account, region, since, world)
        except Exception as error:  # noqa: BLE001 - a fault of ours costs the place, and no other one
            wait = wait_for(error)
            left = (f"{OutcomeKind.FAILED.value}: {wait.reason}",)
            found[place] = PlaceReport(account=account, region=region, left=left, is_failed=True)

    side_by_side([partial(work, place) for place in block])
    return [found[place] for place in block]


def _place_order(place: PlaceKey) -> tuple[str, str]:
    account, region = place
    return region, account
