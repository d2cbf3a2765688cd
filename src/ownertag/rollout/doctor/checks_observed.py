"""Whether accounts are observed, and what waits for its tags. Pure: facts and the settings, to findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ownertag.core.settings import ObserveSettings
from ownertag.render.documents import LEDGER_TABLE
from ownertag.rollout.doctor.causes import Cause
from ownertag.rollout.doctor.checks import unread_finding
from ownertag.rollout.doctor.commands import apply
from ownertag.rollout.doctor.expected import Expected
from ownertag.rollout.doctor.facts import HubFacts, Missing, OrganizationFacts, Unread
from ownertag.rollout.doctor.findings import Check, Finding, Location

_TURN_OFF = "to have them tagged take it out of [observe], and deploy"
_WAITS = "the hub tags some every ten minutes; if the number stays, the function's log says why under 'observed before'"


def is_observed(account: str, organization: OrganizationFacts | Unread, observe: ObserveSettings) -> bool | None:
    """Whether an account is observed; None where its units can't be read."""
    if observe.everything or account in observe.accounts:
        return True
    if not observe.units:
        return False
    found = organization.observed if isinstance(organization, OrganizationFacts) else None
    return account in found if isinstance(found, frozenset) else None


def check_observed(
    hub: HubFacts | Unread, organization: OrganizationFacts | Unread, expected: Expected
) -> Iterator[Finding]:
    """Tells of each account what was observed there; where nothing ever was, one line says whether anything will be."""
    if isinstance(hub, Unread):
        return
    place = Location(expected.organization.hub_account, expected.organization.home_region)
    observe = expected.settings.observe
    if not isinstance(hub.waiting, Mapping):
        what = f"how much was observed, in table {LEDGER_TABLE},"
        yield unread_finding(place, Check.OBSERVED, what, hub.waiting, hub.stack, "Ledger")
        return
    if observe.units and isinstance(organization, OrganizationFacts):
        found = organization.observed
        if not isinstance(found, frozenset):
            what = f"the accounts of {', '.join(observe.units)}, which [observe] names,"
            yield unread_finding(place, Check.OBSERVED, what, found, Missing(), "")
    named = frozenset(observe.accounts) | (
        organization.observed
        if isinstance(organization, OrganizationFacts) and isinstance(organization.observed, frozenset)
        else frozenset()
    )
    for account in sorted(named | {account for account, count in hub.waiting.items() if count}):
        count = hub.waiting.get(account, 0)
        there = Location(account)
        match is_observed(account, organization, observe):
            case True:
                said = f"observed: {count:,} resources decided, and not tagged"
                yield there.ok(Check.OBSERVED, said, _TURN_OFF, apply(), cause=Cause.OBSERVED)
            case False:
                said = f"{count:,} resources that were observed wait for their tags"
                yield there.ok(Check.OBSERVED, said, _WAITS, cause=Cause.OBSERVED_WAITS)
            case None:
                said = f"{count:,} resources were observed; whether they still are can't be told"
                advice = "see the finding of the hub's account"
                yield there.unreached(Check.OBSERVED, said, advice, cause=Cause.OBSERVED_UNKNOWN)
    if not named and not any(hub.waiting.values()):
        everything = observe.everything
        yield place.ok(Check.OBSERVED, "every account is observed, and nothing came yet" if everything else "nothing")
