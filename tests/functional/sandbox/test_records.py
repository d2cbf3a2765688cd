"""Records of every service: what real and documented records show, held against those of calls of the sandbox."""

from __future__ import annotations

from contextlib import closing, suppress
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from botocore.exceptions import ClientError
from botocore.loaders import Loader
from moto.backend_index import backend_url_patterns

from ownertag.sandbox.records import routes
from ownertag.sandbox.records.documented import documented
from ownertag.sandbox.records.models import clients
from ownertag.sandbox.records.operations import is_recorded
from ownertag.sandbox.sandbox import Sandbox

WEB, REGION = "333333333333", "eu-west-2"
ROLE = f"arn:aws:iam::{WEB}:role/developer"
TAGS = [{"Key": "team", "Value": "web"}]


def call(sandbox: Sandbox, service: str, operation: str, region: str = REGION, **params: Any) -> Any:
    with closing(sandbox.client(sandbox.session("alice", region), service)) as client:
        return getattr(client, operation)(**params)


def recorded(sandbox: Sandbox, service: str, operation: str, **params: Any) -> dict[str, Any]:
    """The one record that a call leaves, in whatever Region."""
    before = {record["eventID"] for record in sandbox.recorder.all()}
    with suppress(ClientError):
        call(sandbox, service, operation, **params)
    [record] = [record for record in sandbox.recorder.all() if record["eventID"] not in before]
    return record


def zipped() -> bytes:
    content = BytesIO()
    with ZipFile(content, "w") as archive:
        archive.writestr("index.py", "")
    return content.getvalue()


