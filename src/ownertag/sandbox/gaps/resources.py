"""Completes the resources that moto's CloudFormation makes, after each change of a stack."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.cloudformation.parsing import clean_json
from moto.dynamodb.models import dynamodb_backends
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.sqs.models import sqs_backends


def complete(stack: Any) -> None:
    """Brings a stack's roles and functions to what its template says.

    moto keeps a role's policies as Python writes them, does not update them nor a key's, and takes every function for
    x86_64.
    """
    resources = stack.resource_map
    for name, plain in stack.template_dict.get("Resources", {}).items():
        correct = {
            "AWS::IAM::ManagedPolicy": _managed_policy,
            "AWS::IAM::Role": _role,
            "AWS::KMS::Key": _key,
            "AWS::Lambda::Function": _function,
        }.get(plain["Type"])
        made = resources._parsed_resources.get(name)  # noqa: SLF001 - by its own look-up it would be made here
        if correct is None or made is None:
            continue
        properties = clean_json(plain.get("Properties", {}), resources)
        # As AWS: what was changed by hand stays until the template says something else.
        if getattr(made, "completed", None) != properties:
            correct(made, properties)
            made.completed = properties


class _KnownResources(dict[str, Any]):
    """A stack's resources by their logical names; keeps a resource where moto would put none in its place."""

    def __setitem__(self, name: str, made: Any) -> None:
        if made is not None or name not in self:
            super().__setitem__(name, made)


def keep_known(stack: Any) -> None:
    """Keeps, in an update, the resources of a type that moto does not know how to change."""
    resources = stack.resource_map
    resources._parsed_resources = _KnownResources(resources._parsed_resources)  # noqa: SLF001 - there is no other way into it


def forget_missing(stack: Any) -> None:
    """Leaves what is gone out of a stack's deletion; moto would end with an error, AWS goes on.

    It takes managed policies from their roles and deletes them, which moto doesn't.
    """
    resources = stack.resource_map._parsed_resources  # noqa: SLF001 - there is no other way into it
    iam = iam_backends[stack.account_id]["aws"]
    known: dict[str, dict[str, Any]] = {
        "AWS::IAM::Role": iam.roles,
        "AWS::SQS::Queue": sqs_backends[stack.account_id][stack.region_name].queues,
    }
    for name, plain in stack.template_dict.get("Resources", {}).items():
        if plain["Type"] == "AWS::IAM::ManagedPolicy" and (policy := resources.pop(name, None)) is not None:
            for role in iam.roles.values():
                role.managed_policies.pop(policy.arn, None)
            iam.managed_policies.pop(policy.arn, None)
        there = known.get(plain["Type"])
        if there is not None and not any(made is resources.get(name) for made in there.values()):
            resources.pop(name, None)


@contextmanager
def existing(template: dict[str, Any], account: str, region: str) -> Iterator[None]:
    """Takes what is there into a stack, as an import does; moto would refuse it, or make it anew."""
    held: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for kind, (holder, name) in _RETAINED.items():
        there = holder(account, region)
        wanted = [
            resource["Properties"].get(name)
            for resource in template.get("Resources", {}).values()
            if resource["Type"] == kind
        ]
        held.append((there, {name: there.pop(name) for name in wanted if name in there}))
    try:
        yield
    finally:
        for there, kept in held:
            there.update(kept)


#: By type, where moto holds it and which property names it.
_RETAINED: dict[str, tuple[Callable[[str, str], dict[str, Any]], str]] = {
    "AWS::SQS::Queue": (lambda account, region: sqs_backends[account][region].queues, "QueueName"),
    "AWS::Logs::LogGroup": (lambda account, region: logs_backends[account][region].groups, "LogGroupName"),
    "AWS::DynamoDB::Table": (lambda account, region: dynamodb_backends[account][region].tables, "TableName"),
}


def _role(role: Any, properties: dict[str, Any]) -> None:
    role.assume_role_policy_document = json.dumps(properties["AssumeRolePolicyDocument"])
    role.policies = {
        policy["PolicyName"]: json.dumps(policy["PolicyDocument"]) for policy in properties.get("Policies", ())
    }


def _managed_policy(policy: Any, properties: dict[str, Any]) -> None:
    [version] = [each for each in policy.versions if each.version_id == policy.default_version_id]
    version.document = json.dumps(properties["PolicyDocument"])
    roles = policy.backend.roles.values()
    for role in (each for each in roles if each.name in properties.get("Roles", ())):
        if policy.arn not in role.managed_policies:
            policy.attach_to(role)


def _key(key: Any, properties: dict[str, Any]) -> None:
    key.policy = json.dumps(properties["KeyPolicy"])


def _function(function: Any, properties: dict[str, Any]) -> None:
    function.architectures = properties.get("Architectures", ["x86_64"])
    # moto keeps a number as one; Lambda's values are texts, and clients in Go read no other.
    function.environment_vars = {key: str(value) for key, value in function.environment_vars.items()}
