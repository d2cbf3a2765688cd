"""Tells on the console what the hub's function does, and keeps when each event was done."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from ownertag.core.values import Decision, Failure, Unavailable
from ownertag.flows.live import BatchAnswer, Done, Returned
from ownertag.sandbox.personas import ACCOUNTS


class ConsoleReporter:
    """Keeps what was decided for each event and when it was done, and tells of it.

    Args:
        say: Takes a line.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self.done: dict[str, tuple[float, Decision]] = {}

    def answer(self, answer: BatchAnswer, failures: list[Failure]) -> None:
        """Tells of a batch."""
        at = time.monotonic()
        verdicts: list[Done | Returned] = [*answer.done, *answer.returned, *answer.dead_letters]
        for verdict in verdicts:
            result = verdict.result
            decision = result.decision if result else None
            if decision is not None and isinstance(verdict, Done):
                self.done[decision.creation.record.event_id] = (at, decision)
            self._say(line(verdict))
        for failure in failures:
            self._say(f"a message could not be delayed: {failure.code}")

    def accounts(self, kept: int | Unavailable) -> None:
        """Tells why the list of accounts is not kept; nothing where it is."""
        if not isinstance(kept, int):
            self._say(f"the list of accounts is not kept: {kept.reason}")


def line(verdict: Done | Returned) -> str:
    """One message in one line: time, place, call, owner, and outcome."""
    result = verdict.result
    clock = datetime.now(UTC).strftime("%H:%M:%S")
    if result is None:
        return f"{clock}  a message comes back: nothing was decided for it"
    decision, refusal = result.decision, result.refusal
    record = decision.creation.record if decision else (refusal.record if refusal else None)
    head = clock
    if record is not None:
        place = f"{ACCOUNTS.get(record.account, record.account)} {record.region}"
        head = f"{clock}  {place:<24} {record.event_name}"
    if isinstance(verdict, Returned):
        return f"{head}  comes back in {verdict.seconds} s: {'; '.join(verdict.reasons)}"
    if refusal is not None:
        return f"{head}  refused, {refusal.reason.value}: {refusal.detail}"
    if decision is None and result.finding is not None:
        return f"{head}  finding: somebody else changed tags of ours"
    if decision is None:
        return head
    kinds = Counter(resource.type.partition(":")[2] for resource in decision.resources)
    what = ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in kinds.items())
    outcomes = ", ".join(dict.fromkeys(outcome.kind.value for outcome in result.outcomes))
    owner = decision.owner
    return f"{head}  owner={owner.name} ({owner.confidence.value} by {owner.evidence})  {outcomes}: {what}"
