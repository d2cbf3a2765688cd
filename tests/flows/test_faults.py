"""What AWS does wrong, on the real SDK: each fault by its id, with outcomes, verdicts and the calls that are made.

The wire (contracts/emulated.py) fails calls as they leave the SDK, so that parsing, signing and the SDK's own retries
are real. Unless a test is about those retries, the SDK tries once.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import (
    BotoCoreError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.emulated import HOME, Call, Emulated, answer, emulated, error
from fakes import Budget, FakeAccounts, FakeAws, fake_ports
from flows.events import (
    CATALOGUE,
    SETTINGS,
    envelope,
    instance_id,
    launch,
    omitted_launch,
    tags_for,
    volume,
    volume_id,
)
from flows.hub import A, Hub, every, kinds, on_fakes, outcomes, result_of, verdicts
from ownertag.aws.sessions import client_config
from ownertag.core.judge import judge
from ownertag.core.values import Failure, Outcome, OutcomeKind, Reason, Refusal
from ownertag.flows import live
from ownertag.flows.live import Message
from ownertag.flows.run import Result

ID = volume_id(1)
OTHER = volume_id(2)


@pytest.fixture
def world() -> Iterator[Emulated]:
    with emulated() as world:
        yield world


@pytest.fixture
def hub(world: Emulated) -> Hub:
    return Hub(world)


def one(hub: Hub, code: str | Exception, status: int = 400, *, times: int | None = None, **fields: Any) -> live.Answer:
    """A volume whose CreateTags fails."""
    batch = hub.volume(hub.world.spokes[0], ID, **fields)
    hub.world.wire.fail("CreateTags", code, status, times=times)
    return hub.handle(*batch)


def old(hub: Hub) -> dict[str, Any]:
    return {"at": hub.clock() - timedelta(minutes=10)}


# --- C1, C2, C5, C6: throttles, AWS not well, no answer


def test_c1_a_throttled_account_comes_back_and_the_others_go_on(hub: Hub) -> None:
    [slow, fast] = hub.world.spokes
    batch = [*hub.volume(slow, ID, OTHER), *hub.volume(fast, ID, OTHER)]
    hub.world.wire.fail("CreateTags", "RequestLimitExceeded", 503, when=lambda call: call.account == slow)
    found = hub.handle(*batch)
    assert verdicts(found) == {
        "m0": "throttled: throttled (RequestLimitExceeded)",
        "m1": "throttled: throttled (RequestLimitExceeded)",
        "m2": "done",
        "m3": "done",
    }
    assert set(hub.world.all_tags()) == {(fast, HOME)}


def test_c1_the_sdk_tries_three_times_by_itself(world: Emulated) -> None:
    """With the timeouts and retries that the function runs with; the waits are the SDK's own."""
    hub = Hub(world, client_config())
    found = one(hub, "RequestLimitExceeded", 503, times=2)
    assert kinds(found) == {ID: "tagged"}
    assert world.wire.counts["CreateTags"] == 3


def test_c1_a_bucket_of_calls_is_not_emptied_by_one_batch(hub: Hub) -> None:
    """EC2's own limits: 100 CreateTags at once for an account and Region, then ten a second."""
    [account, _] = hub.world.spokes
    batch = hub.volume(account, *(volume_id(number) for number in range(150)))
    batch = [{**each, "userIdentity": {**each["userIdentity"], "userName": f"u{n}"}} for n, each in enumerate(batch)]
    tokens = iter(range(100))

    def bucket(call: Call) -> AWSResponse | None:
        if call.operation != "CreateTags" or next(tokens, None) is not None:
            return None
        return error(call, "RequestLimitExceeded", 503)

    hub.world.wire.rule(bucket)
    found = hub.handle(*batch)
    assert Counter(kinds(found).values()) == {"tagged": 100, "throttled": 50}
    assert hub.world.wire.counts["CreateTags"] == 101


SPELLINGS = [
    "ThrottlingException",
    "TooManyRequestsException",
    "ThrottledException",
    "ThrottledClientException",
    "RateLimitExceededException",
    "Throttling",
    "SlowDown",
    "EC2ThrottledException",
    "RequestThrottled",
]


