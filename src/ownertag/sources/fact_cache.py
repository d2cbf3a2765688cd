"""Keeps facts for a while: what many launches of a group ask is looked up once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta

from ownertag.core.values import Fact, Found, OutcomeKind, Question, Unavailable

#: Who made something does not change; whose a tag says it is may.
KEPT = timedelta(minutes=10)
#: How long what is not there yet, or denied, is not asked for again.
KEPT_UNAVAILABLE = {OutcomeKind.NOT_READY: timedelta(seconds=20), OutcomeKind.FORBIDDEN: timedelta(seconds=60)}
#: A record is cut to a few KB before it gets here.
MOST = 4096


class FactCache:
    """The newest answers, each until it is too old.

    Args:
        now: Gives the time, with a time zone.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._kept: OrderedDict[Question, tuple[Fact, datetime]] = OrderedDict()

    def get(self, question: Question) -> Fact | None:
        """The answer, if it is still good."""
        kept = self._kept.get(question)
        if kept is None:
            return None
        if kept[1] <= self._now():
            del self._kept[question]
            return None
        self._kept.move_to_end(question)
        return kept[0]

    def keep(self, question: Question, fact: Fact) -> None:
        """Keeps an answer; what was throttled or failed is asked again."""
        span: timedelta | None = KEPT
        if isinstance(fact, Unavailable):
            span = KEPT_UNAVAILABLE.get(fact.outcome)
        elif isinstance(fact, Found) and fact.provisional:
            span = KEPT_UNAVAILABLE[OutcomeKind.NOT_READY]
        if span is None:
            return
        self._kept[question] = (fact, self._now() + span)
        self._kept.move_to_end(question)
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)
