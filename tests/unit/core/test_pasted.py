"""What a pasted text is taken for: forms of AWS's documentation, what stands around them, and what is refused."""

# ruff: noqa: E501 - links and documents, each as it is pasted
from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.properties import examples
from ownertag.core.pasted.taken import Asked, PastedError
from ownertag.core.pasted.text import read_pasted

I, J, V = "i-0a1b2c3d4e5f60718", "i-1234567890abcdef0", "vol-0a1b2c3d4e5f60718"  # noqa: E741 - an instance, another, a volume
A, R = "111122223333", "eu-central-1"
ARN = f"arn:aws:ec2:{R}:{A}:instance/{I}"
SECRET, TOKEN = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "IQoJb3JpZ2luX2VjE" + "aB3/" * 60


def names(text: str) -> list[str]:
    return [one.name for one in read_pasted(text).asked]


def one(text: str) -> Asked:
    [asked] = read_pasted(text).asked
    return asked


def refused(text: str) -> str:
    with pytest.raises(PastedError) as error:
        read_pasted(text)
    return str(error.value)


# --- what stands around


@pytest.mark.parametrize(
    "form",
    [
        "{}", " {}\n", "\t{}\r\n", "\u00a0{}\u00a0", "\ufeff{}", "{}.", "{},", "{};", "({})", "[{}]", "<{}>", '"{}"', "'{}'",
        "`{}`", "**{}**", "```\n{}\n```", "```json\n{}\n```", "\u201c{}\u201d", "\u2018{}\u2019", "\u00ab{}\u00bb", '"{}",',
        '"`{}`".', '"Arn": "{}"', '"resource-id" : "{}",', "{}\u200b", "\u2060{}", '("{}")', "{}!", "{}?", "'{}",
    ],
)  # fmt: skip
def test_what_stands_around_is_left_out(form: str) -> None:
    for text in (I, ARN, "10.0.0.5", "AKIAIOSFODNN7EXAMPLE", f"ip-10-0-0-5.{R}.compute.internal"):
        assert one(form.format(text)) == one(text)


def test_a_plain_text_is_told_from_one_that_was_changed() -> None:
    assert read_pasted(I).plain
    assert read_pasted(f"{ARN}\n").plain
    for text in (f"`{I}`", f"i-0a1b\u200b{I[6:]}", "10.0.0.5:22", I.upper()):
        assert not read_pasted(text).plain
    assert "without 2 characters that show nothing" in read_pasted("i-0a1b2c3d\u200b4e5f\u00ad60718").said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("i-0a1b\u202e2c3d", "RIGHT-TO-LEFT OVERRIDE"),
        ("\u200e" + I, "LEFT-TO-RIGHT MARK"),
        ("\u2066i-0a\u2069", "changes the order"),
        ("i-0a\x1b[2J", "U+001B) is a control character"),
        ("i-0a\x00", "U+0000"),
        ("i-0a\x7f1b", "U+007F"),
        ("i-0a\x9b1b", "U+009B"),
        ("\u0456-0a1b2c3d4e5f60718", "CYRILLIC SMALL LETTER BYELORUSSIAN-UKRAINIAN I"),
        ("i\u20130a1b2c3d4e5f60718", "EN DASH"),
        ("\uff11\uff10.0.0.5", "FULLWIDTH DIGIT ONE"),
        ("10.0.0.\u0665", "ARABIC-INDIC DIGIT FIVE"),
        ("i-0a\udcff", "U+DCFF"),
        ("b\u00fccher", "LATIN SMALL LETTER U WITH DIAERESIS"),
    ],
)
def test_characters_that_deceive_are_named(text: str, said: str) -> None:
    assert said in refused(text)


@pytest.mark.parametrize("text", ["", " \n", "\ufeff", "``", '""', "\u200b", "<>"])
def test_nothing_is_said_to_be_nothing(text: str) -> None:
    assert "it is empty" in refused(text)


def test_a_label_must_not_say_something_else_than_its_link() -> None:
    link = f"https://console.aws.amazon.com/ec2/home?region={R}#InstanceDetails:instanceId={I}"
    assert one(f"[{I}]({link})") == one(f"[the web server](<{link}>)") == one(f"<{link}|web>") == Asked(I, region=R)
    assert one(f"[{ARN}]({link})").name == I
    for label in (J, "10.0.0.5", f"arn:aws:ec2:{R}:{A}:instance/{J}", f"`{J}`"):
        assert "leads elsewhere" in refused(f"[{label}]({link})")


# --- lists


@pytest.mark.parametrize(
    "text",
    [
        f"{I}\n{J}", f"{I}\r\n\r\n  {J},", f"{I}\t{J}", f"{I} {J}", f"{I},{J}", f"'{I}', '{J}'", f"{I}; {J}", f'["{I}", "{J}"]',
        f'[\n  "{I}",\n  "{J}"\n]', f"- {I}\n- {J}".replace("- ", ""), f"{I}\n{J}\n{I}",
    ],
)  # fmt: skip
def test_a_list_is_each_of_its_members(text: str) -> None:
    assert names(text) == [I, J]


def test_arns_with_separators_are_lists_only_if_each_part_is_something() -> None:
    assert names(f"{ARN}, arn:aws:ec2:{R}:{A}:volume/{V}") == [ARN, f"arn:aws:ec2:{R}:{A}:volume/{V}"]
    assert names(f"{ARN} 10.0.0.5") == [ARN, "10.0.0.5"]
    assert names(f"arn:aws:cloudwatch:{R}:{A}:alarm:CPU, high") == [f"arn:aws:cloudwatch:{R}:{A}:alarm:CPU, high"]
    assert "is several words" in refused(f"{I} and {J}")
    assert "character 3 (U+200E" in refused(f'["{I}", "i-\u200e0a"]')


