"""Ports: what a flow needs from outside. Adapters and their fakes pass the same contract suite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from ownertag.aws.concurrency import Concurrency, sequential
from ownertag.core.backfill.found import FoundResource, Unlisted
from ownertag.core.catalogue_types import Lookup
from ownertag.core.findings import TamperFinding
from ownertag.core.records import Arrival
from ownertag.core.values import Fact, Failure, Question, Unavailable, Write, WriteResult
from ownertag.ledger.port import Ledger
from ownertag.ledger.read_only import NoLedger


class Accounts(Protocol):
    """Knows the organization's accounts."""

    def find(self, questions: Iterable[Question]) -> Mapping[Question, Fact]:
        """Answers every one of these questions of kind ACCOUNT."""


class Lookups(Protocol):
    """Reads in the accounts."""

    def find(self, questions: Iterable[Question]) -> Mapping[Question, Fact]:
        """Answers every one of these questions, in bulk: found, absent, or unavailable with the reason."""

    def present(self, account: str, region: str, lookup: Lookup, ids: Iterable[str]) -> set[str] | Failure:
        """Returns which of these ids exist."""


class TagWriter(Protocol):
    """Writes tags in the accounts, or only says what would be written."""

    def write(self, write: Write) -> WriteResult:
        """Carries out one call, for all of its resources or for none; or tells which of them failed alone."""


class NoRemover:
    """Removes nothing, and says so: for whoever gives no order to undo."""

    def write(self, write: Write) -> WriteResult:  # noqa: ARG002 - nothing is removed
        """Refuses."""
        return Failure("RemovalNotGiven")


class Inventory(Protocol):
    """Lists what is there, in any account and Region."""

    def resources(self, account: str, region: str) -> Iterator[FoundResource | Unlisted]:
        """All resources of the catalogue's types there, each once; and each list that could not be read to its end.

        What is in no Region is listed with the Region in which its service records.
        """


class History(Protocol):
    """Reads records of calls in any account and Region."""

    def records(
        self, account: str, region: str, event: tuple[str, str], window: tuple[datetime, datetime]
    ) -> Sequence[Arrival] | Unavailable:
        """All records of an event (its source, its name) in a window; unavailable where not all can be read."""


class FindingPublisher(Protocol):
    """Tells people of tampering."""

    def publish(self, findings: Sequence[TamperFinding]) -> Sequence[Failure | None]:
        """Publishes all of these; returns for each why it failed, or None.

        To publish one twice is harmless: it has its event's id.
        """


class NoPublisher:
    """Publishes nothing: for somebody who reads findings from the results alone."""

    def publish(self, findings: Sequence[TamperFinding]) -> Sequence[Failure | None]:
        """Publishes nothing, which never fails."""
        return [None] * len(findings)


@dataclass(frozen=True)
class Ports:
    """The world of one run: `now` has a time zone, `expired` is true once there is no time for another call.

    `throttled` says of an account, Region and client of the SDK whether AWS throttles it just now, so that nothing of
    this service is tried there.
    `concurrency` runs the tasks of accounts and Regions, one after the other or at once. After `fail_fast(True)` a call
    fails at once where it would have to wait for a quota.
    `remover` takes the keys of a write off its resources: to undo a run, and for nothing else.
    """

    accounts: Accounts
    lookups: Lookups
    tagger: TagWriter
    now: Callable[[], datetime]
    expired: Callable[[], bool] = lambda: False
    ledger: Ledger = field(default_factory=NoLedger)
    findings: FindingPublisher = field(default_factory=NoPublisher)
    throttled: Callable[[str, str, str], bool] = lambda _account, _region, _client: False
    concurrency: Concurrency = sequential
    fail_fast: Callable[[bool], None] = lambda _: None
    remover: TagWriter = field(default_factory=NoRemover)
