"""Findings to the ledger's entries, and to whoever is told of them."""

from __future__ import annotations

from collections.abc import Sequence

from ownertag.core.claims import EventKey, ResourceKey
from ownertag.core.details import Actor, actor_of
from ownertag.core.identity import UNKNOWN
from ownertag.core.judge import judge
from ownertag.core.records import Record
from ownertag.core.tamper import Finding
from ownertag.core.values import Wait
from ownertag.flows.ports import Ports
from ownertag.ledger.entries import TagChanged


def changes(record: Record, found: Sequence[Finding]) -> list[TagChanged]:
    """What the ledger keeps of the findings of one record."""
    event = EventKey(record.account, record.region, record.event_id)
    caller, nobody = actor_of(record), Actor(UNKNOWN)  # the caller did not write what was only found
    return [
        TagChanged(
            ResourceKey(each.account, each.region, each.arn),
            event,
            nobody if each.by == UNKNOWN else caller,
            each.key,
            each.old,
            each.new,
            each.at,
        )
        for each in found
    ]


def tell(found: Sequence[Finding], ports: Ports) -> tuple[Wait, ...]:
    """Tell of all of these; what is to be waited for where that failed: their messages come back, to tell them then."""
    failure = ports.findings.tell(found) if found else None
    if failure is None:
        return ()
    judged = judge(failure, None)
    return (Wait(judged.outcome, f"the findings can't be told: {judged.reason}"),)