# --- ids, ARNs, addresses


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (I.upper(), I),
        ("arn:aws:s3:::bucket/a/key with spaces.txt", "arn:aws:s3:::bucket"),
        (f"arn:aws:ec2:{R}::snapshot/snap-0a1b2c3d4e5f60718", "snap-0a1b2c3d4e5f60718"),
        ("arn:aws:cloudwatch:eu-central-1:111122223333:alarm:CPU is high",) * 2,
        ("arn:aws-cn:ec2:cn-north-1:111122223333:instance/i-0a1b2c3d4e5f60718",) * 2,
        ("my-key-pair",) * 2,
        ("arn%253Aaws%253As3%253A%253A%253Abucket", "arn:aws:s3:::bucket"),
        ("i%2D0a1b2c3d", "i-0a1b2c3d"),
        ("::ffff:10.0.0.5", "10.0.0.5"),
        ("[2001:DB8::1]:443", "2001:db8::1"),
        ("2001:db8::", "2001:db8::"),
        ("http://10.0.0.5:8080/health?x=1", "10.0.0.5"),
        ("ssh://ec2-user@[2001:db8::1]:22", "2001:db8::1"),
        ("ubuntu@10.0.0.5", "10.0.0.5"),
        ("10.0.0.5/32", "10.0.0.5"),
    ],
)
def test_ids_arns_and_addresses(text: str, name: str) -> None:
    assert names(text) == [name]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("arn:aws:ec2:*:*:instance/*", "is it a pattern?"),
        ("arn:aws:ec2:eu-central-1:1111:instance/i-1", "the account has 12 digits"),
        ("arn:", "begins as an ARN"),
        ("10.0.0.5:70000", "has no port"),
        ("10.0.0", "is no IP address"),
        ("0x0a000005", "in hexadecimal"),
        ("fe80::1%eth0", "write fe80::1"),
        ("http://exa mple", "is several words"),
        ("https://[::1", "it begins as a URL and is none"),
        ("#InstanceDetails:instanceId=i-0a1b2c3d", "is a part of a link"),
        (f"instance {I}", "is several words"),
        ("https://github.com/x/y", "AWS did not give"),
    ],
)
def test_what_is_none_is_refused(text: str, said: str) -> None:
    assert said.removeprefix("is it ") in refused(text)


def test_an_id_that_was_cut_is_told() -> None:
    assert "it has 16: was it cut?" in read_pasted(I[:-1]).said
    assert "cut" not in read_pasted(I).said + read_pasted("i-0a1b2c3d").said


# --- keys and secrets


@pytest.mark.parametrize("key", ["AKIAIOSFODNN7EXAMPLE", "ASIAI44QH8DHBEXAMPLE"])
def test_an_access_keys_id(key: str) -> None:
    assert one(key) == Asked(access_key=key)


@pytest.mark.parametrize(
    "text",
    [
        SECRET, f'"{SECRET}"', TOKEN, f"aws_secret_access_key = {SECRET}", f"export AWS_SECRET_ACCESS_KEY={SECRET}",
        f"AKIAIOSFODNN7EXAMPLE {SECRET}", f"AKIAIOSFODNN7EXAMPLE,{SECRET}", f"AWS_SESSION_TOKEN={TOKEN}", f"key: {SECRET}",
        json.dumps({"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": SECRET}),
        json.dumps({"Credentials": {"AccessKeyId": "ASIAI44QH8DHBEXAMPLE", "SecretAccessKey": SECRET, "SessionToken": TOKEN}}),
        f"AKIAIOSFODNN7EXAMPLE\n{SECRET}", f"the key {SECRET}.", f"{SECRET}://",
    ],
)  # fmt: skip
def test_a_secret_is_refused_and_never_repeated(text: str) -> None:
    said = refused(text)
    assert "repeated nowhere here" in said
    assert SECRET[:12] not in said
    assert TOKEN[:12] not in said


def test_a_signed_url_is_read_without_its_signature() -> None:
    signed = (
        f"https://logs.s3.amazonaws.com/a?X-Amz-Credential=AKIA&X-Amz-Security-Token={TOKEN}&X-Amz-Signature={'0' * 64}"
    )
    assert read_pasted(signed).said == "bucket URL: arn:aws:s3:::logs"
    login = f"https://signin.aws.amazon.com/federation?Action=login&SigninToken={TOKEN.replace('/', '')}&Destination="
    assert TOKEN[:12] not in refused(login)


@pytest.mark.parametrize(("text", "what"), [("AIDACKCEVSQ6C2EXAMPLE", "a user"), ("AROADBQP57FF2AEXAMPLE:x", "a role")])
def test_other_ids_of_iam_are_told_apart(text: str, what: str) -> None:
    assert f"is the unique id of {what}" in refused(text)


