"""The result of a batch for each of its messages or lines: one type for each case."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from ownertag.core.findings import TamperFinding
from ownertag.core.match_deletion import Ending
from ownertag.core.records import Record
from ownertag.core.values import Decision, Outcome, OutcomeKind, Refusal, Wait


class Refused(Struct, frozen=True):
    """The record was refused: nothing is tagged."""

    refusal: Refusal

    @property
    def where(self) -> str:
        """The message, or the line of a file."""
        return self.refusal.where

    @property
    def is_retried(self) -> bool:
        """Whether something is still to be done."""
        return self.refusal.reason.is_retried

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it was refused."""
        return (f"{self.refusal.reason.value}: {self.refusal.detail}",)


class Decided(Struct, frozen=True):
    """A creation was decided, and its resources have these outcomes.

    `finding`: protected tags that its request set, or that somebody else wrote on its resources. `waits`: why that
    can't be published yet.
    """

    decision: Decision
    outcomes: tuple[Outcome, ...]
    finding: TamperFinding | None = None
    waits: tuple[Wait, ...] = ()

    @property
    def where(self) -> str:
        """The message, or the line of a file."""
        return self.decision.creation.arrival.where

    @property
    def is_retried(self) -> bool:
        """Whether something is still to be done."""
        return bool(self.waits or self.decision.waits) or any(outcome.is_retried for outcome in self.outcomes)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why something is still to be done; each once."""
        retried = [outcome for outcome in self.outcomes if outcome.is_retried]
        outcomes = (f"{outcome.kind.value}: {outcome.reason}" for outcome in retried)
        return tuple(dict.fromkeys((*_reasons((*self.waits, *self.decision.waits)), *outcomes)))

    @property
    def observed(self) -> bool:
        """Whether nothing was written, and nobody told, since the account is observed."""
        return any(outcome.kind is OutcomeKind.OBSERVED for outcome in self.outcomes)

    @property
    def not_sent(self) -> bool:
        """Whether a call for it was not sent, since our share of the account's quota had no token left."""
        waits = (*self.waits, *self.decision.waits)
        return any(wait.not_sent for wait in waits) or any(outcome.not_sent for outcome in self.outcomes)


class FinishedBefore(Struct, frozen=True):
    """The creation was finished before, and nothing was done."""

    where: str
    record: Record

    @property
    def is_retried(self) -> bool:
        """Nothing is to be done."""
        return False

    @property
    def reasons(self) -> tuple[str, ...]:
        """Nothing is to be done."""
        return ()


class Tampered(Struct, frozen=True):
    """A tag call changed tags of ours. `waits`: why that can't be published yet. `record`: the call.

    `observed`: the account is observed, so that the finding stays in the ledger and nobody is told.
    """

    where: str
    finding: TamperFinding
    waits: tuple[Wait, ...] = ()
    record: Record | None = None
    observed: bool = False

    @property
    def is_retried(self) -> bool:
        """Whether the finding is still to be published."""
        return bool(self.waits)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the finding can't be published yet."""
        return _reasons(self.waits)


class DeletionKept(Struct, frozen=True):
    """The record's deletions are in the ledger."""

    ending: Ending

    @property
    def where(self) -> str:
        """The message, or the line of a file."""
        return self.ending.arrival.where

    @property
    def is_retried(self) -> bool:
        """Nothing is to be done."""
        return False

    @property
    def reasons(self) -> tuple[str, ...]:
        """Nothing is to be done."""
        return ()


class Undecided(Struct, frozen=True):
    """Nothing could be decided yet."""

    where: str
    wait: Wait

    @property
    def is_retried(self) -> bool:
        """All is still to be done."""
        return True

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why nothing could be decided."""
        return _reasons((self.wait,))


class Unexpected(Undecided, frozen=True):
    """Nothing was decided: an exception was raised where none should be, a fault of ours."""


Result = Refused | Decided | FinishedBefore | DeletionKept | Tampered | Undecided


def _reasons(waits: Iterable[Wait]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"{wait.outcome.value}: {wait.reason}" for wait in waits))
