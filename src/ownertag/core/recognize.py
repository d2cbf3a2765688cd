"""Tells what an ARN or an id names by the catalogue's types: nothing else in ownertag takes a text for a type.

An ARN says its service, so that few templates can fit it. An id alone says nothing (a table and a function can have one
name), unless its type gives all its ids a beginning of their own, such as `vol-`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from msgspec import Struct

from ownertag.core.arn import TakenApart, arn_before_id, parse_arn, partition_of, take_apart, template_service
from ownertag.core.catalogue_types import Catalogue, ResourceType
from ownertag.core.regions import region_of_service
from ownertag.core.values import Resource

#: What a service puts into an id beside the name: a UUID, a hash, a revision's number.
_MADE_UP = re.compile(r"[0-9a-f]{8,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:-[0-9]+)?|[0-9]+")
#: What it puts behind a name, without a slash or colon (doc: Secrets Manager user guide, "What's in a secret?").
_BEHIND = {"secretsmanager:Secret": re.compile(r"-[A-Za-z0-9]{6}\Z")}
#: What stands before what names it: sessions of tasks do not tell the cluster.
_BEFORE = {"ecs:task": re.compile(r"\A.*/")}
#: What a form of ids begins with, where that is the same for all: `vol-`, `subnet-`.
_BEGINNING = re.compile(r"[a-z0-9-]+-(?=[\[(\\])")


#: What in a form of ids stands for anything: characters to choose from, how many, groups.
_SAID_BY_NONE = re.compile(r"\[(?:\\.|[^\]\\])*\]|{[0-9,]*}|\(\?:|[()?+*|\\]")


class Recognized(Struct, frozen=True):
    """What an ARN names, as the ledger writes it: a `*` stands for what creations do not tell.

    `account` and `region` are empty where the ARN does not say them. What is in no Region records in one: that it is.
    """

    type: ResourceType
    resource: Resource
    account: str
    region: str


def recognize(arn: str, catalogue: Catalogue) -> Recognized | None:
    """What an ARN names; None where the catalogue has no type of that form, or two that are tagged by different calls.

    Of types that nothing tells apart and one call tags, such as two kinds of APIs, the first is taken.
    """
    parts = parse_arn(arn)
    if parts is None:
        return None
    found: Recognized | None = None
    best = -1
    for exactness, type_ in _by_service(_Identity(catalogue.types)).get(parts.service, ()):
        if exactness < best:
            break
        taken = take_apart(arn, type_.arn, type_.id_form)
        if taken is None or (taken.region and partition_of(taken.region) != taken.partition):
            continue
        if found is None:
            found, best = _recognized(type_, parts.service, taken), exactness
        elif found.type.tag_api != type_.tag_api:
            return None
    return found


class _Identity:
    """A catalogue's types as a key: the same object is the same catalogue."""

    def __init__(self, types: Mapping[str, ResourceType]) -> None:
        self.types = types

    def __hash__(self) -> int:
        return id(self.types)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and self.types is other.types


@lru_cache(maxsize=8)
def _by_service(key: _Identity) -> Mapping[str, list[tuple[int, ResourceType]]]:
    """The types by the service in their ARNs, the most exact first: a call can name ten thousand ARNs."""
    found: dict[str, list[tuple[int, ResourceType]]] = {}
    for type_ in key.types.values():
        found.setdefault(template_service(type_.arn), []).append((_exactness(type_), type_))
    return {service: sorted(types, key=lambda item: -item[0]) for service, types in found.items()}


def _recognized(type_: ResourceType, service: str, taken: TakenApart) -> Recognized:
    region = taken.region or region_of_service(f"{service}.amazonaws.com", taken.partition) or ""
    # An ARN without a Region has its partition all the same, which is told by one.
    before = arn_before_id(type_.arn, region or _of_partition(taken.partition), taken.account or "")
    return Recognized(type_, Resource(before + taken.id, taken.id, type_.name), taken.account or "", region)


def _exactness(type_: ResourceType) -> int:
    """How much of its ARNs a type says itself: of two that fit, the one that says more counts."""
    return _said(type_.arn, type_.id_form)


@lru_cache(maxsize=4096)
def _said(template: str, id_form: str) -> int:
    return len(re.sub(r"{[a-z]+}|\*", "", template)) + len(_SAID_BY_NONE.sub("", id_form))


def _of_partition(partition: str) -> str:
    """A Region of a partition, for ARNs that name none."""
    return region_of_service("iam.amazonaws.com", partition) or "us-east-1"


def type_of_id(id_: str, catalogue: Catalogue, of: str = "") -> ResourceType | None:
    """The type of an id, if its beginning tells; None where it does not, or two types have it.

    Args:
        id_: The id.
        catalogue: The types.
        of: What is known already: a type, or with a colon at its end a service, such as `ec2:`.
    """
    found = [
        type_
        for type_ in catalogue.types.values()
        if is_of(type_.name, of) and _BEGINNING.match(type_.id_form) and type_.id.fullmatch(id_)
    ]
    return found[0] if len(found) == 1 else None


def is_of(type_: str, of: str) -> bool:
    """Whether a type is this one or a kind of it, or of this service where it ends with a colon.

    The kinds of `elasticloadbalancing:loadbalancer` have a slash behind that. Every type is of an empty text.
    """
    return not of or type_ == of or type_.startswith(of if of.endswith(":") else f"{of}/")


def name_of(type_: str, id_: str) -> str:
    """The name that somebody gave a resource, where its id is more than that; empty where it is the name, or has none.

    It is the last part of the id that no service made up: of a stack what stands before the UUID, of a service in ECS
    what stands behind its cluster.
    """
    if (behind := _BEHIND.get(type_) or _BEFORE.get(type_)) is not None:
        name = behind.sub("", id_)
        return name if name != id_ else ""
    if "/" not in id_ and ":" not in id_:
        return ""
    return next((part for part in reversed(re.split("[/:]", id_)) if part and not _MADE_UP.fullmatch(part)), "")
