"""The service control policies: what members of the organization may not do, whatever their own administrators allow.

They bind every principal of the accounts under the units that they are attached to, their root users among them. They
do not bind the management account, service-linked roles, and callers from outside of the organization (doc: AWS
Organizations, "SCP effects on permissions"). `docs/explanation/policies.md` says what each condition is for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ownertag.core.arn import fill_template, is_arn, role_arn
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.request_tags import overwritten_types
from ownertag.core.settings import Settings, SettingsError
from ownertag.core.tiers import TagAction, TagActions, TagEffect, Tier
from ownertag.render.documents import (
    AUDIT_ROLE,
    CANARY_ROLE,
    FORWARDER_ROLE,
    REDRIVE_ROLE,
    RULE_PREFIX,
    STACK_SET_PREFIX,
    UNDELIVERED,
    PolicyDocument,
    Statement,
    packed,
)

Condition = dict[str, dict[str, str | list[str]]]

# The role by which StackSets deploys to an account; a service-linked role makes it, and no SCP binds that one.
_DEPLOYER = "stacksets-exec-*"
# Customers can't change roles of this path, so they need no protection.
_RESERVED = "aws-reserved/"

# What changes a role, whatever AWS calls it later; reading stays free to the account's own auditors.
_ROLE_CHANGES = ("Attach*", "Create*", "Delete*", "Detach*", "Put*", "Tag*", "Untag*", "Update*")
_RULE_CHANGES = ("DeleteRule", "DisableRule", "PutRule", "PutTargets", "RemoveTargets")
# The reference gives both calls of a refactoring the stack as their resource. Execute's request names no stack: whether
# it is asked for each of them has not been seen on AWS, Create's request names them.
_STACK_CHANGES = (
    "CancelUpdateStack",
    "ContinueUpdateRollback",
    "CreateChangeSet",
    "CreateStackRefactor",
    "DeleteStack",
    "ExecuteChangeSet",
    "ExecuteStackRefactor",
    "RollbackStack",
    "SetStackPolicy",
    "UpdateStack",
    "UpdateTerminationProtection",
)
_QUEUE_CHANGES = ("AddPermission", "DeleteQueue", "PurgeQueue", "RemovePermission", "SetQueueAttributes")
# Of a provider: its metadata, its thumbprints, its client ids, and itself.
_PROVIDER_CHANGES = ("Add*", "Create*", "Delete*", "Remove*", "Update*")


def service_control_policies(
    catalogue: Catalogue, actions: TagActions, settings: Settings
) -> tuple[PolicyDocument, ...]:
    """Renders the policies: members may not remove or forge the tags, or disable what writes them.

    Args:
        catalogue: For the services whose tags are written, and for the creations whose request tags are overwritten.
        actions: What AWS's reference says of each action that changes tags.
        settings: For the keys, the roles that are exempt, the identity providers, and the sizes.

    Returns:
        One policy or more; all of them have to be attached.

    Raises:
        TooLong: They need more room than the settings allow.
    """
    return packed(
        [*_tag_statements(catalogue, actions, settings), *_machinery_statements(settings)], settings.protection
    )


# --- tags


def _tag_statements(catalogue: Catalogue, actions: TagActions, settings: Settings) -> Iterator[Statement]:
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
    for service in with_key:
        yield from _no_forging(service, catalogue, actions, settings)
    guarded = [action for action in known if Tier.GUARD in action.tiers]
    for service in ("", *with_key):
        own = [action for action in guarded if (action.service if action.service in with_key else "") == service]
        yield from _guard(service, own, keys, settings)
    yield from _replace_all([action for action in known if Tier.REPLACE_ALL in action.tiers], keys, catalogue, settings)


def _touches(settings: Settings) -> Condition:
    """Some tag key of the request is one of ours in any letter case: some services distinguish keys by case."""
    return {"ForAnyValue:StringEqualsIgnoreCase": {"aws:TagKeys": sorted(settings.tags)}}


def _guard(service: str, own: list[TagAction], keys: list[str], settings: Settings) -> Iterator[Statement]:
    """Denies changes of our keys on a resource with the owner tag, and removals without keys, which remove all tags.

    Tags in the request of a creation are no change, even if AWS sets `aws:ResourceTag` from them: where the service has
    a CreateAction key, `_no_forging` treats them.
    """
    tagger, broken = settings.hub.tagger_role, settings.protection.break_glass
    title = service.title().replace("-", "")
    direct: dict[str, str | list[str]] = {f"{service}:CreateAction": "true"} if service else {}
    removes = _names(tag_action for tag_action in own if tag_action.does is TagEffect.UNTAG)
    for number, key in enumerate(keys, 1) if own else ():
        of_ours: dict[str, str | list[str]] = {f"aws:ResourceTag/{key}": "false"}
        yield deny(
            f"ProtectOwnerTags{title}{number}",
            _names(own),
            "*",
            (tagger, *broken),
            _touches(settings) | {"Null": of_ours | direct},
        )
        if removes:
            absent: Condition = {"Null": of_ours | {"aws:TagKeys": "true"}}
            yield deny(f"ProtectAllTags{title}{number}", removes, "*", broken, absent)


def _no_forging(service: str, catalogue: Catalogue, actions: TagActions, settings: Settings) -> Iterator[Statement]:
    """Denies our keys, but for creations whose request tags are overwritten.

    A direct call has no CreateAction, so it is denied. An operation that can tag several types, or one whose tags are
    not overwritten, may tag the overwritten types alone; any other operation can tag only the type that it makes.
    """
    names = _names(action for action in actions.of([service]) if Tier.NO_FORGING in action.tiers)
    through = overwritten_types(catalogue, service)
    can_tag = actions.creations.get(service, {})
    protection, title = settings.protection, service.title().replace("-", "")
    if not names:
        return
    made: Condition = {"StringNotEquals": {f"{service}:CreateAction": sorted(through)}} if through else {}
    exempt = (settings.hub.tagger_role, *protection.break_glass, *protection.tag_copying_roles)
    yield deny(f"DenyForgedTags{title}", names, "*", exempt, _touches(settings) | made)
    by_types: dict[frozenset[str], list[str]] = {}
    for operation, types in sorted(through.items()):
        takes = {f"{service}:{name}" for name in can_tag.get(operation, ())}
        if len(takes) > 1 or takes - types:
            by_types.setdefault(types, []).append(operation)
    for number, (types, operations) in enumerate(by_types.items(), 1):
        arns = sorted(
            fill_template(catalogue.types[name].arn, partition="*", region="*", account="*", id_="*") for name in types
        )
        made = {"StringEquals": {f"{service}:CreateAction": operations}}
        yield deny(
            f"DenyForgedTags{title}{number}", names, arns, protection.break_glass, _touches(settings) | made, but=True
        )


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


# --- what writes the tags


def _machinery_statements(settings: Settings) -> Iterator[Statement]:
    """The statements that protect roles, rules, stacks, queue, bus, identity providers and SourceIdentity."""
    broken = settings.protection.break_glass
    guarded = settings.trust.restrict_source_identity
    leave = settings.trust.source_identity_roles if guarded else ()
    # Who could create or change an exempt role would be exempt.
    ours = (settings.hub.tagger_role, FORWARDER_ROLE, AUDIT_ROLE, CANARY_ROLE, REDRIVE_ROLE)
    known = (*ours, _DEPLOYER, *broken, *leave)
    protected = [name for name in dict.fromkeys(known) if not name.startswith(_RESERVED)]
    deployers = (_DEPLOYER, *broken)
    yield deny("ProtectRoles", _of("iam", _ROLE_CHANGES), [role(name) for name in protected], deployers)
    yield deny("ProtectRules", _of("events", _RULE_CHANGES), f"arn:*:events:*:*:rule/{RULE_PREFIX}*", deployers)
    # Under a customer's key that EventBridge may not use, no rule of the default bus matches anything any more.
    yield deny("ProtectDefaultBus", ["events:UpdateEventBus"], "arn:*:events:*:*:event-bus/default", broken)
    yield deny("ProtectUndeliveredQueue", _of("sqs", _QUEUE_CHANGES), f"arn:*:sqs:*:*:{UNDELIVERED}", deployers)
    yield deny(
        "ProtectStacks",
        _of("cloudformation", _STACK_CHANGES),
        f"arn:*:cloudformation:*:*:stack/StackSet-{STACK_SET_PREFIX}*",
        deployers,
    )
    if providers := sorted(name for name in settings.trust.identity_providers if is_arn(name)):
        yield deny("ProtectIdentityProviders", _of("iam", _PROVIDER_CHANGES), providers, broken)
    if guarded:
        # A session with a SourceIdentity can't change it, only pass it on: that stays allowed.
        yield deny(
            "ProtectSourceIdentity",
            ["sts:SetSourceIdentity"],
            "*",
            (*leave, *broken),
            {"Null": {"aws:SourceIdentity": "true"}},
        )


def _of(service: str, actions: tuple[str, ...]) -> list[str]:
    return [f"{service}:{action}" for action in actions]


# --- statements


def deny(
    sid: str,
    actions: list[str],
    resource: str | list[str],
    exempt: Iterable[str] = (),
    condition: Condition | None = None,
    *,
    but: bool = False,
) -> Statement:
    """A statement that denies actions to all principals but some roles.

    Args:
        sid: The name of the statement.
        actions: The actions, with their service.
        resource: The resources; with `but`, those that are left out.
        exempt: The roles that may act, as the settings name them.
        condition: The condition.
        but: Whether `resource` becomes `NotResource`.
    """
    conditions: Condition = dict(condition or {})
    if names := [role(name) for name in dict.fromkeys(exempt)]:
        conditions["ArnNotLike"] = {"aws:PrincipalArn": names}
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Action": actions,
        "NotResource" if but else "Resource": resource,
        **({"Condition": conditions} if conditions else {}),
    }


def role(name: str) -> str:
    """The ARN of a role of any account, by its name or by its path and name."""
    return role_arn("*", "*", name)
