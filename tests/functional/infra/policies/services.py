"""Services that ownertag does not tag yet, as rows made up from real entries of AWS's reference: one for each tier.

A later service is only a row: with these in the catalogue, the policies are rendered for them by the same code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache

from msgspec.structs import replace

from harness import fixtures
from infra.policies.cases import INSTALLED
from infra.policies.matrix import EACH, EVERY, ONE, Action, Asked, arn, asked, with_creation
from infra.policies.world import MEMBER, REGION, Json, scp
from ownertag.catalogue import coverage, tag_actions
from ownertag.core.catalogue_types import Catalogue, CatalogueRow, Makes, ResourceType
from ownertag.core.request_tags import is_overwritten, overwritten_types

_ID = "[a-z0-9-]+"
#: A type of each service, the action that tags it, and the operation that makes it.
MADE_UP = {
    "s3:bucket": ("arn:{partition}:s3:::{id}", "s3:TagResource", "CreateBucket"),
    "secretsmanager:Secret": (
        "arn:{partition}:secretsmanager:{region}:{account}:secret:{id}", "secretsmanager:TagResource", "CreateSecret",
    ),
    "lambda:function": (
        "arn:{partition}:lambda:{region}:{account}:function:{id}", "lambda:TagResource", "CreateFunction",
    ),
    "dynamodb:table": ("arn:{partition}:dynamodb:{region}:{account}:table/{id}", "dynamodb:TagResource", "CreateTable"),
    "ecs:cluster": ("arn:{partition}:ecs:{region}:{account}:cluster/{id}", "ecs:TagResource", "CreateCluster"),
    "servicediscovery:service": (
        "arn:{partition}:servicediscovery:{region}:{account}:service/{id}", "servicediscovery:TagResource",
        "CreateService",
    ),
    "cloudsearch:domain": (
        "arn:{partition}:cloudsearch:{region}:{account}:domain/{id}", "cloudsearch:AddTags", "CreateDomain",
    ),
}  # fmt: skip

_EC2 = arn("ec2", "instance/i-0123456789abcdef0")
_SNAPSHOT = "arn:aws:ec2:eu-central-1::snapshot/snap-0123456789abcdef0"
EC2_TAGS = Action("ec2:CreateTags", "tag", _EC2, create_action=True)
EC2_ACTIONS = (
    EC2_TAGS,
    EC2_TAGS._replace(arn=_SNAPSHOT),
    Action("ec2:DeleteTags", "untag", _EC2),
)
#: What the reference says of each, written by hand; S3's bucket without ABAC carries no `aws:ResourceTag`.
_SECRET = arn("secretsmanager", "secret:orders-a1b2c3")
_ECS = arn("ecs", "cluster/orders")
OTHER_ACTIONS = (
    *(
        Action(name, does, "arn:aws:s3:::orders", keys, resource_tag=abac, abac=abac)
        for name, does, keys in (
            ("s3:TagResource", "tag", True),
            ("s3:UntagResource", "untag", True),
            ("s3:PutBucketTagging", "replace", False),
            ("s3:PutBucketAbac", "replace", False),
        )
        for abac in (True, False)
    ),
    Action("secretsmanager:TagResource", "tag", _SECRET),
    Action("secretsmanager:UntagResource", "untag", _SECRET),
    Action("secretsmanager:CreateSecret", "create", _SECRET),
    Action("lambda:TagResource", "tag", arn("lambda", "function:orders")),
    Action("lambda:UntagResource", "untag", arn("lambda", "function:orders")),
    Action("dynamodb:TagResource", "tag", arn("dynamodb", "table/orders")),
    Action("dynamodb:UntagResource", "untag", arn("dynamodb", "table/orders")),
    Action("ecs:TagResource", "tag", _ECS, create_action=True),
    Action("ecs:UntagResource", "untag", _ECS),
    Action("servicediscovery:TagResource", "tag", "*", resource_tag=False),
    Action("servicediscovery:UntagResource", "untag", "*", resource_tag=False),
    Action("cloudsearch:AddTags", "tag", arn("cloudsearch", "domain/orders"), tag_keys=False, resource_tag=False),
    Action("cloudsearch:RemoveTags", "untag", arn("cloudsearch", "domain/orders"), tag_keys=False, resource_tag=False),
)


@cache
def catalogue() -> Catalogue:
    """The catalogue, with these services in it."""
    found = fixtures.catalogue()
    rows, types, apis = dict(found.rows), dict(found.types), dict(found.tag_apis)
    for name, (form, action, operation) in MADE_UP.items():
        service = name.partition(":")[0]
        api = action.replace(":", ".")
        types[name] = ResourceType(name, service, form, _ID, api)
        apis[api] = replace(next(iter(found.tag_apis.values())), name=api, client=service, action=action)
        source = f"{service}.amazonaws.com"
        makes = (Makes(types[name], (("response",),)),)
        rows[source, operation] = CatalogueRow(source, operation, makes, "model")
    return replace(found, rows=rows, types=types, tag_apis=apis)


@cache
def all_services() -> Json:
    """The policy for all of them."""
    return scp(catalogue())


def _arn_of(type_name: str) -> str:
    """An ARN of a type of EC2, in the form of AWS's reference: some name no account, others no Region."""
    form = _types()[type_name]["arn"]
    known = {"Partition": "aws", "Region": REGION, "Account": MEMBER}
    return re.sub(r"\$\{(\w+)\}", lambda match: known.get(match[1], "x-0123456789abcdef0"), form)


