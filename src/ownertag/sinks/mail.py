"""Mails findings to people, by the topic of the alarms.

The function publishes to the topic, not EventBridge: EventBridge puts values of an event into a text without escaping
them, and its rules can't publish to a topic whose policy has a condition (doc: EventBridge, input transformation; using
resource-based policies). A member can cause findings without end, which must not become mails without end: so the mails
of each account are limited. Findings that are not mailed are counted in the account's next mail, and are in the ledger
and on the bus.
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

#: Mails of one account at once, and how many more a second: one in ten minutes. For each environment of Lambda.
MOST_MAILS = 10
_REFILL = 1 / 600
#: Mails of one batch over all accounts, each of which is a call. After so many failures the rest is left for later.
MOST_CALLS = 100
_MOST_FAILED = 3

# An account, and whether its findings are tests: those must not wait behind a flood of the others.
_MailKey = tuple[str, bool]


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
        self._mails: dict[_MailKey, TokenBucket] = {}
        self._not_mailed: Counter[_MailKey] = Counter()

    def publish(self, findings: Sequence[TamperFinding]) -> list[Failure | None]:
        """Sends one mail for each account. Returns for each finding why that failed, or None.

        A tag of a request that was overwritten at once is not mailed.
        """
        by_account: dict[_MailKey, list[TamperFinding]] = defaultdict(list)
        for finding in findings:
            if finding.test or not finding.overwritten:
                by_account[finding.account, finding.test].append(finding)
        failures: dict[TamperFinding, Failure] = {}
        calls = 0
        failed: list[Failure] = []
        for key, found in by_account.items():
            if len(failed) == _MOST_FAILED:
                failures |= dict.fromkeys(found, failed[-1])
                continue
            if calls == MOST_CALLS or not self._may(key):
                self._not_mailed[key] += len(found)
                continue
            calls += 1
            failure = self._publish(*mail_for(found, self._not_mailed[key]))
            if failure is None:
                self._taken(key)
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

    def _may(self, key: _MailKey) -> bool:
        now = self._clock()
        bucket = self._mails.get(key)
        if bucket is None or bucket.full(now):
            self._mails[key] = bucket = TokenBucket(MOST_MAILS, _REFILL, MOST_MAILS, now)
        return bucket.wait(now) == 0

    def _taken(self, key: _MailKey) -> None:
        self._mails[key] = self._mails[key].after_call(self._clock())
        del self._not_mailed[key]
