"""The values that the core passes on: frozen, compared by content, each with its reason where it decides something.

They stand in the order of the flow: what is refused and what is a creation, what is asked and answered, who owns,
what is to be written, and what became of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from ownertag.core.catalogue_types import CatalogueRow, QuestionKind
from ownertag.core.records import Arrival, Record

# --- what is refused, and what is a creation


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

    @property
    def record(self) -> Record:
        """The record that this creation was read from."""
        return self.arrival.record


# --- what is asked and answered ------------------------------------------------------------------------------


class Question(Struct, frozen=True, order=True):
    """Something to look up in one account and Region; a question about an account itself has no Region."""

    kind: QuestionKind
    account: str
    region: str
    value: str


class Attached(Struct, frozen=True):
    """A volume or a network interface of an instance; `ends_with` it says that it is deleted when the instance is."""

    id: str
    attached_at: datetime | None = None
    managed: bool = False
    ends_with: bool = False


class LaunchedInstance(Struct, frozen=True):
    """An instance as DescribeInstances shows it."""

    id: str
    state: str
    root_device: str | None
    root_is_ebs: bool
    devices: frozenset[str] = frozenset()
    volumes: tuple[Attached, ...] = ()
    interfaces: tuple[Attached, ...] = ()
    managed: bool = False

    @property
    def complete(self) -> bool:
        """Whether all volumes born with it can be seen: it has left `pending` and shows its root device."""
        if self.state == "pending":
            return False
        if self.state in {"shutting-down", "terminated"} or not self.root_is_ebs:
            return True
        return self.root_device is None or self.root_device in self.devices


class LaunchRecord(Struct, frozen=True):
    """What a record of RunInstances says of what it made: the reservation it names, and the token it was given."""

    event_id: str
    creation_id: str
    reservation: str | None
    token: str | None


class ReservedInstance(Struct, frozen=True):
    """What tells an instance of one launch from that of another.

    `launched_at`: when it was first launched; None of a terminated one, which shows no network interface any more.
    """

    id: str
    launched_at: datetime | None
    token: str = ""
    image: str | None = None
    type: str | None = None
    subnet: str | None = None
    zone: str | None = None
    key: str | None = None
    lifecycle: str | None = None
    tags: Mapping[str, str] = {}  # those of AWS alone, which nobody else can write


class Reservation(Struct, frozen=True):
    """What one launch made, in the account that owns it, and who launched it on that account's behalf, if anybody."""

    id: str
    account: str
    requester: str | None
    instances: tuple[ReservedInstance, ...]


class Part(Struct, frozen=True):
    """What was made beside a named resource, as a describe call shows it.

    `replaceable`: another may have taken its place since, as a VPC's main route table. `aged`: an older one can be
    among them, as an image's snapshots, so that it has to be known when it was made.
    """

    type: str
    id: str
    replaceable: bool = False
    aged: bool = False


class Account(Struct, frozen=True):
    """An account as Organizations has it. `owner` is what its owner tag says, None without one; or why it is unread."""

    name: str
    contact: str
    owner: str | Unavailable | None = None


class AccountList(Struct, frozen=True):
    """The organization's active accounts with their names, as they were read at a time with a time zone.

    `observed` are the accounts below `units`, which are the observed ones of the settings by which it was read. It is
    stored: `version` is raised when a reader must know more than the reader before.
    """

    at: datetime
    names: dict[str, str]
    units: tuple[str, ...] = ()
    observed: tuple[str, ...] = ()
    version: int = 1


class Attachment(Struct, frozen=True):
    """What an Elastic IP address is attached to: an interface, and its instance if it has one; all None: nothing."""

    instance: str | None = None
    interface: str | None = None
    private_address: str | None = None


class Found(Struct, frozen=True):
    """The answer to a question: instances, the tags of a resource, or whose something is.

    Whose it is comes as one of four: the `owner` (as the ledger decided, or a tag says), the record by which it was
    made (`maker`), the ARN of the `principal` who made it, or the ARN of the resource that it belongs to (`parent`).
    An account that is known is found with none of them. `provisional`: a better answer may still come. `born_at` is
    when a resource was made. `parts` are what was made beside it, all of it if `complete`. `launches` are the records
    of a time, all of them if `complete`, and `reservations` what was launched then.
    """

    instances: tuple[LaunchedInstance, ...] = ()
    tags: Mapping[str, str] | None = None
    owner: Owner | None = None
    maker: Record | None = None
    principal: str | None = None
    parent: str | None = None
    provisional: bool = False
    born_at: datetime | None = None
    parts: tuple[Part, ...] = ()
    complete: bool = True
    launches: tuple[LaunchRecord, ...] = ()
    reservations: tuple[Reservation, ...] = ()