@cache
def _types() -> Json:
    data = INSTALLED.parents[1] / "iam-data/data/resourceTypes/ec2.json"
    found: Json = json.loads(data.read_text("utf-8"))
    return found


def of_ec2() -> Iterator[Asked]:
    """The matrix of EC2: every direct case, and each creation that can tag, with each type that it can tag."""
    for number, action in enumerate(EC2_ACTIONS):
        for case in asked(action):
            yield case._replace(id=f"{number}/{case.id}", request=case.request | {"id": f"{number}/{case.id}"})
    through = overwritten_types(fixtures.catalogue(), "ec2")
    whole = {
        ("RunInstances", "volume"),
        ("RunInstances", "spot-instances-request"),
        ("ExportImage", "export-image-task"),
    }
    derived = tag_actions.load_tag_actions().creations["ec2"]
    taken = frozenset(coverage.read_derived().types)
    can_tag = {name: set(types) for name, types in derived.items()}
    for operation, types in through.items():
        can_tag.setdefault(operation, set()).update(name.partition(":")[2] for name in types)
    for operation, names in sorted(can_tag.items()):
        # The simulator knows no other types of CreateTags; tests/unit/infra/test_tags_at_creation.py asks for them too.
        for name in sorted(names & taken):
            way = None if is_overwritten(fixtures.catalogue(), operation, f"ec2:{name}") else "bring elsewhere"
            way = "bring" if operation not in through else way
            scope = EVERY if (operation, name) in whole else ONE
            yield from with_creation(EC2_TAGS._replace(arn=_arn_of(name)), operation, name, way, scope)
        if len(derived.get(operation, ())) > 1 and operation in through:
            # A type that it can't tag today: an operation of several types is let through for ours alone.
            action = EC2_TAGS._replace(arn=_arn_of("key-pair"))
            yield from with_creation(action, operation, "key-pair", "bring elsewhere", EACH)


def of_others() -> Iterator[Asked]:
    """The matrix of the made-up services."""
    for action in OTHER_ACTIONS:
        yield from asked(action, "scp-all")
    tags = next(other_action for other_action in OTHER_ACTIONS if other_action.name == "ecs:TagResource")
    yield from with_creation(tags, "CreateCluster", "cluster", None, policy="scp-all")
    # An operation that no row has: what it brings would stand.
    yield from with_creation(tags, "CreateCapacityProvider", "cluster", "bring", policy="scp-all")
