"""Writes to AWS Organizations: one after another, repeated where Organizations says to try again later.

It answers parallel changes with ConcurrentModificationException, which the SDK does not retry (reported:
terraform-provider-aws#5073 and #9195), and throttles writes hard. Another run may have done the same meanwhile, or an
answer may have been lost: what is there already is no error.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from threading import Lock
from typing import Any

from botocore.exceptions import ClientError

from ownertag.rollout.deploy.access import SCP, policy_id, resource_policy
from ownertag.rollout.deploy.failures import DeployError

#: Another change is under way, or there were too many calls (doc: Organizations, each operation's errors).
LATER = frozenset(
    {
        "ConcurrentModificationException",
        "TooManyRequestsException",
        "ThrottlingException",
        "PolicyChangesInProgressException",
        "FinalizingOrganizationException",
        "ServiceException",
    }
)
#: Seconds before each repetition: two minutes in all, then the step fails.
PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 30.0, 30.0)

_POLICY_TEXT = "Keeps the owner tags, and what writes them, from being removed or forged."


class OrganizationCalls:
    """The changes of an organization; threads may share it, and wait for each other.

    Args:
        client: A client of Organizations in the management account.
        pause: Waits so many seconds.
    """

    def __init__(self, client: Any, pause: Callable[[float], None]) -> None:
        self._client = client
        self._pause = pause
        self._lock = Lock()

    def run(self, call: Callable[[], Any], say: Callable[[str], None], *done: str) -> None:
        """Carries out one change when no other is under way.

        Args:
            call: The change.
            say: Told of each repetition.
            done: The error codes that say that the change is there already.

        Raises:
            ClientError: AWS refuses it, or says to try again later for more than two minutes.
        """
        with self._lock:
            self._run(call, say, *done)

    def _run(self, call: Callable[[], Any], say: Callable[[str], None], *done: str) -> None:
        for pause in (*PAUSES, None):
            try:
                call()
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code in done:
                    return
                if code not in LATER or pause is None:
                    raise
                say(f"Organizations says {code}: again in {pause:.0f} s")
                self._pause(pause)
            else:
                return

    def enable_policies(self, root: str, say: Callable[[str], None]) -> None:
        """Enables service control policies."""
        self.run(
            lambda: self._client.enable_policy_type(RootId=root, PolicyType=SCP),
            say,
            "PolicyTypeAlreadyEnabledException",
        )

    def put_resource_policy(self, policy: str, sid: str, say: Callable[[str], None]) -> None:
        """Puts the organization's resource policy; an empty one is deleted.

        An organization has one, and putting it replaces what is there: so it is read once more, and other people's
        statements must be those that the policy was made from.

        Args:
            policy: The whole policy.
            sid: Of our statement.
            say: Told of each repetition.

        Raises:
            DeployError: Somebody else has changed the policy meanwhile.
        """
        with self._lock:
            if _others(resource_policy(self._client), sid) != _others(policy, sid):
                raise DeployError(
                    "somebody has changed the organization's resource policy since it was read: nothing was written; "
                    "run it again"
                )
            if policy:
                self._run(lambda: self._client.put_resource_policy(Content=policy), say)
            else:
                self._run(self._client.delete_resource_policy, say, "ResourcePolicyNotFoundException")

    def put_policy(self, name: str, content: str, id_: str | None, say: Callable[[str], None]) -> None:
        """Creates a service control policy, or updates the one of this id, or the one that another run has made."""
        with self._lock:
            if id_ is None:
                try:
                    self._run(lambda: self._create(name, content), say)
                except ClientError as error:
                    if error.response["Error"]["Code"] != "DuplicatePolicyException":
                        raise
                    id_ = policy_id(self._client, name)
                    if id_ is None:
                        raise
            if id_ is not None:
                self._run(lambda: self._client.update_policy(PolicyId=id_, Content=content), say)

    def drop_policy(self, id_: str, say: Callable[[str], None]) -> None:
        """Deletes a service control policy."""
        self.run(lambda: self._client.delete_policy(PolicyId=id_), say, "PolicyNotFoundException")

    def attach(self, name: str, unit: str, say: Callable[[str], None]) -> None:
        """Attaches a policy to a unit.

        Raises:
            DeployError: There is no policy of this name.
        """
        found = policy_id(self._client, name)
        if found is None:
            raise DeployError(f"policy {name} is gone: run it again")
        self.run(
            lambda: self._client.attach_policy(PolicyId=found, TargetId=unit),
            say,
            "DuplicatePolicyAttachmentException",
        )

    def detach(self, id_: str, unit: str, say: Callable[[str], None]) -> None:
        """Detaches a policy from a unit."""
        self.run(
            lambda: self._client.detach_policy(PolicyId=id_, TargetId=unit),
            say,
            "PolicyNotAttachedException",
            "PolicyNotFoundException",
        )

    def _create(self, name: str, content: str) -> None:
        self._client.create_policy(Name=name, Description=_POLICY_TEXT, Type=SCP, Content=content)


def _others(policy: str | None, sid: str) -> list[Any]:
    """Other people's statements in a resource policy."""
    found = json.loads(policy)["Statement"] if policy else []
    return [statement for statement in (found if isinstance(found, list) else [found]) if statement.get("Sid") != sid]
