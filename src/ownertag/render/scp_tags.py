"""The statements of the service control policies that keep the tags of the catalogue's services."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ownertag.core.arn import fill_template
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.request_tags import overwritten_types
from ownertag.core.settings import Settings, SettingsError
from ownertag.core.tiers import TagAction, TagActions, TagEffect, Tier
from ownertag.render.documents import Condition, Statement, deny, length


def tag_statements(catalogue: Catalogue, actions: TagActions, settings: Settings) -> Iterator[Statement]:
    """The statements that keep the tags of the catalogue's services, most important first.

    Break-glass roles may do all of it. The tagger may write tags, but never remove all tags of a resource at once.
    Copiers may set our keys on a resource without an owner, as they copy tags with it; a resource with an owner is
    guarded from them too.
    """
    services = sorted({kind.service for kind in catalogue.types.values()})
    known = actions.of(services)
    if unknown := sorted({api.action for api in catalogue.tag_apis.values()} - {action.name for action in known}):
        raise SettingsError(f"{unknown[0]}: AWS's reference does not know this action, so it can't be protected")
    keys = sorted(settings.owner_keys)
    # The services whose CreateAction key tells creations from direct calls.
    with_key = [name for name in services if any(action.create_action for action in known if action.service == name)]
    yield from _no_forging(with_key, catalogue, actions, settings)
    for service in with_key:
        yield from _only_overwritten(service, catalogue, actions, settings)
    guarded = [action for action in known if Tier.GUARD in action.tiers]
    yield from _guard(guarded, with_key, keys, actions, settings)
    yield from _replace_all([action for action in known if Tier.REPLACE_ALL in action.tiers], keys, catalogue, settings)


def _touches(settings: Settings) -> Condition:
    """Some tag key of the request is one of ours in any letter case: some services distinguish keys by case."""
    return {"ForAnyValue:StringEqualsIgnoreCase": {"aws:TagKeys": sorted(settings.tags)}}


def _guard(
    guarded: list[TagAction], with_key: list[str], keys: list[str], actions: TagActions, settings: Settings
) -> Iterator[Statement]:
    """Denies changes of our keys on a resource with the owner tag, and removals without keys, which remove all tags.

    Tags in the request of a creation are no change, even if AWS sets `aws:ResourceTag` from them: where the service has
    a CreateAction key, `_no_forging` treats them. A call of another service has no such key, and passes that condition.
    """
    tagger, broken = settings.hub.tagger_role, settings.protection.break_glass
    direct: dict[str, str | list[str]] = {f"{service}:CreateAction": "true" for service in with_key}
    removes = [action for action in guarded if action.does is TagEffect.UNTAG]
    for number, key in enumerate(keys, 1):
        of_ours: dict[str, str | list[str]] = {f"aws:ResourceTag/{key}": "false"}
        changes = _touches(settings) | {"Null": of_ours | direct}
        exempt = (tagger, *broken)
        yield from _deny_all(f"ProtectOwnerTags{number}", _short(guarded, actions), exempt, changes, settings)
        absent: Condition = {"Null": of_ours | {"aws:TagKeys": "true"}}
        yield from _deny_all(f"ProtectAllTags{number}", _names(removes), broken, absent, settings)


def _short(own: list[TagAction], actions: TagActions) -> list[str]:
    """Names of actions; `*agResource` stands for two of a service that has no other action of that end."""
    names = set(_names(own))
    for service in sorted({action.service for action in own} - actions.inexact):
        both = {f"{service}:TagResource", f"{service}:UntagResource"}
        if both <= names:
            names = names - both | {f"{service}:*agResource"}
    return sorted(names)


def _deny_all(
    sid: str, names: list[str], exempt: Iterable[str], condition: Condition, settings: Settings
) -> Iterator[Statement]:
    """A statement that denies actions everywhere; several where a policy has no room for all names."""
    exempt = tuple(exempt)
    parts, left = [], names
    while left:
        count = len(left)
        while (
            count > 1
            and length(deny(f"{sid}x00", left[:count], "*", exempt, condition)) > settings.protection.max_policy_size
        ):
            count -= 1
        parts.append(left[:count])
        left = left[count:]
    for number, part in enumerate(parts, 1):
        yield deny(sid if len(parts) == 1 else f"{sid}x{number}", part, "*", exempt, condition)


def _no_forging(
    services: list[str], catalogue: Catalogue, actions: TagActions, settings: Settings
) -> Iterator[Statement]:
    """Denies our keys, but for creations whose request tags are overwritten. A direct call has no CreateAction.

    Services share a statement as long as a policy has room for it: each call has its own service's key alone, and a key
    that is absent is not equal to anything.
    """
    protection = settings.protection
    exempt = (settings.hub.tagger_role, *protection.break_glass, *protection.tag_copying_roles)

    def statement(number: int, names: list[str], made: dict[str, str | list[str]]) -> Statement:
        unless: Condition = {"StringNotEquals": made} if made else {}
        return deny(f"DenyForgedTags{number}", names, "*", exempt, _touches(settings) | unless)

    number, held, through = 1, list[str](), dict[str, str | list[str]]()
    for service in services:
        names = _forgeable(service, actions)
        made: dict[str, str | list[str]] = {}
        if creations := overwritten_types(catalogue, service):
            made[f"{service}:CreateAction"] = sorted(creations)
        together = statement(number, [*held, *names], through | made)
        if held and names and length(together) > protection.max_policy_size:
            yield statement(number, held, through)
            number, held, through = number + 1, [], {}
        if names:
            held, through = [*held, *names], through | made
    if held:
        yield statement(number, held, through)


def _only_overwritten(
    service: str, catalogue: Catalogue, actions: TagActions, settings: Settings
) -> Iterator[Statement]:
    """Denies our keys in creations on types that are not overwritten.

    An operation that can tag several types, or one whose tags are not overwritten, may tag the overwritten types alone;
    any other operation can tag only the type that it makes.
    """
    names, title = _forgeable(service, actions), service.title().replace("-", "")
    if not names:
        return
    can_tag = actions.creations.get(service, {})
    by_types: dict[frozenset[str], list[str]] = {}
    for operation, types in sorted(overwritten_types(catalogue, service).items()):
        takes = {f"{service}:{name}" for name in can_tag.get(operation, ())}
        if len(takes) > 1 or takes - types:
            by_types.setdefault(types, []).append(operation)
    for number, (types, operations) in enumerate(by_types.items(), 1):
        arns = sorted(
            fill_template(catalogue.types[name].arn, partition="*", region="*", account="*", id_="*") for name in types
        )
        made: Condition = {"StringEquals": {f"{service}:CreateAction": operations}}
        yield deny(
            f"DenyForgedTags{title}{number}",
            names,
            arns,
            settings.protection.break_glass,
            _touches(settings) | made,
            but=True,
        )


def _forgeable(service: str, actions: TagActions) -> list[str]:
    return _names(action for action in actions.of([service]) if Tier.NO_FORGING in action.tiers)


def _replace_all(
    own: list[TagAction], keys: list[str], catalogue: Catalogue, settings: Settings
) -> Iterator[Statement]:
    """Denies calls that replace all tags of a resource with the owner tag; the tagger may tag by such a call."""
    ours = {api.action for api in catalogue.tag_apis.values()}
    tagger, broken = settings.hub.tagger_role, settings.protection.break_glass
    for title, actions, exempt in (
        ("ProtectTagSet", [tag_action for tag_action in own if tag_action.name not in ours], broken),
        ("ProtectTagSetByTagger", [tag_action for tag_action in own if tag_action.name in ours], (tagger, *broken)),
    ):
        for number, key in enumerate(keys, 1) if actions else ():
            carries: Condition = {"Null": {f"aws:ResourceTag/{key}": "false"}}
            yield deny(f"{title}{number}", _names(actions), "*", exempt, carries)


def _names(actions: Iterable[TagAction]) -> list[str]:
    return [action.name for action in actions]
