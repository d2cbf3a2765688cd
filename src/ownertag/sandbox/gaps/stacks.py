"""CloudFormation's stacks: they launch instances by calls of EC2, which CloudTrail shows; moto launches within moto.

Other resources of a stack are moto's alone, and leave no records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import cloudformation_backends
from moto.cloudformation.parsing import get_model_map
from moto.ec2.models import ec2_backends
from moto.ec2.models.instances import Instance

from ownertag.sandbox.calls import Call, Response, refuse
from ownertag.sandbox.organization import role_trust
from ownertag.sandbox.trust import allows, service

#: Launches by a stack's service role, if it has one, with parameters of RunInstances; gives the reservation's id.
Launch = Callable[[str | None, dict[str, Any]], str]
#: The operations that make a stack launch.
OPERATIONS = {"CreateStack", "UpdateStack", "ExecuteChangeSet"}

_INSTANCE = "AWS::EC2::Instance"
#: Properties that a template and RunInstances call the same, and in the same form.
_SAME = (
    "BlockDeviceMappings",
    "ImageId",
    "InstanceType",
    "KeyName",
    "LaunchTemplate",
    "PrivateIpAddress",
    "SecurityGroupIds",
    "SecurityGroups",
    "SubnetId",
    "UserData",
)


def refused_role(call: Call, account: str) -> Response | None:
    """CloudFormation's refusal of a service role that it can't take; moto takes any."""
    role = call.params.get("RoleARN")
    caller = service("cloudformation.amazonaws.com", "", account)
    if not role or allows(role_trust(role), caller, "sts:AssumeRole"):
        return None
    return refuse(call, "ValidationError", f"Role {role} is invalid or cannot be assumed", 400)


@contextmanager
def launching(launch: Launch) -> Iterator[None]:
    """Lets stacks launch their instances by this function."""

    class Launched(Instance):
        """An instance of a stack, with the tags that CloudFormation gives at launch (seen)."""

        @classmethod
        def create_from_cloudformation_json(
            cls,
            resource_name: str,  # noqa: ARG003 - the overridden name; an instance has no name
            cloudformation_json: Any,
            account_id: str,
            region_name: str,
            **kwargs: Any,
        ) -> Instance:
            properties = cloudformation_json["Properties"]
            stack_id = kwargs["StackId"]
            own = {
                "aws:cloudformation:stack-id": stack_id,
                "aws:cloudformation:stack-name": stack_id.split("/")[1],
                "aws:cloudformation:logical-id": kwargs["LogicalId"],
            }
            tags = [*properties.get("Tags", []), *({"Key": key, "Value": value} for key, value in own.items())]
            params = {key: properties[key] for key in _SAME if key in properties}
            if "IamInstanceProfile" in properties:
                params["IamInstanceProfile"] = {"Name": properties["IamInstanceProfile"]}
            params["TagSpecifications"] = [{"ResourceType": "instance", "Tags": tags}]
            role = cloudformation_backends[account_id][region_name].stacks[stack_id].role_arn
            try:
                reservation = launch(role, {**params, "MinCount": 1, "MaxCount": 1})
            except ClientError as error:
                raise ValidationError(message=f"{kwargs['LogicalId']}: {error}") from error
            instance: Instance = ec2_backends[account_id][region_name].reservations[reservation].instances[0]
            return instance

    models: Any = get_model_map()
    moto = models[_INSTANCE]
    models[_INSTANCE] = Launched
    try:
        yield
    finally:
        models[_INSTANCE] = moto