@pytest.mark.parametrize("code", SPELLINGS)
def test_c2_every_spelling_of_a_throttle(hub: Hub, code: str) -> None:
    found = one(hub, code)
    assert verdicts(found) == {"m0": f"throttled: throttled ({code})"}
    assert kinds(found) == {ID: "throttled"}


@pytest.mark.parametrize(
    ("code", "status"),
    [("InternalError", 500), ("Unavailable", 503), ("ServiceUnavailable", 503), ("InternalFailure", 500), ("New", 502)],
)
def test_c5_aws_is_not_well(hub: Hub, code: str, status: int) -> None:
    found = one(hub, code, status, **old(hub))
    assert kinds(found) == {ID: "throttled"}
    assert code in verdicts(found)["m0"]
    assert hub.world.all_tags() == {}


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("body", ["", "<html>Bad Gateway</html>", "Service Unavailable"])
def test_c5_an_answer_that_is_none_of_ec2s(hub: Hub, status: int, body: str) -> None:
    batch = hub.volume(hub.world.spokes[0], ID)
    hub.world.wire.rule(lambda call: answer(call, status, body) if call.operation == "CreateTags" else None)
    found = hub.handle(*batch)
    assert kinds(found) == {ID: "throttled"}
    assert len(found.returned) == 1


URL = "https://ec2.eu-central-1.amazonaws.com/"
BROKEN: list[BotoCoreError] = [
    ConnectTimeoutError(endpoint_url=URL),
    ReadTimeoutError(endpoint_url=URL),
    ConnectionClosedError(endpoint_url=URL),
    EndpointConnectionError(endpoint_url=URL),
    ProxyConnectionError(proxy_url=URL),
    SSLError(endpoint_url=URL, error=ValueError("cut")),
    IncompleteReadError(actual_bytes=1, expected_bytes=2),
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: type(broken).__name__)
def test_c6_no_answer(hub: Hub, broken: BotoCoreError) -> None:
    """It is not known what was done. Nothing is split: each call would wait for its timeout."""
    batch = hub.volume(hub.world.spokes[0], ID, OTHER, **old(hub))
    hub.world.wire.fail("CreateTags", broken)
    found = hub.handle(*batch)
    assert kinds(found) == {ID: "throttled", OTHER: "throttled"}
    assert "not known" in verdicts(found)["m0"]
    assert hub.world.wire.counts["CreateTags"] == 1


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: type(broken).__name__)
@pytest.mark.parametrize("operation", ["AssumeRole", "DescribeInstances", "ListAccounts"])
def test_c6_no_answer_to_a_question(hub: Hub, operation: str, broken: BotoCoreError) -> None:
    record = launch(hub.world.spokes[0], [instance_id(1)], at=hub.clock() - timedelta(hours=1))
    hub.world.wire.fail(operation, broken)
    found = hub.handle(record)
    assert "throttled: " in verdicts(found)["m0"]
    assert hub.world.wire.counts[operation] == 1


def test_c6_timeouts_end_before_the_function_does() -> None:
    config: Any = client_config()
    attempts = config.retries["total_max_attempts"]
    assert (config.connect_timeout + config.read_timeout) * attempts <= 45


# --- C7 to C10: ids


@pytest.mark.parametrize(
    "code",
    [
        "InvalidInstanceID.NotFound",
        "InvalidVolume.NotFound",
        "InvalidNetworkInterfaceID.NotFound",
        "InvalidAMIID.NotFound",
        "InvalidGroup.NotFound",
        "InvalidSnapshot.NotFound",
        "ResourceNotFoundException",
        "NoSuchEntity",
        "DBInstanceNotFound",
        "DBInstanceNotFoundFault",
    ],
)
def test_c7_and_c8_not_found_is_not_ready_while_young_and_gone_later(hub: Hub, code: str) -> None:
    batch = hub.volume(hub.world.spokes[0], ID)
    hub.world.wire.fail("CreateTags", code)
    young = hub.handle(*batch)
    assert verdicts(young) == {"m0": f"not-ready: not found yet ({code})"}
    hub.clock.move(timedelta(minutes=9, seconds=59))
    assert len(hub.handle(*batch).returned) == 1
    hub.clock.move(timedelta(seconds=1))
    late = hub.handle(*batch)
    assert kinds(late) == {ID: "gone"}
    assert verdicts(late) == {"m0": "done"}


