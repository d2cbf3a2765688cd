"""What a launch made: the record's resources, and with the look-up's answer the volumes and interfaces as well."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from msgspec import Struct

from ownertag.core.match import resource
from ownertag.core.rows import Catalogue
from ownertag.core.values import (
    Absent,
    Attached,
    Creation,
    Fact,
    Found,
    Instance,
    OutcomeKind,
    Resource,
    Unavailable,
    Wait,
)

#: A launch attaches what is born with it within seconds (AttachTime in DescribeInstances); what comes a minute later
#: was made by somebody else, or at least by another call with a record of its own.
BORN_WITH = timedelta(seconds=60)


class Targets(Struct, frozen=True):
    """The resources to tag, those that can't be seen, and what to wait for if the creation is young."""

    resources: tuple[Resource, ...]
    unseen: tuple[Resource, ...] = ()
    waits: tuple[Wait, ...] = ()
    managed: bool = False  # whether an AWS service runs some of it


def targets(creation: Creation, fact: Fact | None, catalogue: Catalogue) -> Targets:
    """What to tag for one creation, given the answer to its question (None where it asks none, or can't)."""
    if fact is None:
        return Targets(creation.resources)
    if isinstance(fact, Unavailable):
        return Targets((), (), (Wait(fact.outcome, fact.reason),))
    instances = {each.id: each for each in fact.instances} if isinstance(fact, Found) else {}
    own = {each.id: each for each in creation.resources if each.type == "ec2:instance"}
    if creation.resources:  # of a launch that names its instances, only those: others of it are managed by a service
        instances = {id_: each for id_, each in instances.items() if id_ in own}
        missing = len(own) - len(instances)
    else:
        missing = creation.at_least - len(instances)
    waits = []
    if missing > 0 or isinstance(fact, Absent):
        waits.append(Wait(OutcomeKind.NOT_READY, f"{max(missing, 1)} launched instances are not to be seen yet"))
    late = sum(not each.complete for each in instances.values() if not each.managed)
    if late:
        waits.append(Wait(OutcomeKind.NOT_READY, f"{late} instances have not shown all their volumes yet"))
    unseen = {id_: each for id_, each in own.items() if id_ not in instances}
    services = _managed_ids(instances.values())
    seen = [each for each in creation.resources if each.id not in unseen and each.id not in services]
    seen += _with_children(instances.values(), creation, catalogue)
    return Targets(tuple(dict.fromkeys(seen)), tuple(unseen.values()), tuple(waits), bool(services))


def _managed_ids(instances: Iterable[Instance]) -> set[str]:
    """What belongs to instances that an AWS service runs, though the record did not say so: it can't be tagged."""
    return {
        id_
        for each in instances
        if each.managed
        for id_ in (each.id, *(part.id for part in (*each.volumes, *each.interfaces)))
    }


def _with_children(instances: Iterable[Instance], creation: Creation, catalogue: Catalogue) -> list[Resource]:
    kinds = catalogue.types
    found = []
    for instance in instances:
        if instance.managed:
            continue
        born = [("ec2:instance", instance.id)]
        born += [("ec2:volume", each.id) for each in instance.volumes if _born_with(each, creation)]
        born += [("ec2:network-interface", each.id) for each in instance.interfaces if _born_with(each, creation)]
        found += [resource(kinds[name], id_, creation.record) for name, id_ in born if kinds[name].id.fullmatch(id_)]
    return found


def _born_with(attached: Attached, creation: Creation) -> bool:
    """Whether it was made by the launch itself, and not attached to the instance by somebody later."""
    if attached.managed or attached.id in creation.borrowed:
        return False
    return attached.attached_at is None or attached.attached_at - creation.record.created_at <= BORN_WITH
