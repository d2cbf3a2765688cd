"""Names of Identity Center users, from the organization's own directory.

Source: identity store API reference, DescribeUser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ownertag.aws.sessions import Sessions
from ownertag.core.judge import NO_TIME, unavailable
from ownertag.core.owner.principal import first_name
from ownertag.core.values import (
    Absent,
    Confidence,
    Fact,
    Failure,
    Found,
    OutcomeKind,
    Owner,
    Question,
    Unavailable,
)


class IdentityStore:
    """Reads users in the account that the identity store belongs to.

    Args:
        sessions: Where the clients come from.
        expired: True once there is no time left for another call.
    """

    def __init__(self, sessions: Sessions, expired: Callable[[], bool] = lambda: False) -> None:
        self._sessions = sessions
        self._expired = expired

    def find(self, questions: Iterable[Question]) -> dict[Question, Fact]:
        """Answers questions whose value is `store id/user id`: a call each, and none after the directory throttles."""
        facts: dict[Question, Fact] = {}
        stopped: Unavailable | None = None
        for question in questions:
            if stopped is None and self._expired():
                stopped = NO_TIME
            fact = stopped or self._user(question)
            if isinstance(fact, Unavailable) and fact.outcome is OutcomeKind.THROTTLED:
                stopped = fact
            facts[question] = fact
        return facts

    def _user(self, question: Question) -> Fact:
        store, _, user = question.value.partition("/")
        answer = self._sessions.call(
            "identitystore",
            question.account,
            question.region,
            lambda client: client.describe_user(IdentityStoreId=store, UserId=user),
        )
        if isinstance(answer, Failure):
            if answer.code == "ResourceNotFoundException":
                return Absent()
            return unavailable(answer, question.region)
        name = first_name(answer.get("UserName"))
        return Found(owner=Owner(name, "identity-center-user", Confidence.PROVEN))
