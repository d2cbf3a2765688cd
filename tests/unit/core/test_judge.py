"""What each error of AWS comes to, for young and old resources: unknown is failed and comes back, never done."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownertag.core.judge import Remedy, judge, seconds_away
from ownertag.core.values import YOUNG, Failure, OutcomeKind

NEW = timedelta(0)
ALMOST_OLD = YOUNG - timedelta(seconds=1)
OLD = YOUNG
ANCIENT = timedelta(days=400)
AGES = {"new": NEW, "almost-old": ALMOST_OLD, "old": OLD, "ancient": ANCIENT, "unknown-age": None}

T, F, N, G = OutcomeKind.THROTTLED, OutcomeKind.FORBIDDEN, OutcomeKind.NOT_READY, OutcomeKind.GONE
FAILED = OutcomeKind.FAILED

#: fault: (codes, HTTP status, what it is while young, what it is when old, remedy); each may come back or be done.
FAULTS: dict[str, tuple[str, int, tuple[OutcomeKind, bool], tuple[OutcomeKind, bool], Remedy]] = {
    "C1 EC2 throttles": ("RequestLimitExceeded EC2ThrottledException", 503, (T, True), (T, True), Remedy.NONE),
    "C2 throttled by other names": (
        (
            "ThrottlingException TooManyRequestsException ThrottledException ThrottledClientException "
            "RateLimitExceededException Throttling RequestThrottled RequestThrottledException "
            "ProvisionedThroughputExceededException SlowDown BandwidthLimitExceeded "
            "PriorRequestNotComplete TransactionInProgressException"
        ),
        400,
        (T, True),
        (T, True),
        Remedy.NONE,
    ),
    "C4 a limit that may be of tags": ("LimitExceededException", 400, (F, True), (F, True), Remedy.OWNER_ALONE),
    "C5 AWS is not well": (
        "InternalError InternalFailure InternalServerError Unavailable ServiceUnavailable ServiceUnavailableException",
        500,
        (T, True),
        (T, True),
        Remedy.NONE,
    ),
    "C5 unheard-of codes of 500": ("SomethingBroke ValidationException 500", 500, (T, True), (T, True), Remedy.NONE),
    "C5 unheard-of codes of 503": ("SomethingBroke", 503, (T, True), (T, True), Remedy.NONE),
    "C7 C8 not found": (
        (
            "InvalidInstanceID.NotFound InvalidVolume.NotFound InvalidNetworkInterfaceID.NotFound "
            "InvalidSnapshot.NotFound InvalidAMIID.NotFound InvalidVpcID.NotFound InvalidGroup.NotFound "
            "InvalidKeyPair.NotFound NatGatewayNotFound "
            "InvalidVpcEndpointId.NotFound InvalidLaunchTemplateId.NotFound InvalidPlacementGroup.NotFound "
            "InvalidSpotInstanceRequestID.NotFound InvalidAllocationID.NotFound InvalidCapacityReservationId.NotFound "
            "ResourceNotFoundException NotFoundException DBInstanceNotFound DBClusterNotFoundFault NoSuchEntity "
            "NoSuchBucket"
        ),
        400,
        (N, True),
        (G, False),
        Remedy.SPLIT,
    ),
    "C10 malformed": (
        (
            "InvalidInstanceID.Malformed InvalidID InvalidVpcID.Malformed InvalidSnapshotID.Malformed "
            "InvalidAMIID.Malformed InvalidLaunchTemplateId.Malformed"
        ),
        400,
        (FAILED, False),
        (FAILED, False),
        Remedy.SPLIT,
    ),
    "C11 tagged at the same time": (
        "ConcurrentTagAccess ConflictException ConcurrentModificationException ConcurrentAccess OperationAborted",
        409,
        (T, True),
        (T, True),
        Remedy.NONE,
    ),
    "C12 not in a state to be tagged": (
        (
            "ResourceInUseException InvalidDBInstanceState InvalidDBClusterStateFault InvalidReplicationGroupState "
            "InvalidServerlessCacheStateFault ResourceNotReadyException IncorrectState"
        ),
        400,
        (N, True),
        (FAILED, True),
        Remedy.SPLIT,
    ),
    "C13 fifty tags": ("TagLimitExceeded TooManyTagsException", 400, (F, True), (F, True), Remedy.OWNER_ALONE),
    "C14 value refused": ("InvalidParameterValue ValidationError", 400, (FAILED, True), (FAILED, True), Remedy.SPLIT),
    "C15 tag policy": (
        "TagPolicyViolation TagPolicyViolationException TagPolicyException",
        400,
        (F, True),
        (F, True),
        Remedy.SPLIT,
    ),
    "C16 C19 denied": (
        "UnauthorizedOperation AccessDeniedException AccessDenied",
        403,
        (F, True),
        (F, True),
        Remedy.NONE,
    ),
    "C17 denied by other names": (
        "ForbiddenException NotAuthorizedException AuthorizationErrorException",
        403,
        (F, True),
        (F, True),
        Remedy.NONE,
    ),
    "C18 unknown": ("SomethingNew Client.Whatever", 400, (FAILED, True), (FAILED, True), Remedy.SPLIT),
    "C20 C21 Region off": (
        "RegionDisabledException AuthFailure UnrecognizedClientException InvalidClientTokenId OptInRequired",
        401,
        (F, True),
        (F, True),
        Remedy.NONE,
    ),
    "C22 session expired": (
        "RequestExpired ExpiredTokenException ExpiredToken",
        400,
        (T, True),
        (T, True),
        Remedy.NEW_SESSION,
    ),
    "C23 clock skew": (
        "SignatureDoesNotMatch InvalidSignatureException",
        403,
        (T, True),
        (T, True),
        Remedy.NEW_SESSION,
    ),
    "C24 account closed": ("Blocked PendingVerification", 403, (F, True), (F, True), Remedy.NONE),
}
CODES = [
    pytest.param(code, *rest, id=f"{fault}: {code}")
    for fault, (codes, *rest) in FAULTS.items()
    for code in codes.split()
]


@pytest.mark.parametrize(("code", "status", "young", "old", "remedy"), CODES)
def test_an_error_has_its_outcome_at_every_age(
    code: str, status: int, young: tuple[OutcomeKind, bool], old: tuple[OutcomeKind, bool], remedy: Remedy
) -> None:
    for name, age in AGES.items():
        judged = judge(Failure(code, status), age, "eu-central-1")
        expected = old if name in {"old", "ancient"} else young
        assert (judged.outcome, judged.is_retried, judged.remedy) == (*expected, remedy), name
        assert code in judged.reason


def test_every_call_fault_that_has_a_code_is_in_the_table() -> None:
    named = {int(number) for fault in FAULTS for number in re.findall(r"C(\d+)", fault)}
    # C3, C6 and C9 have tests of their own or below; what is left is no error of a tagging call.
    assert named | {3, 6, 9} == set(range(1, 25))


@pytest.mark.parametrize(
    "name", ["ConnectTimeoutError", "ReadTimeoutError", "ConnectionClosedError", "EndpointConnectionError", "OutOfTime"]
)
@pytest.mark.parametrize("age", AGES.values(), ids=AGES)
def test_without_an_answer_the_message_comes_back(name: str, age: timedelta | None) -> None:
    """C6: whether it was done is not known."""
    judged = judge(Failure(name, answered=False), age)
    assert (judged.outcome, judged.is_retried, judged.remedy) == (T, True, Remedy.NONE)


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "InvalidInstanceID.NotFound", "InvalidID"])
def test_a_code_without_an_answer_is_not_an_answer(code: str) -> None:
    assert judge(Failure(code, answered=False), ANCIENT).is_retried


@pytest.mark.parametrize("code", ["AuthFailure", "OptInRequired"])
def test_a_region_that_is_off_is_named(code: str) -> None:
    assert "me-south-1" in judge(Failure(code, 401), NEW, "me-south-1").reason
    assert "enable it" in judge(Failure(code, 401), NEW, "me-south-1").reason


def test_advice_names_what_is_in_the_way() -> None:
    assert "tag policy" in judge(Failure("TagPolicyViolation", 400), NEW).reason
    assert "SCP" in judge(Failure("UnauthorizedOperation", 403), NEW).reason
    assert "50 tags" in judge(Failure("TagLimitExceeded", 400), NEW).reason
    assert "closed" in judge(Failure("Blocked", 403), NEW).reason


@pytest.mark.parametrize("code", ["InvalidInstanceID.NotFound\n", "xNotFoundx", "NotFound!", "Not Found", "NOTFOUND"])
def test_what_only_looks_like_not_found_is_failed(code: str) -> None:
    judged = judge(Failure(code, 400), ANCIENT)
    assert (judged.outcome, judged.is_retried) == (OutcomeKind.FAILED, True)


# --- how long a message stays away


@pytest.mark.parametrize(
    ("receives", "seconds"), [(-1, 15), (0, 15), (1, 15), (2, 30), (3, 60), (4, 120), (5, 240), (6, 300), (10_000, 300)]
)
def test_a_message_stays_away_longer_each_time_up_to_five_minutes(receives: int, seconds: int) -> None:
    assert seconds_away(receives) == seconds


@given(st.integers(-10, 10**9), st.floats(0, 2, allow_nan=False))
def test_a_message_stays_away_at_least_a_second_and_at_most_ten_minutes(receives: int, jitter: float) -> None:
    assert 1 <= seconds_away(receives, jitter) <= 600
