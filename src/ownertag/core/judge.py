"""Errors to outcomes: what an AWS error means for a resource of a certain age, and which remedy to try at once.

An unknown code is failed and comes back; nothing unknown is ever done. Codes and their sources are in
`docs/reference/errors.md`.
"""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum

from msgspec import Struct

from ownertag.core.values import YOUNG, Failure, OutcomeKind, Unavailable

# Those that botocore retries, and some that it does not. Every code that AWS models for its tag operations, and what it
# comes to, is in `tests/unit/core/codes.toml`.
_THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded", "ClientLimitExceededException", "EC2ThrottledException", "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException", "RateLimitExceededException", "RequestLimitExceeded",
        "RequestThrottled", "RequestThrottledException", "SlowDown", "ThrottledClientException", "ThrottledException",
        "ThrottledRequestException", "Throttling", "ThrottlingException", "TooManyRequestException",
        "TooManyRequestsException", "TransactionInProgressException",
    }
)  # fmt: skip
# Somebody tags the same resource now, or AWS is not well: the same call will do later.
_AGAIN = frozenset(
    {
        "ConcurrentAccess", "ConcurrentAccessException", "ConcurrentModification", "ConcurrentModificationException",
        "ConcurrentTagAccess", "ConflictException", "ConflictingOperationException", "OperationAborted",
        "OperationInProgressFailure", "OperationTimeoutException", "ReplicatedWriteConflictException",
        "RequestTimeout", "RequestTimeoutException", "ResourceConflictException", "RetryableConflictException",
        "ServiceTemporarilyUnavailableException", "ServiceUnavailable", "ServiceUnavailableException", "StaleTag",
        "TooManyUpdates", "TransactionConflictException", "Unavailable",
    }
)  # fmt: skip
_NOT_WELL = re.compile(
    r"(?:CloudHsm|[A-Z]*)(?:TagOperation)?(?:Server)?Internal(?:Server|Service)?(?:Error|Failure)?(?:Exception)?"
)
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_SKEWED = frozenset({"InvalidSignatureException", "SignatureDoesNotMatch"})
_NOT_READY = frozenset(
    {
        "ContainerInUseException", "IncorrectState", "InvalidClusterState", "InvalidClusterStateFault",
        "InvalidDBClusterEndpointStateFault", "InvalidDBClusterStateFault", "InvalidDBInstanceState",
        "InvalidReplicationGroupState", "InvalidResourceStateFault", "InvalidServerlessCacheSnapshotStateFault",
        "InvalidServerlessCacheStateFault", "InvalidStateException", "KMSInvalidStateException", "ResourceInUse",
        "ResourceInUseException", "ResourceNotReadyException", "ResourceUnavailableException",
    }
)  # fmt: skip
_MALFORMED = re.compile(r"Invalid\w*\.?Malformed|InvalidID|Invalid\w+Id\.Malformed")
_NOT_FOUND = re.compile(
    r"Invalid[\w-]*\.NotFound|[\w.]*NotFound(?:Exception|Fault)?|NoSuch\w+|\w+DoesNotExist(?:Exception)?"
    r"|UnknownResource(?:Exception|Fault)|WAFNonexistentItemException|AWS\.SimpleQueueService\.NonExistentQueue"
    r"|InvalidResourceId"  # Systems Manager's word for it (doc: AddTagsToResource)
)
_TAG_LIMIT = frozenset(
    {
        "TagLimitExceeded", "TagLimitExceededException", "TagLimitExceededFault", "TagQuotaPerResourceExceeded",
        "TagsLimitExceededException", "TagsPerResourceExceededLimitException", "TooManyTags", "TooManyTagsError",
        "TooManyTagsException", "TooManyTagsFault",
    }
)  # fmt: skip
# A limit that may be one of tags: the service does not say which.
_SOME_LIMIT = frozenset(
    {
        "CloudHsmResourceLimitExceededException", "LimitExceeded", "LimitExceededException", "LimitExceededFault",
        "OperationLimitExceeded", "ResourceLimitExceededException", "ServiceQuotaExceededException",
        "WAFLimitsExceededException",
    }
)  # fmt: skip
_TAG_POLICY = frozenset({"TagPolicy", "TagPolicyException", "TagPolicyViolation", "TagPolicyViolationException"})
_DENIED = frozenset(
    {
        "AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException",
        "AuthorizationException", "CloudHsmAccessDeniedException", "ForbiddenException",
        "InsufficientPrivilegesException", "NotAuthorizedException", "UnauthenticatedException",
        "UnauthorizedClientException", "UnauthorizedException", "UnauthorizedOperation",
    }
)  # fmt: skip
_REGION_OFF = frozenset(
    {
        "AuthFailure", "InvalidClientTokenId", "OptInRequired", "OptInRequiredException", "RegionDisabledException",
        "UnrecognizedClientException",
    }
)  # fmt: skip
_CLOSED = frozenset({"Blocked", "PendingVerification"})
# The service is not in the Region: `aws.errors` tells it by its host, which has no address, or the SDK knows none.
_NO_ENDPOINT = frozenset({"EndpointProviderError", "NoEndpoint", "UnknownEndpointError", "UnknownRegionError"})
# Nothing of its kind is ever tagged, or this one by AWS alone.
_UNTAGGABLE = frozenset(
    {
        "ArnNotSupportedException", "ManagedRuleException", "NotServiceResourceError",
        "ResourceDoesNotSupportTagging", "ResourceTypeNotSupportedException", "UnsupportedTLD",
    }
)  # fmt: skip


