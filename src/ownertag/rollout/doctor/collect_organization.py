"""Collects the facts of the organization from its management account: accounts, stack sets, the policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ownertag.rollout.deploy.access import accounts_under, policy_states, root_of
from ownertag.rollout.doctor.access import AuditedAccount
from ownertag.rollout.doctor.collect import enabled_regions
from ownertag.rollout.doctor.expected import Expected
from ownertag.rollout.doctor.facts import (
    Missing,
    NotGiven,
    Observed,
    OrganizationFacts,
    PolicyFacts,
    StackInstanceState,
    StackSetFacts,
    Unread,
)


def collect_organization(account: AuditedAccount, expected: Expected) -> OrganizationFacts | Unread:
    """Collects the facts of the organization; or why the audit role could not be assumed in its management account."""
    if refused := account.refused():
        return refused
    home = account.home
    root: Observed[str] = account.read("organizations", home, lambda client: str(root_of(client)["Id"]))
    accounts: Observed[frozenset[str]]
    if isinstance(root, str):
        units = expected.units(root)
        accounts = account.read(
            "organizations",
            home,
            lambda client: frozenset().union(*(accounts_under(client, unit) for unit in units)) - {account.id},
        )
    else:
        accounts = root
    return OrganizationFacts(
        root,
        accounts,
        enabled_regions(account),
        {name: _stack_set(account, name) for name in expected.stack_sets},
        _policies(account),
        _observed(account, expected),
    )


def _observed(account: AuditedAccount, expected: Expected) -> Observed[frozenset[str]]:
    units = expected.settings.observe.units
    if not units:
        return frozenset()
    return account.read(
        "organizations",
        account.home,
        lambda client: frozenset().union(*(accounts_under(client, unit) for unit in units)),
    )


def _stack_set(account: AuditedAccount, name: str) -> Observed[StackSetFacts]:
    def use(cloudformation: Any) -> StackSetFacts | None:
        found = cloudformation.describe_stack_set(StackSetName=name)["StackSet"]
        if found.get("Status") == "DELETED":
            return None
        automatic = found.get("AutoDeployment", {}).get("Enabled")
        drift = found.get("StackSetDriftDetectionDetails", {}).get("DriftStatus")
        return StackSetFacts(
            found["TemplateBody"],
            NotGiven("AutoDeployment") if automatic is None else bool(automatic),
            NotGiven("StackSetDriftDetectionDetails") if drift is None else str(drift),
            _instances(account, name),
        )

    found = account.read("cloudformation", account.home, use)
    return Missing() if found is None else found


def _instances(account: AuditedAccount, name: str) -> Observed[tuple[StackInstanceState, ...]]:
    def use(cloudformation: Any) -> tuple[StackInstanceState, ...]:
        pages = cloudformation.get_paginator("list_stack_instances").paginate(StackSetName=name)
        return tuple(
            StackInstanceState(
                summary["Account"],
                summary["Region"],
                summary["Status"],
                summary.get("StackId", ""),
                summary.get("StatusReason", ""),
                summary.get("StackInstanceStatus", {}).get("DetailedStatus", ""),
                summary.get("OrganizationalUnitId", ""),
                summary.get("DriftStatus", ""),
            )
            for page in pages
            for summary in page["Summaries"]
        )

    return account.read("cloudformation", account.home, use)


def _policies(account: AuditedAccount) -> Observed[Mapping[str, PolicyFacts]]:
    found = account.read("organizations", account.home, policy_states)
    if isinstance(found, Missing | Unread | NotGiven):
        return found
    return {name: PolicyFacts(json.loads(state.content), state.targets) for name, state in found.items()}
