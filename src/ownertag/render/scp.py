"""The service control policies: what members of the organization may not do, whatever their own administrators allow.

They bind every principal of the accounts under the units that they are attached to, their root users among them. They
do not bind the management account, service-linked roles, and callers from outside of the organization (doc: AWS
Organizations, "SCP effects on permissions"). `docs/explanation/policies.md` says what each condition is for.
"""

from __future__ import annotations

from collections.abc import Iterator

from ownertag.core.arn import is_arn
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.settings import Settings
from ownertag.core.tiers import TagActions
from ownertag.render.documents import (
    AUDIT_POLICY,
    AUDIT_ROLE,
    CANARY_ROLE,
    FORWARDER_ROLE,
    REDRIVE_ROLE,
    RULE_PREFIX,
    STACK_SET_PREFIX,
    TAGGER_POLICY,
    UNDELIVERED,
    PolicyDocument,
    Statement,
    deny,
    packed,
    role,
)
from ownertag.render.scp_tags import tag_statements

# The role by which StackSets deploys to an account; a service-linked role makes it, and no SCP binds that one.
_DEPLOYER = "stacksets-exec-*"
# Customers can't change roles of this path, so they need no protection.
_RESERVED = "aws-reserved/"

# What changes a role or a policy, whatever AWS calls it later; reading stays free to the account's own auditors.
_ROLE_CHANGES = ("Attach*", "Create*", "Delete*", "Detach*", "Put*", "Set*", "Tag*", "Untag*", "Update*")
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
        [*tag_statements(catalogue, actions, settings), *_machinery_statements(settings)], settings.protection
    )


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
    policies = [f"arn:*:iam::*:policy/{name}-*" for name in (AUDIT_POLICY, TAGGER_POLICY)]
    yield deny("ProtectRoles", _of("iam", _ROLE_CHANGES), [*(role(name) for name in protected), *policies], deployers)
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
