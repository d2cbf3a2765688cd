"""Who uses the protected keys today, and by which tool: it will write over ours, or be denied. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ownertag.rollout.deploy.iac_tools import LEAVE_ALONE, NO_TOOL
from ownertag.rollout.deploy.tag_usage import TagUsage
from ownertag.rollout.preflight.findings import PreflightCheck, PreflightFinding, Verdict

_CHECK = PreflightCheck.TAG_USE


def check_tag_use(
    usage: TagUsage, days: int, management_account: str, *, protected: bool
) -> Iterator[PreflightFinding]:
    """Tells whom the records name.

    Args:
        usage: What was counted.
        days: How far back.
        management_account: Where it is told that there is nobody.
        protected: Whether the policy comes to the units: it would deny them.
    """
    for use in usage.uses:
        by = f", by {use.tool}" if use.tool else ""
        then = "the policy would deny that" if protected else "they and ownertag would write over each other"
        seen = f"{use.principal.replace(use.account, '{account}')}{by} writes or removes {', '.join(use.keys)}: {then}"
        advice = f"{use.calls} calls in {days} days; {LEAVE_ALONE.get(use.tool, NO_TOOL)}"
        yield PreflightFinding(_CHECK, Verdict.TOLD, use.account, None, seen, advice)
    for account, reason in usage.unread:
        seen = f"who uses the protected keys is not known in full: {reason.removeprefix(f'account {account}: ')}"
        advice = "let the access role call cloudtrail:LookupEvents, or count fewer days with --lookback-days"
        yield PreflightFinding(_CHECK, Verdict.UNKNOWN, account, None, seen.replace(account, "{account}"), advice)
    if not usage.uses and not usage.unread:
        seen = f"nobody was seen to use the protected keys in {days} days"
        yield PreflightFinding(_CHECK, Verdict.FINE, management_account, None, seen)
