"""Resources that a launch created: those of the record, and from the look-up its volumes and interfaces.

Of what hangs on an instance only that counts of which something says that this launch made it; a volume or an interface
can be older, and somebody else's. A launch makes every volume that it attaches (RunInstances takes snapshots, not
volumes), and an instance takes others only once it is running (doc: AttachVolume).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import Struct

from ownertag.core.catalogue_types import Catalogue, QuestionKind
from ownertag.core.ownership import BORN_WITH
from ownertag.core.record_ids import resources_of
from ownertag.core.values import (
    Absent,
    Attached,
    Creation,
    Fact,
    Facts,
    Found,
    LaunchedInstance,
    OutcomeKind,
    Question,
    Resource,
    Unavailable,
    Wait,
)

#: A launch attaches what it makes within a second or two (AttachTime in DescribeInstances). No instance was measured to
#: run sooner than 4.9 seconds after (ec2-boot-bench, 2021), and before it does nobody can attach anything else.
BESIDE = timedelta(seconds=4)

#: EC2's clocks and CloudTrail's differ by no more than this.
SKEW = timedelta(seconds=5)


_KINDS = ("ec2:instance", "ec2:volume", "ec2:network-interface")


class TagTargets(Struct, frozen=True):
    """The resources to tag, those that can't be seen, and what to wait for if the creation is young."""

    resources: tuple[Resource, ...]
    unseen: tuple[Resource, ...] = ()
    waits: tuple[Wait, ...] = ()
    managed: bool = False  # whether an AWS service runs some of it


def creation_time_question(id_: str, creation: Creation) -> Question:
    """The question when a resource was made."""
    return Question(QuestionKind.BIRTH, creation.record.account, creation.record.region, id_)


def volume_time_questions(creation: Creation, fact: Fact | None) -> tuple[Question, ...]:
    """The questions when volumes were made that were attached within a minute, but not beside the launch."""
    shown = fact.instances if isinstance(fact, Found) else ()
    made_at = creation.record.created_at
    beside, end = made_at + BESIDE, made_at + BORN_WITH
    return tuple(
        creation_time_question(volume.id, creation)
        for instance in shown
        if not instance.managed
        for volume in _doubtful(instance, beside, end)
    )


def launch_targets(creation: Creation, fact: Fact | None, catalogue: Catalogue, facts: Facts) -> TagTargets:
    """What to tag for one creation, given the answer to its question (None where it asks none, or can't).

    Args:
        creation: The creation.
        fact: What was found of the launch.
        catalogue: The rows.
        facts: All answers, among them those to `volume_time_questions`.
    """
    if fact is None:
        return TagTargets(creation.resources)
    if isinstance(fact, Unavailable):
        return TagTargets((), (), (fact.wait(),))
    instances = {instance.id: instance for instance in fact.instances} if isinstance(fact, Found) else {}
    own = {resource.id: resource for resource in creation.resources if resource.type == "ec2:instance"}
    if creation.resources:  # of a launch that names its instances, only those: others of it are managed by a service
        instances = {id_: instance for id_, instance in instances.items() if id_ in own}
        missing = len(own) - len(instances)
    else:
        missing = creation.at_least - len(instances)
    waits = []
    if missing > 0 or isinstance(fact, Absent):
        waits.append(Wait(OutcomeKind.NOT_READY, f"{max(missing, 1)} launched instances are not to be seen yet"))
    late = sum(not instance.complete for instance in instances.values() if not instance.managed)
    if late:
        waits.append(Wait(OutcomeKind.NOT_READY, f"{late} instances have not shown all their volumes yet"))
    unseen = {id_: resource for id_, resource in own.items() if id_ not in instances}
    services = _managed_ids(instances.values())
    seen = [resource for resource in creation.resources if resource.id not in unseen and resource.id not in services]
    seen += _with_children(instances.values(), creation, catalogue, facts)
    waits += _unborn(instances.values(), creation, facts)
    return TagTargets(tuple(dict.fromkeys(seen)), tuple(unseen.values()), tuple(waits), bool(services))


def _managed_ids(instances: Iterable[LaunchedInstance]) -> set[str]:
    """The ids of instances that an AWS service runs, and of their parts, though the record did not say so.

    They can't be tagged.
    """
    return {
        id_
        for instance in instances
        if instance.managed
        for id_ in (instance.id, *(part.id for part in (*instance.volumes, *instance.interfaces)))
    }


def _with_children(
    instances: Iterable[LaunchedInstance], creation: Creation, catalogue: Catalogue, facts: Facts
) -> list[Resource]:
    instance_type, volume_type, interface_type = (catalogue.types[name] for name in _KINDS)
    beside = creation.record.created_at + BESIDE
    found = []
    for instance in instances:
        if instance.managed:
            continue
        born = [(instance_type, instance.id)]
        born += [
            (volume_type, volume.id) for volume in instance.volumes if _made_volume(volume, creation, facts, beside)
        ]
        born += [
            (interface_type, interface.id)
            for interface in instance.interfaces
            if _made_interface(interface, creation, beside)
        ]
        found += [(type_, id_) for type_, id_ in born if type_.id.fullmatch(id_)]
    return resources_of(found, creation.record)


def _beside(attached: Attached, beside: datetime) -> bool:
    return attached.attached_at is not None and attached.attached_at <= beside


def _doubtful(instance: LaunchedInstance, beside: datetime, end: datetime) -> list[Attached]:
    """Volumes of which only their time of creation can tell whether the launch made them."""
    return [
        volume
        for volume in instance.volumes
        if not (volume.managed or _beside(volume, beside)) and (volume.attached_at is None or volume.attached_at <= end)
    ]


def _made_volume(volume: Attached, creation: Creation, facts: Facts, beside: datetime) -> bool:
    if volume.managed or volume.id in creation.preexisting:
        return False
    if _beside(volume, beside):
        return True
    birth = facts.get(creation_time_question(volume.id, creation))
    made_at = birth.born_at if isinstance(birth, Found) else None
    return made_at is not None and -SKEW <= made_at - creation.record.created_at <= BORN_WITH


def _made_interface(interface: Attached, creation: Creation, beside: datetime) -> bool:
    """Whether the launch made an interface that the record does not name. EC2 does not say when it was made.

    One that is attached later ends with its instance only if somebody says so afterwards (doc: AttachNetworkInterface).
    """
    if interface.managed or interface.id in creation.preexisting or creation.lists_parts:
        return False
    return _beside(interface, beside) and (creation.request_complete or interface.ends_with)


def _unborn(instances: Iterable[LaunchedInstance], creation: Creation, facts: Facts) -> list[Wait]:
    waits = []
    for question in volume_time_questions(creation, Found(tuple(instances))):
        birth = facts.get(question)
        if isinstance(birth, Unavailable):
            waits.append(birth.wait(f"when {question.value} was made"))
        elif isinstance(birth, Absent):
            waits.append(Wait(OutcomeKind.NOT_READY, f"{question.value} is not to be seen yet"))
    return waits
