"""What became of a resource, and how a call failed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from msgspec import Struct


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
