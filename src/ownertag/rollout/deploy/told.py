"""What is told of accounts and Regions that are left out: who, why, and what to do. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from ownertag.rollout.deploy.desired import Desired
from ownertag.rollout.deploy.instances import left_out_of
from ownertag.rollout.deploy.left_out import ACTIVE
from ownertag.rollout.deploy.values import Current, StackInstance, Why

#: So many accounts are named one by one; of more, only the number is told.
MOST_TOLD = 20
#: A closed account is an organization's for so many days (doc: AWS Organizations, "Closing a member account").
DAYS_CLOSED = 90

_CLOSED_AT = (
    "`aws cloudtrail lookup-events --region us-east-1 --lookup-attributes "
    "AttributeKey=EventName,AttributeValue=CloseAccount` says when that was"
)
_SAID: Mapping[Why, str] = {
    Why.INACTIVE: "not active in the organization: nothing runs there, and StackSets skips it",
    Why.LEFT: "not of the organization any more: StackSets does not get in",
    Why.DENIED: "a service control policy denies the Region to StackSets",
    Why.NOT_ENABLED: "the account has not enabled the Region: nothing can be created there",
    Why.DISABLED: "the management account has not enabled the Region, and StackSets deploys to no other",
    Why.INOPERABLE: "a deletion failed there, and StackSets passes the stack over since",
    Why.UNREAD: "it is not known whether events wait in the queue ownertag-undelivered there, which goes",
    Why.NOT_LOOKED: "the management account has not enabled the Region: it is not known whether a stack is left there",
}
_ADVICE: Mapping[Why, str] = {
    Why.INACTIVE: "nothing to do; an account that is reopened gets its stacks by the next `ownertag deploy apply`",
    Why.LEFT: "nothing to do, unless the account is to be tagged: then invite it again",
    Why.DENIED: (
        "write the Region in organization.excluded_regions; or exempt the role stacksets-exec-* in that policy, then "
        "`ownertag deploy apply --retry`"
    ),
    Why.NOT_ENABLED: "write the Region in organization.excluded_regions, or enable it in the account and apply again",
    Why.DISABLED: "enable it in the management account, or take it out of organization.regions",
    Why.NOT_LOOKED: "one that had ownertag before it was disabled: enable it and run this again",
}


class Note(Struct, frozen=True):
    """Accounts and Regions that are left out for one reason.

    `places` has an empty Region where all of an account is meant, and an empty account where all of a Region is. Lines
    of `advice` that begin with a space are commands; with `serious` somebody has to do what it says.
    """

    why: Why
    said: str
    places: tuple[tuple[str, str], ...]
    advice: tuple[str, ...]
    serious: bool = False


def to_tell(
    desired: Desired,
    current: Current,
    unread: Mapping[tuple[str, str], str] = {},
    *,
    retry: bool = False,
    whole: bool = False,
) -> tuple[Note, ...]:
    """What is left out, one note for each reason.

    Args:
        desired: What should be there.
        current: What is there.
        unread: Accounts and Regions whose queue goes and could not be looked into, and why.
        retry: Denied Regions are tried again, and so are not left out.
        whole: Everything is taken away: then it is told as well which Regions could not be looked into for leftovers.
    """
    found: dict[Why, set[tuple[str, str]]] = {}
    inoperable: list[str] = []
    for name, state in current.stack_sets.items():
        for instance, why in left_out_of(state, desired, current).items():
            closed = why in {Why.INACTIVE, Why.LEFT}
            found.setdefault(why, set()).add((instance.account, "" if closed else instance.region))
            if why is Why.INOPERABLE:
                inoperable += mend_inoperable(name, instance)
    closed_accounts = {account: state for account, state in current.members.states.items() if state != ACTIVE}
    if closed_accounts:
        found.setdefault(Why.INACTIVE, set()).update((account, "") for account in closed_accounts)
    if desired.disabled:
        found.setdefault(Why.DISABLED, set()).update(("", region) for region in desired.disabled)
    if unread:
        found[Why.UNREAD] = set(unread)
    if whole and current.members.disabled:
        found[Why.NOT_LOOKED] = {("", region) for region in current.members.disabled}
    if retry:
        found.pop(Why.DENIED, None)
    advice = {
        **{why: (text,) for why, text in _ADVICE.items()},
        Why.INOPERABLE: tuple(inoperable),
        Why.UNREAD: tuple(sorted(set(unread.values()))),
    }
    states = f"{', '.join(sorted(set(closed_accounts.values())))}: " if closed_accounts else ""
    said = {**_SAID, Why.INACTIVE: states + _SAID[Why.INACTIVE]}
    return tuple(
        Note(why, said[why], tuple(sorted(found[why])), advice[why], why is Why.INOPERABLE)
        for why in Why
        if why in found
    )


def passed_line(found: Mapping[StackInstance, Why], instances: Iterable[StackInstance]) -> Iterator[str]:
    """A line for each reason for which instances were passed."""
    passed: dict[Why, list[StackInstance]] = {}
    for instance in instances:
        passed.setdefault(found[instance], []).append(instance)
    for why, of_it in sorted(passed.items()):
        yield f"left out: {_places(of_it)}: {_SAID[why]}"


def still_there(name: str, instances: Iterable[StackInstance], found: Mapping[StackInstance, Why]) -> str:
    """What keeps instances in a stack set, and with them the stack set, and what to do."""
    instances = list(instances)
    closed = [instance for instance in instances if found.get(instance) is Why.INACTIVE]
    gone = [instance for instance in instances if found.get(instance) is Why.LEFT]
    lines = [f"stack set {name} still has {len(instances)} instances"]
    if closed:
        lines.append(
            f"AWS does not let go of those of {_accounts(closed)}, not active any more, and the stack set stays with "
            f"them. Nothing runs and nothing costs there. At the latest {DAYS_CLOSED} days after an account was closed "
            f"it leaves the organization; {_CLOSED_AT}. Run `ownertag deploy destroy` again then"
        )
    if gone:
        lines.append(
            f"AWS does not let go of those of {_accounts(gone)}, which left the organization: ask AWS Support to take "
            f"the instances out of the stack set"
        )
    rest = [instance for instance in instances if found.get(instance) not in {Why.INACTIVE, Why.LEFT}]
    for instance in rest[:MOST_TOLD]:
        lines += _advice(name, instance, found.get(instance))
    if len(rest) > MOST_TOLD:
        lines.append(f"and {len(rest) - MOST_TOLD} more")
    return "\n  ".join(lines)


def mend_inoperable(name: str, instance: StackInstance) -> tuple[str, ...]:
    """How an INOPERABLE instance is mended: it is let go, and its stack deleted by hand (doc: StackInstance).

    Lines that begin with a space are commands: the first with the management account's credentials, the second with
    those of the instance's.
    """
    stack = instance.stack.split("/")[1] if "/" in instance.stack else f"StackSet-{name}-..."
    unit = instance.unit or "UNIT"
    targets = f"OrganizationalUnitIds={unit},Accounts={instance.account},AccountFilterType=INTERSECTION"
    forget = f" aws cloudformation delete-stack-instances --stack-set-name {name}"
    return (
        f"{instance.account} {instance.region}: {instance.reason or instance.status}",
        "mend that; then here, in that account, and here again:",
        f"{forget} --regions {instance.region} --retain-stacks --deployment-targets {targets}",
        f" aws cloudformation delete-stack --region {instance.region} --stack-name {stack}",
        " ownertag deploy apply",
    )


def _advice(name: str, instance: StackInstance, why: Why | None) -> tuple[str, ...]:
    place = f"{instance.account} {instance.region}"
    if why is Why.NOT_ENABLED:
        return (f"{place}: enable the Region in the account, and run it again: its stack is still there",)
    if why is Why.DISABLED:
        return (f"{place}: enable the Region in the management account, and run it again: the stack is still there",)
    return mend_inoperable(name, instance)


def _places(instances: Iterable[StackInstance]) -> str:
    regions: dict[str, list[str]] = {}
    for instance in instances:
        regions.setdefault(instance.region, []).append(instance.account)
    return "; ".join(f"{region} in {_names(accounts)}" for region, accounts in sorted(regions.items()))


def _accounts(instances: Iterable[StackInstance]) -> str:
    return _names(sorted({instance.account for instance in instances}))


def _names(accounts: list[str]) -> str:
    return ", ".join(accounts) if len(accounts) <= MOST_TOLD else f"{len(accounts)} accounts"