# --- DNS names


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("ip-10-24-34-0.ec2.internal", Asked(address="10.24.34.0", region="us-east-1")),
        ("ip-10-24-34-0.us-west-2.compute.internal", Asked(address="10.24.34.0", region="us-west-2")),
        ("IP-10-24-34-0.US-WEST-2.compute.internal.", Asked(address="10.24.34.0", region="us-west-2")),
        ("ip-10-24-34-0", Asked(address="10.24.34.0")),
        ("ip-10-24-34-0.corp.example.com", Asked(address="10.24.34.0")),
        (f"{J}.ec2.internal", Asked(J, region="us-east-1")),
        (f"{J}.us-west-2.compute.internal", Asked(J, region="us-west-2")),
        ("ec2-203-0-113-25.compute-1.amazonaws.com", Asked(address="203.0.113.25", region="us-east-1")),
        ("ec2-203-0-113-25.us-gov-west-1.compute.amazonaws.com", Asked(address="203.0.113.25", region="us-gov-west-1")),
        ("ec2-203-0-113-25.cn-north-1.compute.amazonaws.com.cn", Asked(address="203.0.113.25", region="cn-north-1")),
        ("ubuntu@ec2-203-0-113-25.eu-west-1.compute.amazonaws.com", Asked(address="203.0.113.25", region="eu-west-1")),
        ("ip-10-0-0-5.eu-west-1.compute.internal:8443", Asked(address="10.0.0.5", region="eu-west-1")),
        ("vpce-0a1b2c3d4e5f60718-abcdefgh.ec2.us-east-1.vpce.amazonaws.com", Asked("vpce-0a1b2c3d4e5f60718", region="us-east-1")),
        ("fs-0a1b2c3d4e5f60718.efs.eu-west-1.amazonaws.com", Asked("fs-0a1b2c3d4e5f60718", region="eu-west-1")),
    ],
)  # fmt: skip
def test_dns_names_of_aws(text: str, asked: Asked) -> None:
    assert one(text) == asked


# Examples of each service's guide, with the Region and names changed.
@pytest.mark.parametrize(
    ("text", "asked"),
    [
        (f"shop.abcdefghijkl.{R}.rds.amazonaws.com", Asked("shop", region=R, type="rds:db")),
        (f"shop.abcdefghijkl.{R}.rds.amazonaws.com:5432", Asked("shop", region=R, type="rds:db")),
        (f"postgres://shop.abcdefghijkl.{R}.rds.amazonaws.com:5432/orders", Asked("shop", region=R, type="rds:db")),
        (f"shop.cluster-abcdefghijkl.{R}.rds.amazonaws.com", Asked("shop", region=R, type="rds:cluster")),
        (f"shop.cluster-ro-abcdefghijkl.{R}.rds.amazonaws.com", Asked("shop", region=R, type="rds:cluster")),
        (f"reports.cluster-custom-abcdefghijkl.{R}.rds.amazonaws.com", Asked("reports", region=R, type="rds:cluster-endpoint")),
        (f"docs.cluster-abcdefghijkl.{R}.docdb.amazonaws.com", Asked("docs", region=R, type="rds:cluster")),
        (f"graph.abcdefghijkl.{R}.neptune.amazonaws.com", Asked("graph", region=R, type="rds:db")),
        ("shop.abcdefghijkl.cn-north-1.rds.amazonaws.com.cn", Asked("shop", region="cn-north-1", type="rds:db")),
        (f"internal-shop-1234567890.{R}.elb.amazonaws.com", Asked("shop", region=R, type="elasticloadbalancing:loadbalancer")),
        (f"dualstack.my-shop-1234567890.{R}.elb.amazonaws.com", Asked("my-shop", region=R, type="elasticloadbalancing:loadbalancer")),
        (f"shop-0123456789abcdef.elb.{R}.amazonaws.com", Asked("shop", region=R, type="elasticloadbalancing:loadbalancer")),
        (f"https://a1b2c3d4e5.execute-api.{R}.amazonaws.com/prod/orders", Asked("a1b2c3d4e5", region=R, type="apigateway:")),
        (f"https://vpc-shop-a1b2c3d4e5f6g7h8i9j0k1l2m3.{R}.es.amazonaws.com/_dashboards", Asked("shop", region=R, type="es:domain")),
        (f"search-my-shop-a1b2c3d4e5f6g7h8i9j0k1l2m3.{R}.es.amazonaws.com", Asked("my-shop", region=R, type="es:domain")),
        (f"a1b2c3d4e5f6g7h8i9j0.{R}.aoss.amazonaws.com", Asked("a1b2c3d4e5f6g7h8i9j0", region=R, type="aoss:Collection")),
        (f"dwh.abcdefghijkl.{R}.redshift.amazonaws.com:5439/dev", Asked("dwh", region=R, type="redshift:cluster")),
        (f"b-1.shop.a1b2c3.c2.kafka.{R}.amazonaws.com:9092", Asked("shop", region=R, type="kafka:cluster")),
        ("shop.a1b2c3.0001.euc1.cache.amazonaws.com:6379", Asked("shop", type="elasticache:")),
        ("master.shop.a1b2c3.euc1.cache.amazonaws.com", Asked("shop", type="elasticache:")),
        ("clustercfg.shop.a1b2c3.euc1.cache.amazonaws.com", Asked("shop", type="elasticache:")),
        (f"clustercfg.shop.a1b2c3.memorydb.{R}.amazonaws.com", Asked("shop", region=R, type="memorydb:cluster")),
        (f"s-0a1b2c3d4e5f60718.server.transfer.{R}.amazonaws.com", Asked("s-0a1b2c3d4e5f60718", region=R, type="transfer:")),
        (f"https://cognito-idp.{R}.amazonaws.com/{R}_AbCdEf123/.well-known/jwks.json", Asked(f"{R}_AbCdEf123", region=R, type="cognito-idp:userpool")),
        (f"https://git-codecommit.{R}.amazonaws.com/v1/repos/shop", Asked("shop", region=R, type="codecommit:repository")),
        (f"https://sqs.{R}.amazonaws.com/{A}/orders", Asked(f"arn:aws:sqs:{R}:{A}:orders")),
        (f"https://sqs.{R}.amazonaws.com/{A}/orders.fifo", Asked(f"arn:aws:sqs:{R}:{A}:orders.fifo")),
        (f"https://sqs.cn-north-1.amazonaws.com.cn/{A}/orders", Asked(f"arn:aws-cn:sqs:cn-north-1:{A}:orders")),
        (f"{A}.dkr.ecr.{R}.amazonaws.com/team/shop:1.4", Asked(f"arn:aws:ecr:{R}:{A}:repository/team/shop")),
        (f"{A}.dkr.ecr.{R}.amazonaws.com/shop@sha256:{'0a' * 32}", Asked(f"arn:aws:ecr:{R}:{A}:repository/shop")),
        (f"https://libs-{A}.d.codeartifact.{R}.amazonaws.com/maven/shop/", Asked(f"arn:aws:codeartifact:{R}:{A}:domain/libs")),
        ("https://d111111abcdef8.cloudfront.net/index.html", Asked(address="d111111abcdef8.cloudfront.net")),
        ("D111111ABCDEF8.cloudfront.net.", Asked(address="d111111abcdef8.cloudfront.net")),
        ("a1234567890abcdef.awsglobalaccelerator.com", Asked(address="a1234567890abcdef.awsglobalaccelerator.com")),
        (f"arn:aws:lambda:{R}:{A}:function:resize:7", Asked(f"arn:aws:lambda:{R}:{A}:function:resize")),
    ],
)  # fmt: skip
def test_names_and_urls_of_services_that_hold_a_resources_name(text: str, asked: Asked) -> None:
    assert one(text) == asked


