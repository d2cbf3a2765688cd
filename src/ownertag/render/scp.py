"""The service control policy: what members of the organization may not do, whatever their own administrators allow.

It binds every principal of the accounts under the units that it is attached to, their root users among them. It does
not bind the management account, service-linked roles, and callers from outside of the organization (doc: AWS
Organizations, "SCP effects on permissions"). `docs/explanation/policies.md` says what each condition is for.
"""

from __future__ import annotations

from ownertag.core.rows import Catalogue
from ownertag.core.settings import Settings, SettingsError
from ownertag.render.documents import (
    AUDIT_ROLE,
    CANARY_ROLE,
    FORWARDER_ROLE,
    RULE_PREFIX,
    STACK_SET_PREFIX,
    Policy,
    Statement,
    fitting,
    policy,
)

#: AWS Organizations takes SCPs of at most 5,120 characters (doc: quotas).
MAX_SCP = 5120

#: The action that takes off what a tag action writes: a tag action without one here can't be protected.
_REMOVES = {"ec2:CreateTags": "ec2:DeleteTags"}

# The role by which StackSets deploys to an account; a service-linked role makes it, and no SCP binds that one.
_DEPLOYER = "stacksets-exec-*"
# Customers can't change roles of this path, so they need no protection.
_RESERVED = "aws-reserved/"

# What changes a role, whatever AWS calls it later; reading stays free to the account's own auditors.
_ROLE_CHANGES = ("Attach*", "Create*", "Delete*", "Detach*", "Put*", "Tag*", "Untag*", "Update*")
_RULE_CHANGES = ("DeleteRule", "DisableRule", "PutRule", "PutTargets", "RemoveTargets")
_STACK_CHANGES = (
    "CancelUpdateStack",
    "ContinueUpdateRollback",
    "CreateChangeSet",
    "DeleteStack",
    "ExecuteChangeSet",
    "RollbackStack",
    "SetStackPolicy",
    "UpdateStack",
    "UpdateTerminationProtection",
)


def service_control_policy(catalogue: Catalogue, settings: Settings) -> Policy:
    """What members may not do: remove or forge the tags, or disable what writes them.

    Args:
        catalogue: For the tag actions.
        settings: For the keys, the tagger's role, the roles that may set a SourceIdentity, and the break-glass roles,
            which may do all of it. One that an account could make by itself gets the same protection as the tagger's.

    Launches that bring their own tags go on: they carry `ec2:CreateAction`, and what they claim is overwritten.

    Raises:
        TooLong: AWS would not take it.
    """
    break_glass = settings.protection.break_glass
    tagger = settings.limits.role_name
    guarded = settings.trust.source_identity_guarded
    leave = settings.trust.source_identity_roles if guarded else ()
    tag = sorted({api.action for api in catalogue.tag_apis.values()})
    untag = sorted({_remover(action) for action in tag})
    # Whoever could make or change a role that is exempt here would be exempt.
    known = (tagger, FORWARDER_ROLE, AUDIT_ROLE, CANARY_ROLE, _DEPLOYER, *break_glass, *leave)
    protected = [name for name in dict.fromkeys(known) if not name.startswith(_RESERVED)]
    deployers = (_DEPLOYER, *break_glass)
    document = policy(
        _deny(
            "KeepOwnerTags",
            [*tag, *untag],
            "*",
            (tagger, *break_glass),
            {
                "ForAnyValue:StringEqualsIgnoreCase": {"aws:TagKeys": sorted(settings.tags)},
                "Null": {"ec2:CreateAction": "true"},
            },
        ),
        # Without keys DeleteTags removes every tag, and aws:TagKeys is not there to compare. The keys that hold the
        # owner are on every resource that we tagged.
        *(
            _deny(
                f"KeepAllTags{number}",
                untag,
                "*",
                break_glass,
                {"Null": {"aws:TagKeys": "true", f"aws:ResourceTag/{key}": "false"}},
            )
            for number, key in enumerate(sorted(settings.owner_keys), 1)
        ),
        _deny("KeepTheRoles", _of("iam", _ROLE_CHANGES), [_role(name) for name in protected], deployers),
        _deny("KeepTheRules", _of("events", _RULE_CHANGES), f"arn:*:events:*:*:rule/{RULE_PREFIX}*", deployers),
        _deny(
            "KeepTheStacks",
            _of("cloudformation", _STACK_CHANGES),
            f"arn:*:cloudformation:*:*:stack/StackSet-{STACK_SET_PREFIX}*",
            deployers,
        ),
        # Who has a SourceIdentity can't change it, only hand it on: so that is left alone.
        *(
            [
                _deny(
                    "KeepSourceIdentity",
                    ["sts:SetSourceIdentity"],
                    "*",
                    (*leave, *break_glass),
                    {"Null": {"aws:SourceIdentity": "true"}},
                )
            ]
            if guarded
            else []
        ),
    )
    advice = f"name fewer break-glass roles (now {len(break_glass)}), or shorter ones with `*`, or protect fewer keys"
    return fitting(document, MAX_SCP, "the service control policy", f"{advice} (now {len(settings.tags)})")


def _deny(
    sid: str,
    actions: list[str],
    resource: str | list[str],
    exempt: tuple[str, ...],
    condition: dict[str, dict[str, str | list[str]]] | None = None,
) -> Statement:
    conditions: dict[str, dict[str, str | list[str]]] = dict(condition or {})
    if exempt:
        conditions["ArnNotLike"] = {"aws:PrincipalArn": [_role(name) for name in dict.fromkeys(exempt)]}
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Action": actions,
        "Resource": resource,
        **({"Condition": conditions} if conditions else {}),
    }


def _of(service: str, actions: tuple[str, ...]) -> list[str]:
    return [f"{service}:{action}" for action in actions]


def _role(name: str) -> str:
    return f"arn:*:iam::*:role/{name}"


def _remover(action: str) -> str:
    if action not in _REMOVES:
        raise SettingsError(f"{action}: it is not known which action removes such tags, so they can't be protected")
    return _REMOVES[action]
