"""What moto's CloudFormation leaves undone in the resources that it makes: set right after each change of a stack."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.cloudformation.parsing import clean_json
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends


def complete(stack: Any) -> None:
    """Bring a stack's roles and functions to what its template says.

    moto keeps a role's policies as Python writes them, does not update them, and takes every function for x86_64.
    """
    resources = stack.resource_map
    for name, plain in stack.template_dict.get("Resources", {}).items():
        correct = {"AWS::IAM::Role": _role, "AWS::Lambda::Function": _function}.get(plain["Type"])
        made = resources._parsed_resources.get(name)  # noqa: SLF001 - by its own look-up it would be made here
        if correct is None or made is None:
            continue
        properties = clean_json(plain.get("Properties", {}), resources)
        # As AWS: what was changed by hand stays until the template says something else.
        if getattr(made, "completed", None) != properties:
            correct(made, properties)
            made.completed = properties


def forget_missing(stack: Any) -> None:
    """Leave roles out of a stack's deletion that are not there any more; moto would end with an error, AWS goes on."""
    resources = stack.resource_map._parsed_resources  # noqa: SLF001 - there is no other way into it
    known = iam_backends[stack.account_id]["aws"].roles.values()
    for name, plain in stack.template_dict.get("Resources", {}).items():
        if plain["Type"] == "AWS::IAM::Role" and not any(role is resources.get(name) for role in known):
            resources.pop(name, None)


@contextmanager
def existing(template: dict[str, Any], account: str, region: str) -> Iterator[None]:
    """Take log groups that are there into a new stack, as `ImportExistingResources` does; moto would refuse them."""
    groups = logs_backends[account][region].groups
    wanted = [
        each["Properties"].get("LogGroupName")
        for each in template.get("Resources", {}).values()
        if each["Type"] == "AWS::Logs::LogGroup"
    ]
    kept = {name: groups.pop(name) for name in wanted if name in groups}
    try:
        yield
    finally:
        groups.update(kept)


def _role(role: Any, properties: dict[str, Any]) -> None:
    role.assume_role_policy_document = json.dumps(properties["AssumeRolePolicyDocument"])
    role.policies = {each["PolicyName"]: json.dumps(each["PolicyDocument"]) for each in properties.get("Policies", ())}


def _function(function: Any, properties: dict[str, Any]) -> None:
    function.architectures = properties.get("Architectures", ["x86_64"])