def test_c7_without_a_time_of_the_event_it_counts_as_young() -> None:
    judged = judge(Failure("InvalidVolume.NotFound", 400), None)
    assert (judged.outcome, judged.comes_back) == (OutcomeKind.NOT_READY, True)


def test_c7_seen_by_describe_and_not_yet_by_create_tags(hub: Hub) -> None:
    record = hub.launch(hub.world.spokes[0])
    hub.world.wire.fail("CreateTags", "InvalidInstanceID.NotFound", times=1)
    found = hub.handle(record)
    assert Counter(kinds(found).values())["tagged"] == 4 - Counter(kinds(found).values()).get("not-ready", 0)
    hub.world.wire.heal()
    assert len(hub.handle(record).done) == 1
    assert len(hub.world.tags(hub.world.spokes[0])) == 4


def test_c9_one_bad_id_of_a_thousand(hub: Hub) -> None:
    """moto fails a call that holds a volume which is not there, as EC2 does."""
    [account, _] = hub.world.spokes
    ids = [volume_id(number) for number in range(1000)]
    hub.world.add_volumes(account, [id_ for id_ in ids if id_ != volume_id(617)])
    records = [volume(account, id_, number=n, at=hub.clock() - timedelta(hours=1)) for n, id_ in enumerate(ids)]
    found = hub.handle(*records)
    assert Counter(kinds(found).values()) == {"tagged": 999, "gone": 1}
    assert len(found.done) == 1000
    assert len(hub.world.tags(account)) == 999
    assert hub.world.wire.counts == {"ListAccounts": 1, "AssumeRole": 1, "CreateTags": 2, "DescribeVolumes": 5}


@pytest.mark.parametrize("code", ["InvalidVolumeID.Malformed", "InvalidInstanceID.Malformed", "InvalidID"])
def test_c10_a_malformed_id_is_failed_and_does_not_stop_the_others(hub: Hub, code: str) -> None:
    [account, _] = hub.world.spokes
    batch = hub.volume(account, *(volume_id(number) for number in range(100)))
    hub.world.wire.fail("CreateTags", code, when=lambda call: ID in call.values("ResourceId"))
    found = hub.handle(*batch)
    assert Counter(kinds(found).values()) == {"tagged": 99, "failed": 1}
    assert kinds(found)[ID] == "failed"
    assert len(found.done) == 100
    assert hub.world.wire.counts["CreateTags"] <= 2 * 7 + 1


def test_c10_an_id_that_is_none_is_refused_before_any_call(hub: Hub) -> None:
    found = hub.handle(volume(hub.world.spokes[0], "vol-1; DROP"))
    refusal = result_of(found.done[0]).refusal
    assert refusal is not None
    assert refusal.reason is Reason.BAD_ID
    assert not hub.world.wire.calls


# --- C11 to C14: the resource and its tags


@pytest.mark.parametrize("code", ["ConcurrentTagAccess", "ConflictException", "ConcurrentModificationException"])
def test_c11_somebody_tags_it_at_the_same_time(hub: Hub, code: str) -> None:
    found = one(hub, code, times=1, **old(hub))
    assert kinds(found) == {ID: "throttled"}
    assert len(found.returned) == 1
    assert kinds(hub.handle(*hub.volume(hub.world.spokes[0], ID))) == {ID: "tagged"}


@pytest.mark.parametrize("code", ["IncorrectState", "ResourceInUseException", "InvalidDBInstanceState"])
def test_c12_not_in_a_state_that_can_be_tagged(hub: Hub, code: str) -> None:
    young = one(hub, code)
    assert kinds(young) == {ID: "not-ready"}
    hub.clock.move(timedelta(minutes=10))
    late = hub.handle(volume(hub.world.spokes[0], ID, at=hub.clock() - timedelta(minutes=10)))
    assert kinds(late) == {ID: "failed"}
    assert len(young.returned) == len(late.returned) == 1


