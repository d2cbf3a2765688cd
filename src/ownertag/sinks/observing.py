"""Keeps everything of ours out of observed accounts: no tag is written there, and nobody is told of findings.

What was to be written is answered with a code that `core.judge` takes for the outcome `observed`. Every write goes
through here, whoever ordered it, so that no flow can forget it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from ownertag.core.findings import TamperFinding
from ownertag.core.values import Failure, Unavailable, Write, WriteResult

#: Says of an account whether it is observed, or why that is not known.
IsObserved = Callable[[str], bool | Unavailable]

OBSERVED = Failure("Observed")
UNKNOWN = Failure("ObservedUnknown")


class _TagWriter(Protocol):
    def write(self, write: Write) -> WriteResult: ...


class _Publisher(Protocol):
    def publish(self, findings: Sequence[TamperFinding]) -> Sequence[Failure | None]: ...


class ObservingTagger:
    """Writes tags where no account is observed.

    Args:
        tagger: Writes them.
        is_observed: Says of an account whether it is.
    """

    def __init__(self, tagger: _TagWriter, is_observed: IsObserved) -> None:
        self._tagger = tagger
        self._is_observed = is_observed

    def write(self, write: Write) -> WriteResult:
        """Makes one call, unless the account is observed or that is not known. Returns what failed, or None."""
        return _held_back(self._is_observed, write.account) or self._tagger.write(write)


class ObservingPublisher:
    """Publishes findings of accounts that are not observed; the others stay in the ledger alone.

    Args:
        publisher: Publishes them.
        is_observed: Says of an account whether it is.
    """

    def __init__(self, publisher: _Publisher, is_observed: IsObserved) -> None:
        self._publisher = publisher
        self._is_observed = is_observed

    def publish(self, findings: Sequence[TamperFinding]) -> Sequence[Failure | None]:
        """Publishes; returns for each why it was not, or None."""
        held = [_held_back(self._is_observed, finding.account) for finding in findings]
        free = [finding for finding, why in zip(findings, held, strict=True) if why is None]
        published: Iterator[Failure | None] = iter(self._publisher.publish(free) if free else ())
        return [why if why is not None else next(published) for why in held]


def _held_back(is_observed: IsObserved, account: str) -> Failure | None:
    observed = is_observed(account)
    if isinstance(observed, Unavailable):
        return UNKNOWN
    return OBSERVED if observed else None
