"""Every way to weaken or break a rendered policy by one step: each must make a row of the table fail.

To demand a key that a condition takes only if it is there is such a step too: on AWS, where the key may be missing,
nothing would come through any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

from infra.policies.world import Json

#: Mutants that change nothing, and why: no row can tell them from the policy.
EQUIVALENT = {
    "queue/DenyInsecureTransport: Action is *": "no other action asks a queue's policy",
    "undelivered/DenyInsecureTransport: Action is *": "no other action asks a queue's policy",
    "alarm-key/AdministerKey: Action is *": "no other action asks a key's policy",
    "canary/TagCanaryPlacementGroup: Action is *": "no other action carries `ec2:CreateAction`, which must be",
    **{
        f"scp/DenyForgedTags{service}{number}: Action is *": "no other action carries the CreateAction, which must be"
        for service in ("Ec2", "Ecs", "Elasticfilesystem")
        for number in range(1, 10)
    },
}

#: Mutants that the table does not tell from the policy, as globs. What another test shows, and what no row asks yet.
BESIDE = {
    "ownertag-audit-*/List*": "tests/functional/infra/test_inventory_permissions.py: what is allowed is called",
    "audit/Read*": "the managed policies of the audit role allow it as well",
    "hub/HandOnReconciling: *": "tests/functional/infra/test_permissions.py: what is allowed is called",
    "hub/WriteLogs: *ownertag-reconcile*": "as above",
    "hub/AssumeAuditRole: *": "no row asks for it yet",
    "removal-*/DescribeResources: *": "no row of a removal reads",
    "removal-*/WriteTagsWithoutKeysAnywhere: *": "no row asks for it yet",
    "ownertag-tagger-*/Write*: Action is *": "no row asks for another action on such a resource yet",
    "tagger/WriteOwnerTags: Action is *": "as above",
    "ownertag-tagger-*/WriteTagsWithoutKeys: Resource is *": "no row asks for another resource yet",
    "ownertag-tagger-2/WriteOwnerTags: Resource lacks *loadbalancer/*/[*]": "one form of four is asked for",
    "*/DescribeResources: Action lacks timestream:DescribeEndpoints": "what the SDK asks before a call of Timestream",
    "scp/DenyForgedTags*: *elasticfilesystem*": "the simulator knows no CreateAction of EFS",
    "scp/DenyForgedTags1: *elasticloadbalancing*": "no row creates with tags by it yet",
    "scp/DenyForgedTags1: *cloudformation*": "as above",
    "scp/DenyForgedTags1: *ecs*": "as above",
    "scp/ProtectOwnerTags1: lacks Null *:CreateAction": "no row of these services creates with our key and carries it",
    "scp/ProtectOwnerTags1: Action lacks s3:[*]agResource": "the simulator takes no tags of S3's resources",
    "scp/ProtectAllTags1: Action lacks s3:UntagResource": "as above",
    "scp/ProtectTagSet1: *": "as above: S3 alone replaces whole sets of tags",
}


def is_shown_beside(mutant: str) -> bool:
    """Whether the table need not tell it."""
    return any(fnmatchcase(mutant, glob) for glob in BESIDE)


class Mutant(NamedTuple):
    """A policy with one change, and the actions of which it can change the answer."""

    id: str
    policy: str
    document: Json
    actions: tuple[str, ...]

    def concerns(self, action: str) -> bool:
        """Whether the changed statement says anything of an action."""
        return any(fnmatchcase(action, pattern) for pattern in self.actions)


def mutants(name: str, document: Json) -> Iterator[Mutant]:
    """A policy without one statement, without one condition, without one entry of a list, or with one part widened."""
    statements = document["Statement"]
    for number, statement in enumerate(statements):
        title = f"{name}/{statement.get('Sid', number)}"
        before, after = statements[:number], statements[number + 1 :]
        actions = tuple(_many(statement["Action"]))
        left = [*before, *after] or [_nothing(name, statement)]
        yield Mutant(f"{title}: is gone", name, {**document, "Statement": left}, actions)
        for change, changed in _changes(statement):
            said = (*actions, *_many(changed["Action"]))
            yield Mutant(f"{title}: {change}", name, {**document, "Statement": [*before, changed, *after]}, said)


def _changes(statement: Json) -> Iterator[tuple[str, Json]]:
    for part in ("Action", "Resource", "NotResource"):
        values = statement.get(part, "*")
        if values != "*":
            yield f"{part} is *", {**statement, part: "*"}
        for value, fewer in _shorter(values):
            yield f"{part} lacks {value}", {**statement, part: fewer}
    condition = statement.get("Condition", {})
    for operator, keys in condition.items():
        for key, values in keys.items():
            others = {other: value for other, value in condition.items() if other != operator}
            rest = {other: value for other, value in keys.items() if other != key}
            without = others | ({operator: rest} if rest else {})
            yield f"lacks {operator} {key}", {**statement, "Condition": without}
            for value, fewer in _shorter(values):
                changed = {**condition, operator: {**keys, key: fewer}}
                yield f"{operator} {key} lacks {value}", {**statement, "Condition": changed}
            if statement["Effect"] == "Allow" and is_loosened(operator, key, condition):
                plain = operator.removesuffix("IfExists")
                demanded = without | {plain: {**without.get(plain, {}), key: values}}
                demanded |= {"Null": {**without.get("Null", {}), key: "false"}}
                yield f"demands {key}", {**statement, "Condition": demanded}


def is_loosened(operator: str, key: str, condition: Json) -> bool:
    """Whether a condition holds as well where the request lacks the key."""
    return operator.endswith("IfExists") or (
        operator.startswith("ForAllValues") and key not in condition.get("Null", {})
    )


def _many(values: str | list[str]) -> list[str]:
    return [values] if isinstance(values, str) else values


def _shorter(values: str | list[str]) -> Iterator[tuple[str, list[str]]]:
    """A list without each of its entries, where one is left."""
    if isinstance(values, list) and len(values) > 1:
        yield from ((value, [other for other in values if other != value]) for value in values)


def _nothing(name: str, statement: Json) -> Json:
    """A statement that says nothing of any row: a policy must have one."""
    action = "sts:AssumeRoleWithSAML" if name.endswith("trust") else "iam:GetAccountSummary"
    kept: Json = {part: "*" for part in ("Principal", "Resource") if part in statement}
    return {"Effect": "Deny", "Action": action, **kept}