@pytest.mark.parametrize(("has", "kind"), [(47, "tagged"), (49, "tagged"), (50, "forbidden")])
def test_c13_fifty_tags(hub: Hub, has: int, kind: str) -> None:
    [account, _] = hub.world.spokes
    batch = hub.volume(account, ID)
    full = {f"key{number}": "x" for number in range(has)}
    hub.world.ec2(account).create_tags(
        Resources=[ID], Tags=[{"Key": key, "Value": value} for key, value in full.items()]
    )
    found = hub.handle(*batch)
    assert kinds(found) == {ID: kind}
    ours = {47: tags_for("alice", "CreateVolume", hub.clock()), 49: {"owner": "alice"}, 50: {}}[has]
    assert hub.world.tags(account)[ID] == full | ours
    if kind == "forbidden":
        assert "has 50 tags already (TagLimitExceeded): remove one" in verdicts(found)["m0"]
    assert hub.world.wire.counts["CreateTags"] == (1 if has == 47 else 2)


def test_c13_other_spellings_are_the_same() -> None:
    for code in ("TagLimitExceeded", "TooManyTagsException"):
        judged = judge(Failure(code, 400), timedelta(hours=1))
        assert (judged.outcome, judged.comes_back) == (OutcomeKind.FORBIDDEN, True)


@pytest.mark.parametrize("code", ["InvalidParameterValue", "ValidationException", "InvalidTag", "InvalidParameter"])
def test_c14_a_value_is_refused(hub: Hub, code: str) -> None:
    found = one(hub, code, **old(hub))
    assert kinds(found) == {ID: "failed"}
    assert verdicts(found) == {"m0": f"failed: AWS refused ({code})"}


@settings(max_examples=1000, deadline=None)
@given(st.text(max_size=400))
def test_c14_no_name_makes_a_value_that_aws_refuses(name: str) -> None:
    aws = FakeAws()
    record = volume(A, ID)
    record["userIdentity"] = {"type": "IAMUser", "userName": name}
    assert not on_fakes(aws, json.loads(json.dumps(record, ensure_ascii=True))).returned or not _encodable(name)
    for tags in aws.places[A, HOME].tags.values():
        for value in tags.values():
            assert 1 <= len(value) <= 256
            assert not value.lower().startswith("aws:")
            assert all(char.isprintable() for char in value)


