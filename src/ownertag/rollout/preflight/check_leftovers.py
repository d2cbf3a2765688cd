"""Whether something of our names is there already, that CloudFormation would not create over. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ownertag.render.documents import (
    DEAD_LETTERS,
    HUB_STACK,
    LEDGER_TABLE,
    REGION_STACK,
    ROLES_STACK,
    STACK_SET_PREFIX,
)
from ownertag.rollout.doctor.facts import NotGiven, Observed, Unread
from ownertag.rollout.preflight.facts import Leftover, PreflightAccount
from ownertag.rollout.preflight.findings import PreflightCheck, PreflightFinding, Verdict

_CHECK = PreflightCheck.LEFTOVER
_OURS = frozenset({HUB_STACK, ROLES_STACK, REGION_STACK})
#: What `ownertag deploy destroy` leaves at the hub.
RETAINED = frozenset({("table", LEDGER_TABLE), ("log group", "/aws/lambda/ownertag"), ("queue", DEAD_LETTERS)})
#: How to look at each kind, and whose it is.
_LOOK: Mapping[str, str] = {
    "role": "aws iam get-role --role-name {name}",
    "rule": "aws events describe-rule --region {region} --name {name}",
    "queue": "aws sqs get-queue-url --region {region} --queue-name {name}",
    "table": "aws dynamodb describe-table --region {region} --table-name {name}",
    "bus": "aws events describe-event-bus --region {region} --name {name}",
    "function": "aws lambda get-function --region {region} --function-name {name}",
    "log group": "aws logs describe-log-groups --region {region} --log-group-name-prefix {name}",
}


def check_leftovers(facts: PreflightAccount, home_region: str, tagger_role: str) -> Iterator[PreflightFinding]:
    """Checks an account where something is still to be created; nothing is said where all is there as it should be."""
    yield from _found(facts.account, None, facts.leftovers, home_region, tagger_role)
    for place in facts.places:
        yield from _found(facts.account, place.region, place.leftovers, home_region, tagger_role)


def check_bucket(exists: bool, bucket: str, hub: str, to_create: bool) -> Iterator[PreflightFinding]:
    """Tells that the bucket for packages is there before the hub is: an earlier deployment's, which is used again."""
    if exists and to_create:
        seen = f"bucket {bucket} is there from before, in the hub's account: it is used"
        yield PreflightFinding(_CHECK, Verdict.TOLD, hub, None, seen)


def _found(
    account: str, region: str | None, found: Observed[Iterable[Leftover]] | None, home_region: str, tagger_role: str
) -> Iterator[PreflightFinding]:
    if isinstance(found, Unread | NotGiven):
        reason = found.reason if isinstance(found, Unread) else f"the answer lacks {found.field}"
        seen = f"whether something of our names is there can't be read: {reason}"
        advice = "allow the access role to read iam, events and sqs"
        yield PreflightFinding(_CHECK, Verdict.UNKNOWN, account, region, seen, advice)
    elif isinstance(found, tuple):
        for leftover in found:
            yield _finding(account, region, leftover, home_region, tagger_role)


def _finding(
    account: str, region: str | None, leftover: Leftover, home_region: str, tagger_role: str
) -> PreflightFinding:
    named = f"{leftover.kind} {leftover.name}"
    look = _LOOK[leftover.kind].replace("{name}", leftover.name).replace("{region}", region or home_region)
    stack = leftover.stack
    if (leftover.kind, leftover.name) in RETAINED:
        seen = f"{named} is there from an earlier deployment: apply keeps what is in it"
        return PreflightFinding(_CHECK, Verdict.TOLD, account, region, seen, f"`{look}` shows it")
    if stack is not None and (stack in _OURS or stack.startswith(f"StackSet-{STACK_SET_PREFIX}")):
        seen = f"{named} is there, of a stack of an earlier deployment that no stack set holds any more"
        where = region or home_region
        # The name of a stack set's stack has an id of its own at the end.
        advice = f"in account {{account}}: `aws cloudformation delete-stack --region {where} --stack-name {stack}`"
    elif stack is not None:
        seen = f"{named} is there, of another stack: it can't be created"
        advice = f"it is of stack {stack} in account {{account}}: rename it there; `{look}` shows it"
    else:
        seen = f"{named} is there, made by hand or another tool: it can't be created"
        advice = f"find out whose it is, then delete it: in account {{account}}, `{look}`{_owner(leftover)}"
        if leftover.kind == "role" and leftover.name == tagger_role:
            advice += "; or give ours another name with hub.tagger_role"
    return PreflightFinding(_CHECK, Verdict.STOPS, account, region, seen, advice)


def _owner(leftover: Leftover) -> str:
    """What its tags say of whose it is."""
    if not isinstance(leftover.tags, Mapping) or not leftover.tags:
        return ""
    return f" (its tags: {', '.join(f'{key}={value}' for key, value in sorted(leftover.tags.items())[:4])})"
