"""What an ARN or id names, by the catalogue's types: ARNs of every form, and what could be two types is none."""

from __future__ import annotations

import re

import pytest

from harness import fixtures
from harness.services import services
from ownertag.catalogue.loader import build
from ownertag.catalogue.merge import merged
from ownertag.core.arn import arn_before_id
from ownertag.core.match import match
from ownertag.core.recognize import name_of, recognize, type_of_id
from ownertag.core.values import Creation

REGION, ACCOUNT = "eu-central-1", "111122223333"
HERE = f"{REGION}:{ACCOUNT}"
HASH, UUID = "50dc6c495c0c9188", "0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f"


@pytest.mark.parametrize(
    ("arn", "type_", "id_", "account", "region"),
    [
        (f"arn:aws:ec2:{HERE}:volume/vol-0a1b2c3d4e5f60718", "ec2:volume", "vol-0a1b2c3d4e5f60718", ACCOUNT, REGION),
        ("arn:aws:s3:::shop-logs", "s3:bucket", "shop-logs", "", ""),
        (f"arn:aws:dynamodb:{HERE}:table/web", "dynamodb:table", "web", ACCOUNT, REGION),
        (f"arn:aws:lambda:{HERE}:function:web", "lambda:function", "web", ACCOUNT, REGION),
        (f"arn:aws:iam::{ACCOUNT}:role/team/deploy", "iam:role", "team/deploy", ACCOUNT, "us-east-1"),
        (f"arn:aws-cn:iam::{ACCOUNT}:role/deploy", "iam:role", "deploy", ACCOUNT, "cn-north-1"),
        (f"arn:aws-us-gov:iam::{ACCOUNT}:user/ops", "iam:user", "ops", ACCOUNT, "us-gov-west-1"),
        (f"arn:aws:sqs:{HERE}:web.fifo", "sqs:queue", "web.fifo", ACCOUNT, REGION),
        (f"arn:aws:rds:{HERE}:db:web", "rds:db", "web", ACCOUNT, REGION),
        (f"arn:aws:rds:{HERE}:cluster:web", "rds:cluster", "web", ACCOUNT, REGION),
        (f"arn:aws:cloudformation:{HERE}:stack/web/{UUID}", "cloudformation:stack", f"web/{UUID}", ACCOUNT, REGION),
        (f"arn:aws:ecs:{HERE}:service/shop/web", "ecs:service", "shop/web", ACCOUNT, REGION),
        (f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1ABCDEFGHIJ", "cloudfront:distribution", "E1ABCDEFGHIJ", ACCOUNT,
         "us-east-1"),
        ("arn:aws:route53:::hostedzone/Z0123456789AB", "route53:hostedzone", "Z0123456789AB", "", "us-east-1"),
        (f"arn:aws:apigateway:{REGION}::/restapis/a1b2c3d4e5", "apigateway:RestApis", "a1b2c3d4e5", "", REGION),
        (f"arn:aws:apigateway:{REGION}::/restapis/a1b2c3d4e5/stages/prod", "apigateway:Stage",
         "a1b2c3d4e5/stages/prod", "", REGION),
        (f"arn:aws:elasticloadbalancing:{HERE}:loadbalancer/web", "elasticloadbalancing:loadbalancer", "web", ACCOUNT,
         REGION),
        (f"arn:aws:elasticloadbalancing:{HERE}:loadbalancer/app/web/{HASH}", "elasticloadbalancing:loadbalancer/app/",
         f"web/{HASH}", ACCOUNT, REGION),
    ],
)  # fmt: skip
def test_an_arn_names_one_type_and_says_where_it_is(arn: str, type_: str, id_: str, account: str, region: str) -> None:
    found = recognize(arn, services())
    assert found
    assert (found.type.name, found.resource.type) == (type_, type_)
    assert (found.resource.arn, found.resource.id, found.account, found.region) == (arn, id_, account, region)