def _encodable(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


# --- C16 to C21, C24: denied


@pytest.mark.parametrize(
    "code",
    [
        "UnauthorizedOperation",
        "AccessDenied",
        "AccessDeniedException",
        "ForbiddenException",
        "NotAuthorizedException",
        "AuthorizationErrorException",
    ],
)
def test_c16_and_c17_denied(hub: Hub, code: str) -> None:
    batch = hub.volume(hub.world.spokes[0], ID, OTHER, **old(hub))
    hub.world.wire.fail(
        "CreateTags", code, 403, message="... with an explicit deny in a service control policy: vol-0000000001"
    )
    found = hub.handle(*batch)
    assert kinds(found) == {ID: "forbidden", OTHER: "forbidden"}
    assert len(found.returned) == 2
    assert f"denied ({code})" in verdicts(found)["m0"]
    assert "SCP" in verdicts(found)["m0"]
    assert "explicit deny" not in verdicts(found)["m0"]
    assert hub.world.wire.counts["CreateTags"] == 1


@pytest.mark.parametrize("code", ["UnauthorizedOperation", "AuthorizationErrorException"])
def test_c17_a_denied_question_is_never_an_empty_answer(hub: Hub, code: str) -> None:
    record = hub.launch(hub.world.spokes[0], at=hub.clock() - timedelta(hours=1))
    hub.world.wire.fail("DescribeInstances", code, 403)
    found = hub.handle(record)
    assert verdicts(found)["m0"].startswith(f"forbidden: denied ({code})")
    assert "CreateTags" not in hub.world.wire.counts


@pytest.mark.parametrize("code", ["NobodyKnowsThis", "", "Client.New", "Invalid", "404", "NotFoundish"])
@pytest.mark.parametrize("age", [timedelta(0), timedelta(days=1)])
def test_c18_an_unknown_code_is_failed_and_comes_back(hub: Hub, code: str, age: timedelta) -> None:
    found = one(hub, code, at=hub.clock() - age)
    assert kinds(found) == {ID: "failed"}
    assert len(found.returned) == 1


@cache
def modelled_codes() -> frozenset[str]:
    """The error codes of some services' tag operations, from botocore's own models."""
    services = (
        "athena backup cloudtrail cloudwatch dynamodb ecr ecs efs eks elasticache elbv2 emr events firehose glue iam"
        " kafka kinesis kms lambda logs opensearch rds redshift resourcegroupstaggingapi sagemaker secretsmanager sns"
        " sqs ssm stepfunctions sts"
    )
    session = botocore.session.Session()
    codes = set()
    for name in services.split():
        model = session.get_service_model(name)
        for operation in map(model.operation_model, model.operation_names):
            if "Tag" in operation.name or operation.name == "AssumeRole":
                codes |= {shape.metadata.get("error", {}).get("code", shape.name) for shape in operation.error_shapes}
    return frozenset(codes)


def test_c18_no_modelled_code_is_ever_done_but_what_is_gone() -> None:
    codes = modelled_codes()
    assert len(codes) > 60
    for code in codes:
        for age in (None, timedelta(0), timedelta(days=1)):
            for status in (400, 403, 404, 409, 429, 500, 503):
                judged = judge(Failure(code, status), age)
                assert judged.outcome not in {OutcomeKind.TAGGED, OutcomeKind.UNCHANGED}
                assert code in judged.reason
                if not judged.comes_back:
                    assert (judged.outcome, age) == (OutcomeKind.GONE, timedelta(days=1))
                    assert "NotFound" in code or "NoSuch" in code


def test_c19_the_role_is_missing_or_does_not_trust_the_hub(hub: Hub) -> None:
    [closed, open_] = hub.world.spokes
    hub.world.wire.fail("AssumeRole", "AccessDenied", 403, when=lambda call: closed in call.parameters["RoleArn"])
    batch = [
        *hub.volume(closed, ID, OTHER),
        launch(closed, [instance_id(1)], at=hub.clock(), number=7),
        *hub.volume(open_, ID),
    ]
    found = hub.handle(*batch)
    assert {key: value.split(":")[0] for key, value in verdicts(found).items()} == {
        "m0": "forbidden",
        "m1": "forbidden",
        "m2": "forbidden",
        "m3": "done",
    }
    assert hub.world.wire.counts == {"ListAccounts": 1, "AssumeRole": 2, "CreateTags": 1}


def test_c20_sts_is_not_active_in_the_region(hub: Hub) -> None:
    hub.world.wire.fail("AssumeRole", "RegionDisabledException", 403)
    found = hub.handle(*hub.volume(hub.world.spokes[0], ID))
    assert verdicts(found)["m0"].startswith("forbidden: Region")
    [asked] = [call for call in hub.world.wire.calls if call.operation == "AssumeRole"]
    assert "sts.eu-central-1" in str(asked.request.url) or asked.region == HOME


@pytest.mark.parametrize(
    "code", ["AuthFailure", "UnrecognizedClientException", "InvalidClientTokenId", "OptInRequired"]
)
@pytest.mark.parametrize("operation", ["CreateTags", "DescribeInstances"])
def test_c21_a_region_that_is_switched_off(hub: Hub, code: str, operation: str) -> None:
    record = hub.launch(hub.world.spokes[0], region="ap-east-1")
    hub.world.wire.fail(operation, code, 401)
    found = hub.handle(record)
    assert f"Region ap-east-1 is switched off in the account or at the hub ({code})" in verdicts(found)["m0"]
    assert verdicts(found)["m0"].startswith("forbidden: ")
    assert hub.world.wire.counts["AssumeRole"] == 1
    assert hub.world.wire.counts[operation] == 1


@pytest.mark.parametrize("code", ["RequestExpired", "ExpiredToken", "ExpiredTokenException"])
@pytest.mark.parametrize("operation", ["CreateTags", "DescribeInstances"])
def test_c22_credentials_that_expire_are_renewed_once(hub: Hub, code: str, operation: str) -> None:
    record = hub.launch(hub.world.spokes[0])
    hub.world.wire.fail(operation, code, times=1)
    found = hub.handle(record)
    assert verdicts(found) == {"m0": "done"}
    assert hub.world.wire.counts["AssumeRole"] == 2
    assert hub.world.wire.counts[operation] == 2


def test_c22_credentials_that_expire_again_are_returned(hub: Hub) -> None:
    batch = hub.volume(hub.world.spokes[0], ID, OTHER)
    hub.world.wire.fail("CreateTags", "RequestExpired")
    found = hub.handle(*batch)
    assert verdicts(found) == dict.fromkeys(["m0", "m1"], "throttled: the session is no longer valid (RequestExpired)")
    assert hub.world.wire.counts == {"ListAccounts": 1, "AssumeRole": 2, "CreateTags": 2}


@pytest.mark.parametrize("code", ["SignatureDoesNotMatch", "InvalidSignatureException", "RequestExpired"])
def test_c23_a_clock_that_is_off(hub: Hub, code: str) -> None:
    batch = hub.volume(hub.world.spokes[0], ID)
    hub.world.wire.fail("CreateTags", code, 403)
    assert kinds(hub.handle(*batch)) == {ID: "throttled"}
    assert hub.world.wire.counts["CreateTags"] == 2


def test_c23_an_event_of_the_future_is_of_age_zero(hub: Hub) -> None:
    found = one(hub, "InvalidVolume.NotFound", at=hub.clock() + timedelta(minutes=15))
    assert kinds(found) == {ID: "not-ready"}


@pytest.mark.parametrize("code", ["Blocked", "PendingVerification"])
def test_c24_a_closed_account(hub: Hub, code: str) -> None:
    found = one(hub, code, **old(hub))
    assert verdicts(found) == {"m0": f"forbidden: the account is closed or not yet verified ({code})"}


def test_c24_a_closed_account_leaves_the_list_and_is_refused(hub: Hub) -> None:
    [closed, _] = hub.world.spokes
    batch = hub.volume(closed, ID)
    hub.world.wire.fail("AssumeRole", "AccessDenied", 403)
    assert verdicts(hub.handle(*batch))["m0"].startswith("forbidden")
    hub.world.organizations.close_account(AccountId=closed)
    hub.clock.move(timedelta(minutes=5))
    assert result_of(hub.handle(*batch).done[0]).reasons[0].startswith("unknown-account")


# --- C25, C26: terminated, managed


def test_c25_a_terminated_instance_is_tagged_while_aws_takes_it_and_gone_later(hub: Hub) -> None:
    [account, _] = hub.world.spokes
    record = hub.launch(account)
    id_ = record["responseElements"]["instancesSet"]["items"][0]["instanceId"]
    hub.world.ec2(account).terminate_instances(InstanceIds=[id_])
    assert verdicts(hub.handle(record)) == {"m0": "done"}
    assert hub.world.tags(account)[id_]["owner"] == "alice"
    hub.world.wire.fail("CreateTags", "InvalidInstanceID.NotFound")
    hub.clock.move(timedelta(minutes=10))
    late = hub.handle(record)
    assert verdicts(late) == {"m0": "done"}
    assert kinds(late)[id_] == "gone"


def test_c26_what_a_service_manages_is_refused_before_any_call(hub: Hub) -> None:
    record = launch(hub.world.spokes[0], [instance_id(1)])
    record["responseElements"]["instancesSet"]["items"][0]["operator"] = {"managed": True, "principal": "eks"}
    [done] = hub.handle(record).done
    refusal = result_of(done).refusal
    assert refusal is not None
    assert refusal.reason is Reason.MANAGED_BY_SERVICE
    assert [each.id for each in refusal.resources] == [instance_id(1)]
    assert not hub.world.wire.calls


# --- the event path


@pytest.mark.parametrize("together", [True, False])
def test_e1_a_hundred_copies_of_an_event(hub: Hub, together: bool) -> None:
    [account, _] = hub.world.spokes
    record = hub.launch(account)
    for batch in [[record] * 100] if together else [[record]] * 5:
        assert not hub.handle(*batch).returned
    tags = hub.world.tags(account)
    assert set(map(str, tags.values())) == {str(tags_for("alice", "RunInstances", hub.clock()))}
    assert len(tags) == 4
    if together:
        assert hub.world.wire.counts == {"ListAccounts": 1, "AssumeRole": 1, "DescribeInstances": 1, "CreateTags": 1}


def test_e4_an_amendment_is_the_same_creation(hub: Hub) -> None:
    [account, _] = hub.world.spokes
    record = hub.launch(account)
    amended = {
        **record,
        "eventID": "00000000-0000-0000-0000-00000000000b",
        "addendum": {"reason": "UPDATED_DATA", "originalEventID": record["eventID"]},
    }
    found = hub.handle(amended, record)
    assert len(found.done) == 2
    ids = {result.decision.creation.record.creation_id for each in found.done if (result := result_of(each)).decision}
    assert ids == {record["eventID"]}
    assert hub.world.wire.counts["CreateTags"] == 1


def test_e5_an_omitted_response(hub: Hub) -> None:
    [account, _] = hub.world.spokes
    hub.world.launch(account, count=60, token="the-token")
    found = hub.handle(
        omitted_launch(account, "the-token", count=60, at=hub.clock()),
        omitted_launch(account, None, count=60, at=hub.clock(), number=1),
    )
    assert Counter(kinds(found).values()) == {"tagged": 240}
    refusal = result_of(found.done[0] if found.done[0].message.id == "m1" else found.done[1]).refusal
    assert refusal is not None
    assert refusal.reason is Reason.RESPONSE_OMITTED
    assert len(hub.world.tags(account)) == 240


def test_e7_age_counts_from_the_event_and_not_from_its_arrival(hub: Hub) -> None:
    found = one(hub, "InvalidVolume.NotFound", **old(hub))
    assert kinds(found) == {ID: "gone"}
    hub.world.wire.heal()
    assert kinds(hub.handle(*hub.volume(hub.world.spokes[0], ID, **old(hub)))) == {ID: "tagged"}
    assert hub.world.tags(hub.world.spokes[0])[ID]["dateCreated"] == (hub.clock() - timedelta(minutes=10)).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )


