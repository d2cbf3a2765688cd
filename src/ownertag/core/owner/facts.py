"""Tracks what one owner chain knows: the facts, the questions to ask, and what is unavailable."""

from __future__ import annotations

from collections.abc import Mapping

from ownertag.core.catalogue_types import QuestionKind
from ownertag.core.records import Record
from ownertag.core.values import Fact, Facts, Found, OutcomeKind, Question, Unavailable, Wait


class FactTracker:
    """The facts that are known, and the questions that are open."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self.questions: dict[Question, None] = {}
        self.waits: list[Wait] = []
        #: Whether something nearer is not answered: what comes after it would not be the best answer.
        self.pending = False

    def fact(self, question: Question) -> Fact | None:
        """The answer to a question; where there is none it is asked, or waited for."""
        fact = self._facts.get(question)
        if fact is None:
            self.questions[question] = None
            self.pending = True
        elif isinstance(fact, Unavailable):
            self.waits.append(fact.wait(_words(question)))
            self.pending = True
        elif isinstance(fact, Found) and fact.provisional:
            self.waits.append(Wait(OutcomeKind.NOT_READY, f"{_words(question)} may become better known"))
        return fact

    def ours(self, account: str, record: Record) -> bool:
        """Whether an account may be asked: the record's own, or another of the organization's."""
        if account == record.account:
            return True
        return isinstance(self.fact(Question(QuestionKind.ACCOUNT, account, "", "")), Found)

    @property
    def unanswered(self) -> bool:
        """Whether a nearer question was asked and can't be answered for now."""
        return self.pending and bool(self.waits)

    @property
    def complete(self) -> bool:
        """Whether all was asked that there is to ask."""
        return bool(self._facts) and not self.questions


_QUESTIONS: Mapping[QuestionKind, str] = {
    QuestionKind.ACCOUNT: "whether account {0.account} is the organization's",
    QuestionKind.OWNER_OF_ACCOUNT: "the owner of account {0.account}",
    QuestionKind.OWNER_OF_RESOURCE: "the owner of {0.value}",
    QuestionKind.MAKER_OF_SESSION: "who assumed the role",
    QuestionKind.IDENTITY_CENTER_USER: "the name of the Identity Center user",
}


def _words(question: Question) -> str:
    return _QUESTIONS[question.kind].format(question)
