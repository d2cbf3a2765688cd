"""Findings to the ledger's entries, and publishes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ownertag.core.findings import TamperFinding
from ownertag.core.judge import judge
from ownertag.core.owner.principal import UNKNOWN
from ownertag.core.ownership import EventKey
from ownertag.core.record_details import Actor, actor_of
from ownertag.core.records import Record
from ownertag.core.values import Failure, Wait
from ownertag.flows.ports import FindingPublisher, Ports
from ownertag.ledger.entries import TagChanged


def change(record: Record, found: TamperFinding) -> TagChanged:
    """What the ledger keeps of the finding of a record."""
    event = EventKey(record.account, record.region, record.event_id)
    # The caller of a creation did not write what was only found on its resources.
    actor = Actor(UNKNOWN) if found.by == UNKNOWN else actor_of(record)
    return TagChanged(found.key, event, actor, found.changes, found.resources, found.at)


def publish_findings(found: Sequence[TamperFinding], ports: Ports) -> Mapping[TamperFinding, Wait]:
    """Tell of all of these, each once; what is to be waited for where that failed: those come back, to be told then."""
    once = tuple(dict.fromkeys(found))
    failures = ports.findings.tell(once) if once else ()
    waits = {}
    for each, failure in zip(once, failures, strict=True):
        if failure is not None:
            judged = judge(failure, None)
            waits[each] = Wait(judged.outcome, f"the findings can't be told: {judged.reason}")
    return waits


class AllPublishers:
    """Several who are told: what one of them did not take has failed, and the next is told of it all the same."""

    def __init__(self, *tellers: FindingPublisher) -> None:
        self._tellers = tellers

    def tell(self, findings: Sequence[TamperFinding]) -> list[Failure | None]:
        """Tell all of them; for each finding the first failure, or None."""
        told = [teller.tell(findings) for teller in self._tellers]
        return [next(filter(None, each), None) for each in zip(*told, strict=True)]
