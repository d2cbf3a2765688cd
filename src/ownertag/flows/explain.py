"""Explains a decision without AWS: what a record says by itself, and which questions it leaves open."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from ownertag.core.ask import account_of, ask
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.decide import decide
from ownertag.core.match import match
from ownertag.core.owner.resolve import resolve
from ownertag.core.records import Arrival
from ownertag.core.settings import Settings
from ownertag.core.values import Fact, Found, Owner, Question, Refusal
from ownertag.flows.result import Decided, Refused


class Explained(Struct, frozen=True):
    """The decision for one arrival, its owner, and the questions that are open."""

    result: Refused | Decided
    owner: Owner | None = None
    questions: tuple[Question, ...] = ()


def explain(arrival: Arrival | Refusal, catalogue: Catalogue, settings: Settings, now: datetime) -> Explained:
    """Decides for one arrival from its record alone; its account is taken for one of the organization's."""
    creation = arrival if isinstance(arrival, Refusal) else match(arrival, catalogue, settings)
    if isinstance(creation, Refusal):
        told = creation.record if creation.resources else None
        owner = resolve(told, settings, catalogue.parents) if told else None
        return Explained(Refused(creation), owner)
    facts: dict[Question, Fact] = {account_of(creation): Found()}
    decisions, refusals = decide([creation], facts, catalogue, settings, now)
    if refusals:
        return Explained(Refused(refusals[0]))
    [decision] = decisions
    return Explained(Decided(decision, ()), decision.owner, ask([creation], facts, catalogue, settings))
