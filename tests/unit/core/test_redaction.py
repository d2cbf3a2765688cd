"""Redaction, text by text: what is replaced, in which form, and that nothing leads back."""

from __future__ import annotations

import base64
import json
import random
import re
from typing import Any
from urllib.parse import quote

import pytest

from harness import fixtures
from ownertag.core.owner.generated_names import GENERATED_NAMES, is_generated
from ownertag.core.owner.principal import is_name
from ownertag.core.redaction import words
from ownertag.core.redaction.record import Redactor
from ownertag.core.redaction.words import ApiWords

ACCOUNT = "417829365028"
NAME = r"n[a-z0-9]{9}"


def redactor(seed: int = 1) -> Redactor:
    draw = random.Random(seed).randrange  # noqa: S311 - a test, which has to be the same each time
    return Redactor(draw, fixtures.catalogue())


@pytest.mark.parametrize(
    ("original", "form"),
    [
        ("alice", NAME),
        ("Alice", r"N[a-z0-9]{9}"),
        ("ALICE", r"N[A-Z0-9]{9}"),
        ("alice.smith-jones_2", NAME),
        ("alice@corp.example.org", NAME + "@example.com"),
        ("Alice Smith", r"N[a-z0-9]{9} N[a-z0-9]{9}"),
        (ACCOUNT, r"[1-9]\d{11}"),
        ("4178-2936-5028", r"\d{4}-\d{4}-\d{4}"),
        (f"acme-logs-{ACCOUNT}-eu", NAME + r"-\d{12}-" + NAME),
        (f"arn:aws:iam::{ACCOUNT}:user/team/alice", rf"arn:aws:iam::\d{{12}}:user/{NAME}/{NAME}"),
        (f"arn:aws:iam::{ACCOUNT}:root", r"arn:aws:iam::\d{12}:root"),
        ("arn:aws:iam::aws:policy/AdministratorAccess", r"arn:aws:iam::aws:policy/N[a-z0-9]{9}"),
        ("arn:aws:s3:::acme-logs/role/x.zip", rf"arn:aws:s3:::{NAME}/{NAME}/{NAME}"),
        (f"arn:aws:sqs:eu-central-1:{ACCOUNT}:instance", rf"arn:aws:sqs:eu-central-1:\d{{12}}:{NAME}"),
        (f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/0a1b2c3d-0000-4000-8000-0123456789ab", r"arn:.*:key/[0-9a-f-]{36}"),
        (f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/{'AB12' * 8}",
         r"arn:aws:iam::\d{12}:oidc-provider/oidc\.eks\.eu-central-1\.amazonaws\.com/id/[0-9A-F]{32}"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/Deploy/i-0123456789abcdef0",
         r"arn:aws:sts::\d{12}:assumed-role/N[a-z0-9]{9}/i-[0-9a-f]{17}"),
        ("i-0123456789abcdef0", r"i-[0-9a-f]{17}"),
        ("vol-13439757", r"vol-[0-9a-f]{8}"),
        ("sir-abcd1234", r"sir-[0-9a-z]{8}"),
        ("bob-0123456789abcdef0", NAME),  # no id of AWS's begins so
        ("o-a1b2c3d4e5", r"o-[a-z0-9]{10}"),
        ("ou-ab12-11112222", r"ou-[a-z0-9]{4}-[a-z0-9]{8}"),
        ("AKIAIOSFODNN7EXAMPLE", r"AKIA[A-Z2-7]{16}"),
        ("ASIAIOSFODNN7EXAMPLE", r"ASIA[A-Z2-7]{16}"),
        ("AROADBQP57FF2AEXAMPLE:alice", rf"AROA[A-Z2-7]{{17}}:{NAME}"),
        ("0a1b2c3d-0000-4000-8000-0123456789ab", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        ("C265B64D-B8B2-4C8F-912B-A346F34FC63A", r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}"),
        ("5ab04b1110c865eecf516eee2435ede7", r"[0-9a-f]{32}"),
        ("54.240.193.129", r"(192\.0\.2|198\.51\.100|203\.0\.113)\.\d+"),
        ("10.1.2.3", r"10(\.\d+){3}"),
        ("172.20.2.3", r"172\.(1[6-9]|2\d|3[01])(\.\d+){2}"),
        ("192.168.2.3", r"192\.168(\.\d+){2}"),
        ("10.1.2.0/24", r"10\.\d+\.\d+\.0/24"),
        ("0.0.0.0/0", r"0\.0\.0\.0/0"),
        ("54.240.193.129:8443", r"(192\.0\.2|198\.51\.100|203\.0\.113)\.\d+:[1-9]\d{3}"),
        ("2a05:d014:1::5", r"2001:db8:[0-9a-f:]+"),
        ("2A05:D014:0001:0000:0000:0000:0000:0005", r"2001:db8:[0-9a-f:]+"),
        ("fd12:3456::1", r"fd[0-9a-f:]+"),
        ("fe80::1:2", r"fe[89ab][0-9a-f:]+"),
        ("::ffff:54.240.193.129", r"::ffff:(192\.0\.2|198\.51\.100|203\.0\.113)\.\d+"),
        ("ip-10-1-2-3.eu-central-1.compute.internal", r"ip-10(-\d+){3}\.eu-central-1\.compute\.internal"),
        ("ec2-54-240-193-129.eu-central-1.compute.amazonaws.com",
         r"ec2-(192-0-2|198-51-100|203-0-113)-\d+\.eu-central-1\.compute\.amazonaws\.com"),
        ("3.2.1.10.in-addr.arpa", r"(\d+\.){3}10\.in-addr\.arpa"),
        ("06:7a:00:1b:2c:3d", r"02(:[0-9a-f]{2}){5}"),
        ("06-7A-00-1B-2C-3D", r"02(-[0-9a-f]{2}){5}"),
        ("acme-logs.s3.eu-central-1.amazonaws.com", rf"{NAME}\.s3\.eu-central-1\.amazonaws\.com"),
        ("acme.logs.s3-eu-west-1.amazonaws.com", rf"{NAME}\.s3-eu-west-1\.amazonaws\.com"),
        ("events.s3.amazonaws.com", rf"{NAME}\.s3\.amazonaws\.com"),  # a bucket that is called as a service
        (f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com/shop:v7",
         rf"\d{{12}}\.dkr\.ecr\.eu-central-1\.amazonaws\.com/{NAME}:{NAME}"),
        (f"https://sqs.eu-central-1.amazonaws.com/{ACCOUNT}/jobs",
         rf"https://sqs\.eu-central-1\.amazonaws\.com/\d{{12}}/{NAME}"),
        ("https://shop.example.org/a?user=alice", rf"https://{NAME}/{NAME}\?{NAME}={NAME}"),
        ("AWSReservedSSO_PowerUser_0123456789abcdef", r"AWSReservedSSO_N[a-z0-9]{9}_[0-9a-f]{16}"),
        ("StackSet-net-0a1b2c3d-0000-4000-8000-0123456789ab", rf"StackSet-{NAME}-[0-9a-f-]{{36}}"),
        ("prod-asg-0a1b2c3d-0000-4000-8000-0123456789ab", rf"{NAME}-asg-[0-9a-f-]{{36}}"),
        ("CN=client-01,O=Acme", rf"CN={NAME},O=N[a-z0-9]{{9}}"),
        ("repo:acme/shop:ref:refs/heads/main", rf"repo:{NAME}/{NAME}:ref:refs/heads/{NAME}"),
        ("José", r"N[a-z0-9]{9}é"),
        (base64.b64encode(b"#!/bin/sh\ncurl -u alice:secret https://shop.example.org").decode(), r"N[a-z0-9]{71}"),
        ("HIDDEN_DUE_TO_SECURITY_REASONS", "HIDDEN_DUE_TO_SECURITY_REASONS"),
    ],
)  # fmt: skip
def test_a_text_keeps_its_form_and_nothing_else(original: str, form: str) -> None:
    replaced = redactor().text(original)
    assert re.fullmatch(form, replaced), replaced
    if len(original) > 4 and not original.startswith(("0.", "HIDDEN")):
        assert replaced != original


PLACES = [
    "{}", "arn:aws:iam::111122223333:user/{}", "arn:aws:iam::111122223333:role/path/{}", "arn:aws:s3:::{}/key",
    "AROADBQP57FF2AEXAMPLE:{}", "User: arn:aws:iam::111122223333:user/{} is not authorized", "{} did it, and {} too",
    '{{"user": "{}"}}', '[["{}"]]', '{{"{}": 1}}', '{{"a": "{{\\"b\\": \\"{}\\"}}"}}', "https://example.org/{}?x={}",
    "%7B%22user%22%3A%22{}%22%7D", "owner%3D{}", "user={};role={}", "<b>{}</b>", "({})", "'{}'", "a/{}/b", "a:{}:b",
    "Grüße an {}", "It was {}.", "arn:aws:iam::111122223333:role/{}. See there.", "{}\n{}", "\t{}",
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["carla", "carla.dunn-lee_2", "RunInstances", "us-east-1", "Admin", "true", "ec2"])
def test_a_name_has_the_same_replacement_wherever_it_stands(place: str, name: str) -> None:
    one = redactor()
    replaced = one.text(name)
    found = one.text(place.replace("{}", name).replace("{{", "{").replace("}}", "}"))
    assert replaced in found
    assert not re.search(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", found)


@pytest.mark.parametrize(
    "place",
    [
        *("{}", "arn:aws:iam::{}:root", "acme-{}", "acme-{}-logs", "{}.dkr.ecr.eu-central-1.amazonaws.com", "x_{}_y"),
        *("a{}b", "https://sqs.eu-central-1.amazonaws.com/{}/q", '{{"AWS": "{}"}}', "account%3A{}", "in {}."),
    ],
)
def test_an_account_has_the_same_replacement_wherever_it_stands(place: str) -> None:
    one = redactor()
    replaced = one.text(ACCOUNT)
    assert replaced in one.text(place.replace("{}", ACCOUNT).replace("{{", "{").replace("}}", "}"))


def test_names_that_begin_alike_have_nothing_in_common() -> None:
    one = redactor()
    ann, anna, hanna = map(one.text, ("ann", "anna", "hanna"))
    assert len({ann, anna, hanna}) == 3
    assert ann not in anna
    assert one.text("ann anna hanna ann") == f"{ann} {anna} {hanna} {ann}"


def test_spellings_of_a_name_stay_told_apart_and_together() -> None:
    one = redactor()
    spellings = ["carla", "CARLA", "Carla", "cArLa", "caRLA"]
    replaced = [one.text(spelling) for spelling in spellings]
    assert len(set(replaced)) == len(spellings)
    assert len({text.lower() for text in replaced}) == 1


def test_addresses_beyond_those_for_documentation_are_those_for_measuring() -> None:
    one = redactor()
    replaced = [one.text(f"54.240.{number >> 8}.{number & 255}") for number in range(1000)]
    assert len(set(replaced)) == 1000
    assert all(re.match(r"192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|198\.1[89]\.", text) for text in replaced)


def test_of_a_form_with_few_texts_none_is_given_twice() -> None:
    one = redactor()
    ids = [f"i-{number:08x}" for number in range(5000)]
    assert len({one.text(id_) for id_ in ids}) == 5000
    assert len({one.text(str(number)) for number in range(3000)}) == 3000


# --- nothing leads back

PAIRS = [
    ("alice", "bartholomew-of-the-long-name"),
    ("al", "zoe.x"),
    ("417829365028", "998877665544"),
    ("alice@corp.example.org", "bartholomew.long@a.example.net"),
    ("i-0123456789abcdef0", "i-0fedcba9876543210"),
    ("AKIAQ4EXAMPLE4444444", "AKIAZ7EXAMPLE7777777"),
    ("54.240.193.129", "3.5.1.77"),
    ("10.1.2.3", "10.200.100.50"),
    ("a-bucket", "another-one-of-acme"),
]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_who_knows_some_names_learns_nothing_of_the_others(one: str, other: str) -> None:
    """With the same draws, records that differ in a name are redacted to the very same text: it says nothing of it.

    Whoever knows what stands for `known` has two records that look alike: nothing in them, no length, no part and no
    letter, tells which of the two is the original.
    """

    def record(name: str) -> fixtures.Json:
        return fixtures.record(
            userIdentity={**fixtures.user("known"), "userName": name, "arn": f"arn:aws:iam::111122223333:user/{name}"},
            requestParameters={"description": f"known gave it to {name}", "tags": {name: name, "known": "x"}},
            errorMessage=json.dumps({"by": name, "for": "known"}),
        )

    assert redactor().redact(record(one)) == redactor().redact(record(other))


def test_another_run_has_other_replacements() -> None:
    assert redactor(1).text("alice 417829365028") != redactor(2).text("alice 417829365028")


# --- what a decision rests on


UUID = "0a1b2c3d-0000-4000-8000-0123456789ab"
TOOLS = [
    *("botocore-session-1772442845", "AWS-CLI-session-carla", "aws-cli-carla", "aws-go-sdk-1688990082523310002"),
    *("aws-sdk-java-carla", "token-file-web-identity", "assume-role-provider-7", "web-identity-token-7"),
    *("awsume-session-carla", "assumed-from-leapp", "default_session", "AssumeRoleSession1", "gntd-carla"),
    *("terraform-run-Ab12", "aws-terraform-carla", "hashicorp-terraform-7", "GitHubActions", "GitLabRunner-7-8"),
    *("buildkite-job-7", "session", "1688990082523310002", "17", "5ab04b1110c865eecf516eee2435ede7", UUID),
    *("AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEf", "CognitoIdentityCredentials", "EKSClusterSession", "AutoScaling", "EMR"),
    *("AWSCloudFormation", "CCSSession", "ElasticBeanstalk", "awslambda_1_20260302091405123", "AWSBackup-carla"),
    *(f"Automation-{UUID}", "DataLifecycleManager-7", "configLambdaExecution", "AWSConfig-7", "OpsWorksCM"),
    *("OpsWorks-7", "BackplaneAssumeRoleSession", "servicecatalog", "GlueJobRunnerSession", "SageMaker"),
    *(f"AWSCodeBuild-{UUID}", f"eks-shop-web-{UUID}"),
]


def session_of(shown: fixtures.Json) -> str:
    return str(shown["userIdentity"]["principalId"]).partition(":")[2]


@pytest.mark.parametrize("name", TOOLS)
def test_what_a_tool_called_a_session_is_still_told_as_such(name: str) -> None:
    shown = replaced(fixtures.record(userIdentity=fixtures.session(name)))
    assert is_generated(session_of(shown))
    assert shown["userIdentity"]["arn"].endswith(f"/{session_of(shown)}")
    assert "carla" not in session_of(shown)


def test_every_form_of_a_tools_session_is_tried() -> None:
    tried = [form for form in GENERATED_NAMES if any(re.fullmatch(form.pattern, name) for name in TOOLS)]
    assert tried == list(GENERATED_NAMES)


@pytest.mark.parametrize("name", ["alice", "a" * 64, "a" * 65, "a b", "José", "ali\u200bce", "a@b.example.org", "x=y"])
def test_what_iam_takes_as_a_name_is_one_afterwards_and_nothing_else(name: str) -> None:
    assert is_name(redactor().text(name)) == is_name(name)


def test_a_name_of_nobody_is_never_that_of_a_tool() -> None:
    one = redactor()
    assert not any(is_generated(one.text(f"carla-{number}")) for number in range(2000))


# --- by where it stands


def replaced(record: fixtures.Json, api: ApiWords = words.NO_WORDS) -> fixtures.Json:
    draw = random.Random(1).randrange  # noqa: S311 - a test
    return Redactor(draw, fixtures.catalogue(), frozenset(), lambda _: api).redact(record)


def test_a_name_that_is_also_a_word_of_aws_is_kept_nowhere_but_where_aws_wrote_it() -> None:
    user = fixtures.user("RunInstances")
    shown = replaced(fixtures.launch(userIdentity=user, errorMessage="RunInstances may not call RunInstances"))
    assert shown["eventName"] == "RunInstances"
    name = shown["userIdentity"]["userName"]
    assert name != "RunInstances"
    assert shown["userIdentity"]["arn"].endswith(f":user/{name}")
    assert shown["errorMessage"].startswith(f"{name} ")
    assert shown["errorMessage"].endswith(f" {name}")


def test_only_the_records_own_call_keeps_its_name() -> None:
    inner = {"eventName": "Carla", "eventSource": "carla.amazonaws.com", "errorCode": {"eventName": "Carla"}}
    shown = replaced(fixtures.record(requestParameters=inner, edgeDeviceDetails={"x": inner}, added=inner))
    assert "arla" not in json.dumps(shown)
    assert shown["eventName"] == "CreateVolume"
    event = replaced(fixtures.event(fixtures.record(added={"detail": inner})))
    assert "arla" not in json.dumps(event)
    assert event["detail"]["eventName"] == "CreateVolume"


def test_a_key_that_is_no_member_is_replaced_as_the_same_text_is_elsewhere() -> None:
    shown = replaced(fixtures.record(requestParameters={"tags": {"carla": ACCOUNT, ACCOUNT: "carla"}, "carla": 1}))
    tags = shown["requestParameters"]["tags"]
    [(name, account), (account_key, name_value)] = tags.items()
    assert (name, account) == (name_value, account_key)
    assert name in shown["requestParameters"]
    assert re.fullmatch(NAME, name)


def test_tags_of_services_keep_their_keys_and_lose_their_values() -> None:
    tags = {"aws:autoscaling:groupName": "web", "kubernetes.io/cluster/shop": "owned", "Team": "web"}
    api = ApiWords(frozenset({"tagspecification", "resourcetype"}))
    shown = replaced(fixtures.record(requestParameters=fixtures.brings(tags, "instance")), api)["requestParameters"]
    [group, cluster, team] = shown["tagSpecificationSet"]["items"][0]["tags"]
    assert group["key"] == "aws:autoscaling:groupName"
    assert re.fullmatch(rf"kubernetes\.io/cluster/{NAME}", cluster["key"])
    assert re.fullmatch(r"N[a-z0-9]{9}", team["key"])
    assert group["value"] == team["value"] != cluster["value"]


def test_values_stay_where_the_model_says_that_they_are_its_own() -> None:
    api = ApiWords(frozenset({"state", "name", "size"}), {"state": frozenset({"available"})}, frozenset({"size"}))
    shown = replaced(
        fixtures.record(responseElements={"state": "available", "name": "available", "size": "20", "x": "20"}), api
    )["responseElements"]
    assert shown["state"] == "available"
    assert shown["size"] == "20"
    assert re.fullmatch(NAME, shown["name"])
    assert len(shown) == 4
    assert "x" not in shown


def test_numbers_that_could_name_somebody_are_replaced() -> None:
    request = {"minCount": 60, "ownerAccount": int(ACCOUNT), "big": 417829365028, "latitude": 52.52, "bgpAsn": 6453}
    api = ApiWords(frozenset(key.lower() for key in request))
    shown = replaced(fixtures.record(requestParameters=request), api)["requestParameters"]
    assert shown["minCount"] == 60
    assert shown["big"] == shown["ownerAccount"] != int(ACCOUNT)
    assert shown["bgpAsn"] != 6453
    assert int(shown["latitude"]) != 52


@pytest.mark.parametrize(
    "part",
    ["StackSet-", "AWSReservedSSO_", "eks-", "a@", "a.a@", "1.1.1.1.", "aa:", "%25", "ip-1-1-1-1-", "s3.", "arn:aws:",
     "i-", "{", "\u200b", "1234-", "AKIA", "repo:a/"],
)  # fmt: skip
def test_a_text_that_goes_on_without_end_is_replaced_as_any_other(part: str) -> None:
    shown = replaced(fixtures.record(userAgent=part * 20_000, requestParameters={"items": [part * 20_000 + "carla"]}))
    assert "carla" not in json.dumps(shown)


def test_what_is_nested_without_end_ends() -> None:
    deep: Any = "carla"
    for _ in range(500):
        deep = [deep]
    assert "carla" not in json.dumps(replaced(fixtures.record(requestParameters={"items": deep})))
    text = "carla"
    for _ in range(7):
        text = json.dumps([text])
    assert "carla" not in redactor().text(text)
    text = "carla x"
    for _ in range(7):
        text = quote(text)
    assert "carla" not in redactor().text(text)


def test_an_event_stays_one() -> None:
    event = fixtures.event(fixtures.launch())
    shown = replaced(event)
    assert set(shown) >= {"source", "detail-type", "account", "region", "detail"}
    assert shown["source"] == "aws.ec2"
    assert shown["account"] == shown["detail"]["recipientAccountId"] != fixtures.ACCOUNT