def test_it_is_said_what_is_asked_for() -> None:
    text = f"shop.abcdefghijkl.{R}.rds.amazonaws.com"
    assert read_pasted(text).said == f"DNS name of a database: rds:db shop in {R}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("shop.proxy-abcdefghijkl.eu-west-1.rds.amazonaws.com", "a database of RDS"),
        ("abc.execute-api.eu-west-1.amazonaws.com", "an API of API Gateway"),
        ("https://abc.lambda-url.eu-west-1.on.aws/", "a Lambda function's URL"),
        ("0123456789ABCDEF.gr7.eu-west-1.eks.amazonaws.com", "a cluster of EKS"),
        ("111122223333.dkr.ecr.eu-west-1.amazonaws.com", "a registry of ECR"),
        ("shop.eba-a1b2c3d4.eu-west-1.elasticbeanstalk.com", "an environment of Elastic Beanstalk"),
        ("ec2.eu-west-1.amazonaws.com", "AWS's own that names no resource"),
        ("ip-10-0-0-256.ec2.internal", "10.0.0.256 is no IP address"),
    ],
)
def test_dns_names_that_tell_no_resource_say_what_they_are(text: str, said: str) -> None:
    assert said in refused(text)


# --- buckets


@pytest.mark.parametrize(
    ("url", "arn"),
    [
        ("s3://my-bucket", "arn:aws:s3:::my-bucket"),
        ("s3a://my-bucket/a/b", "arn:aws:s3:::my-bucket"),
        ("https://my.bucket.s3.eu-west-1.amazonaws.com/key", "arn:aws:s3:::my.bucket"),
        ("https://my-bucket.s3.amazonaws.com", "arn:aws:s3:::my-bucket"),
        ("https://my-bucket.s3-eu-west-1.amazonaws.com/k", "arn:aws:s3:::my-bucket"),
        ("https://my-bucket.s3.dualstack.eu-west-1.amazonaws.com/k", "arn:aws:s3:::my-bucket"),
        ("https://my-bucket.s3-accelerate.amazonaws.com/k", "arn:aws:s3:::my-bucket"),
        ("https://my-bucket.s3-fips.us-gov-west-1.amazonaws.com/k", "arn:aws-us-gov:s3:::my-bucket"),
        ("https://s3.eu-west-1.amazonaws.com/my-bucket/key", "arn:aws:s3:::my-bucket"),
        ("https://s3.dualstack.eu-west-1.amazonaws.com/my-bucket", "arn:aws:s3:::my-bucket"),
        ("https://s3.cn-north-1.amazonaws.com.cn/my-bucket/key", "arn:aws-cn:s3:::my-bucket"),
        ("http://my-bucket.s3-website-us-east-1.amazonaws.com/", "arn:aws:s3:::my-bucket"),
        ("http://my-bucket.s3-website.eu-central-1.amazonaws.com", "arn:aws:s3:::my-bucket"),
        ("my-bucket.s3.amazonaws.com", "arn:aws:s3:::my-bucket"),
        (f"https://ap-{A}.s3-accesspoint.{R}.amazonaws.com/k", f"arn:aws:s3:{R}:{A}:accesspoint/ap"),
        (f"s3://arn:aws:s3:{R}:{A}:accesspoint/ap/key", f"arn:aws:s3:{R}:{A}:accesspoint/ap"),
        (f"https://{R}.console.aws.amazon.com/s3/buckets/my-bucket?region={R}&tab=objects", "arn:aws:s3:::my-bucket"),
        ("https://s3.console.aws.amazon.com/s3/object/my-bucket?prefix=a", "arn:aws:s3:::my-bucket"),
        ("https://console.amazonaws.cn/s3/buckets/my-bucket", "arn:aws-cn:s3:::my-bucket"),
    ],
)
def test_urls_of_buckets(url: str, arn: str) -> None:
    assert names(url) == [arn]


