"""Whether policies of others deny what a deployment needs: service and resource control policies. Pure.

Sources: Organizations user guide, "SCP evaluation" (an explicit Deny anywhere on the way from the root, or no Allow at
one of its levels; not in the management account; not for service-linked roles) and "RCP evaluation".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from ownertag.rollout.doctor.facts import NotGiven, Observed, Unread
from ownertag.rollout.preflight.collect_organization import RCP, SCP
from ownertag.rollout.preflight.facts import AttachedPolicy, Document, OrganizationRules
from ownertag.rollout.preflight.findings import PreflightCheck, PreflightFinding, Verdict
from ownertag.rollout.preflight.needs import Need
from ownertag.rollout.preflight.policy_statements import (
    Holds,
    PolicyRequest,
    applies_besides,
    condition_keys,
    covers_action,
    statements_of,
)

REGION_KEY = "aws:requestedregion"
_SHORT = {SCP: "service control policy", RCP: "resource control policy"}


class Denial(Struct, frozen=True):
    """What stands against a request: the policy and where it is attached, the statement, and how sure that is.

    `regional`: the statement goes by the Region of the request.
    """

    holds: Holds
    policy: str
    target: str
    statement: str
    depends_on: str = ""
    regional: bool = False


class PolicyIndex:
    """Policies by what they are attached to, and their statements by the actions that they are about.

    Most statements are about other actions, and an account's needs are asked for in each Region.
    """

    def __init__(self, policies: tuple[AttachedPolicy, ...]) -> None:
        self._policies = policies
        self._about: dict[tuple[str, str, str], list[tuple[AttachedPolicy, str, Document]]] = {}

    def on(self, target: str) -> list[AttachedPolicy]:
        """The policies that are attached to a root, a unit or an account itself."""
        return [policy for policy in self._policies if target in policy.targets]

    def about(self, target: str, effect: str, action: str) -> list[tuple[AttachedPolicy, str, Document]]:
        """The statements on a target that have this effect and are about an action, with their policies and names."""
        key = (target, effect, action)
        if key not in self._about:
            self._about[key] = [
                (policy, str(statement.get("Sid") or f"number {number}"), statement)
                for policy in self.on(target)
                for number, statement in enumerate(statements_of(policy.content, effect), 1)
                if covers_action(statement, action)
            ]
        return self._about[key]


def denials(
    request: PolicyRequest, path: Iterable[str], policies: PolicyIndex, *, allow_lists: bool
) -> Iterator[Denial]:
    """What denies a request, or may, of the policies on the way from the root to an account.

    Args:
        request: The request.
        path: The root, the units, and the account.
        policies: All of their type.
        allow_lists: Whether each level must allow it too, as it is for service control policies.
    """
    for target in path:
        for policy, sid, statement in policies.about(target, "Deny", request.action):
            answer = applies_besides(statement, request)
            if answer.holds is not Holds.NO:
                regional = REGION_KEY in condition_keys(statement)
                name = f"{policy.name} ({policy.id})"
                yield Denial(answer.holds, name, target, sid, answer.depends_on, regional)
        if allow_lists:
            yield from _not_allowed(request, target, policies)


def _not_allowed(request: PolicyRequest, target: str, policies: PolicyIndex) -> Iterator[Denial]:
    """A level that allows nothing of the kind, as it is where somebody took FullAWSAccess off and lists services."""
    answers = [
        applies_besides(statement, request) for _, _, statement in policies.about(target, "Allow", request.action)
    ]
    if any(answer.holds is Holds.YES for answer in answers):
        return
    names = ", ".join(f"{policy.name} ({policy.id})" for policy in policies.on(target)) or "no policy"
    unknown = [answer.depends_on for answer in answers if answer.holds is Holds.UNKNOWN]
    holds = Holds.UNKNOWN if unknown else Holds.YES
    yield Denial(holds, names, target, "no statement that allows it", ", ".join(dict.fromkeys(unknown)))


class _Cause(Struct, frozen=True):
    denial: Denial
    what: str
    region: str | None


def check_policies(
    rules: OrganizationRules,
    type_: str,
    accounts: Mapping[str, Iterable[Need]],
    home_region: str,
    management_account: str,
) -> Iterator[PreflightFinding]:
    """Checks what each account needs against the policies of a type.

    Args:
        rules: What the organization rules.
        type_: SERVICE_CONTROL_POLICY or RESOURCE_CONTROL_POLICY.
        accounts: What each member account needs; neither type of policy reaches the management account.
        home_region: Where nothing works if that is denied.
        management_account: Where a policy that can't be read is reported.
    """
    check = _check(type_)
    policies: Observed[tuple[AttachedPolicy, ...]] = rules.policies[type_]
    for unread in (policies, rules.paths):
        if isinstance(unread, Unread | NotGiven):
            yield _not_read(check, type_, unread, management_account)
            return
    assert isinstance(policies, tuple)  # noqa: S101 - Missing is no answer of a list
    assert isinstance(rules.paths, Mapping)  # noqa: S101 - the same
    index, found = PolicyIndex(policies), False
    for account, needs in accounts.items():
        path = rules.paths.get(account, ())
        causes: dict[_Cause, list[str]] = {}
        for need in needs:
            for denial in denials(need.request, path, index, allow_lists=type_ == SCP and bool(policies)):
                causes.setdefault(_Cause(denial, need.what, need.region), []).append(need.request.action)
        for cause, actions in causes.items():
            found = True
            yield _finding(check, type_, account, cause, actions, home_region)
    if not found:
        what = f"no {_SHORT[type_]} of others denies what is needed, in {len(accounts)} accounts"
        yield PreflightFinding(check, Verdict.FINE, management_account, None, what)


def _finding(
    check: PreflightCheck, type_: str, account: str, cause: _Cause, actions: list[str], home_region: str
) -> PreflightFinding:
    denial, policy = cause.denial, _SHORT[type_]
    named = ", ".join(sorted(set(actions)))
    where = f"{policy} {denial.policy} on {denial.target.replace(account, '{account}')}, {denial.statement}"
    policy_id = denial.policy.partition("(")[2].rstrip(")")
    look = f"`aws organizations describe-policy --policy-id {policy_id}` shows it"
    if denial.holds is Holds.UNKNOWN:
        seen = f"{where}: whether it denies {named} depends on {denial.depends_on}, which is not known here"
        return PreflightFinding(
            check, Verdict.UNKNOWN, account, cause.region, seen, f"if it does, {cause.what}: {look}"
        )
    seen = f"{where}: denies {named}, so {cause.what}"
    if denial.regional and cause.region not in {None, home_region}:
        advice = (
            "leave the Region out (organization.regions, excluded_regions), or have the policy exempt "
            "`stacksets-exec-*` and our roles; "
            f"{look}"
        )
        return PreflightFinding(PreflightCheck.REGION, Verdict.TOLD, account, cause.region, seen, advice)
    advice = f"have whoever owns the policy exempt it; {look}"
    return PreflightFinding(check, Verdict.STOPS, account, cause.region, seen, advice)


def _not_read(check: PreflightCheck, type_: str, why: Unread | NotGiven, account: str) -> PreflightFinding:
    reason = why.reason if isinstance(why, Unread) else f"the answer lacks {why.field}"
    return PreflightFinding(
        check,
        Verdict.UNKNOWN,
        account,
        None,
        f"whether a {_SHORT[type_]} of others denies what is needed can't be read: {reason}",
        "give the caller organizations:ListPolicies, DescribePolicy and ListTargetsForPolicy",
    )


def _check(type_: str) -> PreflightCheck:
    return PreflightCheck.SERVICE_CONTROL_POLICY if type_ == SCP else PreflightCheck.RESOURCE_CONTROL_POLICY
