"""E6, B12 and B13: what reconciling meets: what never arrives, places that refuse, and the live flow beside it."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from faults.row import Proof
from flows.hub import A, B
from flows.test_reconcile import MAKERS, OnePlace, arn_of, key, made
from harness.events import CATALOGUE, HOME, messages
from harness.fakes import FakeCall
from ownertag.aws.concurrency import sequential
from ownertag.core.values import Failure
from ownertag.flows.live import handle
from ownertag.flows.reconcile.legs import ReconcileOrder, places_of, reconcile_leg
from ownertag.ledger.entries import Owned

assert MAKERS["ec2:volume"]
#: The codes of a Region that is off, of a role that is missing, and of a session that is refused (C19 to C21).
_CODES = ("AccessDenied", "AuthFailure", "UnrecognizedClientException", "OptInRequired", "RegionDisabledException")


def _never_arrives(_: Path) -> None:
    place = OnePlace()
    place.make(1)
    report = place.reconcile()
    assert [(missed.owner, missed.resources) for missed in report.missed] == [("alice", (arn_of(1),))]
    assert place.tags(1)["owner"] == "alice"


def _one_place_refuses(_: Path) -> None:
    for code in _CODES:
        place = OnePlace()
        place.make(1)
        refused = Failure(code, 403)
        place.aws.refuses = lambda call, refused=refused: refused if call.account == B else None  # type: ignore[misc] # mypy can't infer a default's
        order = ReconcileOrder(region=HOME)
        leg = reconcile_leg(order, places_of(order, [A, B], [HOME]), place.world(), sequential)
        done, other = leg.reports
        assert (done.account, len(done.missed), done.is_reached) == (A, 1, True)
        assert (other.account, other.is_reached, other.gone) == (B, False, ())
        assert other.unlisted[0].reason
        assert leg.totals.not_reached == 1


def _beside_the_live_flow(_: Path) -> None:
    """The event arrives after all, at each call that reconciling makes."""
    for moment in count(1):
        place = OnePlace()
        place.make(1, tags={"owner": "mallory"})
        calls = count(1)

        def arrives(place: OnePlace = place, calls: count[int] = calls, moment: int = moment) -> None:
            if next(calls) == moment:
                handle(messages(made(1)), place.ports(), CATALOGUE, place.settings)

        def call(_: FakeCall) -> None:
            arrives()

        def look(_account: str, _region: str) -> None:
            arrives()

        place.aws.refuses, place.history.unread = call, look
        place.reconcile()
        assert (place.owner(1), place.tags(1)["owner"]) == ("alice", "alice")
        assert len(place.ledger.created) == 1
        assert len([one for one in place.ledger.history(key(1)) if isinstance(one, Owned)]) == 1
        if next(calls) <= moment:
            assert moment > 3
            return


PROOFS = [
    Proof("E6", "an event above 256 KB never arrives", "reconciling finds and tags what it made", _never_arrives),
    Proof(
        "B12",
        "a Region is off, or a role is missing in one account",
        "that place is told as not reached, and nothing of it is taken for gone; the others are done",
        _one_place_refuses,
    ),
    Proof(
        "B13",
        "the live flow and reconciling at once",
        "the same owner, one creation in the ledger",
        _beside_the_live_flow,
    ),
]
