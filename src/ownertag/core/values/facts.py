"""What is asked, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from ownertag.core.catalogue_types import QuestionKind
from ownertag.core.records import Record
from ownertag.core.values.decisions import Owner, Wait
from ownertag.core.values.outcomes import OutcomeKind


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
