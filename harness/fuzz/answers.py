"""Answers to the questions that a document raises: found, absent or away, with what nobody expects."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from msgspec.structs import replace

from harness import fixtures
from harness.fuzz import hostile
from ownertag.core.catalogue_types import QuestionKind
from ownertag.core.records import Record
from ownertag.core.values import (
    Absent,
    Attached,
    Confidence,
    Creation,
    Fact,
    Found,
    LaunchedInstance,
    LaunchRecord,
    OutcomeKind,
    Owner,
    Part,
    Question,
    Reservation,
    ReservedInstance,
    Unavailable,
)

AWAY = Unavailable(OutcomeKind.THROTTLED, "away")
_LAUNCHES = (QuestionKind.INSTANCES_BY_RESERVATION, QuestionKind.INSTANCES_BY_CLIENT_TOKEN)


def answer(question: Question, creation: Creation, draw: Random) -> Fact:
    """One answer; the account is most often the organization's."""
    kind, chance = question.kind, draw.random()
    if kind is QuestionKind.ACCOUNT:
        others: list[Fact] = [Absent(), AWAY]
        return Found() if chance < 0.97 else draw.choice(others)
    if chance < 0.15:
        return AWAY if chance >= 0.1 else Absent()
    if kind in _LAUNCHES:
        return Found(_instances(creation, draw))
    if kind is QuestionKind.TAGS:
        keys = draw.choice([[], ["owner"], ["owner", "dateCreated", "WhatIsThis"]])
        return Found(tags={key: draw.choice(hostile.TEXTS) for key in keys})
    at = creation.record.created_at
    if kind is QuestionKind.LAUNCHES:
        launches = [LaunchRecord("another", "another", draw.choice([None, *hostile.TEXTS[:3]]), None)]
        return Found(launches=tuple(launches[: draw.randrange(2)]), complete=draw.random() < 0.8)
    if kind is QuestionKind.RESERVATIONS:
        return Found(reservations=_reservations(creation, draw))
    if kind is QuestionKind.BIRTH:
        return Found(born_at=at + timedelta(seconds=draw.choice([-3600, 0, 3, 40])) if 2 < at.year < 9998 else None)
    if kind in {QuestionKind.SNAPSHOTS_OF_IMAGE, QuestionKind.PARTS_OF_VPC, QuestionKind.INTERFACES_OF_NAT_GATEWAY}:
        name = draw.choice(["ec2:snapshot", "ec2:security-group", "ec2:network-interface"])
        prefix = {"ec2:snapshot": "snap", "ec2:security-group": "sg"}.get(name, "eni")
        ids = [draw.choice([fixtures.numbered(prefix, number), *hostile.TEXTS[-3:]]) for number in range(3)]
        return Found(parts=tuple(Part(name, id_) for id_ in ids), complete=draw.random() < 0.8)
    if chance < 0.5:
        return Found(maker=_maker(question, creation.record))
    if chance < 0.7:
        return Found(principal=draw.choice(hostile.TEXTS))
    if chance < 0.8:
        return Found(parent=draw.choice(hostile.TEXTS))
    return Found(owner=Owner(draw.choice(hostile.TEXTS), "owner-tag", draw.choice(list(Confidence))))


def _reservations(creation: Creation, draw: Random) -> tuple[Reservation, ...]:
    record = creation.record
    when = draw.choice([None, record.created_at])
    text = draw.choice([None, *hostile.TEXTS[:4]])
    made = ReservedInstance(fixtures.INSTANCE, when, image=text, type=text, subnet=text, zone=text, key=text)
    account = draw.choice([record.account, "999999999999"])
    return tuple(Reservation(f"r-{number}", account, None, (made,)) for number in range(draw.randrange(3)))


def _maker(question: Question, record: Record) -> Record:
    """The record itself as its own maker, in the account that was asked: a circle."""
    return replace(record, account=question.account)


def _instances(creation: Creation, draw: Random) -> tuple[LaunchedInstance, ...]:
    at = creation.record.created_at
    ids = [resource.id for resource in creation.resources if resource.type == "ec2:instance"] or [fixtures.INSTANCE]
    after = draw.choice([None, 0, 30])
    attached_at = None if after is None or not 2 < at.year < 9998 else at + timedelta(seconds=after)
    managed, state = draw.random() < 0.1, draw.choice(["running", "pending", "terminated"])
    return tuple(
        LaunchedInstance(
            id_,
            state,
            "/dev/xvda",
            root_is_ebs=True,
            devices=frozenset({"/dev/xvda"}),
            volumes=(Attached(f"vol-{id_[2:]}", attached_at), Attached("vol-1234567890abcdef0", attached_at)),
            interfaces=(
                Attached(f"eni-{id_[2:]}", attached_at),
                Attached(fixtures.INTERFACE, attached_at, ends_with=True),
            ),
            managed=managed,
        )
        for id_ in ids
    )
