"""Questions to facts: all questions of a batch at once, again until none is new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ownertag.core.ask import ask
from ownertag.core.catalogue_types import OF_THE_ORGANIZATION, Catalogue
from ownertag.core.settings import Settings
from ownertag.core.values import Creation, Fact, OutcomeKind, Question, Unavailable
from ownertag.flows.ports import Ports

#: Each round follows the answers of the one before; more rounds than hops that exist would be a circle.
MAX_ROUNDS = 6


def gather(
    creations: Sequence[Creation],
    ports: Ports,
    catalogue: Catalogue,
    settings: Settings,
    known: Mapping[Question, Fact] | None = None,
    careful: bool = False,
) -> dict[Question, Fact]:
    """The answers to all that these creations ask, with those that are known already; `careful` as for `ask`."""
    facts: dict[Question, Fact] = dict(known or {})
    for _ in range(MAX_ROUNDS):
        questions = ask(creations, facts, catalogue, settings, careful)
        if not questions:
            break
        accounts = [question for question in questions if question.kind in OF_THE_ORGANIZATION]
        others = [question for question in questions if question.kind not in OF_THE_ORGANIZATION]
        if accounts:
            facts.update(ports.accounts.find(accounts))
        if others:
            facts.update(ports.lookups.find(others))
        for question in questions:  # an adapter that forgets one must not make us take it for absent
            facts.setdefault(question, Unavailable(OutcomeKind.FAILED, "was asked and not answered"))
    else:  # what is still open is not absent: answers are remembered, so the next time leads on from here
        for question in ask(creations, facts, catalogue, settings, careful):
            facts[question] = Unavailable(OutcomeKind.NOT_READY, f"{MAX_ROUNDS} rounds of look-ups did not lead there")
    return facts
