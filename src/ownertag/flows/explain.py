"""A decision without AWS: what a record says by itself, and what would be asked."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from ownertag.core.ask import account_of, ask
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.match import match
from ownertag.core.owner.resolve import resolve
from ownertag.core.plan import plan
from ownertag.core.records import Arrival
from ownertag.core.settings import Settings
from ownertag.core.values import Fact, Found, Owner, Question, Refusal
from ownertag.flows.result import Result


class Explained(Struct, frozen=True):
    """What was decided for one arrival, whose it would be, and the questions that are open."""

    result: Result
    owner: Owner | None = None
    questions: tuple[Question, ...] = ()


def explain(arrival: Arrival | Refusal, catalogue: Catalogue, settings: Settings, now: datetime) -> Explained:
    """Decide for one arrival from its record alone; its account is taken for one of the organization's."""
    matched = arrival if isinstance(arrival, Refusal) else match(arrival, catalogue, settings)
    if isinstance(matched, Refusal):
        owner = resolve(matched.record, settings) if matched.record and matched.resources else None
        return Explained(Result(matched.where, matched), owner)
    facts: dict[Question, Fact] = {account_of(matched): Found()}
    decided = plan([matched], facts, catalogue, settings, now)
    if decided.refusals:
        return Explained(Result(arrival.where, decided.refusals[0]))
    [decision] = decided.decisions
    return Explained(Result(arrival.where, None, decision), decision.owner, ask([matched], facts, catalogue, settings))
