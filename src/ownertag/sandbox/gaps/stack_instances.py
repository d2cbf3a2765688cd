"""The instances of a service-managed stack set, one for each account and Region; moto holds their stacks.

Source: CloudFormation API reference, StackInstance and StackInstanceComprehensiveStatus; what ListStackInstances says
of a suspended account was seen (ansible-collections/community.aws issue 2358): no StackId, and no unit. Every operation
skips such an account ("AWS CloudFormation StackSets skips suspended accounts", 7 June 2023). A deletion that fails
leaves an instance INOPERABLE, which updates pass over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from moto.cloudformation.models import cloudformation_backends
from moto.cloudformation.utils import generate_stack_id

from ownertag.sandbox.gaps.member_access import MemberAccess
from ownertag.sandbox.gaps.resources import complete, forget_missing
from ownertag.sandbox.gaps.templates import resource_types

SKIPPED = "SKIPPED_SUSPENDED_ACCOUNT"
INOPERABLE = "INOPERABLE"
_SUSPENDED = (
    "This account is suspended. To remove this instance from the stack set, run DeleteStackInstances with the "
    "RetainStacks parameter."
)

_Place = tuple[str, str]


@dataclass
class InstanceRecord:
    """What AWS keeps of an instance: the unit that it was deployed for, and how the last operation went."""

    unit: str
    detail: str = "PENDING"
    reason: str = ""


class StackInstances:
    """The instances of one stack set.

    Args:
        stack_set: moto's.
        access: What StackSets meets in the accounts.
    """

    def __init__(self, stack_set: Any, access: MemberAccess) -> None:
        self._stack_set = stack_set
        self._access = access
        self._there: dict[_Place, InstanceRecord] = {}

    def __len__(self) -> int:
        """How many there are; while there are any, the stack set can't be deleted."""
        return len(self._there)

    def create(self, targets: Mapping[str, str], regions: Iterable[str], parameters: Any) -> bool:
        """Deploys to accounts (to the unit that was named) and Regions; tells whether all went well."""
        places = [(account, region) for account in targets for region in regions]
        for account, region in places:
            self._there.setdefault((account, region), InstanceRecord(targets[account])).unit = targets[account]
        return not sum(not self._bring("create", place, parameters) for place in places)

    def update(self) -> bool:
        """Brings every stack up to the template, which moto does not; tells whether all went well."""
        self._stack_set.instances.template = self._stack_set.template
        places = [place for place, instance in self._there.items() if instance.detail != INOPERABLE]
        return not sum(not self._bring("update", place, self._stack_set.parameters) for place in places)

    def delete(self, accounts: Iterable[str], regions: Iterable[str], *, retain: bool) -> bool:
        """Deletes instances, and their stacks unless they are retained; tells whether all went well."""
        places = [(account, region) for account in accounts for region in regions if (account, region) in self._there]
        return not sum(not self._drop(place, retain) for place in places)

    def listed(self, account: str | None, region: str | None) -> list[dict[str, Any]]:
        """What ListStackInstances gives, of one account or Region where one is named."""
        return [
            self.shown(place) for place in self._there if account in (None, place[0]) and region in (None, place[1])
        ]

    def shown(self, place: _Place) -> dict[str, Any]:
        """An instance as StackInstanceSummary."""
        instance, made = self._there[place], self._made(place)
        status = {"SUCCEEDED": "CURRENT", INOPERABLE: INOPERABLE}.get(instance.detail, "OUTDATED")
        skipped = instance.detail == SKIPPED
        return {
            "StackSetId": self._stack_set.id,
            "Region": place[1],
            "Account": place[0],
            "StackId": made.stack.stack_id if made and not skipped else None,
            "Status": status,
            "StatusReason": instance.reason or None,
            "StackInstanceStatus": {"DetailedStatus": instance.detail},
            "OrganizationalUnitId": "" if skipped else instance.unit,
            "DriftStatus": "NOT_CHECKED",
        }

    def __contains__(self, place: _Place) -> bool:
        """Whether there is an instance."""
        return place in self._there

    def _made(self, place: _Place) -> Any:
        return self._stack_set.instances.get_instance(*place)

    def _refusal(self, verb: str, place: _Place) -> str | None:
        return self._access.refusal(*place, verb, resource_types(self._stack_set.template))

    def _bring(self, verb: str, place: _Place, parameters: Any) -> bool:
        """Makes or updates one stack. As AWS: one that fails must not keep back the others."""
        instance = self._there[place]
        if self._access.suspended(place[0]):
            instance.detail, instance.reason = SKIPPED, _SUSPENDED
            return True
        if instance.detail == INOPERABLE:
            return False
        if verb == "create" and instance.detail == "SUCCEEDED":
            return True
        refusal = self._refusal("create" if self._made(place) is None else "update", place)
        if refusal:
            instance.detail, instance.reason = "FAILED", refusal
            return False
        try:
            self._bring_stack(place, parameters)
        except Exception as error:  # noqa: BLE001 - whatever moto says
            instance.detail, instance.reason = "FAILED", str(error)
            return False
        instance.detail, instance.reason = "SUCCEEDED", ""
        return True

    def _bring_stack(self, place: _Place, parameters: Any) -> None:
        made = self._made(place)
        if made is not None:
            made.template = self._stack_set.template
            made.stack.update(self._stack_set.template, parameters=made.stack.parameters)
            complete(made.stack)
            return
        account, region = place
        self._stack_set.instances.create_instances([account], [region], parameters, {}, "SERVICE_MANAGED")
        stack = self._made(place).stack  # AWS shows it in the account; moto hides it
        stack.name = f"StackSet-{self._stack_set.name}-{uuid4()}"
        stack.stack_id = generate_stack_id(stack.name, region, account)
        cloudformation_backends[account][region].stacks[stack.stack_id] = stack
        complete(stack)

    def _drop(self, place: _Place, retain: bool) -> bool:
        instance, made = self._there[place], self._made(place)
        account, region = place
        if not retain and self._access.suspended(account):
            instance.detail, instance.reason = SKIPPED, _SUSPENDED
            return True
        if not retain and (refusal := self._refusal("delete", place)):
            instance.detail, instance.reason = INOPERABLE, refusal
            return False
        if made is not None and retain:
            self._stack_set.instances.stack_instances.remove(made)
        elif made is not None:
            cloudformation_backends[account][region].stacks.pop(made.stack.stack_id, None)
            forget_missing(made.stack)
            self._stack_set.instances.delete([account], [region])
        del self._there[place]
        return True
