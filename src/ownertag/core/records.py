"""Types of what CloudTrail and EventBridge write, as far as it is used; a field that may be missing has a default."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from msgspec import Raw, Struct, field

from ownertag.core.arn import partition_of, role_arn

# ASCII on purpose: `\d` also matches fullwidth digits, which are no account of AWS.
ACCOUNT = re.compile(r"[0-9]{12}")
REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-[0-9]{1,2}")


class _Camel(Struct, frozen=True, rename="camel"):
    """Fields are snake case here and camel case in CloudTrail."""


class SessionIssuer(_Camel, frozen=True):
    """`sessionContext.sessionIssuer`: the role of a session, or who brokered a federated one."""

    type: str | None = None
    arn: str | None = None
    account_id: str | None = None
    user_name: str | None = None


class WebIdFederation(_Camel, frozen=True):
    """`sessionContext.webIdFederationData`; old records send it empty."""

    federated_provider: str | None = None
    attributes: dict[str, Any] | None = None


class SessionAttributes(_Camel, frozen=True):
    """`sessionContext.attributes`: when the session was made, as `2026-01-31T12:00:00Z`, and whether with MFA.

    CloudTrail writes the latter as a text, old records as a boolean.
    """

    creation_date: str | None = None
    mfa_authenticated: str | bool | None = None


class SessionContext(_Camel, frozen=True):
    """`userIdentity.sessionContext`."""

    session_issuer: SessionIssuer | None = None
    attributes: SessionAttributes | None = None
    ec2_role_delivery: str | None = None
    source_identity: str | None = None
    web_id_federation_data: WebIdFederation | None = None


class OnBehalfOf(_Camel, frozen=True):
    """`userIdentity.onBehalfOf`: the Identity Center user for whom a session acts."""

    user_id: str | None = None
    identity_store_arn: str | None = None


class InScopeOf(_Camel, frozen=True):
    """`userIdentity.inScopeOf`: the resource that holds the credentials, such as a Lambda function.

    An instance's stands in `credentialsIssuedTo` (seen), a function's in `sourceArn` (seen).
    """

    source_arn: str | None = None
    issuer_type: str | None = None
    credentials_issued_to: str | None = None

    @property
    def holder(self) -> str:
        """The ARN of what holds the credentials; empty where none is told."""
        return self.source_arn or self.credentials_issued_to or ""


class Identity(_Camel, frozen=True):
    """CloudTrail's `userIdentity`, as far as an owner can be read from it. Every field may be missing."""

    type: str | None = None
    principal_id: str | None = None
    arn: str | None = None
    account_id: str | None = None
    access_key_id: str | None = None
    user_name: str | None = None
    invoked_by: str | None = None
    identity_provider: str | None = None
    session_context: SessionContext | None = None
    on_behalf_of: OnBehalfOf | None = None
    in_scope_of: InScopeOf | None = None


class Addendum(Struct, frozen=True):
    """Why CloudTrail delivers a record again; `original_event_id` is the record that it amends."""

    original_event_id: str | None = field(name="originalEventID", default=None)


class Record(Struct, frozen=True):
    """One CloudTrail management event. Its parts stay undecoded until a row asks for them."""

    event_id: str = field(name="eventID")
    event_source: str = field(name="eventSource")
    event_name: str = field(name="eventName")
    event_time: datetime = field(name="eventTime")
    region: str = field(name="awsRegion")
    account: str = field(name="recipientAccountId")
    identity: Identity | None = field(name="userIdentity", default=None)
    error_code: str | None = field(name="errorCode", default=None)
    error_message: str | None = field(name="errorMessage", default=None)
    source_address: str | None = field(name="sourceIPAddress", default=None)
    user_agent: str | None = field(name="userAgent", default=None)
    shared_event_id: str | None = field(name="sharedEventID", default=None)
    event_type: str | None = field(name="eventType", default=None)
    category: str | None = field(name="eventCategory", default=None)
    addendum: Addendum | None = None
    resources: Raw = Raw(b"null")
    request: Raw = field(name="requestParameters", default=Raw(b"null"))
    response: Raw = field(name="responseElements", default=Raw(b"null"))

    @property
    def created_at(self) -> datetime:
        """`eventTime` in UTC; CloudTrail writes whole seconds and a Z."""
        time = self.event_time
        if time.tzinfo is UTC:
            return time
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)

    @property
    def creation_id(self) -> str:
        """The id of the creation: the same for a record and for every later amendment of it."""
        return (self.addendum and self.addendum.original_event_id) or self.event_id


#: The role of `doctor --canary` and `prove`.
CANARY_ROLE = "ownertag-canary"


def role_of(identity: Identity | None) -> str | None:
    """The ARN of the role behind a session, as CloudTrail gives it."""
    context = identity.session_context if identity else None
    issuer = context.session_issuer if context else None
    return issuer.arn if issuer else None


def is_canary(record: Record) -> bool:
    """Whether this account's canary made its placement group."""
    if record.event_name != "CreatePlacementGroup":
        return False
    return role_of(record.identity) == role_arn(partition_of(record.region), record.account, CANARY_ROLE)


#: The source and name of what stands for the record of a resource that nobody saw being made: `core.backfill.word`. No
#: event of AWS has this source. `eventType` is `UNDATED` where nothing says when the resource was made.
WORD_SOURCE, WORD_NAME, UNDATED = "ownertag", "Found", "Undated"


def is_word(record: Record) -> bool:
    """Whether this is no record of a call, but a living resource's own word of who made it."""
    return record.event_source == WORD_SOURCE and record.event_name == WORD_NAME


class Envelope(Struct, frozen=True):
    """What EventBridge wraps a record in. AWS sets `source`, `account` and `region`; a customer can't forge them."""

    account: str
    region: str
    source: str
    detail_type: str = field(name="detail-type")
    detail: Record


class Delivery(Struct, frozen=True):
    """When a message came into the queue and when it was first received, by SQS's clock in milliseconds.

    (doc: SQS API reference, Message: SentTimestamp, ApproximateFirstReceiveTimestamp.)
    """

    sent_at: datetime
    received_at: datetime


class Arrival(Struct, frozen=True):
    """A record, where it was read (a file and line, a message id), the envelope it came in, if any, and its carrier.

    `account_inferred`: nothing says in whose account it was, but an IAM user called, who has one. `delivery` is kept of
    the canary's messages alone.
    """

    where: str
    record: Record
    envelope: Envelope | None = None
    carrier: str = ""
    account_inferred: bool = False
    delivery: Delivery | None = None
