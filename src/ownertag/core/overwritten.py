"""Whose brought tags are overwritten: which types of resources a creation's row tags, over whatever its request set.

The service control policy lets members set our keys at creation exactly there: anywhere else what they set would stand.
"""

from __future__ import annotations

from collections.abc import Mapping

from ownertag.core.rows import Catalogue, QuestionKind, Row

#: The types that a row's look-up tags beside those that its record names.
CHILDREN: Mapping[QuestionKind, tuple[str, ...]] = {
    QuestionKind.INSTANCES_BY_RESERVATION: ("ec2:network-interface", "ec2:volume"),
    QuestionKind.SNAPSHOTS_OF_IMAGE: ("ec2:snapshot",),
    QuestionKind.PARTS_OF_VPC: ("ec2:network-acl", "ec2:route-table", "ec2:security-group"),
    QuestionKind.INTERFACES_OF_NAT_GATEWAY: ("ec2:network-interface",),
}


def made_by(row: Row) -> frozenset[str]:
    """The types that a row's creation is tagged with: those that its record names, and those that are looked up."""
    return frozenset({makes.type.name for makes in row.makes} | set(CHILDREN[row.children] if row.children else ()))


def overwritten(catalogue: Catalogue, service: str) -> dict[str, frozenset[str]]:
    """The types whose tags are overwritten, by the operation that makes them.

    Args:
        catalogue: The rows.
        service: The prefix of its actions, such as `ec2`.
    """
    found: dict[str, frozenset[str]] = {}
    for row in catalogue.rows.values():
        if of_service := frozenset(name for name in made_by(row) if name.partition(":")[0] == service):
            found[row.event_name] = found.get(row.event_name, frozenset()) | of_service
    return found


def lets_through(catalogue: Catalogue, operation: str, type_name: str) -> bool:
    """Whether a member may set our keys with this operation on what it makes of this type: they are overwritten.

    Args:
        catalogue: The rows.
        operation: As `ec2:CreateAction` has it, such as `RunInstances`.
        type_name: With its service, such as `ec2:volume`.
    """
    return type_name in overwritten(catalogue, type_name.partition(":")[0]).get(operation, frozenset())
