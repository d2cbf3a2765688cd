"""Findings to people, by the topic that alarms are published to.

The function publishes by itself: EventBridge puts what it takes out of an event into a text as it is, quotes included,
and its rules can't publish to a topic whose policy has a condition (doc: EventBridge, input transformation; using
resource-based policies). What a member can cause without end must not become mails without end, so each account has
its number of mails. What is not mailed is counted in the account's next mail, and stands in the ledger and on the bus.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from ownertag.aws.errors import AWS_ERRORS, failure_of
from ownertag.core.findings import TamperFinding
from ownertag.core.mail import MAX_SUBJECT, mail_for
from ownertag.core.token_bucket import TokenBucket
from ownertag.core.values import Failure

#: Mails of one account at once, and how many come back a second: one in ten minutes. In each environment of Lambda's.
MOST_MAILS = 10
_REFILL = 1 / 600
#: Mails of one batch, over all accounts: each is a call. After so many that failed the rest waits for the next time.
MOST_CALLS = 100
_MOST_FAILED = 3

# An account's findings, or its tests: those must not wait behind a flood of the others.
_Whose = tuple[str, bool]


class FindingsMail:
    """The hub's topic.

    Args:
        client: An SNS client of the hub.
        topic: The topic's ARN.
        clock: Gives seconds that only grow.
    """

    def __init__(self, client: Any, topic: str, clock: Callable[[], float]) -> None:
        self._client = client
        self._topic = topic
        self._clock = clock
        self._mails: dict[_Whose, TokenBucket] = {}
        self._not_mailed: Counter[_Whose] = Counter()

    def publish(self, findings: Sequence[TamperFinding]) -> list[Failure | None]:
        """One mail for each account; for each finding why that failed, or None.

        What a creation brought and was written over at once wakes nobody.
        """
        by_account: dict[_Whose, list[TamperFinding]] = defaultdict(list)
        for finding in findings:
            if finding.test or not finding.overwritten:
                by_account[finding.account, finding.test].append(finding)
        failures: dict[TamperFinding, Failure] = {}
        calls = 0
        failed: list[Failure] = []
        for whose, found in by_account.items():
            if len(failed) == _MOST_FAILED:
                failures |= dict.fromkeys(found, failed[-1])
                continue
            if calls == MOST_CALLS or not self._may(whose):
                self._not_mailed[whose] += len(found)
                continue
            calls += 1
            failure = self._publish(*mail_for(found, self._not_mailed[whose]))
            if failure is None:
                self._taken(whose)
            else:
                failed.append(failure)
                failures |= dict.fromkeys(found, failure)
        return [failures.get(finding) for finding in findings]

    def _publish(self, subject: str, text: str) -> Failure | None:
        try:
            self._client.publish(TopicArn=self._topic, Subject=subject[:MAX_SUBJECT], Message=text)
        except AWS_ERRORS as error:
            return failure_of(error)
        return None

    def _may(self, whose: _Whose) -> bool:
        now = self._clock()
        bucket = self._mails.get(whose)
        if bucket is None or bucket.full(now):
            self._mails[whose] = bucket = TokenBucket(MOST_MAILS, _REFILL, MOST_MAILS, now)
        return bucket.wait(now) == 0

    def _taken(self, whose: _Whose) -> None:
        self._mails[whose] = self._mails[whose].after_call(self._clock())
        del self._not_mailed[whose]