def test_json(sandbox: Sandbox) -> None:
    # The example of CreateTable in the DynamoDB Developer Guide, "Logging DynamoDB operations by using AWS CloudTrail".
    record = recorded(
        sandbox,
        "dynamodb",
        "create_table",
        TableName="Music",
        KeySchema=[{"AttributeName": "Artist", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Artist", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 10, "WriteCapacityUnits": 10},
    )
    assert (record["eventSource"], record["eventName"], record["awsRegion"]) == (
        "dynamodb.amazonaws.com",
        "CreateTable",
        REGION,
    )
    assert record["apiVersion"] == "2012-08-10"
    assert record["requestParameters"] == {
        "tableName": "Music",
        "keySchema": [{"attributeName": "Artist", "keyType": "HASH"}],
        "attributeDefinitions": [{"attributeName": "Artist", "attributeType": "S"}],
        "provisionedThroughput": {"writeCapacityUnits": 10, "readCapacityUnits": 10},
    }
    table = record["responseElements"]["tableDescription"]
    assert table["tableArn"] == f"arn:aws:dynamodb:{REGION}:{WEB}:table/Music"
    assert table["creationDateTime"].endswith(("AM", "PM"))


def test_query_without_its_wrapper_and_without_its_password(sandbox: Sandbox) -> None:
    # The example of CreateDBInstance in the RDS User Guide, "Monitoring Amazon RDS API calls in AWS CloudTrail".
    record = recorded(
        sandbox,
        "rds",
        "create_db_instance",
        DBInstanceIdentifier="test-instance",
        Engine="mysql",
        AllocatedStorage=20,
        DBInstanceClass="db.m1.small",
        MasterUsername="myawsuser",
        MasterUserPassword="not-to-be-seen",
        EnableCloudwatchLogsExports=["audit"],
        Tags=TAGS,
    )
    assert record["requestParameters"] == {
        "enableCloudwatchLogsExports": ["audit"],
        "dBInstanceIdentifier": "test-instance",
        "engine": "mysql",
        "masterUsername": "myawsuser",
        "allocatedStorage": 20,
        "dBInstanceClass": "db.m1.small",
        "masterUserPassword": "****",
        "tags": [{"key": "team", "value": "web"}],
    }
    assert record["responseElements"]["dBInstanceArn"] == f"arn:aws:rds:{REGION}:{WEB}:db:test-instance"
    assert record["responseElements"]["dBParameterGroups"][0]["parameterApplyStatus"] == "in-sync"
    assert "apiVersion" not in record


def test_two_apis_of_one_event_name_differ_in_their_version(sandbox: Sandbox) -> None:
    listener = {"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}
    with closing(sandbox.client(sandbox.session("alice", REGION), "ec2")) as ec2:
        subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"][:2]]
    new = recorded(sandbox, "elbv2", "create_load_balancer", Name="my-load-balancer", Subnets=subnets)
    old = recorded(
        sandbox,
        "elb",
        "create_load_balancer",
        LoadBalancerName="LinuxTest",
        Listeners=[listener],
        AvailabilityZones=[f"{REGION}a"],
    )
    assert {new["eventSource"], old["eventSource"]} == {"elasticloadbalancing.amazonaws.com"}
    assert (new["apiVersion"], old.get("apiVersion")) == ("2015-12-01", None)
    assert new["responseElements"]["loadBalancers"][0]["loadBalancerArn"].startswith("arn:aws:elasticloadbalancing:")
    assert list(old["responseElements"]) == ["dNSName"]
    assert old["requestParameters"]["listeners"] == [
        {"protocol": "HTTP", "loadBalancerPort": 80, "instancePort": 80},
    ]


def test_rest_json_with_the_address_and_without_code_and_variables(sandbox: Sandbox) -> None:
    # Real records of Lambda (eventVersion 1.08) have `environment` empty; the documentation says that code is left out.
    record = recorded(
        sandbox,
        "lambda",
        "create_function",
        FunctionName="web",
        Runtime="python3.12",
        Role=ROLE,
        Handler="index.run",
        Code={"ZipFile": zipped()},
        Environment={"Variables": {"TOKEN": "not-to-be-seen"}},
        Tags={"team": "web"},
    )
    assert record["eventName"] == "CreateFunction20150331"
    assert record["requestParameters"] == {
        "functionName": "web",
        "runtime": "python3.12",
        "role": ROLE,
        "handler": "index.run",
        "code": {},
        "environment": {},
        "tags": {"team": "web"},
    }
    arn = record["responseElements"]["functionArn"]
    assert record["responseElements"]["environment"] == {}
    tagged = recorded(sandbox, "lambda", "tag_resource", Resource=arn, Tags={"Team": "other"})
    assert (tagged["eventName"], tagged["responseElements"]) == ("TagResource20170331v2", None)
    assert tagged["requestParameters"] == {"resource": arn, "tags": {"Team": "other"}}
    untagged = recorded(sandbox, "lambda", "untag_resource", Resource=arn, TagKeys=["Team", "team"])
    assert untagged["eventName"] == "UntagResource20170331v2"
    assert untagged["requestParameters"] == {"resource": arn, "tagKeys": ["Team", "team"]}


def test_the_event_source_of_amazon_mq_is_not_what_its_calls_are_signed_for(sandbox: Sandbox) -> None:
    # The example of CreateBroker in the Amazon MQ Developer Guide, "Logging Amazon MQ API calls using AWS CloudTrail".
    record = recorded(
        sandbox,
        "mq",
        "create_broker",
        BrokerName="MyBroker",
        DeploymentMode="SINGLE_INSTANCE",
        EngineType="ActiveMQ",
        EngineVersion="5.15.9",
        HostInstanceType="mq.m5.large",
        PubliclyAccessible=True,
        AutoMinorVersionUpgrade=False,
        CreatorRequestId="1",
        Users=[
            {"Username": "MyUsername123", "Password": "not-to-be-seen", "ConsoleAccess": True, "Groups": ["admins"]}
        ],
    )
    assert record["eventSource"] == "amazonmq.amazonaws.com"
    assert record["requestParameters"]["users"] == [
        {"username": "MyUsername123", "password": "***", "consoleAccess": True, "groups": ["admins"]}
    ]
    assert set(record["responseElements"]) == {"brokerId", "brokerArn"}


def test_rest_xml_in_the_region_of_a_global_service(sandbox: Sandbox) -> None:
    # The example of CreateHealthCheck in the Route 53 Developer Guide, "Logging Amazon Route 53 API calls".
    config = {"IPAddress": "192.0.2.249", "Port": 80, "Type": "TCP"}
    record = recorded(
        sandbox, "route53", "create_health_check", CallerReference="2014-05-06 64832", HealthCheckConfig=config
    )
    assert (record["awsRegion"], record["apiVersion"]) == ("us-east-1", "2013-04-01")
    assert record["requestParameters"] == {
        "callerReference": "2014-05-06 64832",
        "healthCheckConfig": {"iPAddress": "192.0.2.249", "port": 80, "type": "TCP"},
    }
    assert {"callerReference", "healthCheckConfig", "id"} <= set(record["responseElements"]["healthCheck"])
    id_ = record["responseElements"]["healthCheck"]["id"]
    tagged = recorded(
        sandbox, "route53", "change_tags_for_resource", ResourceType="healthcheck", ResourceId=id_, AddTags=TAGS
    )
    assert tagged["requestParameters"] == {
        "resourceType": "healthcheck",
        "resourceId": id_,
        "addTags": [{"key": "team", "value": "web"}],
    }


def test_a_bucket(sandbox: Sandbox) -> None:
    record = recorded(
        sandbox,
        "s3",
        "create_bucket",
        Bucket="web-bucket",
        ACL="private",
        CreateBucketConfiguration={"LocationConstraint": REGION},
    )
    namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
    assert (record["eventName"], record["awsRegion"], record["responseElements"]) == ("CreateBucket", REGION, None)
    assert record["requestParameters"] == {
        "CreateBucketConfiguration": {"xmlns": namespace, "LocationConstraint": REGION},
        "bucketName": "web-bucket",
        "Host": f"s3.{REGION}.amazonaws.com",
        "x-amz-acl": "private",
    }
    several = [*TAGS, {"Key": "stage", "Value": "test"}]
    for tags in (TAGS, several):
        tagged = recorded(sandbox, "s3", "put_bucket_tagging", Bucket="web-bucket", Tagging={"TagSet": tags})
        assert tagged["requestParameters"] == {
            "Tagging": {"xmlns": namespace, "TagSet": {"Tag": tags if len(tags) > 1 else tags[0]}},
            "tagging": "",
            "bucketName": "web-bucket",
            "Host": f"s3.{REGION}.amazonaws.com",
        }
    blocked = recorded(sandbox, "s3", "delete_public_access_block", Bucket="web-bucket")
    assert blocked["eventName"] == "DeleteBucketPublicAccessBlock"


def test_smithy_rpc_with_cbor(sandbox: Sandbox) -> None:
    # The example of PutMetricAlarm in the CloudWatch User Guide, "Logging Amazon CloudWatch API calls".
    record = recorded(
        sandbox,
        "cloudwatch",
        "put_metric_alarm",
        AlarmName="CloudTrail Test Alarm",
        MetricName="CloudTrail Test",
        Namespace="AWS/CloudWatch",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=3,
        Threshold=50.0,
        ComparisonOperator="GreaterThanThreshold",
    )
    assert record["eventSource"] == "monitoring.amazonaws.com"
    assert record["requestParameters"] == {
        "threshold": 50.0,
        "period": 60,
        "metricName": "CloudTrail Test",
        "evaluationPeriods": 3,
        "comparisonOperator": "GreaterThanThreshold",
        "namespace": "AWS/CloudWatch",
        "alarmName": "CloudTrail Test Alarm",
        "statistic": "Sum",
    }
    assert record["responseElements"] is None


@pytest.mark.parametrize(
    ("service", "operation", "params", "code"),
    [
        ("dynamodb", "delete_table", {"TableName": "nowhere"}, "ResourceNotFoundException"),
        ("iam", "tag_role", {"RoleName": "nobody", "Tags": TAGS}, "NoSuchEntityException"),
        ("rds", "delete_db_instance", {"DBInstanceIdentifier": "nothing"}, "DBInstanceNotFoundFault"),
        ("lambda", "delete_function", {"FunctionName": "nothing"}, "ResourceNotFoundException"),
        ("s3", "put_bucket_tagging", {"Bucket": "nowhere-at-all", "Tagging": {"TagSet": TAGS}}, "NoSuchBucket"),
        (
            "cloudwatch",
            "set_alarm_state",
            {"AlarmName": "none", "StateValue": "OK", "StateReason": "no reason"},
            "ResourceNotFound",
        ),
        ("ec2", "create_subnet", {"VpcId": "vpc-0", "CidrBlock": "10.0.0.0/24"}, "Client.InvalidVpcID.NotFound"),
    ],
)
def test_an_error_of_every_protocol_is_named_as_the_service_names_it(
    sandbox: Sandbox, service: str, operation: str, params: dict[str, Any], code: str
) -> None:
    record = recorded(sandbox, service, operation, **params)
    assert record["errorCode"] == code
    assert record["responseElements"] is None


def test_what_reads_and_what_happens_to_data_is_no_management_event(sandbox: Sandbox) -> None:
    call(sandbox, "sqs", "create_queue", QueueName="quiet")
    call(sandbox, "s3", "create_bucket", "us-east-1", Bucket="quiet-bucket")
    before = len(sandbox.recorder.all())
    url = call(sandbox, "sqs", "get_queue_url", QueueName="quiet")["QueueUrl"]
    call(sandbox, "sqs", "send_message", QueueUrl=url, MessageBody="hello")
    call(sandbox, "sqs", "receive_message", QueueUrl=url)
    call(sandbox, "s3", "put_object", "us-east-1", Bucket="quiet-bucket", Key="a/b", Body=b"content")
    call(sandbox, "s3", "list_objects_v2", "us-east-1", Bucket="quiet-bucket")
    call(sandbox, "iam", "list_roles")
    call(sandbox, "ec2", "describe_vpcs")
    call(sandbox, "cloudwatch", "put_metric_data", Namespace="Own", MetricData=[{"MetricName": "a", "Value": 1.0}])
    call(sandbox, "sts", "get_caller_identity")
    assert len(sandbox.recorder.all()) == before


@pytest.mark.parametrize(
    ("client", "method", "target", "operation", "labels"),
    [
        ("s3", "PUT", "/bucket?tagging", "PutBucketTagging", {"Bucket": "bucket"}),
        ("s3", "POST", "/bucket/a/b?uploads", "CreateMultipartUpload", {"Bucket": "bucket", "Key": "a/b"}),
        (
            "lambda",
            "POST",
            "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aeu-west-2%3A333333333333%3Afunction%3Aweb",
            "TagResource",
            {"Resource": f"arn:aws:lambda:{REGION}:{WEB}:function:web"},
        ),
        ("cloudfront", "POST", "/2020-05-31/distribution?WithTags", "CreateDistributionWithTags", {}),
        ("cloudfront", "POST", "/2020-05-31/distribution", "CreateDistribution", {}),
        ("apigateway", "POST", "/restapis/abc/stages/", "CreateStage", {"restapi_id": "abc"}),
        ("apigatewayv2", "POST", "/v2/apis/abc/stages", "CreateStage", {"apiId": "abc"}),
        ("s3", "PUT", "/", None, {}),
    ],
)
def test_an_address_is_the_operation_of_the_api(
    client: str, method: str, target: str, operation: str | None, labels: dict[str, str]
) -> None:
    found = routes.find(client, method, target)
    assert (found[0] if found else None) == operation
    if found:
        assert found[1].labels == labels


def test_the_names_that_calls_are_signed_for_are_those_of_the_models() -> None:
    loader = Loader()
    served = {name for name, _ in backend_url_patterns}
    of_moto = {"awslambda": "lambda", "applicationautoscaling": "application-autoscaling"}
    found: dict[str, set[str]] = {}
    for client in loader.list_available_services("service-2"):
        if client.replace("-", "") in {name.replace("_", "") for name in served} or client in of_moto.values():
            metadata = loader.load_service_model(client, "service-2")["metadata"]
            signed = metadata.get("signingName") or metadata["endpointPrefix"]
            found.setdefault(signed, set()).add(client)
    assert len(found) > 100
    assert {name: known - {*clients(name)} for name, known in found.items() if known - {*clients(name)}} == {}


def test_every_operation_that_is_named_by_hand_exists() -> None:
    loader = Loader()
    names: dict[str, set[str]] = {}
    for table in ("data_events", "null_answers", "recorded"):
        for service, listed in documented(table).items():
            names.setdefault(service, set()).update(set(listed) - {"*"})
    names["lambda"] |= set(documented("event_names")["v2"])
    names["s3"] = names.get("s3", set()) | set(documented("event_names")["s3"])
    for service, listed in names.items():
        known = {
            name for client in clients(service) for name in loader.load_service_model(client, "service-2")["operations"]
        }
        assert listed <= known, service
    assert not is_recorded("iam", "ListRoles")
