"""Converts findings to the ledger's entries, and publishes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from ownertag.core.findings import TamperFinding
from ownertag.core.judge import judge
from ownertag.core.owner.principal import UNKNOWN
from ownertag.core.ownership import EventKey
from ownertag.core.record_details import Actor, actor_of
from ownertag.core.records import Record
from ownertag.core.values import Failure, OutcomeKind, Wait
from ownertag.flows.ports import FindingPublisher, Ports
from ownertag.ledger.entries import TagChanged


def tag_changed(record: Record, finding: TamperFinding) -> TagChanged:
    """The ledger's entry for the finding of a record."""
    event = EventKey(record.account, record.region, record.event_id)
    # The caller of a creation did not write what was only found on its resources.
    actor = Actor(UNKNOWN) if finding.by == UNKNOWN else actor_of(record)
    return TagChanged(finding.key, event, actor, finding.changes, finding.resources, finding.at)


class Published(Struct, frozen=True):
    """What became of findings: the waits for those that failed, and those that nobody is told of."""

    waits: Mapping[TamperFinding, Wait]
    observed: frozenset[TamperFinding] = frozenset()


def publish_findings(findings: Sequence[TamperFinding], ports: Ports) -> Published:
    """Publishes each of these findings once, but for those of observed accounts."""
    distinct = tuple(dict.fromkeys(findings))
    failures = ports.findings.publish(distinct) if distinct else ()
    waits, observed = {}, set()
    for finding, failure in zip(distinct, failures, strict=True):
        if failure is None:
            continue
        judged = judge(failure, None)
        if judged.outcome is OutcomeKind.OBSERVED:
            observed.add(finding)
        else:
            waits[finding] = Wait(judged.outcome, f"the findings can't be told: {judged.reason}", judged.not_sent)
    return Published(waits, frozenset(observed))


class AllPublishers:
    """Several publishers as one: a finding that one of them did not take has failed, and the others get it as well."""

    def __init__(self, *publishers: FindingPublisher) -> None:
        self._publishers = publishers

    def publish(self, findings: Sequence[TamperFinding]) -> list[Failure | None]:
        """Publishes to all of them; returns for each finding the first failure, or None."""
        failures = [publisher.publish(findings) for publisher in self._publishers]
        return [next(filter(None, of_finding), None) for of_finding in zip(*failures, strict=True)]
