"""Read-only access to every account; AWS's answers become facts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from botocore.config import Config
from msgspec import Struct

from ownertag.aws.credentials import CallerSession, patient_config
from ownertag.aws.sessions import Sessions
from ownertag.core.judge import judge
from ownertag.core.values import Failure
from ownertag.render.documents import AUDIT_ROLE
from ownertag.rollout.doctor.facts import Missing, NotGiven, Observed, StackFacts, Unread

T = TypeVar("T")

#: How many accounts are read at once. Their calls wait for AWS, which limits each account and Region by itself, and
#: an account's are made one after the other.
AT_ONCE = 32
#: Clients of four services in each of AWS's Regions, and of some in one.
MOST_CLIENTS = 256

#: Error codes for what is not there (service models; SQS answers with the first in its older protocol).
_MISSING = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue",
        "NoSuchEntity",
        "NotFound",
        "NotFoundException",
        "QueueDoesNotExist",
        "ResourceNotFoundException",
        "StackSetNotFound",
        "StackSetNotFoundException",
    }
)


class AccountAccess(Struct, frozen=True):
    """How accounts are accessed: by a role, assumed with an operator's session in the hub's account."""

    base: CallerSession
    region: str
    now: Callable[[], datetime]
    config: Config | None = None

    def sessions(self, role_name: str) -> Sessions:
        """Sessions of this role, in any account."""
        return Sessions(
            self.base,
            role_name=role_name,
            region=self.region,
            now=self.now,
            config=self.config or patient_config().merge(Config(max_pool_connections=AT_ONCE)),
            max_clients=MOST_CLIENTS,
        )


class AuditedAccount:
    """One account, read with its audit role.

    Args:
        access: How accounts are accessed.
        account: Its id.
        sessions: Of the audit role, shared with other accounts: a client costs a hundred times what a call costs.
    """

    def __init__(self, access: AccountAccess, account: str, sessions: Sessions | None = None) -> None:
        self.id = account
        self.home = access.region
        self._sessions = sessions or access.sessions(AUDIT_ROLE)

    def read(
        self, service: str, region: str, use: Callable[[Any], T], *, missing: frozenset[str] = _MISSING
    ) -> Observed[T]:
        """What `use` makes of a client, or why there is nothing.

        A `KeyError` in it is a field that the answer lacks.
        """
        try:
            found = self._sessions.call(service, self.id, region, use)
        except KeyError as error:
            return NotGiven(str(error.args[0]))
        if not isinstance(found, Failure):
            return found
        return Missing() if found.code in missing else Unread(judge(found, None, region).reason)

    def refused(self) -> Unread | None:
        """Why the audit role can't be assumed here, if it can't."""
        found = self._sessions.call("sts", self.id, self.home, lambda sts: sts.get_caller_identity())
        return Unread(judge(found, None, self.home).reason) if isinstance(found, Failure) else None

    def stack(self, region: str, name: str) -> Observed[StackFacts]:
        """A stack, by its name or id."""

        def use(cloudformation: Any) -> StackFacts:
            [found] = cloudformation.describe_stacks(StackName=name)["Stacks"]
            body = cloudformation.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
            resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
            parameters = {
                parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in found.get("Parameters", ())
            }
            if isinstance(body, Mapping):  # what botocore makes of a template in JSON
                declared, text = frozenset(body.get("Resources", {})), ""
            else:
                declared, text = declared_in(body), body
            listed = frozenset(
                resource["LogicalResourceId"] for resource in resources if resource.get("LogicalResourceId")
            )
            return StackFacts(found["StackStatus"], text, parameters, declared, listed)

        # CloudFormation has no code of its own for this: "Stack with id ... does not exist" is a ValidationError.
        return self.read("cloudformation", region, use, missing=frozenset({"ValidationError"}))


def declared_in(template: str) -> frozenset[str]:
    """The logical names of the resources that one of our templates declares.

    By the form in which they are rendered: reading YAML would take a package that nothing else here needs.
    """
    return frozenset(re.findall(r"^  (\w+):[^\n]*\n    Type: AWS::", template, re.MULTILINE))
