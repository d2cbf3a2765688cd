"""The result of a batch for each of its messages or lines."""

from __future__ import annotations

from msgspec import Struct

from ownertag.core.findings import TamperFinding
from ownertag.core.values import Creation, Decision, Outcome, Refusal, Wait


class Result(Struct, frozen=True):
    """What a batch came to for one place (a message, a line of a file).

    A refusal, or a decision and its outcomes, or neither: the creation was `finished` before, and nothing was done.
    `finding` is what a tag call changed, or which tags of ours a creation brought along, and `waits` what is waited for
    until that can be told. `unexpected` is what raised where nothing should: a fault of ours.
    """

    where: str
    refusal: Refusal | None = None
    decision: Decision | None = None
    outcomes: tuple[Outcome, ...] = ()
    finished: Creation | None = None
    finding: TamperFinding | None = None
    waits: tuple[Wait, ...] = ()
    unexpected: bool = False

    @property
    def is_retried(self) -> bool:
        """Whether something is still to be done."""
        if self.refusal is not None:
            return self.refusal.reason.is_retried
        waits = self.waits or (self.decision and self.decision.waits)
        return bool(waits) or any(outcome.is_retried for outcome in self.outcomes)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why something is still to be done, or what was refused; each once."""
        if self.refusal is not None:
            return (f"{self.refusal.reason.value}: {self.refusal.detail}",)
        waits = (*self.waits, *(self.decision.waits if self.decision else ()))
        found = [f"{wait.outcome.value}: {wait.reason}" for wait in waits]
        found += [f"{outcome.kind.value}: {outcome.reason}" for outcome in self.outcomes if outcome.is_retried]
        return tuple(dict.fromkeys(found))