class Remedy(StrEnum):
    """What the flow tries at once, before the outcome stands."""

    NONE = "none"
    SPLIT = "split"  # one bad id fails a bulk call: the others have to be written without it
    NEW_SESSION = "new-session"  # assume the role anew, and repeat the call once
    OWNER_ALONE = "owner-alone"  # there is no room for all tags: the owner's name comes first


class Judgement(Struct, frozen=True):
    """How an error is handled: the outcome, whether the message is retried, why, and what to try before.

    `not_sent` as for `Wait`: the batch comes back to such a call when all others are done.
    """

    outcome: OutcomeKind
    is_retried: bool
    reason: str
    remedy: Remedy = Remedy.NONE
    not_sent: bool = False


#: The answer of a look-up that was not tried, as there was no time for one more call.
NO_TIME = Unavailable(OutcomeKind.THROTTLED, "there was no time left to look it up")


def unavailable(failure: Failure, region: str = "") -> Unavailable:
    """The fact that a failed look-up comes to."""
    judged = judge(failure, None, region)
    return Unavailable(judged.outcome, judged.reason, judged.not_sent)


def is_throttle(failure: Failure) -> bool:
    """Whether AWS says that there were too many calls."""
    return failure.answered and failure.code in _THROTTLED


def is_without_endpoint(failure: Failure) -> bool:
    """Whether the service is not in the Region, as far as the SDK and the host's name tell."""
    return failure.answered and failure.code in _NO_ENDPOINT


def is_hopeless(failure: Failure) -> bool:
    """Whether the same call can't succeed within the hour: no endpoint, or nothing that can be tagged."""
    return failure.answered and failure.code in _NO_ENDPOINT | _UNTAGGABLE


