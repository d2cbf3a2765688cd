"""Tells how a service control policy can protect tags from an action, by the condition keys that AWS documents for it.

A condition on a key that an action does not carry protects nothing: an absent `aws:ResourceTag` never matches, and an
absent `aws:TagKeys` neither. So the tier of an action follows from the keys that it carries, and from nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from msgspec import Struct


class Tier(StrEnum):
    """How our tags are protected from an action."""

    GUARD = "guard"
    NO_FORGING = "no-forging"
    REPLACE_ALL = "replace-all"
    DETECT = "detect"


#: What each tier does, in words, for tables.
MEANINGS: Mapping[Tier, str] = {
    Tier.GUARD: "our keys of a resource that carries the owner tag are denied, and so is removing all of its tags",
    Tier.NO_FORGING: "our keys are denied, but in creations whose brought tags are overwritten",
    Tier.REPLACE_ALL: "the whole action is denied on a resource that carries the owner tag",
    Tier.DETECT: "no policy can tell our tags apart: what is done is seen and told, not stopped",
}


class TagEffect(StrEnum):
    """What an action does to tags. `update` changes something else, and may set tags on the way."""

    TAG = "tag"
    UNTAG = "untag"
    REPLACE = "replace"
    UPDATE = "update"


class TagAction(Struct, frozen=True):
    """An action that changes tags, and which condition keys AWS's reference gives it.

    `without_tag_keys` and `without_resource_tag` name the resource types for which `aws:TagKeys` or `aws:ResourceTag`
    is not evaluated, although it is for others of the action. An action with `any_resource` names no resource types: a
    policy has to allow it on `*`. `only_where` bounds what holds, in words; `why` says what
    was put by hand, and from where.
    """

    name: str
    does: TagEffect
    tag_keys: bool = False
    resource_tag: bool = False
    create_action: bool = False
    any_resource: bool = False
    without_tag_keys: tuple[str, ...] = ()
    without_resource_tag: tuple[str, ...] = ()
    only_where: str = ""
    why: str = ""

    @property
    def service(self) -> str:
        """The action's prefix, such as `ec2`."""
        return self.name.partition(":")[0]

    @property
    def tiers(self) -> tuple[Tier, ...]:
        """The action's tiers: one, or two where it tells creations apart."""
        if self.does is TagEffect.UPDATE:  # to deny it on what has an owner would stop all updates
            return (Tier.DETECT,)
        if self.does is TagEffect.REPLACE:
            return (Tier.REPLACE_ALL,) if self.resource_tag else (Tier.DETECT,)
        found = []
        if self.tag_keys and self.resource_tag:
            found.append(Tier.GUARD)
        if self.tag_keys and self.create_action and self.does is TagEffect.TAG:
            found.append(Tier.NO_FORGING)
        return tuple(found) or (Tier.DETECT,)


class TagActions(Struct, frozen=True):
    """The actions by name, and what creations of a service with a `CreateAction` key can tag, by operation and type.

    `source` says which data they were derived from. `inexact` has the services in which `*agResource` stands for more
    than TagResource and UntagResource.
    """

    actions: Mapping[str, TagAction]
    creations: Mapping[str, Mapping[str, tuple[str, ...]]]
    source: str = ""
    inexact: frozenset[str] = frozenset()

    def of(self, services: Iterable[str]) -> tuple[TagAction, ...]:
        """The actions of services, in the order of their names."""
        wanted = frozenset(services)
        return tuple(action for name, action in sorted(self.actions.items()) if action.service in wanted)

    def counts(self) -> dict[Tier, int]:
        """How many actions are in each tier; one in two counts in both."""
        return {tier: sum(tier in action.tiers for action in self.actions.values()) for tier in Tier}
