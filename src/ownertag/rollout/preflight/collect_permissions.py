"""Asks IAM's policy simulator what the caller and the access role may do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ownertag.core.arn import account_of_root, parse_role_session, parse_user
from ownertag.rollout.doctor.facts import Observed, Unread
from ownertag.rollout.preflight.access import DeployedAccount
from ownertag.rollout.preflight.facts import Simulation


def simulate(account: DeployedAccount, actions: tuple[str, ...], resources: Mapping[str, str]) -> Observed[Simulation]:
    """Simulates what the principal may do as which this account is read.

    First for any resource, then what was not allowed for the resource that it is called for: a policy that names
    resources allows nothing for any. A root user has no policies to simulate, and a session is simulated by its role:
    its session policy is not known. The simulator evaluates policies of the identity and service control policies; of
    resource control policies its reference says nothing, and policies of resources count only where they are given
    (API reference, SimulatePrincipalPolicy).

    Args:
        account: The account.
        actions: What to simulate.
        resources: The ARN that an action is called for, for those that have one.
    """
    arn = account.read("sts", account.home, lambda sts: str(sts.get_caller_identity()["Arn"]))
    if not isinstance(arn, str):
        return arn
    source = _source(account, arn)
    if not isinstance(source, str):
        return source

    def use(iam: Any) -> Simulation:
        found = _Found()
        found.ask(iam, source, actions, "")
        again: dict[str, list[str]] = {}
        for action in actions:
            if found.decisions.get(action) == "implicitDeny" and action in resources:
                again.setdefault(resources[action], []).append(action)
        for resource, named in again.items():
            found.ask(iam, source, tuple(named), resource)
        return Simulation(source, found.decisions, frozenset(found.denied_by_scp), found.depends_on)

    return account.read("iam", account.home, use)


class _Found:
    """What the simulator answered, the last answer for each action."""

    def __init__(self) -> None:
        self.decisions: dict[str, str] = {}
        self.denied_by_scp: set[str] = set()
        self.depends_on: dict[str, tuple[str, ...]] = {}

    def ask(self, iam: Any, source: str, actions: tuple[str, ...], resource: str) -> None:
        given: dict[str, Any] = {"PolicySourceArn": source, "ActionNames": list(actions)}
        if resource:
            given["ResourceArns"] = [resource]
        for page in iam.get_paginator("simulate_principal_policy").paginate(**given):
            for result in page["EvaluationResults"]:
                action = result["EvalActionName"]
                self.decisions[action] = result["EvalDecision"]
                self.denied_by_scp.discard(action)
                if not result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True):
                    self.denied_by_scp.add(action)
                self.depends_on[action] = tuple(result.get("MissingContextValues", ()))


def _source(account: DeployedAccount, arn: str) -> Observed[str]:
    """The ARN of the user or role, which is what can be simulated."""
    if account_of_root(arn):
        return Unread("the credentials are a root user's, who has no policies to simulate")
    if parse_user(arn):
        return arn
    session = parse_role_session(arn)
    if session is None:
        return Unread(f"{arn} is neither a user nor a role")
    # A session's ARN lacks the path of its role.
    return account.read("iam", account.home, lambda iam: str(iam.get_role(RoleName=session.role)["Role"]["Arn"]))