@pytest.mark.parametrize("url", ["s3://", "s3://B_/x", "https://s3.eu-west-1.amazonaws.com/", "s3://192.0.2.1/x"])
def test_a_url_without_a_bucket_is_refused(url: str) -> None:
    assert "names no bucket" in refused(url)


# --- links

HOME = f"https://{R}.console.aws.amazon.com/ec2/home?region={R}"


@pytest.mark.parametrize(
    ("link", "asked"),
    [
        (f"{HOME}#InstanceDetails:instanceId={I}", Asked(I, region=R)),
        (f"{HOME}#Instances:instanceId={I};sort=tag:Name", Asked(I, region=R)),
        (f"{HOME}#Instances:v=3;search=:{I};$case=tags:true%5C,client:false", Asked(I, region=R)),
        (f"https://console.aws.amazon.com/ec2/v2/home?region=us-west-2#Instances:search={I}", Asked(I, region="us-west-2")),
        (f"https://{R}.console.aws.amazon.com/ec2/v3/home?region={R}#VolumeDetails:volumeId={V}", Asked(V, region=R)),
        (f"{HOME}#NIC:networkInterfaceId=eni-0a1b2c3d4e5f60718", Asked("eni-0a1b2c3d4e5f60718", region=R)),
        (f"{HOME}#NetworkInterface:networkInterfaceId=eni-0a1b2c3d", Asked("eni-0a1b2c3d", region=R)),
        (f"{HOME}#SecurityGroup:groupId=sg-0a1b2c3d", Asked("sg-0a1b2c3d", region=R)),
        (f"{HOME}#ElasticIpDetails:AllocationId=eipalloc-0a1b2c3d", Asked("eipalloc-0a1b2c3d", region=R)),
        (f"https://{R}.console.aws.amazon.com/vpcconsole/home?region={R}#VpcDetails:VpcId=vpc-0a1b2c3d", Asked("vpc-0a1b2c3d", region=R)),
        (f"https://{R}.console.aws.amazon.com/vpc/home?region={R}#subnets:SubnetId=subnet-0a1b2c3d", Asked("subnet-0a1b2c3d", region=R)),
        (f"https://{R}.console.aws.amazon.com/systems-manager/session-manager/{I}?region={R}", Asked(I, region=R)),
        (f"{HOME}#Instances:privateIpAddress=10.0.0.5", Asked(address="10.0.0.5", region=R)),
        (f"https://console.amazonaws-us-gov.com/ec2/home?region=us-gov-west-1#InstanceDetails:instanceId={I}", Asked(I, region="us-gov-west-1")),
        (f"https://cn-north-1.console.amazonaws.cn/ec2/home#InstanceDetails:instanceId={I}", Asked(I, region="cn-north-1")),
        (f"https://{A}-abcdefgh.{R}.console.aws.amazon.com/ec2/home?region={R}#InstanceDetails:instanceId={I}", Asked(I, account=A, region=R)),
        (f"https://console.aws.amazon.com/go/view?arn={ARN}", Asked(ARN)),
        (f"https://console.aws.amazon.com/go/view?arn={ARN.replace(':', '%3A')}", Asked(ARN)),
        (f"https://signin.aws.amazon.com/oauth?client_id=x&redirect_uri=https%3A%2F%2Fconsole.aws.amazon.com%2Fec2%2Fhome%3FhashArgs%3D%2523InstanceDetails%253AinstanceId%253D{I}%26region%3D{R}", Asked(I, region=R)),
        (f"https://acme.awsapps.com/start#/console?account_id={A}&role_name=x&destination=https%3A%2F%2Fconsole.aws.amazon.com%2Fec2%2Fhome%3Fregion%3D{R}%23VolumeDetails%3AvolumeId%3D{V}", Asked(V, account=A, region=R)),
        (f"https://ssoins-1234567890abcdef.portal.{R}.app.aws/#/console?account_id={A}&destination=https%253A%252F%252Fconsole.aws.amazon.com%252Fec2%252Fhome%253Fregion%253D{R}%2523VolumeDetails%253AvolumeId%253D{V}", Asked(V, account=A, region=R)),
    ],
)  # fmt: skip
def test_links_to_the_console(link: str, asked: Asked) -> None:
    assert one(link) == asked