POISON = [
    "",
    "null",
    "[]",
    "7",
    '"text"',
    "{}",
    "{",
    "\ufeff{}",
    "\ud800",
    '{"detail": {}}',
    '{"detail": null, "detail-type": "AWS API Call via CloudTrail"}',
    "[" * 1000,
    "[" * 200_000,
    '{"detail":' * 2000 + "1" + "}" * 2000,
    "x" * (1 << 21),
    "NaN",
    '{"detail-type": 1e400}',
    json.dumps(envelope(volume(A, ID)) | {"detail": {**volume(A, ID), "eventTime": "yesterday"}}),
    json.dumps(envelope(volume(A, ID)) | {"detail": {**volume(A, ID), "eventTime": 7}}),
    json.dumps(envelope(volume(A, ID)) | {"detail": {**volume(A, ID), "userIdentity": [1]}}),
    json.dumps(envelope(volume(A, ID)) | {"detail": {**volume(A, ID), "recipientAccountId": "\uff11" * 12}}),
]


def test_e8_poison_comes_back_alone() -> None:
    aws = FakeAws()
    good = [volume(A, volume_id(number), number=number) for number in range(99)]
    for number, poison in enumerate(POISON):
        found = on_fakes(aws, *good[:50], poison, *good[50:])
        assert len(found.done) + len(found.returned) == 100
        named = [each.message.id for each in found.returned]
        assert all(result_of(each).refusal for each in found.returned)
        assert named in (["m50"], []), number
        assert len([each for each in found.done if result_of(each).refusal is None]) == 99
        if not named:  # an envelope that is readable and forged is refused with a reason, and done
            refusals = [refusal for each in found.done if (refusal := result_of(each).refusal)]
            assert [each.reason for each in refusals] == [Reason.FORGED_ENVELOPE]


