"""Ports: what a flow needs from outside. Adapters and their fakes pass the same contract suite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from ownertag.aws.concurrency import Concurrency, sequential
from ownertag.core.catalogue_types import Lookup
from ownertag.core.findings import TamperFinding
from ownertag.core.values import Fact, Failure, Question, Write
from ownertag.ledger.port import Ledger
from ownertag.ledger.read_only import NoLedger


class Accounts(Protocol):
    """Knows the organization's accounts."""

    def find(self, questions: Iterable[Question]) -> Mapping[Question, Fact]:
        """Answer every one of these questions of kind ACCOUNT."""


class Lookups(Protocol):
    """Reads in the accounts."""

    def find(self, questions: Iterable[Question]) -> Mapping[Question, Fact]:
        """Answer every one of these questions, in bulk: found, absent, or unavailable with the reason."""

    def present(self, account: str, region: str, lookup: Lookup, ids: Iterable[str]) -> set[str] | Failure:
        """Say which of these ids exist."""


class TagWriter(Protocol):
    """Writes tags in the accounts, or only says what would be written."""

    def write(self, write: Write) -> Failure | None:
        """Carry out one call, for all of its resources or for none."""


class FindingPublisher(Protocol):
    """Tells people of tampering."""

    def tell(self, findings: Sequence[TamperFinding]) -> Sequence[Failure | None]:
        """Tell of all of these; for each why not, or None. To tell one twice is harmless: it has its event's id."""


class NoPublisher:
    """For who reads findings from the results alone."""

    def tell(self, findings: Sequence[TamperFinding]) -> Sequence[Failure | None]:
        """Tell nobody."""
        return [None] * len(findings)


@dataclass(frozen=True)
class Ports:
    """The world of one run: `now` has a time zone, `expired` is true once there is no time for another call.

    `held` says of an account and Region whether AWS throttles it just now, so that nothing needs to be tried there.
    `concurrency` does what each account and Region needs: in turn, or at once. `hurry` says whether others wait for
    this part of a batch, so that nothing in it may wait for a quota.
    """

    accounts: Accounts
    lookups: Lookups
    tagger: TagWriter
    now: Callable[[], datetime]
    expired: Callable[[], bool] = lambda: False
    ledger: Ledger = field(default_factory=NoLedger)
    findings: FindingPublisher = field(default_factory=NoPublisher)
    held: Callable[[str, str], bool] = lambda _account, _region: False
    concurrency: Concurrency = sequential
    hurry: Callable[[bool], None] = lambda _: None