# As links have them that people publish; names and ids are changed.
@pytest.mark.parametrize(
    ("page", "asked"),
    [
        (f"lambda/home?region={R}#/functions/resize?tab=code", Asked("resize", region=R, type="lambda:function")),
        (f"dynamodbv2/home?region={R}#table?name=orders&tab=overview", Asked("orders", region=R, type="dynamodb:table")),
        (f"dynamodbv2/home?region={R}#item-explorer?initialTagKey=&table=orders", Asked("orders", region=R, type="dynamodb:table")),
        (f"rds/home?region={R}#database:id=shop;is-cluster=false", Asked("shop", region=R, type="rds:db")),
        (f"rds/home?region={R}#database:id=shop;is-cluster=true;tab=configuration", Asked("shop", region=R, type="rds:cluster")),
        (f"rds/home?region={R}#database:id=shop", Asked("shop", region=R, type="rds:")),
        ("iam/home?region=us-east-1#/roles/details/deploy?section=permissions", Asked("deploy", type="iam:role")),
        (f"iamv2/home?region={R}#/users/details/ops", Asked("ops", type="iam:user")),
        ("iam/home?#/roles/deploy", Asked("deploy", type="iam:role")),
        (f"ecs/v2/clusters/shop/services/web/health?region={R}", Asked("shop/web", region=R, type="ecs:service")),
        (f"ecs/v2/clusters/shop/services?region={R}", Asked("shop", region=R, type="ecs:cluster")),
        (f"eks/home?region={R}#/clusters/shop", Asked("shop", region=R, type="eks:cluster")),
        (f"eks/clusters/shop?region={R}", Asked("shop", region=R, type="eks:cluster")),
        (f"ecr/repositories/private/{A}/team/shop?region={R}", Asked("team/shop", account=A, region=R, type="ecr:repository")),
        (f"ecr/repositories/private/{A}/shop/_/image/sha256:0a/details?region={R}", Asked("shop", account=A, region=R, type="ecr:repository")),
        (f"cloudfront/v4/home?region={R}#/distributions/E1ABCDEFGHIJ/invalidations", Asked("E1ABCDEFGHIJ", type="cloudfront:distribution")),
        ("route53/v2/hostedzones?region=us-east-1#ListRecordSets/Z0123456789AB", Asked("Z0123456789AB", type="route53:hostedzone")),
        (f"secretsmanager/secret?name=shop%2Fdb&region={R}", Asked("shop/db", region=R, type="secretsmanager:Secret")),
        (f"systems-manager/parameters/%252Fshop%252Fdb/description?region={R}", Asked("shop/db", region=R, type="ssm:parameter")),
        (f"apigateway/main/apis/a1b2c3d4e5/resources?api=a1b2c3d4e5&region={R}", Asked("a1b2c3d4e5", region=R, type="apigateway:")),
        (f"cloudwatch/home?region={R}#logsV2:log-groups/log-group/$252Faws$252Flambda$252Fresize/log-events/2026$252F03", Asked("/aws/lambda/resize", region=R, type="logs:log-group")),
        (f"cloudwatch/home?region={R}#logsV2:log-groups/log-group/%2Fecs%2Fshop", Asked("/ecs/shop", region=R, type="logs:log-group")),
        (f"cloudwatch/home?region={R}#alarmsV2:alarm/CPU%20high?~(search~'x)", Asked("CPU high", region=R, type="cloudwatch:alarm")),
        (f"codesuite/codebuild/{A}/projects/shop/history?region={R}", Asked("shop", account=A, region=R, type="codebuild:project")),
        (f"codesuite/codepipeline/pipelines/shop/view?region={R}", Asked("shop", region=R, type="codepipeline:pipeline")),
        (f"kms/home?region={R}#/kms/keys/0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f", Asked("0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f", region=R, type="kms:key")),
        (f"sqs/v3/home?region={R}#/queues/https%3A%2F%2Fsqs.{R}.amazonaws.com%2F{A}%2Forders/send-receive", Asked(f"arn:aws:sqs:{R}:{A}:orders")),
        (f"sns/v3/home?region={R}#/topic/arn:aws:sns:{R}:{A}:orders", Asked(f"arn:aws:sns:{R}:{A}:orders")),
        (f"states/home?region={R}#/statemachines/view/arn%3Aaws%3Astates%3A{R}%3A{A}%3AstateMachine%3Ashop", Asked(f"arn:aws:states:{R}:{A}:stateMachine:shop")),
        (f"cognito/v2/idp/user-pools/{R}_AbCdEf123/users?region={R}", Asked(f"{R}_AbCdEf123", region=R, type="cognito-idp:userpool")),
    ],
)  # fmt: skip
def test_pages_of_other_services_of_the_console(page: str, asked: Asked) -> None:
    assert one(f"https://{R}.console.aws.amazon.com/{page}") == asked
    with_account = one(f"https://{A}-abcd1234.{R}.console.aws.amazon.com/{page}")
    assert with_account.account == (None if asked.id.startswith("arn:") else A)


@pytest.mark.parametrize(
    "page",
    [
        "lambda/home#/functions",
        "dynamodbv2/home#tables",
        "iam/home#/roles",
        "rds/home#databases:",
        "ecs/v2/clusters",
        "ecs/v2/clusters?region=x",
        "sqs/v3/home#/queues",
    ],
)
def test_a_list_of_the_console_names_no_resource(page: str) -> None:
    assert "is a list" in refused(f"https://{R}.console.aws.amazon.com/{page}")


def test_a_link_may_name_several() -> None:
    assert names(f"{HOME}#Instances:search={I},{J}") == [I, J]


@pytest.mark.parametrize(
    ("link", "said"),
    [
        (f"{HOME}#Instances:instanceState=running", "names no resource"),
        (f"{HOME}#Instances:tag:Name=web-0a1b2c3d", "names no resource"),
        (f"https://{R}.console.aws.amazon.com/lambda/home?region={R}#/layers", "its page of 'lambda'"),
        (f"https://{R}.console.aws.amazon.com/", "names no resource"),
        (f"https://{A}.signin.aws.amazon.com/console", "it is a link to sign in"),
        (f"https://acme.awsapps.com/start#/console?account_id={A}&role_name=x", f"into account {A}"),
        (f"https://console.aws.amazon.com.example.com/ec2/home#InstanceDetails:instanceId={I}", "AWS did not give"),
        (f"https://example.com/?x=console.aws.amazon.com#InstanceDetails:instanceId={I}", "AWS did not give"),
    ],
)
def test_links_that_name_nothing_say_so(link: str, said: str) -> None:
    assert said in refused(link)