def test_what_an_arn_has_and_its_creation_does_not_tell_is_left_out() -> None:
    before = f"arn:aws:autoscaling:{HERE}:autoScalingGroup:"
    for part in (UUID, "*"):
        found = recognize(f"{before}{part}:autoScalingGroupName/web", services())
        assert found
        assert found.resource.arn == f"{before}*:autoScalingGroupName/web"


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "web",
        "arn:aws:s3:::Shop_Logs",
        f"arn:aws:ec2:{HERE}:volume/i-0a1b2c3d4e5f60718",
        f"arn:aws:ec2:{HERE}:volume/../volume/vol-0a1b2c3d4e5f60718",
        f"arn:aws:s3:{HERE}:volume/vol-0a1b2c3d4e5f60718",
        f"arn:aws-cn:dynamodb:{HERE}:table/web",
        f"arn:aws:dynamodb:{HERE}:table/web/index/by-owner",
        f"arn:aws:dynamodb::{ACCOUNT}:table/web",
        f"arn:aws:iam:{HERE}:role/deploy",
        "arn:aws:iam::aws:role/deploy",
        f"arn:aws:nothing:{HERE}:web",
    ],
)
def test_what_fits_no_type_names_nothing(arn: str) -> None:
    assert recognize(arn, services()) is None


def _sample(id_form: str) -> str:
    """An id of this form: the fewest of its characters."""
    characters = {"A-Z": "Q", "a-z": "q", "a-f": "f", "0-9": "7"}
    found = ""
    for part in re.finditer(r"\(\?:[^()]*\)[?*]|(\[(?:\\.|[^\]\\])*\]|\\?.)({(\d+)[^}]*}|[?*+])?", id_form):
        if part[1] is None:
            continue
        text = (
            next((one for name, one in characters.items() if name in part[1]), part[1][1:2])
            if part[1][0] == "["
            else ""
        )
        least = {None: 1, "+": 1, "?": 0, "*": 0}.get(part[2], int(part[3] or 0))
        found += (text or part[1].removeprefix("\\")) * least
    return found


def test_every_type_of_every_service_is_told_by_its_own_arns() -> None:
    """Also of rows that are off: no ARN of one type is taken for another, but where one call tags both."""
    catalogue = build(merged())
    others, unclear, without = [], [], []
    for type_ in catalogue.types.values():
        samples = (_sample(type_.id_form), UUID, f"fleet-{UUID}", f"sfr-{UUID}", "rslvr-in-0a1b2c3d4e5f60718")
        id_ = next((sample for sample in samples if type_.id.fullmatch(sample)), None)
        if id_ is None:
            without.append(type_.name)
            continue
        found = recognize(arn_before_id(type_.arn, REGION, ACCOUNT) + id_, catalogue)
        if found is None:
            unclear.append(type_.name)
        elif found.type != type_ and (found.type.arn, found.type.tag_api) != (type_.arn, type_.tag_api):
            others.append((type_.name, found.type.name))
    assert others == []
    assert unclear == []
    assert without == []


def test_what_a_creation_made_is_told_by_its_arn() -> None:
    catalogue = fixtures.catalogue()
    for golden in fixtures.golden():
        made = match(fixtures.arrival(golden.record), catalogue, fixtures.anywhere())
        for resource in made.resources if isinstance(made, Creation) else ():
            found = recognize(resource.arn, catalogue)
            assert found is not None, resource.arn
            assert found.resource == resource


def test_an_id_tells_its_type_only_by_a_beginning_of_its_own() -> None:
    found = type_of_id("vol-0a1b2c3d4e5f60718", services())
    assert found
    assert found.name == "ec2:volume"
    for id_ in ("web", "a1b2c3d4e5", "vol-x", "E1ABCDEFGHIJ", ""):
        assert type_of_id(id_, services()) is None, id_
    assert type_of_id("vol-0a1b2c3d4e5f60718", services(), "ec2:") == found
    assert type_of_id("vol-0a1b2c3d4e5f60718", services(), "s3:") is None


@pytest.mark.parametrize(
    ("type_", "id_", "name"),
    [
        ("ec2:volume", "vol-0a1b2c3d4e5f60718", ""),
        ("s3:bucket", "shop-logs", ""),
        ("iam:role", "team/deploy", "deploy"),
        ("cloudformation:stack", f"web/{UUID}", "web"),
        ("ecs:service", "shop/web", "web"),
        ("eks:nodegroup", f"shop/web/{UUID}", "web"),
        ("elasticloadbalancing:loadbalancer/app/", f"web/{HASH}", "web"),
        ("ecs:task-definition", "web:12", "web"),
        ("secretsmanager:Secret", "shop/db-a1B2c3", "shop/db"),
        ("logs:log-group", "/aws/lambda/web", "web"),
        ("any:thing", f"{UUID}/12", ""),
        ("any:thing", "//", ""),
    ],
)
def test_a_name_is_what_no_service_made_up(type_: str, id_: str, name: str) -> None:
    assert name_of(type_, id_) == name
