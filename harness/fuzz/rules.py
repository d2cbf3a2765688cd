"""The rules that must hold for any document (docs/invariants.md), as far as they can be seen from outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from harness import fixtures
from harness.fuzz.hostile import SECRET
from ownertag.core.arn import partition_of
from ownertag.core.ask import account_of
from ownertag.core.catalogue_types import OF_THE_ORGANIZATION
from ownertag.core.findings import MAX_CHANGES, TamperFinding
from ownertag.core.records import Record
from ownertag.core.settings import Settings
from ownertag.core.tags import MAX_VALUE, fit
from ownertag.core.values import Creation, Fact, Found, Plan, Question, Refusal

AGES = (timedelta(0), timedelta(minutes=2), timedelta(minutes=20))
#: More than any sentence that a person reads.
_LONG = 4000


class Violation(Exception):
    """A rule that does not hold for a document, or what was raised, and the step."""

    def __init__(self, step: str, what: str) -> None:
        super().__init__(f"{step}: {what}")
        self.step = step
        self.what = what


def holds(well: bool, step: str, what: str) -> None:
    """Raises a violation unless the rule holds."""
    if not well:
        raise Violation(step, what)


def refused(refusal: Refusal) -> None:
    """Checks that a refusal says why, in words, and nothing that is secret."""
    holds(bool(refusal.detail), "refusal", "has no reason")
    holds(len(refusal.detail) < _LONG, "refusal", "repeats a long text")
    holds(SECRET not in refusal.detail, "refusal", "tells a credential of the document")
    holds(SECRET not in refusal.where + refusal.carrier + (refusal.event_id or ""), "refusal", "tells a credential")


def asked(questions: Sequence[Question], creation: Creation, facts: Mapping[Question, Fact]) -> None:
    """Checks that nothing is asked in an account before it is known to be the organization's."""
    known = isinstance(facts.get(account_of(creation)), Found)
    for question in questions:
        well = question.kind in OF_THE_ORGANIZATION if not known else True
        holds(well, "ask", f"asks {question.kind} in an account that may be a stranger's")
        if question.kind not in OF_THE_ORGANIZATION and question.account != creation.record.account:
            theirs = facts.get(Question(account_of(creation).kind, question.account, "", ""))
            holds(isinstance(theirs, Found), "ask", f"asks {question.kind} in another account that may be a stranger's")


def decided(plan: Plan, creation: Creation, settings: Settings) -> None:
    """Checks that a creation has one end, and writes in its own account and Region to nothing that was there before."""
    record = creation.record
    holds(len(plan.decisions) + len(plan.refusals) == 1, "plan", "a creation has not one end")
    for refusal in plan.refusals:
        holds(
            bool(refusal.detail) and SECRET not in refusal.detail, "plan", "a refusal without words, or with too many"
        )
    before = _named_before(creation)
    seen: set[str] = set()
    for write in plan.writes:
        holds((write.account, write.region) == (record.account, record.region), "plan", "writes in another place")
        for resource in write.resources:
            holds(
                resource.arn == _arn(resource.type, resource.id, record),
                "plan",
                f"{resource.arn[:99]!a} is not the record's",
            )
            holds(resource.arn not in seen, "plan", "writes a resource twice")
            holds(resource.id not in before, "plan", f"writes {resource.id[:40]!a}, which the request names")
            seen.add(resource.arn)
        for key, value in write.tags:
            holds(key in settings.tags, "plan", "writes a key that nobody set")
            holds(0 < len(value) <= MAX_VALUE and fit(value) == value, "plan", f"writes the value {value[:40]!a}")
            holds(SECRET not in value, "plan", "writes a credential")
    for decision in plan.decisions:
        told = [decision.owner.reason or "", *decision.owner.via]
        told += [wait.reason for wait in decision.waits] + [resource.reason for resource in decision.settled]
        holds(not any(SECRET in text for text in told), "plan", "a reason tells a credential")


def found(finding: TamperFinding) -> None:
    """A finding tells no credential, and has an end however much its record names."""
    texts = [finding.resource, finding.by, finding.owner or ""]
    texts += [text for change in finding.changes for text in (change.key, change.old, change.new) if text]
    holds(not any(SECRET in text for text in texts), "finding", "tells a credential")
    holds(len(finding.changes) <= MAX_CHANGES, "finding", "tells of more keys than a resource has")
    holds(finding.resources > 0 or finding.omitted, "finding", "counts no resource")


def _arn(name: str, id_: str, record: Record) -> str:
    kind = fixtures.catalogue().types[name]
    if not kind.id.fullmatch(id_):
        return ""
    return kind.arn.format(partition=partition_of(record.region), region=record.region, account=record.account, id=id_)


def _named_before(creation: Creation) -> frozenset[str]:
    named = {makes.not_in[-1] for makes in creation.row.makes if makes.not_in}
    if not named:
        return frozenset()
    keys = {*named, *(key[0].swapcase() + key[1:] for key in named)}  # AWS varies the first letter only
    try:
        request = msgspec.json.decode(creation.record.request)
    except (ValueError, RecursionError):
        return frozenset()
    return frozenset(_under(request, keys))


def _under(node: Any, keys: set[str]) -> Iterator[str]:
    left = [node]
    while left:
        here = left.pop()
        if isinstance(here, dict):
            yield from (value for key, value in here.items() if key in keys and isinstance(value, str))
        left += here.values() if isinstance(here, dict) else here if isinstance(here, list) else ()