# --- documents


def guard_duty(**resource: Any) -> dict[str, Any]:
    return {
        "AccountId": A, "Region": R, "Type": "x", "Resource": resource, "Service": {"ServiceName": "guardduty"}
    }  # fmt: skip


def small(value: Any) -> Any:
    """As events have it: with small first letters."""
    if isinstance(value, list):
        return [small(item) for item in value]
    return {key[0].lower() + key[1:]: small(item) for key, item in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize(
    ("resource", "asked"),
    [
        ({"InstanceDetails": {"InstanceId": I, "NetworkInterfaces": [{"NetworkInterfaceId": "eni-0a1b2c3d"}]}}, [I]),
        ({"AccessKeyDetails": {"AccessKeyId": "ASIAI44QH8DHBEXAMPLE", "PrincipalId": f"AROADBQP57FF2AEXAMPLE:{I}"}}, ["ASIAI44QH8DHBEXAMPLE", I]),
        ({"S3BucketDetails": [{"Arn": "arn:aws:s3:::a"}, {"Arn": "arn:aws:s3:::b"}]}, ["arn:aws:s3:::a", "arn:aws:s3:::b"]),
        ({"EbsVolumeDetails": {"ScannedVolumeDetails": [{"VolumeArn": ARN}]}}, [ARN]),
        ({"LambdaDetails": {"FunctionArn": f"arn:aws:lambda:{R}:{A}:function:f"}}, [f"arn:aws:lambda:{R}:{A}:function:f"]),
    ],
)  # fmt: skip
def test_findings_of_guard_duty(resource: dict[str, Any], asked: list[str]) -> None:
    finding = guard_duty(**resource)
    for form in (
        finding,
        {"Findings": [finding]},
        small(finding),
        {"detail-type": "GuardDuty Finding", "account": A, "region": R, "detail": small(finding)},
        {"Message": json.dumps({"detail-type": "x", "detail": small(finding)})},
        [finding, finding],
        json.dumps(finding),
    ):
        found = read_pasted(form if isinstance(form, str) else json.dumps(form, indent=2))
        assert (found.kind, [one.name for one in found.asked]) == ("GuardDuty finding", asked)


def test_the_resources_of_an_attack_sequence() -> None:
    finding = guard_duty()
    finding["Resource"] = {"ResourceType": "AttackSequence"}
    finding["Service"]["Detection"] = {
        "Sequence": {"Resources": [{"Uid": ARN}, {"Uid": I, "AccountId": "999999999999"}]}
    }
    assert read_pasted(json.dumps(finding)).asked == (Asked(ARN), Asked(I, account="999999999999", region=R))


@pytest.mark.parametrize(
    ("document", "kind", "asked"),
    [
        ({"AwsAccountId": A, "Region": R, "Resources": [{"Id": ARN}, {"Id": f"AWS::::Account:{A}"}]}, "Security Hub finding", [Asked(ARN)]),
        ({"AwsAccountId": A, "Resources": [{"Id": "AWS::IAM::AccessKey:AKIAIOSFODNN7EXAMPLE", "Region": R}]}, "Security Hub finding", [Asked(access_key="AKIAIOSFODNN7EXAMPLE", account=A, region=R)]),
        ({"class_uid": 2004, "cloud": {"account": {"uid": "999999999999"}}, "resources": [{"uid": I, "region": R, "owner": {"account": {"uid": A}}}]}, "finding in OCSF", [Asked(I, account=A, region=R)]),
        ({"findingArn": "arn", "awsAccountId": A, "resources": [{"id": I, "region": R}]}, "Inspector finding", [Asked(I, account=A, region=R)]),
        ({"finding": {"resource": ARN, "resourceType": "AWS::EC2::Instance"}}, "IAM Access Analyzer finding", [Asked(ARN)]),
        ({"resourcesAffected": {"s3Bucket": {"arn": "arn:aws:s3:::b"}}}, "Macie finding", [Asked("arn:aws:s3:::b")]),
        ({"configurationItems": [{"resourceType": "AWS::EC2::Volume", "resourceId": V, "accountId": A, "awsRegion": R}]}, "item of AWS Config", [Asked(V, account=A, region=R)]),
        ({"invokingEvent": json.dumps({"configurationItem": {"resourceType": "t", "resourceId": V, "ARN": ARN}})}, "item of AWS Config", [Asked(ARN)]),
        ({"EvaluationResults": [{"EvaluationResultIdentifier": {"EvaluationResultQualifier": {"ConfigRuleName": "r", "ResourceType": "t", "ResourceId": V}}}]}, "finding of AWS Config", [Asked(V)]),
        ({"schema": 1, "arn": ARN, "owner": {"name": "alice"}}, "answer of ownertag", [Asked(ARN)]),
        ({"detail-type": "EBS", "account": A, "region": R, "resources": ["x y"], "detail": {"instance-id": I}}, "EventBridge event ('EBS')", [Asked(I, account=A, region=R)]),
        ({"AlarmName": "cpu", "AlarmArn": f"arn:aws:cloudwatch:{R}:{A}:alarm:cpu", "AWSAccountId": A, "Region": "EU (Frankfurt)", "Trigger": {"Dimensions": [{"name": "InstanceId", "value": I}]}}, "alarm of CloudWatch", [Asked(I, account=A, region=R)]),
        ({"AlarmName": "x", "AWSAccountId": A, "AlarmArn": f"arn:aws:cloudwatch:{R}:{A}:alarm:x", "Trigger": {"MetricName": "Errors", "Dimensions": [{"value": "resize", "name": "FunctionName"}, {"value": "live", "name": "Resource"}]}}, "alarm of CloudWatch", [Asked("resize", account=A, region=R, type="lambda:function")]),
        ({"AlarmName": "x", "AWSAccountId": A, "AlarmArn": f"arn:aws:cloudwatch:{R}:{A}:alarm:x", "Trigger": {"Dimensions": [{"Value": "shop", "Name": "DBInstanceIdentifier"}]}}, "alarm of CloudWatch", [Asked("shop", account=A, region=R, type="rds:db")]),
        ({"eventName": "UpdateFunctionConfiguration20150331v2", "eventSource": "lambda.amazonaws.com", "awsRegion": R, "recipientAccountId": A, "requestParameters": {"resourceArn": f"arn:aws:lambda:{R}:{A}:function:resize", "role": f"arn:aws:iam::{A}:role/x", "roleArn": f"arn:aws:iam::{A}:role/x"}}, "CloudTrail record of 'UpdateFunctionConfiguration20150331v2'", [Asked(f"arn:aws:lambda:{R}:{A}:function:resize")]),
        ({"detail-type": "CloudWatch Alarm State Change", "account": A, "region": R, "resources": [f"arn:aws:cloudwatch:{R}:{A}:alarm:cpu"], "detail": {"configuration": {"metrics": [{"metricStat": {"metric": {"dimensions": {"InstanceId": I, "Name": "x"}}}}]}}}, "EventBridge event ('CloudWatch Alarm State Change')", [Asked(I, account=A, region=R)]),
        ({"detail-type": "AWS Health Event", "account": A, "region": R, "resources": [V], "detail": {"service": "EBS"}}, "EventBridge event ('AWS Health Event')", [Asked(V, account=A, region=R)]),
        ({"Events": [{"CloudTrailEvent": json.dumps({"eventName": "DeleteVolume", "eventSource": "ec2.amazonaws.com", "requestParameters": {"volumeId": V}})}]}, "CloudTrail record of 'DeleteVolume'", [Asked(V)]),
    ],
)  # fmt: skip
def test_other_documents(document: Any, kind: str, asked: list[Asked]) -> None:
    found = read_pasted(json.dumps(document))
    assert (found.kind, list(found.asked)) == (kind, asked)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("{", "begins as JSON and is none"),
        ("{}", "of no finding, event or record that is known"),
        ("[]", "of no finding"),
        ('{"InstanceId": "i-0a1b2c3d"}', "of no finding"),
        ("[" * 5000, "begins as JSON and is none"),
        (
            json.dumps({"AwsAccountId": A, "Resources": [{"Id": f"AWS::::Account:{A}"}]}),
            "names an account, and no resource",
        ),
        (json.dumps(guard_duty(AccessKeyDetails={"UserName": "x"})), "names a user and no access key"),
        (
            json.dumps({"eventName": "X", "eventSource": "s", "userIdentity": {"accessKeyId": "AKIAIOSFODNN7EXAMPLE"}}),
            "what its key made: ownertag whois AKIAIOSFODNN7EXAMPLE",
        ),
    ],
)
def test_documents_that_name_nothing_say_what_they_are(document: str, said: str) -> None:
    assert said in refused(document)


