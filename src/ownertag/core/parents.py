"""Resources that create others (a group, a stack, a function), by their ARNs.

An ARN here is the one that the record of a child lets us build; what the child does not tell is `*` (the id of an Auto
Scaling group or node group, the application of a Beanstalk environment).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Protocol

from msgspec import Struct

from ownertag.core.arn import fill_template, is_arn, parse_arn, template_pattern, template_service
from ownertag.core.parent_kinds import CopySource, Link, ParentKind, SessionLink


class Parent(Struct, frozen=True):
    """A resource of a kind, taken from its ARN."""

    arn: str
    kind: ParentKind
    partition: str
    region: str
    account: str
    id: str

    @property
    def parts(self) -> tuple[str, ...]:
        """The names that its record holds where it does not hold the ARN: a node group's cluster and its own."""
        named_by = self.kind.named_by
        parts = re.split("[/:]", self.id)[:named_by] if named_by else self.id.split("/")
        return tuple(part for part in parts if part != "*")

    @property
    def name(self) -> str:
        """What CloudTrail lists it by (`resources[].resourceName`): its own name or id."""
        return self.parts[-1]

    @property
    def listed_by(self) -> tuple[str, ...]:
        """The texts under which CloudTrail may list calls on it, the surest first."""
        fields = {"partition": self.partition, "region": self.region, "account": self.account}
        return (*(form.format(arn=self.arn, id=self.name, **fields) for form in self.kind.listed), self.name)

    def is_named(self, names: Sequence[str | None]) -> bool:
        """Whether a call that names these, one for each part of the id, means this one."""
        *around, own = names
        if own is None or not any(pattern.fullmatch(own) for pattern in _forms(self)):
            return False
        if not around or (is_arn(own) and not re.fullmatch(_others(self), own)):
            return True  # the ARN has all parts
        around_it = around[0] or self.kind.default
        return around_it == self.parts[0] or bool(self.kind.within and around_it == self._within())

    def _within(self) -> str:
        return fill_template(self.kind.within, self.partition, self.region, self.account, self.parts[0])


@lru_cache(maxsize=1024)
def _forms(parent: Parent) -> tuple[re.Pattern[str], ...]:
    """Patterns of what a call may name it by: name or id, ARN with anything for a `*`, its kind's other forms."""
    forms = (re.escape(parent.name), re.escape(parent.arn).replace(r"\*", "[^:/]+"), _others(parent))
    return tuple(re.compile(form) for form in forms if form)


def _others(parent: Parent) -> str:
    """The pattern of the other texts by which a call may name it."""
    form = parent.kind.also
    fields = {"partition": parent.partition, "region": parent.region, "account": parent.account, "id": parent.name}
    for key, text in fields.items():
        form = form.replace("{" + key + "}", re.escape(text))
    return form


@cache  # when it is first asked for: the function's start does not wait for all these patterns
def _pattern(kind: ParentKind) -> re.Pattern[str]:
    return template_pattern(kind.arn, kind.id)


class _Type(Protocol):
    """A type of the catalogue."""

    @property
    def name(self) -> str: ...

    @property
    def arn(self) -> str: ...

    @property
    def id_form(self) -> str: ...


class Parents(Struct, frozen=True):
    """What the catalogue says of parents.

    Attributes:
        kinds: Every kind by its name, which is also the evidence of an owner that is found through one.
        links: What in a record leads to a parent, the nearest first.
        sessions: What in a session leads to one.
        copies: What a call copies, by its event source and name.
        types: The types of the catalogue. What AWS itself names may be of any: the ledger and its tag tell of it.
        hints: One of these stands in each record that has a link: most have none, and to read one would cost much.
    """

    kinds: Mapping[str, ParentKind] = {}
    links: tuple[Link, ...] = ()
    sessions: tuple[SessionLink, ...] = ()
    copies: Mapping[tuple[str, str], tuple[CopySource, ...]] = {}
    types: Mapping[str, _Type] = {}
    hints: tuple[bytes, ...] = ()

    def named(self, kind: str, id_: str, partition: str, region: str, account: str) -> Parent | None:
        """The resource of this kind with this id; None where the id is not of its form."""
        found = self.kinds[kind]
        if not re.fullmatch(found.id, id_, re.ASCII):
            return None
        arn = fill_template(found.arn, partition, region, account, id_)
        return Parent(arn, found, partition, region, account, id_)

    def of_arn(self, arn: str) -> Parent | None:
        """The resource that an ARN names, if it is of a kind or type of the catalogue."""
        parts = parse_arn(arn)
        if parts is None:
            return None
        for kind in self.kinds.values():
            if template_service(kind.arn) == parts.service and (found := _pattern(kind).fullmatch(arn)):
                return _parent(arn, kind, found)
        for type_ in self.types.values():
            if template_service(type_.arn) == parts.service:
                kind = ParentKind(type_.name, type_.name, type_.arn, type_.id_form)
                if found := _pattern(kind).fullmatch(arn):
                    return _parent(arn, kind, found)
        return None


def _parent(arn: str, kind: ParentKind, found: re.Match[str]) -> Parent:
    parts = found.groupdict()
    return Parent(arn, kind, parts["partition"], parts.get("region") or "", parts.get("account") or "", parts["id"])
