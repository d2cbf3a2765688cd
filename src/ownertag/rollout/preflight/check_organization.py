"""What the organization allows, who administers it, and which accounts and Regions can be reached. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ownertag.core.settings import Settings
from ownertag.render.documents import AUDIT_ROLE
from ownertag.rollout.deploy.desired import Desired
from ownertag.rollout.deploy.values import Current
from ownertag.rollout.doctor.facts import Missing, NotGiven, Unread
from ownertag.rollout.preflight.collect_organization import SCP
from ownertag.rollout.preflight.facts import OrganizationRules, PreflightAccount
from ownertag.rollout.preflight.findings import PreflightCheck, PreflightFinding, Verdict

_CHECK = PreflightCheck.ORGANIZATION
CONTROL_TOWER = "controltower.amazonaws.com"
#: The service control policies that Control Tower makes begin so (Control Tower user guide, guardrails).
GUARDRAILS = "aws-guardrails-"


def check_organization(
    rules: OrganizationRules, desired: Desired, current: Current, settings: Settings
) -> Iterator[PreflightFinding]:
    """Checks delegated administrators, trusted access, Control Tower, and who could repair."""
    management, hub = desired.organization.management_account, desired.organization.hub_account
    yield _hub_reads(rules, desired, current)
    for what, unread in (
        ("which services have trusted access", rules.services),
        ("who administers stack sets", rules.stack_sets_by),
    ):
        if isinstance(unread, Unread | NotGiven):
            reason = unread.reason if isinstance(unread, Unread) else f"the answer lacks {unread.field}"
            seen, advice = f"{what} can't be read: {reason}", "allow organizations:List*"
            yield PreflightFinding(_CHECK, Verdict.UNKNOWN, management, None, seen, advice)
    if current.stack_sets_allowed:
        yield PreflightFinding(_CHECK, Verdict.FINE, management, None, "StackSets has trusted access already")
    else:
        seen = "apply gives StackSets trusted access to the organization; destroy leaves it"
        yield PreflightFinding(_CHECK, Verdict.TOLD, management, None, seen)
    if isinstance(rules.stack_sets_by, frozenset) and (others := rules.stack_sets_by - {hub}):
        seen = f"{', '.join(sorted(others))} may operate stack sets for the organization, ours among them"
        yield PreflightFinding(_CHECK, Verdict.TOLD, management, None, seen)
    scps = rules.policies[SCP]
    guardrails = isinstance(scps, tuple) and any(policy.name.startswith(GUARDRAILS) for policy in scps)
    if guardrails or (isinstance(rules.services, frozenset) and CONTROL_TOWER in rules.services):
        seen = "Control Tower governs accounts here: those that Account Factory made have AWSControlTowerExecution"
        advice = "where the access role is missing, repeat with `--access-role AWSControlTowerExecution`"
        yield PreflightFinding(_CHECK, Verdict.TOLD, management, None, seen, advice)
    yield from _break_glass(desired, settings)


def _hub_reads(rules: OrganizationRules, desired: Desired, current: Current) -> PreflightFinding:
    hub, management = desired.organization.hub_account, desired.organization.management_account
    if hub == management or hub in current.administrators:
        services = rules.hub_services if isinstance(rules.hub_services, frozenset) else frozenset[str]()
        of = f" of {', '.join(sorted(services))}" if services else ""
        seen = "the hub is the management account" if hub == management else f"the hub is a delegated administrator{of}"
        return PreflightFinding(_CHECK, Verdict.FINE, hub, None, f"{seen}: it may read the accounts")
    other = " beside the statements that are there" if current.resource_policy else ""
    seen = (
        "the hub is no delegated administrator: apply puts a statement into the organization's resource policy"
        f"{other}, so that it may read the accounts"
    )
    return PreflightFinding(_CHECK, Verdict.TOLD, hub, None, seen)


def _break_glass(desired: Desired, settings: Settings) -> Iterator[PreflightFinding]:
    if not desired.protected:
        return
    management = desired.organization.management_account
    if settings.protection.break_glass:
        seen = f"break-glass roles: {', '.join(settings.protection.break_glass)}"
        yield PreflightFinding(PreflightCheck.BREAK_GLASS, Verdict.FINE, management, None, seen)
        return
    seen = (
        f"the policy comes to {', '.join(desired.protected)}, and protection.break_glass is empty: in a member account "
        "nobody could repair a tag, a role or a rule, and the management account would have to detach the policy first"
    )
    advice = (
        'name a role of your administrators: `break_glass = ["aws-reserved/sso.amazonaws.com/*"]` or a narrower one'
    )
    yield PreflightFinding(PreflightCheck.BREAK_GLASS, Verdict.TOLD, management, None, seen, advice)


def check_access(facts: PreflightAccount, access_role: str, management_account: str) -> Iterator[PreflightFinding]:
    """Whether an account could be read at all."""
    if facts.refused is None:
        yield PreflightFinding(PreflightCheck.ACCESS, Verdict.FINE, facts.account, None, "it can be read")
        return
    advice = (
        f"nothing is known of it. Name a role that {management_account} may assume there with --access-role; accounts "
        f"of Control Tower have AWSControlTowerExecution. StackSets needs no such role, so apply deploys there anyway; "
        f"{AUDIT_ROLE} reads it afterwards"
    )
    seen = f"{access_role} does not let us read it: {facts.refused.reason}"
    yield PreflightFinding(PreflightCheck.ACCESS, Verdict.UNKNOWN, facts.account, None, seen, advice)


def check_regions(facts: PreflightAccount, regions: Iterable[str], home_region: str) -> Iterator[PreflightFinding]:
    """Whether the account has enabled the Regions."""
    match facts.enabled:
        case frozenset():
            for region in sorted(set(regions) - facts.enabled):
                verdict = Verdict.STOPS if region == home_region else Verdict.TOLD
                seen = "not enabled in the account: nothing can be deployed there, and nothing created"
                advice = f"if it should be: `aws account enable-region --account-id {{account}} --region-name {region}`"
                yield PreflightFinding(PreflightCheck.REGION, verdict, facts.account, region, seen, advice)
        case Missing() | NotGiven() | Unread():
            reason = facts.enabled.reason if isinstance(facts.enabled, Unread) else "no answer"
            seen, advice = f"which Regions are enabled can't be read: {reason}", "allow ec2:DescribeRegions"
            yield PreflightFinding(PreflightCheck.REGION, Verdict.UNKNOWN, facts.account, None, seen, advice)