def test_e8_one_poison_of_each_kind_in_one_batch() -> None:
    found = on_fakes(FakeAws(), volume(A, ID), *POISON, volume(A, OTHER, number=1))
    assert {"m0", f"m{len(POISON) + 1}"} <= {each.message.id for each in found.done}
    assert len(found.returned) >= len(POISON) - 1


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
_FIELDS = sorted({*envelope(volume(A, ID)), *volume(A, ID)})


@st.composite
def bodies(draw: st.DrawFn) -> str:
    """Anything, and events of which something was replaced by anything."""
    kind = draw(st.integers(0, 3))
    if kind == 0:
        return draw(st.text(max_size=200))
    if kind == 1:
        return json.dumps(draw(_JSON))
    event: Any = envelope(volume(A, volume_id(draw(st.integers(0, 3)))) if kind == 2 else launch(A, [instance_id(1)]))
    for name in draw(st.lists(st.sampled_from(_FIELDS), max_size=3)):
        place = event if name in event else event["detail"]
        if isinstance(place, dict):
            place[name] = draw(_JSON)
    return json.dumps(event)


@settings(max_examples=1000, deadline=None)
@given(st.lists(st.tuples(bodies(), st.integers(-3, 10_000)), max_size=6))
def test_e9_done_and_returned_are_what_was_received_whatever_it_was(batch: list[tuple[str, int]]) -> None:
    received = [Message(f"m{number % 4}", body, "", receives) for number, (body, receives) in enumerate(batch)]
    found = on_fakes_raw(received)
    assert Counter(each.message.id for each in every(found)) == Counter(each.id for each in received)
    named = [each["itemIdentifier"] for each in found.batch_item_failures["batchItemFailures"]]
    assert named == [each.message.id for each in found.returned]
    assert all(each.reasons and 1 <= each.seconds <= 300 for each in found.returned)


