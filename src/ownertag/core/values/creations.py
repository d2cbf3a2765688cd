"""What is refused, and what is a creation."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from ownertag.core.catalogue_types import CatalogueRow, QuestionKind
from ownertag.core.records import Arrival, Record


class Reason(StrEnum):
    """Why something is refused. The text is what reports and metrics show."""

    UNREADABLE = "unreadable"
    TOO_LARGE = "too-large"
    NOT_A_RECORD = "not-a-record"
    DIGEST = "digest-file"
    INSIGHT = "insights-event"
    CONTROL_MESSAGE = "control-message"
    FORGED_ENVELOPE = "forged-envelope"
    OTHER_ACCOUNT = "other-account"
    UNKNOWN_ACCOUNT = "unknown-account"
    OTHER_REGION = "other-region"
    NOT_A_CREATION = "not-a-creation"
    NOT_COVERED = "not-covered"
    NO_DELETION = "no-deletion"
    NO_FINDING = "no-finding"
    FAILED_CALL = "failed-call"
    NO_IDENTITY = "no-identity"
    IGNORED_PRINCIPAL = "ignored-principal"
    NO_RESPONSE = "no-response"
    RESPONSE_OMITTED = "response-omitted"
    NO_RESOURCE = "no-resource"
    BAD_ID = "bad-id"
    MANAGED_BY_SERVICE = "managed-by-service"
    GONE = "gone"

    @property
    def is_retried(self) -> bool:
        """Whether a message refused for this ends in the dead-letter queue: EventBridge never sends such a thing."""
        return self in _UNREAD

    @property
    def is_unread(self) -> bool:
        """Whether something that should be a record could not be read."""
        return self in _UNREAD

    @property
    def is_of_no_creation(self) -> bool:
        """Whether there was nothing to own: a call that makes nothing or failed, or what is no record of a call."""
        return self in _OF_NO_CREATION


_UNREAD = frozenset({Reason.UNREADABLE, Reason.TOO_LARGE, Reason.NOT_A_RECORD})
_OF_NO_CREATION = frozenset(
    {
        Reason.NOT_A_CREATION,
        Reason.NO_DELETION,
        Reason.FAILED_CALL,
        Reason.DIGEST,
        Reason.INSIGHT,
        Reason.CONTROL_MESSAGE,
    }
)


class Refusal(Struct, frozen=True):
    """Nothing is written for this input, and why. `record` is there as soon as it could be read, or else its id."""

    where: str
    reason: Reason
    detail: str
    record: Record | None = None
    resources: tuple[Resource, ...] = ()  # what was created and is left alone, where that is known
    carrier: str = ""
    event_id: str | None = None


class Resource(Struct, frozen=True, order=True):
    """One resource, with the ARN that was built for it (never taken from a record)."""

    arn: str
    id: str
    type: str


class Creation(Struct, frozen=True):
    """A record that made taggable resources, or whose resources must be asked for."""

    arrival: Arrival
    row: CatalogueRow
    resources: tuple[Resource, ...]
    asked_by: tuple[QuestionKind, str] | None = None  # what tells more: its kind of question and the value to ask by
    preexisting: frozenset[str] = frozenset()  # ids that were there before, or of which nothing says that they are new
    request_complete: bool = True  # whether the request says which ids those are: it is there, without a template
    lists_parts: bool = False  # whether the record names what came with an instance, all but its volumes
    at_least: int = 1  # how many instances the call asked for, where the record doesn't name them
    may_exist: bool = False  # whether the call may have changed what was there before: `upserts`
    known: frozenset[str] = frozenset()  # the ARNs of which the ledger knows then whose they are
    found_at: datetime | None = None  # when the resource was found, where nothing is there but its own word

    @property
    def record(self) -> Record:
        """The record that this creation was read from."""
        return self.arrival.record
