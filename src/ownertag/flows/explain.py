"""Explains a decision without AWS: what a record says by itself, and which questions it leaves open."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from ownertag.core.ask import account_of, ask
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.decide import decide
from ownertag.core.match_deletion import Ending
from ownertag.core.match_record import match_record
from ownertag.core.owner.resolve import resolve
from ownertag.core.records import Arrival
from ownertag.core.settings import Settings
from ownertag.core.values import Fact, Found, Owner, Question, Refusal
from ownertag.flows.result import Decided, DeletionKept, Refused


class Explained(Struct, frozen=True):
    """The decision for one arrival, its owner, and the questions that are open; or what it deleted."""

    result: Refused | Decided | DeletionKept
    owner: Owner | None = None
    questions: tuple[Question, ...] = ()

    @property
    def is_of_no_creation(self) -> bool:
        """Whether there was nothing to own: a deletion, say."""
        result = self.result
        return isinstance(result, DeletionKept) or (
            isinstance(result, Refused) and result.refusal.reason.is_of_no_creation
        )


def explain(arrival: Arrival | Refusal, catalogue: Catalogue, settings: Settings, now: datetime) -> Explained:
    """Decides for one arrival from its record alone; its account is taken for one of the organization's."""
    creation = match_record(arrival, catalogue, settings)
    if isinstance(creation, Ending):
        return Explained(DeletionKept(creation))
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
