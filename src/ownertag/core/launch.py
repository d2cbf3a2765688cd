"""What a launch made: the record's resources, and with the look-up's answer the volumes and interfaces as well.

Of what hangs on an instance only that counts of which something says that this launch made it; a volume or an interface
can be older, and somebody else's. A launch makes every volume that it attaches (RunInstances takes snapshots, not
volumes), and an instance takes others only once it is running (doc: AttachVolume).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import Struct

from ownertag.core.claims import BORN_WITH
from ownertag.core.match import resources_of
from ownertag.core.rows import Catalogue, QuestionKind
from ownertag.core.values import (
    Absent,
    Attached,
    Creation,
    Fact,
    Facts,
    Found,
    Instance,
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


class Targets(Struct, frozen=True):
    """The resources to tag, those that can't be seen, and what to wait for if the creation is young."""

    resources: tuple[Resource, ...]
    unseen: tuple[Resource, ...] = ()
    waits: tuple[Wait, ...] = ()
    managed: bool = False  # whether an AWS service runs some of it


def birth_of(id_: str, creation: Creation) -> Question:
    """When was this made?"""
    return Question(QuestionKind.BIRTH, creation.record.account, creation.record.region, id_)


def births(creation: Creation, fact: Fact | None) -> tuple[Question, ...]:
    """What has to be asked: when volumes were made that were attached within a minute, but not beside the launch."""
    shown = fact.instances if isinstance(fact, Found) else ()
    made_at = creation.record.created_at
    beside, end = made_at + BESIDE, made_at + BORN_WITH
    return tuple(
        birth_of(volume.id, creation) for each in shown if not each.managed for volume in _doubtful(each, beside, end)
    )


def targets(creation: Creation, fact: Fact | None, catalogue: Catalogue, facts: Facts) -> Targets:
    """What to tag for one creation, given the answer to its question (None where it asks none, or can't).

    Args:
        creation: The creation.
        fact: What was found of the launch.
        catalogue: The rows.
        facts: All answers, among them those to `births`.
    """
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
    seen += _with_children(instances.values(), creation, catalogue, facts)
    waits += _unborn(instances.values(), creation, facts)
    return Targets(tuple(dict.fromkeys(seen)), tuple(unseen.values()), tuple(waits), bool(services))


def _managed_ids(instances: Iterable[Instance]) -> set[str]:
    """What belongs to instances that an AWS service runs, though the record did not say so: it can't be tagged."""
    return {
        id_
        for each in instances
        if each.managed
        for id_ in (each.id, *(part.id for part in (*each.volumes, *each.interfaces)))
    }


def _with_children(
    instances: Iterable[Instance], creation: Creation, catalogue: Catalogue, facts: Facts
) -> list[Resource]:
    instance_type, volume_type, interface_type = (catalogue.types[name] for name in _KINDS)
    beside = creation.record.created_at + BESIDE
    found = []
    for instance in instances:
        if instance.managed:
            continue
        born = [(instance_type, instance.id)]
        born += [(volume_type, each.id) for each in instance.volumes if _made_volume(each, creation, facts, beside)]
        born += [(interface_type, each.id) for each in instance.interfaces if _made_interface(each, creation, beside)]
        found += [each for each in born if each[0].id.fullmatch(each[1])]
    return resources_of(found, creation.record)


def _beside(attached: Attached, beside: datetime) -> bool:
    return attached.attached_at is not None and attached.attached_at <= beside


def _doubtful(instance: Instance, beside: datetime, end: datetime) -> list[Attached]:
    """Volumes of which only their time of creation can tell whether the launch made them."""
    return [
        each
        for each in instance.volumes
        if not (each.managed or _beside(each, beside)) and (each.attached_at is None or each.attached_at <= end)
    ]


def _made_volume(volume: Attached, creation: Creation, facts: Facts, beside: datetime) -> bool:
    if volume.managed or volume.id in creation.borrowed:
        return False
    if _beside(volume, beside):
        return True
    birth = facts.get(birth_of(volume.id, creation))
    made_at = birth.born_at if isinstance(birth, Found) else None
    return made_at is not None and -SKEW <= made_at - creation.record.created_at <= BORN_WITH


def _made_interface(interface: Attached, creation: Creation, beside: datetime) -> bool:
    """Whether the launch made an interface that the record does not name. EC2 does not say when it was made.

    One that is attached later ends with its instance only if somebody says so afterwards (doc: AttachNetworkInterface).
    """
    if interface.managed or interface.id in creation.borrowed or creation.lists_parts:
        return False
    return _beside(interface, beside) and (creation.told or interface.ends_with)


def _unborn(instances: Iterable[Instance], creation: Creation, facts: Facts) -> list[Wait]:
    waits = []
    for question in births(creation, Found(tuple(instances))):
        birth = facts.get(question)
        if isinstance(birth, Unavailable):
            waits.append(Wait(birth.outcome, f"when {question.value} was made is not known: {birth.reason}"))
        elif isinstance(birth, Absent):
            waits.append(Wait(OutcomeKind.NOT_READY, f"{question.value} is not to be seen yet"))
    return waits
