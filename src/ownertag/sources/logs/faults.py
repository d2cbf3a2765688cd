"""What could not be read, and why: told by object, account and what to do, and counted where many are alike."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct


class FaultKind(StrEnum):
    """Why an object, or what is below a prefix, was not read."""

    DAMAGED = "damaged"
    TOO_LARGE = "too large"
    NO_LOG = "no CloudTrail log"
    DENIED = "denied"
    GONE = "gone"
    ARCHIVED = "archived"
    THROTTLED = "throttled"
    FAILED = "failed"

    @property
    def is_of_content(self) -> bool:
        """Whether the object was there and could be fetched, and what it holds is at fault."""
        return self in _OF_CONTENT


_OF_CONTENT = frozenset({FaultKind.DAMAGED, FaultKind.TOO_LARGE, FaultKind.NO_LOG})


class Fault(Struct, frozen=True, array_like=True):
    """An object (or a prefix or folder, which ends with a slash) that was not read: what is wrong, and what to do."""

    where: str
    kind: FaultKind
    what: str
    do: str
    account: str | None = None

    def __str__(self) -> str:
        return f"{self.where}: {self.what}: {self.do}"


class Unreadable(Exception):
    """An object can't be used; of what it holds, nothing is."""

    def __init__(self, kind: FaultKind, what: str, do: str) -> None:
        super().__init__(what)
        self.kind = kind
        self.what = what
        self.do = do

    def fault(self, where: str, account: str | None) -> Fault:
        """The fault of the object with this name."""
        return Fault(where, self.kind, self.what, self.do, account)


class ScanStopped(Exception):
    """Nothing further can be read (credentials, disk, a reader that died); what was yielded before is good."""

    def __init__(self, what: str, do: str) -> None:
        super().__init__(f"{what}: {do}")
        self.what = what
        self.do = do


class SameFaults(Struct):
    """Faults of one account that differ in their objects alone: how many, and the first of them."""

    first: Fault
    count: int = 0
    examples: list[str] = []


class Faults:
    """Counts faults; however many there are, those that are alike take no more memory than a few."""

    EXAMPLES = 5
    #: Of so many kinds each is kept by itself. What comes after is counted under its kind and account.
    MOST = 10_000

    def __init__(self) -> None:
        self._same: dict[tuple[str | None, FaultKind, str], SameFaults] = {}
        self.count = 0

    def add(self, fault: Fault) -> None:
        """Counts one more."""
        self.count += 1
        key = (fault.account, fault.kind, fault.what)
        if key not in self._same and len(self._same) >= self.MOST:
            key = (fault.account, fault.kind, "")
        same = self._same.setdefault(key, SameFaults(fault, examples=[]))
        same.count += 1
        if len(same.examples) < self.EXAMPLES:
            same.examples.append(fault.where)

    def __iter__(self) -> Iterator[SameFaults]:
        return iter(self._same.values())

    def __bool__(self) -> bool:
        return self.count > 0

    @property
    def unreached(self) -> frozenset[str | None]:
        """The accounts of which something was there and could not be reached; None is what has no account's name."""
        return frozenset(account for account, kind, _ in self._same if not kind.is_of_content)