def judge(failure: Failure, age: timedelta | None, region: str = "") -> Judgement:
    """Judges a failed call: what it means for its resources.

    Args:
        failure: The error.
        age: Time since the event; None where its time is not known, which counts as young.
        region: The Region of the call, for the advice.
    """
    code = failure.code
    young = age is None or age < YOUNG
    if not failure.answered:
        return Judgement(OutcomeKind.THROTTLED, True, f"no answer ({code}): whether it was done is not known")
    if code in _THROTTLED:
        return Judgement(OutcomeKind.THROTTLED, True, f"throttled ({code})")
    if code == "Paced":  # `aws.pacing`: the call was not sent
        reason = "not sent: the share of the account's quota is used up"
        return Judgement(OutcomeKind.THROTTLED, True, reason, not_sent=True)
    if code == "Observed":  # `sinks.observing`: nothing of ours is written there
        return Judgement(OutcomeKind.OBSERVED, False, "the account is observed: nothing was written")
    if code == "ObservedUnknown":
        reason = "whether the account is observed is not known: the organization's units can't be read"
        return Judgement(OutcomeKind.NOT_READY, True, reason)
    if code in _AGAIN or _NOT_WELL.fullmatch(code):
        return Judgement(OutcomeKind.THROTTLED, True, f"AWS asks for another try ({code})")
    if code in _EXPIRED or code in _SKEWED:
        return Judgement(OutcomeKind.THROTTLED, True, f"the session is no longer valid ({code})", Remedy.NEW_SESSION)
    if code in _REGION_OFF:
        reason = f"Region {region or 'unknown'} is switched off in the account or at the hub ({code})"
        return Judgement(OutcomeKind.FORBIDDEN, True, f"{reason}: enable it, or leave it out of the settings")
    if code in _NO_ENDPOINT:
        reason = f"the service is not in Region {region or 'unknown'} ({code}): nothing of it is tagged there"
        return Judgement(OutcomeKind.FAILED, False, reason)
    if code in _UNTAGGABLE:
        return Judgement(OutcomeKind.FAILED, False, f"AWS tags no such resource ({code})", Remedy.SPLIT)
    if code in _CLOSED:
        return Judgement(OutcomeKind.FORBIDDEN, True, f"the account is closed or not yet verified ({code})")
    if code in _DENIED:
        reason = f"denied ({code}): the role lacks the permission, or an SCP or boundary denies it"
        return Judgement(OutcomeKind.FORBIDDEN, True, reason)
    if code in _TAG_POLICY:
        reason = f"the organization's tag policy refuses the value ({code})"
        return Judgement(OutcomeKind.FORBIDDEN, True, reason, Remedy.SPLIT)
    if code in _TAG_LIMIT:
        reason = f"has 50 tags already ({code}): remove one, then send the message again"
        return Judgement(OutcomeKind.FORBIDDEN, True, reason, Remedy.OWNER_ALONE)
    if code in _SOME_LIMIT:
        return Judgement(OutcomeKind.FORBIDDEN, True, f"the service takes no more tags ({code})", Remedy.OWNER_ALONE)
    if _MALFORMED.fullmatch(code):
        return Judgement(OutcomeKind.FAILED, False, f"AWS knows no such id ({code})", Remedy.SPLIT)
    if code in _NOT_READY:
        outcome = OutcomeKind.NOT_READY if young else OutcomeKind.FAILED
        return Judgement(outcome, True, f"not in a state that can be tagged ({code})", Remedy.SPLIT)
    if _NOT_FOUND.fullmatch(code):
        if young:
            return Judgement(OutcomeKind.NOT_READY, True, f"not found yet ({code})", Remedy.SPLIT)
        return Judgement(OutcomeKind.GONE, False, f"not found any more ({code})", Remedy.SPLIT)
    if failure.status >= 500:
        return Judgement(OutcomeKind.THROTTLED, True, f"AWS failed ({code}, HTTP {failure.status})")
    return Judgement(OutcomeKind.FAILED, True, f"AWS refused ({code})", Remedy.SPLIT)


def seconds_away(receives: int, jitter: float = 1.0) -> int:
    """How long a returned message stays away: 15 seconds, doubling with each receive to 5 minutes.

    Args:
        receives: How often the message was received, this time included (ApproximateReceiveCount).
        jitter: A factor, so that a batch doesn't come back all at once.
    """
    doubled: int = 15 << min(max(receives - 1, 0), 5)
    return max(1, round(min(doubled, 300) * jitter))
