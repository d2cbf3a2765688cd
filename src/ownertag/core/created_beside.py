"""Finds what a creation made beside the resources that its record names: volumes, interfaces, parts of a resource.

Snapshots of an image, what a VPC is born with, a NAT gateway's interface: AWS makes them with it, in no record of their
own, and they are its owner's.
"""

from __future__ import annotations

from ownertag.core import launch
from ownertag.core.catalogue_types import PARTS, Catalogue
from ownertag.core.launch import SKEW, TagTargets, creation_time_question
from ownertag.core.record_ids import resource
from ownertag.core.values import Absent, Creation, Fact, Facts, Found, OutcomeKind, Part, Question, Unavailable, Wait


def creation_time_questions(creation: Creation, fact: Fact | None) -> tuple[Question, ...]:
    """The questions when a found part was made, where it can be older than the creation."""
    if not _of_parts(creation):
        return launch.volume_time_questions(creation, fact)
    parts = fact.parts if isinstance(fact, Found) else ()
    return tuple(creation_time_question(part.id, creation) for part in parts if part.aged)


def tag_targets(
    creation: Creation, fact: Fact | None, catalogue: Catalogue, facts: Facts, late: bool = False
) -> TagTargets:
    """What to tag for one creation, given the answer to its question (None where it asks none, or can't).

    Args:
        creation: The creation.
        fact: What was found of its launch or its parts.
        catalogue: The rows.
        facts: All answers, among them those to `creation_time_questions`.
        late: Whether the creation is so long ago that another resource may have taken a part's place.
    """
    if fact is None or not _of_parts(creation):
        return launch.launch_targets(creation, fact, catalogue, facts)
    if isinstance(fact, Unavailable):
        return TagTargets(creation.resources, waits=(fact.wait(),))
    waits = []
    if isinstance(fact, Absent) or not fact.complete:
        waits.append(Wait(OutcomeKind.NOT_READY, "it does not show yet all that was made with it"))
    found = list(creation.resources)
    for part in fact.parts if isinstance(fact, Found) else ():
        made = _made(part, creation, facts, late)
        if isinstance(made, Wait):
            waits.append(made)
        elif made and catalogue.types[part.type].id.fullmatch(part.id):
            found.append(resource(catalogue.types[part.type], part.id, creation.record))
    return TagTargets(tuple(dict.fromkeys(found)), waits=tuple(waits))


def _of_parts(creation: Creation) -> bool:
    return creation.asked_by is not None and creation.asked_by[0] in PARTS


def _made(part: Part, creation: Creation, facts: Facts, late: bool) -> bool | Wait:
    """Whether the creation made this part; or the wait until that is known."""
    if part.replaceable and late:
        return False
    if not part.aged:
        return True
    birth = facts.get(creation_time_question(part.id, creation))
    if isinstance(birth, Unavailable):
        return birth.wait(f"when {part.id} was made")
    if isinstance(birth, Absent):
        return Wait(OutcomeKind.NOT_READY, f"{part.id} is not to be seen yet")
    # However long it takes: only this call puts anything into what it made.
    made_at = birth.born_at if birth else None
    return made_at is not None and made_at - creation.record.created_at >= -SKEW