def test_a_page_of_findings_is_bounded() -> None:
    resources = [{"Id": f"i-{number:017x}"} for number in range(150)]
    found = read_pasted(json.dumps({"AwsAccountId": A, "Region": R, "Resources": resources}))
    assert (len(found.asked), found.more) == (100, 50)
    assert "100 resources, without 50 more" in found.said


# --- anything at all

_PARTS = st.sampled_from(
    ["i-0a1b2c3d", "arn:aws:", "https://", "console.aws.amazon.com", "#", "?region=", "%3A", '{"', "[", "]", ":", "/", "@", " ",
     "s3://", "10.0.0.5", "\u202e", "\u200b", "\n", "AKIA", "`", "ip-10-0-0-5", ".ec2.internal", "](", "<", "|", "'", SECRET]
)  # fmt: skip


@given(st.one_of(st.text(), st.lists(_PARTS | st.text(max_size=3), max_size=12).map("".join)))
@examples(2000)
def test_any_text_is_taken_or_refused_in_one_printable_line(text: str) -> None:
    try:
        said = read_pasted(text).said
    except PastedError as error:
        said = str(error)
    assert said.isascii()
    assert said.isprintable()
    assert SECRET not in said


_KEYS = st.sampled_from(
    ["detail", "detail-type", "Findings", "Resources", "AwsAccountId", "resource", "resources", "service", "type",
     "class_uid", "cloud", "account", "eventName", "eventSource", "Message", "Resource", "Service", "Id", "uid"]
)  # fmt: skip
_JSON: st.SearchStrategy[Any] = st.none() | st.integers() | st.text(max_size=5) | st.just(ARN)
for _ in range(4):
    _JSON = _JSON | st.lists(_JSON, max_size=3) | st.dictionaries(_KEYS, _JSON, max_size=5)
_DOCUMENTS = st.dictionaries(
    st.sampled_from(["detail", "Findings", "eventName", "eventSource", "Resources", "AwsAccountId"]), _JSON
)


@given(_DOCUMENTS)
@examples(1000)
def test_any_json_is_taken_or_refused(value: dict[str, Any]) -> None:
    try:
        said = read_pasted(json.dumps(value)).said
    except PastedError as error:
        said = str(error)
    assert said.isascii()
    assert said.isprintable()
