"""Gathers facts: asks all questions of a batch at once, and again until no question is new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ownertag.core.ask import Traces, ask
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
    traces: Traces | None = None,
) -> dict[Question, Fact]:
    """The answers to all that these creations ask, with those that are known; `careful` and `traces` as for `ask`."""
    traces = traces or Traces(settings, catalogue.parents)
    facts: dict[Question, Fact] = dict(known or {})
    for _ in range(MAX_ROUNDS):
        questions = ask(creations, facts, catalogue, settings, careful, traces)
        if not questions:
            break
        accounts = [question for question in questions if question.kind in OF_THE_ORGANIZATION]
        lookups = [question for question in questions if question.kind not in OF_THE_ORGANIZATION]
        if accounts:
            facts.update(ports.accounts.find(accounts))
        if lookups:
            facts.update(ports.lookups.find(lookups))
        for question in questions:  # an adapter that forgets one must not make us take it for absent
            facts.setdefault(question, Unavailable(OutcomeKind.FAILED, "was asked and not answered"))
    else:  # what is still open is not absent: answers are remembered, so the next time leads on from here
        for question in ask(creations, facts, catalogue, settings, careful, traces):
            facts[question] = Unavailable(OutcomeKind.NOT_READY, f"{MAX_ROUNDS} rounds of look-ups did not lead there")
    return facts
