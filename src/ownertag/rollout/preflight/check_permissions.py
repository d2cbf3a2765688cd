"""Whether permissions are missing, as far as IAM's policy simulator tells. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ownertag.rollout.doctor.facts import NotGiven, Observed, Unread
from ownertag.rollout.preflight.facts import Simulation
from ownertag.rollout.preflight.findings import PreflightCheck, PreflightFinding, Verdict

_CHECK = PreflightCheck.PERMISSION
#: What the simulator leaves out, for whoever trusts its yes.
LEFT_OUT = "session policies, resource control policies and the policies of resources are not simulated"


def check_permissions(
    account: str, simulated: Observed[Simulation], wanted: tuple[str, ...], who: str
) -> Iterator[PreflightFinding]:
    """Checks one principal.

    Args:
        account: Its account.
        simulated: What the simulator said.
        wanted: The actions that it needs.
        who: Who it is, where that could not be read.
    """
    if not isinstance(simulated, Simulation):
        reason = _reason(simulated)
        seen = f"what {who} may do was not simulated: {reason}"
        advice = (
            "use credentials of a role or user that may call iam:SimulatePrincipalPolicy and iam:GetRole; without, a "
            "missing permission is named when it is needed"
        )
        yield PreflightFinding(_CHECK, Verdict.UNKNOWN, account, None, seen, advice)
        return
    denied = [action for action in wanted if simulated.decisions.get(action, "allowed") != "allowed"]
    # Without the values of these keys an Allow does not count, and with them it may.
    open_ = [
        action
        for action in denied
        if simulated.decisions[action] == "implicitDeny"
        and simulated.depends_on.get(action)
        and action not in simulated.denied_by_scp
    ]
    missing = [action for action in denied if action not in open_]
    unanswered = [action for action in wanted if action not in simulated.decisions]
    by_scp = [action for action in missing if action in simulated.denied_by_scp]
    own = [action for action in missing if action not in simulated.denied_by_scp]
    if own:
        explicit = [action for action in own if simulated.decisions[action] == "explicitDeny"]
        deny = f"; {', '.join(explicit)} by a Deny" if explicit else ""
        seen = f"{simulated.principal} may not call {', '.join(own)}{deny}"
        advice = "allow it: the page on rolling out has the list"
        yield PreflightFinding(_CHECK, Verdict.STOPS, account, None, seen, advice)
    if by_scp:
        seen = f"a service control policy denies {simulated.principal} {', '.join(by_scp)}"
        advice = "have whoever owns the policy exempt this role, or deploy with another"
        yield PreflightFinding(_CHECK, Verdict.STOPS, account, None, seen, advice)
    if open_:
        keys = ", ".join(dict.fromkeys(key for action in open_ for key in simulated.depends_on[action]))
        seen = f"whether {simulated.principal} may call {', '.join(open_)} depends on {keys}, which was not simulated"
        yield PreflightFinding(_CHECK, Verdict.UNKNOWN, account, None, seen, "look at its policies")
    if unanswered:
        seen = f"the simulator said nothing of {', '.join(unanswered)} for {simulated.principal}"
        yield PreflightFinding(_CHECK, Verdict.UNKNOWN, account, None, seen, "try again")
    if not (denied or unanswered):
        seen = f"{simulated.principal} may call all {len(wanted)} actions ({LEFT_OUT})"
        yield PreflightFinding(_CHECK, Verdict.FINE, account, None, seen)


def _reason(simulated: Observed[Simulation]) -> str:
    if isinstance(simulated, Unread):
        return simulated.reason
    return f"the answer lacks {simulated.field}" if isinstance(simulated, NotGiven) else "AWS has no such principal"
