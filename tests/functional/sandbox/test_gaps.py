"""What moto lacks and the sandbox supplies, and that odd input to it gets AWS's refusal, not a broken answer."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from threading import Thread
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from harness.waiting import wait
from ownertag.sandbox.demo_launches import IMAGE
from ownertag.sandbox.identities import Identities
from ownertag.sandbox.organization import SandboxOrganization, role_id, sandbox_session
from ownertag.sandbox.personas import HOME_REGION, PERSONAS
from ownertag.sandbox.sandbox import Sandbox

WEB = "333333333333"
RESEARCH = "555555555555"
ISSUER = "oidc.example.com/id/1"
SAML_PROVIDER = f"arn:aws:iam::{WEB}:saml-provider/Corp"


def _keys(given: Mapping[str, Any]) -> dict[str, str]:
    return {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }


def _role(sandbox: Sandbox, account: str, name: str, principal: dict[str, str]) -> str:
    document = json.dumps({"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:*"}]})
    iam = sandbox.client(sandbox.account_session(account), "iam")
    return str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"])


def _visitor(sandbox: Sandbox) -> Any:
    return sandbox.client(boto3.Session(region_name="us-east-1"), "sts", Config(signature_version=UNSIGNED))


def _token(**claims: str) -> str:
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "none"}, claims, {})
    )


def _assertion(name: str, role: str) -> str:
    attributes = {"RoleSessionName": name, "Role": f"{role},{SAML_PROVIDER}"}
    stated = "".join(
        f'<Attribute Name="https://aws.amazon.com/SAML/Attributes/{key}"><AttributeValue>{value}</AttributeValue></Attribute>'
        for key, value in attributes.items()
    )
    text = (
        '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol">'
        '<Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion">'
        f"<Subject><NameID>{name}</NameID></Subject><AttributeStatement>{stated}</AttributeStatement>"
        "</Assertion></samlp:Response>"
    )
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda persona: persona.name)
def test_sts_names_the_principal_that_the_records_name(sandbox: Sandbox, persona: Any) -> None:
    session = sandbox.session(persona.name)
    told = sandbox.client(session, "sts").get_caller_identity()
    sandbox.client(session, "ec2").create_volume(AvailabilityZone=f"{persona.region}a", Size=1)
    identity = sandbox.recorder.records(persona.account, persona.region)[-1]["userIdentity"]
    assert (told["Account"], told["Arn"], told["UserId"]) == (
        persona.account,
        identity["arn"],
        identity["principalId"],
    )


def test_every_call_has_a_request_id_of_its_own_and_its_record_has_the_same(sandbox: Sandbox) -> None:
    ec2 = sandbox.client(sandbox.session("alice", "eu-north-1"), "ec2")
    told = [ec2.create_volume(AvailabilityZone="eu-north-1a", Size=1, ClientToken="one") for _ in range(2)]
    with pytest.raises(ClientError) as failed:
        ec2.create_volume(AvailabilityZone="eu-north-1a", SnapshotId="snap-0")
    ids = [answer["ResponseMetadata"]["RequestId"] for answer in (*told, failed.value.response)]
    records = sandbox.recorder.records(WEB, "eu-north-1")
    assert [record["requestID"] for record in records] == ids
    assert [record["responseElements"]["requestId"] for record in records[:2]] == ids[:2]
    assert len(set(ids)) == 3


@pytest.mark.parametrize("name", ["erin", "ci"])
def test_a_client_that_caches_roles_does_not_take_those_of_another_sandbox(sandbox: Sandbox, name: str) -> None:
    profile = sandbox.session(name)._session.get_scoped_config()
    other = SandboxOrganization(Identities(role_id))
    assert profile["external_id"] == sandbox.organization.external_id != other.external_id


def test_a_web_identity_takes_a_role_that_trusts_its_provider(sandbox: Sandbox) -> None:
    provider = f"arn:aws:iam::{WEB}:oidc-provider/{ISSUER}"
    role = _role(sandbox, WEB, "web-role", {"Federated": provider})
    token = _token(iss=f"https://{ISSUER}", aud="sts.amazonaws.com", sub="system:serviceaccount:shop:cart")
    given = _visitor(sandbox).assume_role_with_web_identity(
        RoleArn=role, RoleSessionName="cart", WebIdentityToken=token
    )
    record = sandbox.recorder.records(WEB, "us-east-1")[-1]
    assert record["userIdentity"] == {
        "type": "WebIdentityUser",
        "principalId": f"{provider}:sts.amazonaws.com:system:serviceaccount:shop:cart",
        "userName": "system:serviceaccount:shop:cart",
        "identityProvider": provider,
    }
    assert token not in json.dumps(record)
    ec2 = sandbox.client(sandbox_session(_keys(given["Credentials"]), "us-east-1"), "ec2")
    ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)
    identity = sandbox.recorder.records(WEB, "us-east-1")[-1]["userIdentity"]
    assert identity["principalId"].endswith(":cart")
    assert identity["sessionContext"]["webIdFederationData"] == {"federatedProvider": provider}


def test_a_saml_user_takes_a_role_that_trusts_its_provider(sandbox: Sandbox) -> None:
    role = _role(sandbox, WEB, "saml-role", {"Federated": SAML_PROVIDER})
    given = _visitor(sandbox).assume_role_with_saml(
        RoleArn=role, PrincipalArn=SAML_PROVIDER, SAMLAssertion=_assertion("zoe@example.com", role)
    )
    record = sandbox.recorder.records(WEB, "us-east-1")[-1]
    identity = record["userIdentity"]
    assert (identity["type"], identity["userName"]) == ("SAMLUser", "zoe@example.com")
    assert "sAMLAssertion" not in record["requestParameters"]
    sts = sandbox.client(sandbox_session(_keys(given["Credentials"]), "us-east-1"), "sts")
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:sts::{WEB}:assumed-role/saml-role/zoe@example.com"


@pytest.mark.parametrize(
    ("principal", "token", "code"),
    [
        ({"Federated": f"arn:aws:iam::{WEB}:oidc-provider/other.example.com"}, "good", "AccessDenied"),
        ({"AWS": WEB}, "good", "AccessDenied"),
        ({"AWS": "*"}, "no token at all", "InvalidIdentityToken"),
        ({"AWS": "*"}, "x.bm90IGpzb24.x", "InvalidIdentityToken"),
        ({"AWS": "*"}, "x.W10.x", "InvalidIdentityToken"),
        ({"AWS": "*"}, _token(iss="https://x", sub="x"), "InvalidIdentityToken"),
    ],
    ids=["other provider", "an account", "no token", "no JSON", "a list", "no audience"],
)
def test_a_web_identity_that_is_not_trusted_or_not_readable_is_refused(
    sandbox: Sandbox, request: pytest.FixtureRequest, principal: dict[str, str], token: str, code: str
) -> None:
    name = "".join(char for char in request.node.callspec.id if char.isalpha())
    role = _role(sandbox, WEB, f"refused-{name}", principal)
    if token == "good":
        token = _token(iss=f"https://{ISSUER}", aud="sts.amazonaws.com", sub="x")
    with pytest.raises(ClientError) as refused:
        _visitor(sandbox).assume_role_with_web_identity(RoleArn=role, RoleSessionName="xx", WebIdentityToken=token)
    assert refused.value.response["Error"]["Code"] == code


def test_a_source_identity_cannot_be_changed_in_a_chain(sandbox: Sandbox) -> None:
    role = _role(sandbox, RESEARCH, "third", {"AWS": RESEARCH})
    dave = sandbox.client(sandbox.session("dave"), "sts")
    with pytest.raises(ClientError, match="AccessDenied"):
        dave.assume_role(RoleArn=role, RoleSessionName="xx", SourceIdentity="mallory@example.com")
    dave.assume_role(RoleArn=role, RoleSessionName="xx", SourceIdentity="dave@example.com")


def test_a_federated_user_of_a_root_user_names_its_issuer(sandbox: Sandbox) -> None:
    sts = sandbox.client(sandbox.account_session(WEB, "us-east-1"), "sts")
    keys = _keys(sts.get_federation_token(Name="guest")["Credentials"])
    sandbox.client(sandbox_session(keys, "eu-south-1"), "ec2").create_volume(AvailabilityZone="eu-south-1a", Size=1)
    identity = sandbox.recorder.records(WEB, "eu-south-1")[-1]["userIdentity"]
    assert identity["sessionContext"]["sessionIssuer"] == {
        "type": "Root",
        "principalId": WEB,
        "arn": f"arn:aws:iam::{WEB}:root",
        "accountId": WEB,
    }


def test_a_filter_takes_a_token_with_any_marks_and_reads_wildcards_alone(sandbox: Sandbox) -> None:
    ec2 = sandbox.client(sandbox.session("alice", "eu-north-1"), "ec2")
    for token in ("[a]*", "b\\c", "c+d"):
        ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, ClientToken=token)

    def found(value: str) -> list[str]:
        pages = ec2.describe_instances(Filters=[{"Name": "client-token", "Values": [value]}])
        return sorted(instance["ClientToken"] for one in pages["Reservations"] for instance in one["Instances"])

    assert found("[a]\\*") == ["[a]*"]
    assert found("b\\\\c") == ["b\\c"]
    assert found("c+d") == ["c+d"]
    assert found("?+d") == ["c+d"]
    assert found("a") == []


def test_reservations_are_spread_over_pages(sandbox: Sandbox) -> None:
    ec2 = sandbox.client(sandbox.session("alice", "eu-central-1"), "ec2")
    for number in range(4):
        ec2.run_instances(ImageId=IMAGE, MinCount=3, MaxCount=3, ClientToken=f"page-{number}")
    wanted = [{"Name": "client-token", "Values": ["page-*"]}, {"Name": "image-id", "Values": [IMAGE]}]
    pages = list(ec2.get_paginator("describe_instances").paginate(Filters=wanted, MaxResults=6))
    tokens = [[one["Instances"][0]["ClientToken"] for one in page["Reservations"]] for page in pages]
    assert tokens == [["page-0", "page-1"], ["page-2", "page-3"]]
    other = [wanted[0], {"Name": "image-id", "Values": ["ami-0"]}]
    assert ec2.describe_instances(Filters=other)["Reservations"] == []


def test_ec2_refuses_more_than_200_values_of_filters(sandbox: Sandbox) -> None:
    ec2 = sandbox.client(sandbox.session("alice"), "ec2")
    for describe in (ec2.describe_instances, ec2.describe_tags, ec2.describe_volumes):
        describe(Filters=[{"Name": "tag-key", "Values": [f"x{number}" for number in range(200)]}])
        with pytest.raises(ClientError, match="FilterLimitExceeded"):
            describe(Filters=[{"Name": "tag-key", "Values": [f"x{number}" for number in range(201)]}])


def test_a_token_that_was_never_given_is_refused(sandbox: Sandbox) -> None:
    ec2 = sandbox.client(sandbox.session("alice"), "ec2")
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        ec2.describe_instances(Filters=[{"Name": "client-token", "Values": ["x"]}], NextToken="<&>")


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"MaxResults": 51}, "InvalidMaxResultsException"),
        ({"NextToken": "x"}, "InvalidNextTokenException"),
        ({"StartTime": 2_000_000_000, "EndTime": 1_000_000_000}, "InvalidTimeRangeException"),
        ({"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "x"}] * 2}, "InvalidLookupAttributes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-",
)
def test_lookup_events_refuses_what_cloudtrail_refuses(sandbox: Sandbox, wanted: dict[str, Any], code: str) -> None:
    trail = sandbox.client(sandbox.session("alice"), "cloudtrail")
    with pytest.raises(ClientError, match=code):
        trail.lookup_events(**wanted)


def test_a_refusal_can_be_read_whatever_was_sent(sandbox: Sandbox) -> None:
    sts = sandbox.client(sandbox.session("alice"), "sts")
    with pytest.raises(ClientError, match="AccessDenied"):
        sts.assume_role(RoleArn=f"arn:aws:iam::{WEB}:role/<a>&b", RoleSessionName="xx")


def test_a_long_poll_keeps_nobody_waiting(sandbox: Sandbox) -> None:
    sqs = sandbox.client(sandbox.account_session(WEB, HOME_REGION), "sqs")
    url = sqs.create_queue(QueueName="empty")["QueueUrl"]
    poll = Thread(target=lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2))
    poll.start()
    wait(lambda: any(call == "sqs:ReceiveMessage" for _, call in list(sandbox.front.calls)))
    began = time.monotonic()
    sandbox.client(sandbox.session("alice"), "ec2").describe_key_pairs()
    took = time.monotonic() - began
    poll.join()
    sqs.close()
    assert took < 1
