"""Every identity and hop of `tests/golden/hops` asks what it should, and no more, and names whom it should."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness import fixtures
from ownertag.core.catalogue_types import QuestionKind
from ownertag.core.owner.resolve import Trace, trace
from ownertag.core.records import Record
from ownertag.core.settings import Settings
from ownertag.core.values import Absent, Confidence, Fact, Found, OutcomeKind, Owner, Question, Unavailable
from ownertag.flows.gather import MAX_ROUNDS

PARENTS = fixtures.catalogue().parents
FOLDER = fixtures.GOLDEN / "hops"
PATHS = sorted(FOLDER.glob("*.json"))
FORGED = [path for path in PATHS if "forged" in json.loads(path.read_text("utf-8"))]


def read(path: Path) -> fixtures.Json:
    plain: fixtures.Json = json.loads(path.read_text("utf-8"))
    return plain


def settings_of(plain: fixtures.Json) -> Settings:
    return fixtures.settings(plain.get("settings", ""))


def record_of(plain: fixtures.Json) -> Record:
    return fixtures.arrival(plain).record


def fact_of(plain: Any) -> Fact:
    if plain == "absent":
        return Absent()
    if "unavailable" in plain:
        return Unavailable(OutcomeKind(plain["unavailable"]), plain["reason"])
    owner = plain.get("owner")
    return Found(
        owner=msgspec.convert(owner, Owner) if owner else None,
        maker=record_of(plain["maker"]) if "maker" in plain else None,
        principal=plain.get("principal"),
        parent=plain.get("parent"),
        provisional=plain.get("provisional", False),
    )


def facts_of(plain: fixtures.Json) -> dict[Question, Fact]:
    return {
        Question(QuestionKind(fact["kind"]), fact["account"], fact["region"], fact["value"]): fact_of(fact["fact"])
        for fact in plain["facts"]
    }


def traced(plain: fixtures.Json) -> tuple[Trace, dict[Question, Fact]]:
    """The last of as many rounds as a flow takes, and what was asked: one answers every question that is told."""
    told, known = facts_of(plain), dict[Question, Fact]()
    record, settings = record_of(plain["record"]), settings_of(plain)
    for _ in range(MAX_ROUNDS):
        result = trace(record, settings, PARENTS, known)
        if not result.questions:
            break
        missing = [question for question in result.questions if question not in told]
        assert not missing, f"asks {missing}"
        known |= {question: told[question] for question in result.questions}
    return trace(record, settings, PARENTS, known), known


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_chain_leads_to_the_owner_that_is_expected(path: Path) -> None:
    plain = read(path)
    result, known = traced(plain)
    owner, expected = result.owner, plain["expected"]
    assert {
        "name": owner.name,
        "evidence": owner.evidence,
        "confidence": owner.confidence.value,
        "via": list(owner.via),
        "waits": [wait.outcome.value for wait in result.waits],
    } == expected
    assert not result.questions
    assert set(known) == set(facts_of(plain)), "a fact is told that nobody asks for"


def forged(plain: fixtures.Json) -> fixtures.Json:
    """A hop's twin: one field of its record or facts is another's, and what is asked because of that is told."""
    twin, other = deepcopy(plain), plain["forged"]
    *way, last = other["at"]
    node = twin
    for key in way:
        node = node[key]
    assert node[last] != other["value"], "a twin differs from what is there"
    node[last] = other["value"]
    twin["facts"] += other.get("facts", [])
    return twin


@pytest.mark.parametrize("path", FORGED, ids=lambda path: path.stem)
def test_a_forged_twin_frames_nobody(path: Path) -> None:
    """What differs in one field from the hop is what somebody could have made up."""
    plain = read(path)
    result, _ = traced(forged(plain))
    owner, expected = result.owner, plain["forged"]["expected"]
    assert {
        "name": owner.name,
        "evidence": owner.evidence,
        "confidence": owner.confidence.value,
        "waits": [wait.outcome.value for wait in result.waits],
    } == expected
    assert not result.questions
    framed = plain["expected"]
    if framed["confidence"] in {"proven", "inferred"} and not result.waits:
        assert (owner.name, owner.confidence.value) != (framed["name"], framed["confidence"])


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_without_facts_the_best_answer_of_the_record_stands_and_is_no_surer_for_it(path: Path) -> None:
    plain = read(path)
    record, settings = record_of(plain["record"]), settings_of(plain)
    result = trace(record, settings, PARENTS)
    assert not result.waits
    assert bool(result.questions) == bool(plain["facts"])
    assert (result.owner.confidence is Confidence.NONE) == bool(result.owner.reason)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_what_is_not_answered_is_waited_for_and_never_taken_for_none(path: Path) -> None:
    """Whichever fact is unavailable: nothing behind it is believed instead, and the message comes back."""
    plain = read(path)
    record, settings, told = record_of(plain["record"]), settings_of(plain), facts_of(plain)
    for broken in told:
        facts = {question: fact for question, fact in told.items() if question != broken}
        facts[broken] = Unavailable(OutcomeKind.THROTTLED, "throttled")
        result = trace(record, settings, PARENTS, facts)
        assert "throttled" in {wait.outcome.value for wait in result.waits}, broken


def test_there_are_enough_of_them() -> None:
    assert len(PATHS) >= 60
    assert {read(path)["basis"] for path in PATHS} == {"seen", "doc", "memory"}


def test_every_kind_of_parent_is_among_them() -> None:
    asked = {PARENTS.of_arn(fact["value"]) for path in PATHS for fact in read(path)["facts"]}
    assert {question.kind.name for question in asked if question} >= set(PARENTS.kinds)
