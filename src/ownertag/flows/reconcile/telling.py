"""Tells of owner tags that nobody whom the ledger knows wrote: kept and published, before ours go over them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime

from ownertag.core.backfill.found import FoundResource
from ownertag.core.findings import TagChange, TamperFinding, truncated_changes
from ownertag.core.owner.principal import UNKNOWN
from ownertag.core.ownership import EventKey, ResourceKey, Standing
from ownertag.core.record_details import Actor
from ownertag.core.request_tags import requested_tags
from ownertag.core.settings import Settings
from ownertag.core.tag_drift import finding_of_drift
from ownertag.core.values import Confidence, Creation, Failure, Owner, Resource, Write, WriteResult
from ownertag.flows.findings import publish_findings
from ownertag.flows.ports import Ports, TagWriter
from ownertag.flows.reconcile.report import MOST_TEXT, Foreign
from ownertag.ledger.entries import TagChanged
from ownertag.ledger.port import LedgerError, Store

#: The answer to a write whose finding could not be kept or published: nothing is written, and the next run does it.
_UNTOLD = Failure("ServiceUnavailable", 503)


class TellingTagger:
    """Writes tags; an owner tag with another value that stands there is kept and published first.

    What the request of the resource's own creation set is told with the creation (`core.request_tags`), not here.

    Args:
        tagger: Writes them.
        found: What was found, by ARN: its tags are those that stand there.
        creations: The creations that are settled, by the id of their event.
        ports: The world, with the ledger and the publisher.
        settings: Which tags hold the owner's name.
    """

    def __init__(
        self,
        tagger: TagWriter,
        found: Mapping[str, FoundResource],
        creations: Mapping[str, Creation],
        ports: Ports,
        settings: Settings,
    ) -> None:
        self._tagger = tagger
        self._found = found
        self._creations = creations
        self._ports = ports
        self._settings = settings
        self.told: list[Foreign] = []

    def write(self, write: Write) -> WriteResult:
        """Carries out one call after all of it is told."""
        foreign = {
            resource: values for resource in write.resources if (values := self._differing(resource, dict(write.tags)))
        }
        if foreign:
            try:
                if not self._tell(write, foreign):
                    return _UNTOLD
            except LedgerError:
                return _UNTOLD
        return self._tagger.write(write)

    def _differing(self, resource: Resource, ours: Mapping[str, str]) -> dict[str, str]:
        found = self._found.get(resource.arn)
        carried = (found.tags if found else None) or {}
        keys = self._settings.owner_keys & set(ours)
        return {key: carried[key] for key in keys if key in carried and carried[key] != ours[key]}

    def _tell(self, write: Write, foreign: Mapping[Resource, Mapping[str, str]]) -> bool:
        """Whether all of it is told; what its own creation's request set counts as told."""
        keys = {ResourceKey(write.account, write.region, one.arn): one for one in foreign}
        known = {one.key: one.holding for one in self._ports.ledger.by_key(keys)}
        by_event: dict[EventKey, dict[ResourceKey, tuple[Standing, Mapping[str, str | None]]]] = {}
        for key, resource in keys.items():
            held = known.get(key)
            # A dry run keeps no claim: whose it would be stands in what would be written.
            standing = (
                Standing(held.claim.event_id, held.owner, held.tags) if held else _would_stand(write, self._settings)
            )
            creation = self._creations.get(standing.event_id)
            requested = requested_tags(resource, creation) if creation else {}
            values = {name: value for name, value in foreign[resource].items() if requested.get(name) != value}
            if values:
                event = EventKey(write.account, write.region, standing.event_id)
                by_event.setdefault(event, {})[key] = (standing, dict(values))
        now = self._ports.now()
        findings = {event: finding_of_drift(event, found, now) for event, found in by_event.items()}
        told = tell({event: finding for event, finding in findings.items() if finding}, self._ports)
        if told:
            self.told += [
                Foreign(key.arn, name, str(value)[:MOST_TEXT], standing.owner.name)
                for found in by_event.values()
                for key, (standing, values) in found.items()
                for name, value in values.items()
            ]
        return told


def tell(findings: Mapping[EventKey, TamperFinding], ports: Ports) -> bool:
    """Keeps and publishes these; whether all were published (or are of an observed account, where nobody is told).

    Raises:
        LedgerError: They can't be kept.
    """
    if not findings:
        return True
    ports.ledger.append(
        [
            TagChanged(finding.key, event, Actor(UNKNOWN), finding.changes, finding.resources, finding.at)
            for event, finding in findings.items()
        ]
    )
    return not publish_findings(tuple(findings.values()), ports).waits


def tell_unexplained(
    found: Iterable[FoundResource], ports: Ports, ledger: Store, settings: Settings
) -> tuple[list[Foreign], bool]:
    """Tells of the owner tags of resources that neither ledger nor record knows, each once. Returns (all, told all).

    Nothing is written on them: who owns them is for a person to say (`ownertag transfer`), or for a backfill.

    Raises:
        LedgerError: They can't be kept.
    """
    foreign: list[Foreign] = []
    findings: dict[EventKey, TamperFinding] = {}
    now = ports.now()
    for one in found:
        values = {key: value for key, value in (one.tags or {}).items() if key in settings.owner_keys}
        foreign += [Foreign(one.resource.arn, key, value[:MOST_TEXT]) for key, value in values.items()]
        event = EventKey(one.account, one.region, _found_id(one, values))
        if not any(isinstance(entry, TagChanged) and entry.event == event for entry in ledger.history(one.key)):
            findings[event] = _unexplained(one, values, event, now)
    return foreign, tell(findings, ports)


def _unexplained(found: FoundResource, values: Mapping[str, str], event: EventKey, now: datetime) -> TamperFinding:
    changes = truncated_changes(tuple(TagChange(key, None, value) for key, value in values.items()))
    return TamperFinding(found.account, found.region, found.resource.arn, 1, changes, UNKNOWN, event.event_id, now)


def _found_id(found: FoundResource, values: Mapping[str, str]) -> str:
    """The same for the same values on the same resource, so that they are told once."""
    text = "\0".join(
        [found.account, found.region, found.resource.arn, *(part for pair in values.items() for part in pair)]
    )
    return f"found-{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _would_stand(write: Write, settings: Settings) -> Standing:
    tags = dict(write.tags)
    name = next((tags[key] for key in sorted(settings.owner_keys) if key in tags), UNKNOWN)
    return Standing("", Owner(name, "dry-run", Confidence.NONE), write.tags)