def on_fakes_raw(received: list[Message]) -> live.Answer:
    return live.handle(received, fake_ports(FakeAws(), FakeAccounts({A})), CATALOGUE, SETTINGS)


_RESULTS = st.builds(
    lambda where, refusal, outcome: Result(where, refusal, None, outcome),
    st.sampled_from("abcdefgh"),
    st.none() | st.builds(lambda reason: Refusal("x", reason, "why"), st.sampled_from(Reason)),
    st.lists(
        st.builds(lambda kind, back: Outcome("arn", kind, "why", back), st.sampled_from(OutcomeKind), st.booleans())
    ).map(tuple),
)


@settings(max_examples=1000, deadline=None)
@given(st.sets(st.sampled_from("abcdefgh")), st.lists(_RESULTS))
def test_e9_and_e10_the_one_exit_names_messages_of_the_input_and_all_of_them(
    names: set[str], results: list[Result]
) -> None:
    """Results that are missing come back; results of messages that nobody sent name nothing."""
    received = {name: Message(f"id-{name}", "{}") for name in sorted(names)}
    by_place = {result.where: result for result in results}
    found = live.answer(received, by_place)
    done, returned = ({each.message.id for each in part} for part in (found.done, found.returned))
    assert done | returned == {f"id-{name}" for name in names}
    assert not done & returned
    assert len(found.done) + len(found.returned) == len(names)
    for name in names - set(by_place):
        assert f"id-{name}" in returned
    for name in names & set(by_place):
        assert (f"id-{name}" in returned) == by_place[name].comes_back


def test_e9_an_empty_batch_has_an_answer_that_names_nothing() -> None:
    assert on_fakes(FakeAws()).batch_item_failures == {"batchItemFailures": []}


def test_e11_the_rest_is_returned_before_the_function_is_stopped(hub: Hub) -> None:
    """Each write takes five seconds, and there are 48."""
    [account, _] = hub.world.spokes
    batch = [
        record
        for number in range(20)
        for record in hub.volume(account, volume_id(number), user=f"user{number}", requestID=str(number))
    ]
    hub.handle(batch[0])

    began = hub.clock()

    def slow(call: Call) -> None:
        if call.operation == "CreateTags":
            hub.clock.move(timedelta(seconds=5))

    hub.world.wire.rule(slow)
    found = hub.handle(*batch, expired=lambda: hub.clock() - began >= timedelta(seconds=48))
    assert [len(found.done), len(found.returned)] == [10, 10]
    assert all("no time left" in each.reasons[0] for each in found.returned)
    assert hub.world.wire.counts["CreateTags"] == 1 + 10


def test_e11_every_moment_at_which_time_can_end(hub: Hub) -> None:
    [account, other] = hub.world.spokes
    batch = [hub.launch(account), hub.launch(other, number=1), *hub.volume(account, ID, user="bob", requestID="x")]
    for asks in range(12):
        found = hub.handle(*batch, expired=Budget(asks))
        assert len(found.done) + len(found.returned) == 3
        tagged = {id_ for tags in hub.world.all_tags().values() for id_ in tags}
        said = {id_ for id_, outcome in outcomes(found).items() if outcome.kind is OutcomeKind.TAGGED}
        assert said <= tagged
    assert len(found.done) == 3
