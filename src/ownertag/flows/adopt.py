"""Carries out an operator's order to adopt living resources that nobody saw being made: by what they say themselves.

Each becomes a creation (`core.backfill.word`) and goes the way of all: facts, owner, ledger, tags. A record of its
creation that comes later takes the resource over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ownertag.core.ask import account_question_of, tags_question_in
from ownertag.core.backfill.found import FoundResource
from ownertag.core.backfill.word import word_of
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.settings import Settings
from ownertag.core.values import Creation, Found, Question, Refusal, Unavailable
from ownertag.flows.isolate_failures import isolate_failures
from ownertag.flows.outcomes import ledger_wait
from ownertag.flows.ports import Ports
from ownertag.flows.result import Decided, Refused, Result, Undecided
from ownertag.flows.result_object import result_object
from ownertag.flows.run import settle
from ownertag.ledger.port import LedgerError


class AdoptOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """Resources as they were found; with `dry_run` nothing is written, and the answer says what would be."""

    resources: list[FoundResource]
    dry_run: bool = False


def adopt(order: AdoptOrder, ports: Ports, catalogue: Catalogue, settings: Settings) -> dict[str, Any]:
    """Carries out an order: `results` has one for each resource, whose `where` is its place in the order, from 0.

    Finished ones are checked as well: where a resource carries another owner, the ledger's is written again.
    """
    placed = [(str(number), found) for number, found in enumerate(order.resources)]

    def work(placed: Sequence[tuple[str, FoundResource]]) -> list[Result]:
        return adopted(placed, ports, catalogue, settings)

    def as_object(result: Result) -> dict[str, Any]:
        owner = result.decision.owner if isinstance(result, Decided) else None
        return {**result_object(result, owner, dry_run=order.dry_run), "left": result.is_retried}

    found = isolate_failures(placed, work, lambda one: one[0], ports.expired)
    return {"results": [as_object(result) for result in found]}


def adopted(
    placed: Sequence[tuple[str, FoundResource]], ports: Ports, catalogue: Catalogue, settings: Settings
) -> list[Result]:
    """The results for resources, each with its place; in any order."""
    try:
        known = ports.ledger.by_key({one.key for _, one in placed})
    except LedgerError as error:
        return [Undecided(where, ledger_wait(error)) for where, _ in placed]
    now = ports.now()
    ended = {one.key: [at for at in one.holding.deletions if at <= now] for one in known}
    placed, results = _with_tags(placed, ports, catalogue)
    creations: list[Creation] = []
    for where, one in placed:
        made = word_of(one, now, catalogue, settings, where, max(ended.get(one.key, ()), default=None))
        if isinstance(made, Refusal):
            results.append(Refused(made))
        else:
            creations.append(made)
    redelivered = {creation.arrival.where for creation in creations}
    return [*results, *settle(creations, ports, catalogue, settings, redelivered)]


def _with_tags(
    placed: Sequence[tuple[str, FoundResource]], ports: Ports, catalogue: Catalogue
) -> tuple[list[tuple[str, FoundResource]], list[Result]]:
    """The resources with their tags, which say to what they belong; and results of those whose tags can't be read."""
    untold = {where: one for where, one in placed if one.tags is None and _is_tagged(one, catalogue)}
    if not untold:
        return list(placed), []
    accounts = {account_question_of(one.account) for one in untold.values()}
    ours = {question.account for question, fact in ports.accounts.find(accounts).items() if isinstance(fact, Found)}
    questions = {where: _question(one) for where, one in untold.items() if one.account in ours}
    facts = ports.lookups.find(tuple(dict.fromkeys(questions.values()))) if questions else {}
    told: list[tuple[str, FoundResource]] = []
    results: list[Result] = []
    for where, one in placed:
        fact = facts.get(questions[where]) if where in questions else None
        if isinstance(fact, Unavailable):
            results.append(Undecided(where, fact.wait(f"what {one.resource.arn} belongs to")))
        elif isinstance(fact, Found):
            told.append((where, replace(one, tags=fact.tags or {})))
        else:
            told.append((where, one))
    return told, results


def _is_tagged(found: FoundResource, catalogue: Catalogue) -> bool:
    kind = catalogue.types.get(found.resource.type)
    return bool(kind and kind.tag_api)


def _question(found: FoundResource) -> Question:
    return tags_question_in(found.account, found.region, found.resource)
