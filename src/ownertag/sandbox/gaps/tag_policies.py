"""Tag policies: the effective one of an account, and EC2's refusal of other tags; moto only keeps them.

Sources: Organizations user guide, "Policy syntax and inheritance for management policy types" (`@@assign` overwrites
what is inherited, `@@append` adds, `@@remove` takes away), "Tag policy syntax and examples", "Enforce tagging
consistency"; API reference, DescribeEffectivePolicy. EC2's code and words are as reported by users. Child control
operators (`@@operators_allowed_for_child_policies`) are not played.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from moto.organizations.models import organizations_backends

from ownertag.sandbox.calls import Call, Response, answer_json, refuse

_TYPE = "TAG_POLICY"
_TAG = re.compile(r"Tag\.(\d+)\.Key")
_SPECIFIED = re.compile(r"(TagSpecification\.\d+\.)Tag\.(\d+)\.Key")
#: The types of resources that EC2's ids name, as tag policies call them.
_TYPES = {"eni": "network-interface", "i": "instance", "snap": "snapshot", "vol": "volume", "ami": "image"}


def describe_effective_policy(call: Call, caller: str, management: str) -> Response:
    """DescribeEffectivePolicy of a tag policy; other types are none of ours."""
    wanted = call.json()
    account = str(wanted.get("TargetId") or caller)
    found = effective_policy(account, management) if wanted.get("PolicyType") == _TYPE else None
    if found is None:
        message = "The effective policy of this type was not found for the account."
        return refuse(call, "EffectivePolicyNotFoundException", message, 400)
    content = {"PolicyContent": json.dumps(found), "TargetId": account, "PolicyType": _TYPE}
    return answer_json({"EffectivePolicy": content})


def effective_policy(account: str, management: str) -> dict[str, Any] | None:
    """The policies from the root down to the account in one, without operators; None where there is none."""
    backend: Any = organizations_backends[management]["aws"]
    roots = [unit for unit in backend.ou if unit.type == "ROOT"]
    if not any(kind["Type"] == _TYPE for root in roots for kind in root.policy_types):
        return None
    parents = {unit.id: unit.parent_id for unit in backend.ou} | {one.id: one.parent_id for one in backend.accounts}
    path = [account]
    while (parent := parents.get(path[-1])) and parent != path[-1]:
        path.append(parent)
    documents = [
        json.loads(policy.content)
        for target in reversed(path)
        for policy in backend.policies
        if policy.type == _TYPE and any(attached.id == target for attached in policy.attachments)
    ]
    if not documents:
        return None
    merged: dict[str, Any] = {}
    for document in documents:
        _merge(merged, document)
    return merged


def _merge(into: dict[str, Any], policy: Mapping[str, Any]) -> None:
    for key, value in policy.items():
        # The key of a policy for a tag is compared without regard to case.
        name = next((held for held in into if held.lower() == key.lower()), key)
        if not isinstance(value, Mapping):
            into[name] = value
        elif any(operator.startswith("@@") for operator in value):
            held = into.get(name)
            if "@@assign" in value:
                held = value["@@assign"]
            if "@@append" in value:
                held = [*(held or ()), *(one for one in value["@@append"] if one not in (held or ()))]
            if "@@remove" in value:
                held = [one for one in held or () if one not in value["@@remove"]]
            into[name] = held
        else:
            _merge(into.setdefault(name, {}), value)


def refused_tags(call: Call, account: str, management: str) -> Response | None:
    """EC2's refusal of a tag, in CreateTags or with a creation, that the account's tag policy is enforced against."""
    tags = list(_tags(call))
    policy = effective_policy(account, management) if tags else None
    for type_, key, value in tags if policy else ():
        for name, rule in (policy or {}).get("tags", {}).items():
            if name.lower() != key.lower() or not _enforced(rule, type_):
                continue
            if key != rule.get("tag_key", name.lower()):
                message = (
                    f"The tag policy does not allow the specified capitalization of the following tag key: '{key}'."
                )
                return refuse(call, "TagPolicyViolation", message, 400)
            allowed = rule.get("tag_value")
            if allowed is not None and not any(_is(value, one) for one in allowed):
                message = f"The tag policy does not allow the specified value for the following tag key: '{key}'."
                return refuse(call, "TagPolicyViolation", message, 400)
    return None


def _enforced(rule: Mapping[str, Any], type_: str) -> bool:
    return any(one in {f"ec2:{type_}", "ec2:*", "ec2:ALL_SUPPORTED"} for one in rule.get("enforced_for") or ())


def _is(value: str, allowed: str) -> bool:
    """Whether a value is one that is allowed, which may have one wildcard."""
    return re.fullmatch(".*".join(map(re.escape, allowed.split("*", 1))), value, re.DOTALL) is not None


def _tags(call: Call) -> Iterator[tuple[str, str, str]]:
    """The tags that a call would write: type of resource, key, value."""
    params = call.params
    if call.operation == "CreateTags":
        ids = [value for name, value in params.items() if name.startswith("ResourceId.")]
        types = {_TYPES.get(id_.partition("-")[0], "") for id_ in ids}
        for name, key in params.items():
            if found := _TAG.fullmatch(name):
                value = params.get(f"Tag.{found[1]}.Value", "")
                yield from ((type_, key, value) for type_ in sorted(types))
        return
    for name, key in params.items():
        if found := _SPECIFIED.fullmatch(name):
            type_ = params.get(f"{found[1]}ResourceType", "")
            yield type_, key, params.get(f"{found[1]}Tag.{found[2]}.Value", "")
