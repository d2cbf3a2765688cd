"""Owners of parents from the ledger: the look-ups ask it before AWS."""

from __future__ import annotations

from collections.abc import Iterable

from ownertag.core.ownership import ResourceKey
from ownertag.core.values import Fact, Found, Question, Unavailable
from ownertag.ledger.port import LedgerError, Reader


class LedgerOwners:
    """Owners of resources, as the ledger has them.

    Args:
        reader: The ledger.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def find(self, questions: Iterable[Question]) -> dict[Question, Fact]:
        """Answer what is known; what is not is left out, so that AWS is asked. The value of a question is an ARN."""
        keys = {ResourceKey(question.account, question.region, question.value): question for question in questions}
        try:
            known = self._reader.by_key(keys)
        except LedgerError as error:
            return dict.fromkeys(keys.values(), Unavailable(error.outcome, f"the ledger can't be used: {error}"))
        return {keys[each.key]: Found(owner=each.holding.owner) for each in known if each.key in keys}
