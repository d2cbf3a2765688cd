"""What members may not do to what writes the tags, and to the authorities whose word for a name is proof."""

from __future__ import annotations

from collections.abc import Iterator

from ownertag.core.settings import Settings
from ownertag.render.documents import (
    AUDIT_ROLE,
    CANARY_ROLE,
    FORWARDER_ROLE,
    RULE_PREFIX,
    STACK_SET_PREFIX,
    UNDELIVERED,
    Statement,
)
from ownertag.render.scp.statements import deny, role

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


def machinery(settings: Settings) -> Iterator[Statement]:
    """The statements that keep roles, rules, stacks, queue, bus, providers and SourceIdentity as they are."""
    broken = settings.protection.break_glass
    guarded = settings.trust.source_identity_guarded
    leave = settings.trust.source_identity_roles if guarded else ()
    # Whoever could make or change a role that is exempt would be exempt.
    known = (settings.limits.role_name, FORWARDER_ROLE, AUDIT_ROLE, CANARY_ROLE, _DEPLOYER, *broken, *leave)
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
    if providers := sorted(name for name in settings.trust.identity_providers if name.startswith("arn:")):
        yield deny("ProtectIdentityProviders", _of("iam", _PROVIDER_CHANGES), providers, broken)
    if guarded:
        # Who has a SourceIdentity can't change it, only hand it on: so that is left alone.
        yield deny(
            "ProtectSourceIdentity",
            ["sts:SetSourceIdentity"],
            "*",
            (*leave, *broken),
            {"Null": {"aws:SourceIdentity": "true"}},
        )


def _of(service: str, actions: tuple[str, ...]) -> list[str]:
    return [f"{service}:{action}" for action in actions]
