"""Whether a tag policy of the organization refuses what ownertag writes. Pure.

Sources: Organizations user guide, "Tag policy syntax and examples" and "Enforce tagging consistency": a policy compares
keys without regard to case; where it is enforced for a type of resource, a tag of another capitalization or value is
refused. A value may have one `*`. What is untagged is never refused, and without `enforced_for` a policy only reports.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from ownertag.core.catalogue_types import Catalogue
from ownertag.core.owner.principal import UNKNOWN
from ownertag.core.settings import Settings
from ownertag.rollout.doctor.facts import NotGiven, Unread
from ownertag.rollout.preflight.facts import OrganizationRules
from ownertag.rollout.preflight.findings import PreflightCheck, PreflightFinding, Verdict
from ownertag.rollout.preflight.policy_statements import as_list

_CHECK = PreflightCheck.TAG_POLICY
#: Stands for the time of a creation, and for what else a template fills in.
_EXAMPLES = {"created_at": "2026-01-31T09:30:00Z", "date": "2026-01-31", "owner": UNKNOWN}


def check_tag_policies(
    rules: OrganizationRules, settings: Settings, catalogue: Catalogue, management_account: str
) -> Iterator[PreflightFinding]:
    """Checks the effective tag policy of each account."""
    found = False
    for account, policy in rules.tag_policies.items():
        if isinstance(policy, Unread | NotGiven):
            reason = policy.reason if isinstance(policy, Unread) else f"the answer lacks {policy.field}"
            seen = f"the effective tag policy can't be read: {reason}"
            advice = "allow organizations:DescribeEffectivePolicy"
            yield PreflightFinding(_CHECK, Verdict.UNKNOWN, account, None, seen, advice)
        elif isinstance(policy, Mapping):
            for finding in _of_account(account, policy.get("tags") or {}, settings, catalogue):
                found = True
                yield finding
    if not found:
        seen = f"no tag policy is about {', '.join(settings.tags)}"
        yield PreflightFinding(_CHECK, Verdict.FINE, management_account, None, seen)


def _of_account(
    account: str, policies: Mapping[str, Any], settings: Settings, catalogue: Catalogue
) -> Iterator[PreflightFinding]:
    for policy_key, policy in policies.items():
        for key, template in settings.tags.items():
            if key.lower() == policy_key.lower():
                yield from _of_key(account, key, template, policy, settings, catalogue)


def _of_key(
    account: str, key: str, template: str, policy: Mapping[str, Any], settings: Settings, catalogue: Catalogue
) -> Iterator[PreflightFinding]:
    types = enforced_types(as_list(policy.get("enforced_for") or ()), catalogue)
    look = (
        "`aws organizations describe-effective-policy --policy-type TAG_POLICY --target-id {account}` shows it; have "
        "the owner of the tag policy accept it"
    )
    where = f"on {_listed(types)}" if types else ""
    refused = False
    wanted = str(policy.get("tag_key") or key.lower())
    if wanted != key:
        refused = True
        advice = f"{look}, or write `{wanted}` instead of `{key}` in [tags]"
        yield _finding(account, types, f"the tag policy wants `{wanted}` and refuses `{key}` {where}", advice)
    if (values := policy.get("tag_value")) is not None:
        allowed = as_list(values)
        bad = [value for value in examples(template, settings) if not accepts(allowed, value)]
        if bad:
            refused = True
            listed = ", ".join(map(str, allowed[:5])) + (f" and {len(allowed) - 5} more" if len(allowed) > 5 else "")
            seen = f"the tag policy takes `{key}` only as {listed}, and refuses {', '.join(bad[:3])} {where}"
            yield _finding(account, types, seen, f"{look}, or choose another key in [tags]")
        elif types and "{" in template and "*" not in allowed:
            refused = True
            seen = (
                f"the tag policy takes `{key}` only as {', '.join(map(str, allowed))} {where}; other values are refused"
            )
            yield PreflightFinding(_CHECK, Verdict.TOLD, account, None, seen, look)
    if not refused:
        seen = f"the tag policy is about `{key}`, and accepts what is written"
        yield PreflightFinding(_CHECK, Verdict.TOLD, account, None, seen)


def _listed(types: tuple[str, ...]) -> str:
    """A few types by name; of more, which of them an account has most of."""
    if len(types) <= 4:
        return ", ".join(types)
    return f"{len(types)} types of resources" + (", ec2:instance among them" if "ec2:instance" in types else "")


def _finding(account: str, types: tuple[str, ...], seen: str, advice: str) -> PreflightFinding:
    if types:
        return PreflightFinding(_CHECK, Verdict.STOPS, account, None, seen, advice)
    seen = seen.replace(" and refuses ", " and reports ").rstrip() + " as not compliant: it is not enforced"
    return PreflightFinding(_CHECK, Verdict.TOLD, account, None, seen, advice)


def enforced_types(patterns: Iterable[str], catalogue: Catalogue) -> tuple[str, ...]:
    """The types that are tagged, of those that a policy is enforced for, such as `ec2:*` or `ec2:ALL_SUPPORTED`."""
    globs = [pattern.replace(":ALL_SUPPORTED", ":*") for pattern in patterns]
    return tuple(sorted(name for name in catalogue.types if any(fnmatchcase(name, glob) for glob in globs)))


def accepts(allowed: Iterable[Any], value: str) -> bool:
    """Whether one of the values of a policy, each with at most one `*`, is this one."""
    for pattern in map(str, allowed):
        before, star, after = pattern.partition("*")
        if value == pattern or (
            star and len(value) >= len(before + after) and value.startswith(before) and value.endswith(after)
        ):
            return True
    return False


def examples(template: str, settings: Settings) -> tuple[str, ...]:
    """Values that a template comes to: for each owner of the settings, and for an owner who is not known."""
    if "{owner}" in template:
        owners = dict.fromkeys([*(rule.owner for rule in settings.owners), UNKNOWN])
        return tuple(_filled(template, {**_EXAMPLES, "owner": owner}) for owner in owners)
    return (_filled(template, _EXAMPLES),)


def _filled(template: str, values: Mapping[str, str]) -> str:
    for field, value in values.items():
        template = template.replace("{" + field + "}", value)
    return template
