"""EventBridge's rules on a schedule, which are on the default bus alone, with functions for targets.

AWS waits for an interval before the first time; here it is done at once, as nobody keeps a sandbox for long.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from moto.events.models import events_backends

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}


@dataclass(frozen=True)
class Scheduled:
    """A target of a rule: the function, its payload, and the seconds between two runs."""

    rule: str
    function: str
    payload: bytes
    seconds: int


class Schedules:
    """Tells which targets are due.

    Args:
        clock: Gives seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._next: dict[Scheduled, float] = {}

    def due(self) -> list[Scheduled]:
        """The targets that are due now, of the rules that are deployed and enabled; reads moto's state."""
        deployed = set(_deployed())
        self._next = {scheduled: at for scheduled, at in self._next.items() if scheduled in deployed}
        now = self._clock()
        return [scheduled for scheduled in deployed if self._next.get(scheduled, now) <= now]

    def done(self, scheduled: Scheduled) -> None:
        """Notes a run of a target; it is due again after its interval."""
        self._next[scheduled] = self._clock() + scheduled.seconds


def interval(expression: str) -> int | None:
    """The seconds between two runs of a rule with this `ScheduleExpression`; None if that is no rate."""
    rate = _RATE.fullmatch(expression)
    return int(rate[1]) * _SECONDS[rate[2]] if rate else None


def _deployed() -> Iterator[Scheduled]:
    for regions in list(events_backends.values()):
        for backend in list(regions.values()):
            for rule in list(backend.event_buses["default"].rules.values()):
                seconds = interval(rule.scheduled_expression or "")
                if seconds is None or rule.state != "ENABLED":
                    continue
                for target in rule.targets:
                    if ":function:" in target["Arn"]:
                        yield Scheduled(rule.arn, target["Arn"], str(target.get("Input", "{}")).encode(), seconds)
