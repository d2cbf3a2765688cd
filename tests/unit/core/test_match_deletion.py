"""What a record of a deletion ends, by AWS's own words on each call; and what ends nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import fixtures
from harness.events import HOME, record
from ownertag.core.match_deletion import Ending, is_deletion, match_deletion
from ownertag.core.values import Reason, Refusal

A, B = fixtures.ACCOUNT, fixtures.OTHER_ACCOUNT
HERE = f"{HOME}:{A}"


def found(event: str, source: str, request: Any, response: Any = None, **fields: Any) -> Ending | Refusal:
    region = fields.pop("region", HOME)
    plain = record(event, A, region, response, request, user="bob", eventSource=f"{source}.amazonaws.com", **fields)
    plain["requestParameters"] = request
    arrival = fixtures.live_arrival(plain)
    assert is_deletion(arrival.record, fixtures.catalogue())
    return match_deletion(arrival, fixtures.catalogue(), fixtures.settings())


def ended(event: str, source: str, request: Any, response: Any = None, **fields: Any) -> list[str]:
    ending = found(event, source, request, response, **fields)
    assert isinstance(ending, Ending), ending
    assert ending.by == "bob"
    return [resource.arn for resource in ending.resources]


def refused(event: str, source: str, request: Any, response: Any = None, **fields: Any) -> tuple[Reason, str]:
    refusal = found(event, source, request, response, **fields)
    assert isinstance(refusal, Refusal), refusal
    return refusal.reason, refusal.detail


LISTED = {"instancesSet": {"items": [{"instanceId": "i-0a1b2c3d4e5f60718"}, {"instanceId": "i-0a1b2c3d4e5f60719"}]}}
BALANCER = f"arn:aws:elasticloadbalancing:{HERE}:loadbalancer/net/front/0123456789abcdef"
SECRET = f"arn:aws:secretsmanager:{HERE}:secret:db/main-a1B2c3"
TOPIC = f"arn:aws:sns:{HERE}:alerts"


@pytest.mark.parametrize(
    ("event", "source", "request_", "response", "arns"),
    [
        ("TerminateInstances", "ec2", LISTED, LISTED,
         [f"arn:aws:ec2:{HERE}:instance/i-0a1b2c3d4e5f60718", f"arn:aws:ec2:{HERE}:instance/i-0a1b2c3d4e5f60719"]),
        ("DeleteVolume", "ec2", {"volumeId": "vol-0a1b2c3d4e5f60718"}, {"_return": True},
         [f"arn:aws:ec2:{HERE}:volume/vol-0a1b2c3d4e5f60718"]),
        ("ReleaseAddress", "ec2", {"allocationId": "eipalloc-0a1b2c3d4e5f60718"}, {"_return": True},
         [f"arn:aws:ec2:{HERE}:elastic-ip/eipalloc-0a1b2c3d4e5f60718"]),
        ("DeleteNatGateway", "ec2", {"DeleteNatGatewayRequest": {"NatGatewayId": "nat-0a1b2c3d4e5f60718"}}, None,
         [f"arn:aws:ec2:{HERE}:natgateway/nat-0a1b2c3d4e5f60718"]),
        ("DeleteVpcEndpoints", "ec2",
         {"DeleteVpcEndpointsRequest": {"VpcEndpointId": {"content": "vpce-0a1b2c3d4e5f60718", "tag": 1}}},
         {"DeleteVpcEndpointsResponse": {"unsuccessful": ""}},
         [f"arn:aws:ec2:{HERE}:vpc-endpoint/vpce-0a1b2c3d4e5f60718"]),
        ("DeleteBucket", "s3", {"bucketName": "logs-of-alpha", "Host": "s3.amazonaws.com"}, None,
         ["arn:aws:s3:::logs-of-alpha"]),
        ("DeleteFunction20150331", "lambda", {"functionName": "thumbs"}, None,
         [f"arn:aws:lambda:{HERE}:function:thumbs"]),
        ("DeleteFunction20150331", "lambda", {"functionName": f"arn:aws:lambda:{HERE}:function:thumbs"}, None,
         [f"arn:aws:lambda:{HERE}:function:thumbs"]),
        ("DeleteQueue", "sqs", {"queueUrl": f"https://sqs.{HOME}.amazonaws.com/{A}/jobs.fifo"}, None,
         [f"arn:aws:sqs:{HERE}:jobs.fifo"]),
        ("DeleteTopic", "sns", {"topicArn": TOPIC}, None, [TOPIC]),
        ("DeleteRule", "events", {"name": "nightly"}, None, [f"arn:aws:events:{HERE}:rule/nightly"]),
        ("DeleteRule", "events", {"name": "nightly", "eventBusName": "orders"}, None,
         [f"arn:aws:events:{HERE}:rule/orders/nightly"]),
        ("DeleteLoadBalancer", "elasticloadbalancing", {"loadBalancerArn": BALANCER}, None, [BALANCER]),
        ("DeleteLoadBalancer", "elasticloadbalancing", {"loadBalancerName": "old"}, None,
         [f"arn:aws:elasticloadbalancing:{HERE}:loadbalancer/old"]),
        ("DeleteService", "ecs", {"service": "web"}, None, [f"arn:aws:ecs:{HERE}:service/default/web"]),
        ("DeleteAlarms", "monitoring", {"alarmNames": ["cpu", "disk"]}, None,
         [f"arn:aws:cloudwatch:{HERE}:alarm:cpu", f"arn:aws:cloudwatch:{HERE}:alarm:disk"]),
        ("DeleteParameters", "ssm", {"names": ["/a/b", "/c"]},
         {"deletedParameters": ["/a/b"], "invalidParameters": ["/c"]},
         [f"arn:aws:ssm:{HERE}:parameter/a/b"]),
        ("DeleteSecret", "secretsmanager", {"secretId": "db/main", "forceDeleteWithoutRecovery": True},
         {"aRN": SECRET, "name": "db/main"}, [SECRET]),
        ("DeleteWebACL", "wafv2", {"name": "front", "scope": "REGIONAL", "id": "0a1b2c3d-1111-4222-8333-444455556666"},
         None, [f"arn:aws:wafv2:{HERE}:regional/webacl/front/0a1b2c3d-1111-4222-8333-444455556666"]),
    ],
)  # fmt: skip
def test_what_a_call_deletes(event: str, source: str, request_: Any, response: Any, arns: list[str]) -> None:
    assert ended(event, source, request_, response) == arns


def test_a_failed_call_ends_nothing() -> None:
    volume = {"volumeId": "vol-0a1b2c3d4e5f60718"}
    assert refused("DeleteVolume", "ec2", volume, errorCode="VolumeInUse")[0] is Reason.FAILED_CALL
    assert refused("DeleteVolume", "ec2", volume, errorCode="Client.DryRunOperation")[0] is Reason.FAILED_CALL


def test_another_account_or_region_is_refused() -> None:
    other = f"arn:aws:sns:{HOME}:{B}:alerts"
    assert refused("DeleteTopic", "sns", {"topicArn": other})[0] is Reason.OTHER_ACCOUNT
    elsewhere = f"arn:aws:sns:eu-west-1:{A}:alerts"
    assert refused("DeleteTopic", "sns", {"topicArn": elsewhere})[0] is Reason.OTHER_REGION
    shared = [{"ARN": "arn:aws:s3:::logs-of-alpha", "accountId": B, "type": "AWS::S3::Bucket"}]
    assert refused("DeleteBucket", "s3", {"bucketName": "logs-of-alpha"}, resources=shared)[0] is Reason.OTHER_ACCOUNT


def test_what_stays_for_a_while_has_not_ended() -> None:
    reason, detail = refused("DeleteSecret", "secretsmanager", {"secretId": "db/main"}, {"aRN": SECRET})
    assert (reason, "restored" in detail) == (Reason.NO_DELETION, True)
    # A key's deletion can be cancelled for a week at least (KMS API reference, ScheduleKeyDeletion).
    assert ("kms.amazonaws.com", "ScheduleKeyDeletion") not in fixtures.catalogue().endings


def test_a_version_of_a_function_is_not_the_function() -> None:
    assert refused("DeleteFunction20150331", "lambda", {"functionName": "thumbs", "qualifier": "3"})[0] is (
        Reason.NO_RESOURCE
    )


def test_a_list_of_which_some_failed_ends_none_that_is_not_known() -> None:
    request = {"DeleteVpcEndpointsRequest": {"VpcEndpointId": {"content": "vpce-0a1b2c3d4e5f60718", "tag": 1}}}
    failed = {"DeleteVpcEndpointsResponse": {"unsuccessful": {"item": {"resourceId": "vpce-0a1b2c3d4e5f60718"}}}}
    assert refused("DeleteVpcEndpoints", "ec2", request, failed)[0] is Reason.NO_RESOURCE


def test_every_deletion_ends_types_of_rows_that_are_on() -> None:
    catalogue = fixtures.catalogue()
    made = {makes.type.name for row in catalogue.rows.values() for makes in row.makes} | {"ec2:volume"}
    assert len(catalogue.endings) > 200
    assert {ends.type.name for row in catalogue.endings.values() for ends in row.ends} <= made


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_json_raises(data: st.DataObject) -> None:
    """Any JSON as request, answer and resources, and at each place where a path looks."""
    row = data.draw(st.sampled_from(sorted(fixtures.catalogue().endings.values(), key=lambda row: row.event_name)))
    parts: dict[str, Any] = {"request": {}, "response": {}}
    for ends in row.ends:
        paths = (*ends.each, *ends.arns, *(path for composed in ends.composed for path, _ in composed.parts))
        for path in paths:
            value = data.draw(_JSON)
            for key in reversed(path[1:]):
                value = [value] if key == "[]" else {key: value}
            if isinstance(value, dict):
                parts[str(path[0])] |= value
    plain = record(row.event_name, A, HOME, None, eventSource=row.event_source)
    plain["requestParameters"] = data.draw(st.just(parts["request"]) | _JSON)
    plain["responseElements"] = data.draw(st.just(parts["response"]) | _JSON)
    plain["resources"] = data.draw(_JSON)
    plain = json.loads(json.dumps(plain))
    assert isinstance(
        match_deletion(fixtures.live_arrival(plain), fixtures.catalogue(), fixtures.settings()), Ending | Refusal
    )
