"""The three steps over a batch of arrivals, the same for the live flow and for an operator's files."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from ownertag.core.match import match
from ownertag.core.plan import plan
from ownertag.core.records import Arrival
from ownertag.core.rows import Catalogue
from ownertag.core.settings import Settings
from ownertag.core.values import Creation, Decision, Outcome, OutcomeKind, Refusal
from ownertag.flows.apply import apply
from ownertag.flows.gather import gather
from ownertag.flows.ports import Ports


class Result(Struct, frozen=True):
    """What a batch came to for one place (a message, a line of a file): a refusal, or a decision and its outcomes."""

    where: str
    refusal: Refusal | None = None
    decision: Decision | None = None
    outcomes: tuple[Outcome, ...] = ()

    @property
    def comes_back(self) -> bool:
        """Whether something is still to be done."""
        if self.refusal is not None:
            return self.refusal.reason.comes_back
        return bool(self.decision and self.decision.waits) or any(outcome.comes_back for outcome in self.outcomes)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why something is still to be done, or what was refused; each once."""
        if self.refusal is not None:
            return (f"{self.refusal.reason.value}: {self.refusal.detail}",)
        waits = self.decision.waits if self.decision else ()
        found = [f"{wait.outcome.value}: {wait.reason}" for wait in waits]
        found += [f"{outcome.kind.value}: {outcome.reason}" for outcome in self.outcomes if outcome.comes_back]
        return tuple(dict.fromkeys(found))


def run(arrivals: Iterable[Arrival | Refusal], ports: Ports, catalogue: Catalogue, settings: Settings) -> list[Result]:
    """Gather, decide and apply for a batch; one result for each arrival, in an order of its own."""
    refusals: list[Refusal] = []
    creations: list[Creation] = []
    for arrival in arrivals:
        matched = arrival if isinstance(arrival, Refusal) else match(arrival, catalogue, settings)
        if isinstance(matched, Refusal):
            refusals.append(matched)
        else:
            creations.append(matched)
    facts = gather(creations, ports, catalogue, settings)
    decided = plan(creations, facts, catalogue, settings, ports.now())
    outcomes = apply(decided, ports, catalogue, settings)
    results = [Result(refusal.where, refusal) for refusal in (*refusals, *decided.refusals)]
    results += [
        Result(each.creation.arrival.where, None, each, _outcomes(each, outcomes)) for each in decided.decisions
    ]
    return results


def _outcomes(decision: Decision, written: dict[str, Outcome]) -> tuple[Outcome, ...]:
    """One outcome for each resource; what was not written for lack of a fact is not ready."""
    settled = {outcome.arn: outcome for outcome in decision.settled}
    ended = written | settled
    arns = dict.fromkeys([each.arn for each in decision.resources] + list(settled))
    return tuple(ended[arn] if arn in ended else _waiting(arn) for arn in arns)


def _waiting(arn: str) -> Outcome:
    return Outcome(arn, OutcomeKind.NOT_READY, "a fact is missing", comes_back=True)
