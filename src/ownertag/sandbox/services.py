"""AWS's own services as callers: they assume roles and launch instances by calls that are recorded like any other.

Their calls are those of the real SDK, but reach the front within the process: a service calls while the call that made
it do so is still being answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO
from typing import Any
from uuid import uuid4

import boto3
from botocore.awsrequest import AWSResponse, HeadersDict
from werkzeug.test import EnvironBuilder

from ownertag.sandbox.calls import Call, Response, read_call
from ownertag.sandbox.identities import Identities, SandboxActor, aws_service, new_key, on_behalf_of
from ownertag.sandbox.organization import SECRET, Keys, role_trust, sandbox_session

AUTO_SCALING = "autoscaling.amazonaws.com"
CLOUDFORMATION = "cloudformation.amazonaws.com"
EC2 = "ec2.amazonaws.com"

#: No name that is looked up: the requests never leave the process.
_NOWHERE = "http://127.0.0.1"
_SCALING_ROLE = f"aws-service-role/{AUTO_SCALING}/AWSServiceRoleForAutoScaling"


class Services:
    """Auto Scaling, CloudFormation and EC2, where they act for somebody.

    Args:
        identities: The register that their credentials go into.
        answer: Answers a call, as the front does.
    """

    def __init__(self, identities: Identities, answer: Callable[[Call], Response]) -> None:
        self._identities = identities
        self._answer = answer

    def scale(self, account: str, region: str, params: dict[str, Any]) -> str:
        """Launches as Auto Scaling does for a group, and returns the reservation's id.

        Raises:
            ClientError: EC2 refused.
        """
        role = f"arn:aws:iam::{account}:role/{_SCALING_ROLE}"
        if role_trust(role) is None:  # AWS makes it with the account's first group (doc: service-linked roles)
            with closing(self._client("iam", self._service_keys(AUTO_SCALING, account), region)) as iam:
                iam.create_service_linked_role(AWSServiceName=AUTO_SCALING)
        return self._launch(self.role_keys(AUTO_SCALING, role, "AutoScaling", region), region, params)

    def build(self, caller: SandboxActor, call: Call, role: str | None, params: dict[str, Any]) -> str:
        """Launches as CloudFormation does for a stack, by its service role or its caller; returns the reservation's id.

        Args:
            caller: Who called.
            call: What made CloudFormation launch.
            role: The ARN of the stack's service role.
            params: Of the launch.

        Raises:
            ClientError: EC2 refused, or the role can't be taken.
        """
        if role:
            keys = self.role_keys(CLOUDFORMATION, role, "AWSCloudFormation", call.region)
        else:
            keys = self._admit(on_behalf_of(caller, call.access_key, CLOUDFORMATION))
        return self._launch(keys, call.region, params)

    def role_keys(self, service: str, role_arn: str, session_name: str, region: str) -> Keys:
        """Credentials of a role that a service takes.

        Raises:
            ClientError: There is no such role, or it does not trust the service.
        """
        account = role_arn.split(":")[4]
        with closing(self._client("sts", self._service_keys(service, account), region)) as sts:
            given = sts.assume_role(RoleArn=role_arn, RoleSessionName=session_name)["Credentials"]
        return {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }

    def _launch(self, keys: Keys, region: str, params: dict[str, Any]) -> str:
        with closing(self._client("ec2", keys, region)) as ec2:
            return str(ec2.run_instances(ClientToken=str(uuid4()), **params)["ReservationId"])

    def _service_keys(self, service: str, account: str) -> Keys:
        return self._admit(aws_service(service, account))

    def _admit(self, actor: SandboxActor) -> Keys:
        key = new_key("ASIA")
        self._identities.add(key, actor)
        return {"aws_access_key_id": key, "aws_secret_access_key": SECRET, "aws_session_token": SECRET}

    def _client(self, service: str, keys: Keys, region: str) -> Any:
        session: boto3.Session = sandbox_session(keys, region)
        client: Any = session.client(service, endpoint_url=_NOWHERE)  # type: ignore[call-overload] # any service
        client.meta.events.register("before-send", self._send)
        return client

    def _send(self, request: Any, **_: Any) -> AWSResponse:
        """Answers a request of the SDK; botocore sends nothing then."""
        given, body = request.headers, request.body
        headers = [(name, value.decode() if isinstance(value, bytes) else str(value)) for name, value in given.items()]
        builder = EnvironBuilder(method=request.method, base_url=_NOWHERE, headers=headers, data=body)
        answer = self._answer(read_call(builder.get_environ()))
        shown: Any = HeadersDict(answer.headers)  # in place of urllib3's
        return AWSResponse(request.url, answer.status, shown, _Body(answer.body))


class _Body(BytesIO):
    """An answer as botocore reads it."""

    def stream(self) -> Iterator[bytes]:
        """The whole body."""
        yield self.read()
