"""Takes a document through every step of a decision, with the time of each, and checks the rules that must hold."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from random import Random
from typing import Any, TypeVar

from msgspec import Struct

from harness import fixtures
from harness.fuzz import rules
from harness.fuzz.answers import answer
from harness.fuzz.documents import Document
from harness.fuzz.rules import Violation
from harness.planning import plan
from ownertag.core.addresses import AddressError, read_address
from ownertag.core.ask import account_of, ask, tags_question_in
from ownertag.core.findings import TamperFinding
from ownertag.core.judge import judge
from ownertag.core.match import match
from ownertag.core.owner.resolve import trace
from ownertag.core.owner.rules import rule_for
from ownertag.core.parse import parse_event
from ownertag.core.reading.documents import parse_document
from ownertag.core.record_details import actor_of, addresses_of
from ownertag.core.records import Arrival, Record
from ownertag.core.request_tags import request_tag_findings
from ownertag.core.settings import Settings
from ownertag.core.tamper import Tampering, detect_tampering, finding_of, named
from ownertag.core.transfer import target_of_arn
from ownertag.core.values import Creation, Fact, Failure, Found, Outcome, OutcomeKind, Plan, Question, Refusal

T = TypeVar("T")
#: As many as a flow takes.
_ROUNDS = 6
#: Of a file with more records than this the first are decided; all are read.
_DECIDED = 20

_RULES = """
[[owners]]
match = "*a*a*a*b"
owner = "team-a"
[[owners]]
match = "*@example.com"
owner = "people"
[ignore]
principals = ["*a*a*a*ignored*"]
[trust]
identity_providers = ["token.actions.githubusercontent.com"]
"""
POLICIES: tuple[Settings, ...] = (
    fixtures.anywhere(),
    fixtures.settings(_RULES),
    fixtures.anywhere('[existing_tags]\nowner = "keep"\ndateCreated = "keep"\n' + _RULES),
)


class StepClock:
    """The time of each step, in seconds of the processor: other work on the machine doesn't count."""

    def __init__(self) -> None:
        self.slowest: tuple[float, str] = (0.0, "")

    def time(self, step: str, does: Callable[..., T], *given: Any) -> T:
        """Runs a step and takes its time."""
        start = time.process_time()
        try:
            found = does(*given)
        except Violation:
            raise
        except Exception as error:
            raise Violation(step, f"{type(error).__name__}: {str(error)[:200]}") from error
        self.add(step, time.process_time() - start)
        return found

    def time_items(self, step: str, does: Callable[..., Iterable[T]], *given: Any) -> Iterator[T]:
        """Yields the items of a reader one by one, and times each as a step."""
        found = self.time(step, lambda: iter(does(*given)))
        while next_ := self.time(step, lambda: [*islice(found, 1)]):
            yield from next_

    def add(self, step: str, seconds: float) -> None:
        """Keeps the slowest steps."""
        self.slowest = max(self.slowest, (seconds, step))


class StepResult(Struct, frozen=True):
    """The result of a document."""

    kind: str
    seconds: float
    step: str


def run(document: Document, seed: str) -> StepResult:
    """Runs all steps of a document.

    Raises:
        Fault: One raised, or a rule does not hold.
    """
    draw, clock = Random(seed), StepClock()
    policy = draw.choice(POLICIES)
    kind = "refusal"
    if document.is_file:
        place = "AWSLogs/111122223333/CloudTrail/x.json" if draw.random() < 0.2 else "x.json"
        for number, read in enumerate(clock.time_items("read", parse_document, document.data, place)):
            if number < _DECIDED:
                kind = max(kind, _decide(read, policy, draw, clock))
        return StepResult(kind, *clock.slowest)
    read = clock.time("parse", parse_event, document.data, "m")
    return StepResult(_decide(read, policy, draw, clock), *clock.slowest)


def _decide(read: Arrival | Refusal, policy: Settings, draw: Random, clock: StepClock) -> str:
    if isinstance(read, Refusal):
        rules.refused(read)
        return "refusal"
    tampered = clock.time("tamper", detect_tampering, read.record, fixtures.catalogue(), policy)
    if isinstance(tampered, Tampering):
        resources = clock.time("named", lambda: tuple(named(tampered, fixtures.catalogue())))
        finding = clock.time("finding", finding_of, tampered, resources, {}, policy)
        if isinstance(finding, TamperFinding):
            rules.found(finding)
        return "tampering"
    _beside(read.record, policy, draw, clock)
    matched = clock.time("match", match, read, fixtures.catalogue(), policy)
    if isinstance(matched, Refusal):
        rules.refused(matched)
        return "refusal"
    facts = _gathered(matched, policy, draw, clock)
    now = (
        matched.record.created_at
        if matched.record.created_at.year > 9998
        else matched.record.created_at + draw.choice(rules.AGES)
    )
    decided = clock.time("plan", plan, [matched], facts, fixtures.catalogue(), policy, now)
    rules.decided(decided, matched, policy)
    again = clock.time("plan", plan, [matched], _applied(decided, facts), fixtures.catalogue(), policy, now)
    rules.holds(not again.writes, "plan", "planned again with the applied tags, something is added")
    clock.time("addresses", addresses_of, matched)
    for decision in decided.decisions:
        outcomes = [Outcome(resource.arn, OutcomeKind.TAGGED) for resource in decision.resources[::2]]
        overwritten = clock.time("brought", request_tag_findings, decision, outcomes, {}, policy)
        if overwritten:
            rules.found(overwritten)
    return "written" if decided.writes else "waits"


def _beside(record: Record, policy: Settings, draw: Random, clock: StepClock) -> None:
    """Runs what is read of a record beside its creation, and what people type."""
    clock.time("resolve", trace, record, policy, fixtures.catalogue().parents)
    clock.time("actor", actor_of, record)
    name = record.user_agent or record.event_name
    clock.time("rules", rule_for, name, record.account, policy)
    clock.time("target", target_of_arn, name, fixtures.catalogue())
    clock.time(
        "judge", judge, Failure(record.error_code or record.event_name, draw.choice([0, 400, 503])), None, record.region
    )
    clock.time("address", _address, record.source_address or name)


def _address(text: str) -> str | None:
    try:
        return read_address(text)
    except AddressError as error:
        rules.holds(len(str(error)) < 1000, "address", "an error repeats a long text")
        return None


def _gathered(creation: Creation, policy: Settings, draw: Random, clock: StepClock) -> dict[Question, Fact]:
    facts: dict[Question, Fact] = {}
    for _ in range(_ROUNDS):
        questions = clock.time("ask", ask, [creation], facts, fixtures.catalogue(), policy)
        if not questions:
            break
        rules.asked(questions, creation, facts)
        for question in questions:
            facts[question] = answer(question, creation, draw)
    if account_of(creation) not in facts:
        rules.holds(False, "ask", "it is not asked whose account it is")
    return facts


def _applied(decided: Plan, facts: dict[Question, Fact]) -> dict[Question, Fact]:
    """The facts after the writes of a plan."""
    after = dict(facts)
    for write in decided.writes:
        for resource in write.resources:
            question = tags_question_in(write.account, write.region, resource)
            before = facts.get(question)
            carried = dict(before.tags or {}) if isinstance(before, Found) else {}
            after[question] = Found(tags=carried | dict(write.tags))
    return after