class Absent(Struct, frozen=True):
    """Asked, and there is none."""


class Unavailable(Struct, frozen=True):
    """Asked, and not answered: never to be taken for absent. `not_sent` as for `Wait`."""

    outcome: OutcomeKind
    reason: str
    not_sent: bool = False

    def wait(self, unknown: str = "") -> Wait:
        """Returns the wait for this answer; `unknown` says what is not known without it."""
        return Wait(self.outcome, f"{unknown} is not known: {self.reason}" if unknown else self.reason, self.not_sent)


Fact = Found | Absent | Unavailable
Facts = Mapping[Question, Fact]


# --- who owns ------------------------------------------------------------------------------------------------


class Confidence(StrEnum):
    """How certain it is that a name is the owner's, from the most certain down."""

    PROVEN = "proven"
    ASSERTED = "asserted"
    INFERRED = "inferred"
    ACCOUNT = "account"
    NONE = "none"


class Owner(Struct, frozen=True):
    """The accountable person or team: the rule that named it, its confidence and hops, or why nobody is named."""

    name: str
    evidence: str
    confidence: Confidence
    via: tuple[str, ...] = ()
    reason: str | None = None


# --- what is to be written, and what became of it ------------------------------------------------------------


#: (key, value) pairs in the order of the settings.
TagPairs = tuple[tuple[str, str], ...]


class Write(Struct, frozen=True):
    """One call: the same tags on resources of one account and Region, at most as many as the call takes."""

    account: str
    region: str
    tag_api: str
    tags: TagPairs
    resources: tuple[Resource, ...]


class Wait(Struct, frozen=True):
    """Part of a creation can't be decided yet, and why: its message comes back.

    `not_sent`: a call was not sent, since our share of the account's quota had no token left.
    """

    outcome: OutcomeKind
    reason: str
    not_sent: bool = False


class Decision(Struct, frozen=True):
    """What was decided for one creation: whose it is, on which resources, and what is still missing.

    `settled` holds the outcomes that need no call: what has the tags already, and what is gone. `owner_may_change` says
    that the owner is only the best answer so far, so that it must not be kept as decided. `kept` has, by ARN, the keys
    that are not written, since their values stay.
    """

    creation: Creation
    owner: Owner
    tags: TagPairs
    resources: tuple[Resource, ...] = ()
    settled: tuple[Outcome, ...] = ()
    waits: tuple[Wait, ...] = ()
    owner_may_change: bool = False
    kept: Mapping[str, frozenset[str]] = {}


class Plan(Struct, frozen=True):
    """All that a batch comes to: decisions, the fewest writes that carry them out, refusals."""

    decisions: tuple[Decision, ...]
    writes: tuple[Write, ...]
    refusals: tuple[Refusal, ...]


class OutcomeKind(StrEnum):
    """What became of one resource."""

    TAGGED = "tagged"
    UNCHANGED = "unchanged"
    OBSERVED = "observed"
    KEPT = "kept"
    NOT_READY = "not-ready"
    THROTTLED = "throttled"
    GONE = "gone"
    FORBIDDEN = "forbidden"
    FAILED = "failed"


#: Why a resource has the outcome `kept`.
KEPT_IN_LEDGER = "AWS tags no such resource: kept in the ledger"


class Failure(Struct, frozen=True):
    """An error of AWS or of the way there, as a value.

    `code` is AWS's error code, or the name of botocore's exception where the call got no answer; `status` the HTTP
    status, 0 without an answer. AWS's message is not kept: it can name what must not be logged.
    """

    code: str
    status: int = 0
    answered: bool = True


#: How a write went: None is well, a failure is one of all its resources, a map has those that failed alone, by ARN.
WriteResult = Failure | Mapping[str, Failure] | None


class Outcome(Struct, frozen=True):
    """What became of one resource, why, and whether its message has to come back. `not_sent` as for `Wait`."""

    arn: str
    kind: OutcomeKind
    reason: str = ""
    is_retried: bool = False
    not_sent: bool = False


#: What isn't found this soon after its creation is most often not ready yet: another tagger lost 7 of 100 tables by
#: taking it as deleted.
YOUNG = timedelta(minutes=10)
