"""What the checks find: one finding for each thing that was checked."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from ownertag.rollout.doctor.causes import Cause
from ownertag.rollout.doctor.commands import Command


class CheckState(StrEnum):
    """What a check came to."""

    OK = "ok"
    FAULT = "fault"
    UNREACHABLE = "unreached"
    NOT_CHECKABLE = "not checkable"


class Check(StrEnum):
    """What is checked; `docs/how-to/doctor.md` says what each means and what to do."""

    ACCOUNTS = "accounts"
    STACK_SET = "stack-set"
    INSTANCES = "instances"
    DRIFT = "drift"
    POLICY = "policy"
    TIERS = "tiers"
    HUB_STACK = "hub-stack"
    BUS = "bus"
    HUB_RULE = "hub-rule"
    OBSERVED = "observed"
    QUEUE = "queue"
    QUEUE_POLICY = "queue-policy"
    DEAD_LETTERS = "dead-letters"
    FUNCTION = "function"
    RECONCILE = "reconcile"
    PACKAGE = "package"
    EVENT_SOURCE = "event-source"
    ALARMS = "alarms"
    ALARM_TOPIC = "alarm-topic"
    AUDIT_ROLE = "audit-role"
    TAGGER_ROLE = "tagger-role"
    FORWARDER_ROLE = "forwarder-role"
    CANARY_ROLE = "canary-role"
    REDRIVE_ROLE = "redrive-role"
    REGION = "region"
    DEFAULT_BUS = "default-bus"
    TRAIL = "trail"
    RULE = "rule"
    TARGET = "target"
    SENT = "sent"
    UNDELIVERED = "undelivered"
    CANARY = "canary"
    CANARY_FINDING = "canary-finding"


class Finding(Struct, frozen=True):
    """What one check came to: where, what was seen, and what to do where something is to be done.

    `region` is None for what an account has once. `advice` is a line for a person, `commands` mend what was found;
    `cause` says which kind of advice it is.
    """

    account: str
    region: str | None
    check: Check
    state: CheckState
    seen: str
    advice: str = ""
    commands: tuple[Command, ...] = ()
    cause: Cause | None = None


class Location(Struct, frozen=True):
    """An account, or one of its Regions: where the findings of a check belong."""

    account: str
    region: str | None = None

    def ok(self, check: Check, seen: str, advice: str = "", *commands: Command, cause: Cause | None = None) -> Finding:
        """A finding that all is well; advice only where more could be known."""
        return Finding(self.account, self.region, check, CheckState.OK, seen, advice, commands, cause)

    def fault(self, check: Check, seen: str, advice: str, *commands: Command, cause: Cause | None = None) -> Finding:
        """A finding that something is not as it should be: what mends it, in words and as commands."""
        return Finding(self.account, self.region, check, CheckState.FAULT, seen, advice, commands, cause)

    def unreached(
        self, check: Check, seen: str, advice: str, *commands: Command, cause: Cause | None = None
    ) -> Finding:
        """A finding that AWS did not let us read it."""
        return Finding(self.account, self.region, check, CheckState.UNREACHABLE, seen, advice, commands, cause)

    def not_checkable(self, check: Check, seen: str) -> Finding:
        """A finding that it can't be checked here."""
        return Finding(self.account, self.region, check, CheckState.NOT_CHECKABLE, seen)


def count(findings: Iterable[Finding]) -> dict[CheckState, int]:
    """How many findings there are of each state, those with none included."""
    counts = dict.fromkeys(CheckState, 0)
    for finding in findings:
        counts[finding.state] += 1
    return counts
