"""Whether an account and its Regions are as they should be. Pure: facts and what should be there, to findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ownertag.core.arn import last_part
from ownertag.render.documents import AUDIT_ROLE, CANARY_ROLE, FORWARDER_ROLE, REDRIVE_ROLE, UNDELIVERED
from ownertag.render.infra import logical_name
from ownertag.rollout.doctor.checks import DEPLOY, check_rule, missing_finding, same, unread_finding
from ownertag.rollout.doctor.expected import Expected, ExpectedRole
from ownertag.rollout.doctor.facts import (
    SENT_DAYS,
    AccountFacts,
    Missing,
    NotGiven,
    Observed,
    QueueFacts,
    RegionFacts,
    Role,
    Rule,
    Sent,
    TrailFacts,
    Unread,
)
from ownertag.rollout.doctor.findings import Check, Finding, Location

# --- an account


def check_account(
    facts: AccountFacts, expected: Expected, regions: Iterable[str], known: frozenset[str] | None = None
) -> Iterator[Finding]:
    """Checks an account and some of its Regions.

    Args:
        facts: What was read there.
        expected: What should be there.
        regions: The Regions that were read.
        known: The Regions that have rules, and those that the management account has enabled; None if not known.
    """
    place = Location(facts.account)
    if facts.refused:
        yield place.unreached(
            Check.AUDIT_ROLE,
            f"{AUDIT_ROLE} can't be assumed: {facts.refused.reason}",
            "deploy the account's roles (`ownertag deploy apply`), and use credentials of the hub's account that may "
            f"assume {AUDIT_ROLE} there",
        )
        return
    for name, check in _checks(expected).items():
        yield from _role(place, check, name, facts, expected)
    yield from _regions(place, facts, regions)
    if known is not None and isinstance(facts.enabled, frozenset):
        yield from _enabled_besides(facts.account, facts.enabled - known)
    for region_facts in facts.places:
        yield from _region(facts.account, region_facts, expected)


def _checks(expected: Expected) -> dict[str, Check]:
    return {
        AUDIT_ROLE: Check.AUDIT_ROLE,
        expected.settings.hub.tagger_role: Check.TAGGER_ROLE,
        FORWARDER_ROLE: Check.FORWARDER_ROLE,
        CANARY_ROLE: Check.CANARY_ROLE,
        REDRIVE_ROLE: Check.REDRIVE_ROLE,
    }


def _role(place: Location, check: Check, name: str, facts: AccountFacts, expected: Expected) -> Iterator[Finding]:
    wanted, seen = expected.roles[name], facts.roles[name]
    if not isinstance(seen, Role):
        yield unread_finding(place, check, f"role {name}", seen, facts.stack, wanted.logical)
        return
    faults = list(_role_faults(name, seen, wanted, lambda document: expected.filled_for(document, facts.account)))
    for said, advice in faults:
        yield place.fault(check, said, advice)
    own = seen.inline.get(wanted.policy_name)
    if isinstance(own, NotGiven):
        yield unread_finding(place, check, f"role {name}", own, facts.stack, wanted.logical)
    elif not faults:
        yield place.ok(check, "trust and permissions are as rendered")


def _role_faults(name: str, seen: Role, wanted: ExpectedRole, here: Any) -> Iterator[tuple[str, str]]:
    if not same(seen.trust, here(wanted.trust)):
        yield f"role {name} trusts others than it should", f"find out who changed its trust; {DEPLOY}"
    own = seen.inline.get(wanted.policy_name)
    if own is None:
        yield f"role {name} lacks its policy {wanted.policy_name}", DEPLOY
    elif not isinstance(own, NotGiven) and not same(own, here(wanted.permissions)):
        yield f"role {name} has other permissions than rendered, in {wanted.policy_name}", DEPLOY
    if more := [*sorted(set(seen.inline) - {wanted.policy_name}), *sorted(seen.attached)]:
        yield f"role {name} is too wide: it has {', '.join(more)} as well", "find out who added that, and take it away"
    if seen.boundary:
        yield (
            f"role {name} has a permissions boundary, {seen.boundary}",
            "a boundary can keep it from its work, and the template sets none: take it away",
        )


def _regions(place: Location, facts: AccountFacts, regions: Iterable[str]) -> Iterator[Finding]:
    for region in regions:
        here = Location(place.account, region)
        match facts.enabled:
            case frozenset():
                if region in facts.enabled:
                    yield here.ok(Check.REGION, "switched on")
                else:
                    yield here.fault(
                        Check.REGION,
                        "switched off in this account, so nothing can be deployed there",
                        "enable the Region in the account, or leave it out of organization.regions",
                    )
            case Missing() | NotGiven() | Unread():
                yield unread_finding(
                    here, Check.REGION, "whether the Region is switched on", facts.enabled, facts.stack, ""
                )


def _enabled_besides(account: str, regions: Iterable[str]) -> Iterator[Finding]:
    """Regions that an account enabled for itself (account:EnableRegion): what is created there is not seen."""
    for region in sorted(regions):
        yield Location(account, region).fault(
            Check.REGION,
            "switched on in this account alone: what is created there is not seen",
            "enable it in the management account as well, and add it to organization.regions if that names any; or "
            "switch it off and deny account:EnableRegion; or write it in organization.excluded_regions",
        )


# --- a Region of an account


def _bus(place: Location, facts: RegionFacts) -> Finding:
    """Whether the default bus is under a customer's key: if EventBridge may not use it, no rule matches any more."""
    match facts.bus_key:
        case None:
            return place.ok(Check.DEFAULT_BUS, "its events are under EventBridge's own key")
        case str():
            return place.fault(
                Check.DEFAULT_BUS,
                f"the default bus keeps its events under {facts.bus_key}: whoever rules that key can stop all rules",
                "`aws events update-event-bus --name default --kms-key-identifier ''` takes it off",
            )
        case Missing() | NotGiven() | Unread():
            return unread_finding(place, Check.DEFAULT_BUS, "the default bus", facts.bus_key, facts.stack, "")


def _region(account: str, facts: RegionFacts, expected: Expected) -> Iterator[Finding]:
    place = Location(account, facts.region)
    yield _bus(place, facts)
    yield _trail(place, facts.trails)
    for (name, pattern), rule, sent in zip(expected.rules.items(), facts.rules, facts.sent, strict=True):
        if not isinstance(rule, Rule):
            yield unread_finding(place, Check.RULE, f"rule {name}", rule, facts.stack, logical_name(name))
            continue
        yield check_rule(place, Check.RULE, name, rule, expected.filled_for(pattern, account, facts.region))
        yield _target(place, name, rule, expected)
        yield _sent(place, name, sent)
    yield from _undelivered(place, facts, expected)


def _trail(place: Location, trails: Observed[tuple[TrailFacts, ...]]) -> Finding:
    """Whether at least one trail logs management events that write."""
    if not isinstance(trails, tuple):
        return unread_finding(place, Check.TRAIL, "the list of trails", trails, Missing(), "")
    here = [trail for trail in trails if trail.multi_region or trail.home == place.region]
    for trail in here:
        if trail.logging is True and trail.writes is True:
            return place.ok(Check.TRAIL, f"{_name(trail.arn)} logs")
    for trail in here:
        for part in (trail.logging, trail.writes):
            if isinstance(part, Unread | NotGiven):
                return unread_finding(place, Check.TRAIL, f"trail {_name(trail.arn)}", part, Missing(), "")
    if not here:
        return place.fault(
            Check.TRAIL,
            "no trail records this Region: without one EventBridge gets no events of CloudTrail",
            "create a trail for all Regions, best one of the organization",
        )
    stopped = ", ".join(_name(trail.arn) for trail in here if trail.logging is not True)
    if stopped:
        return place.fault(Check.TRAIL, f"logging is stopped: {stopped}", "start it: `aws cloudtrail start-logging`")
    names = ", ".join(_name(trail.arn) for trail in here)
    return place.fault(
        Check.TRAIL,
        f"no trail logs management events that write: {names}",
        "let an event selector include management events, all or write-only",
    )


def _target(place: Location, name: str, rule: Rule, expected: Expected) -> Finding:
    role = expected.arn("iam", f"role/{FORWARDER_ROLE}", place.account)
    queue = expected.arn("sqs", UNDELIVERED, place.account, place.region or "")
    ours = [target for target in rule.targets if target.arn == expected.bus_arn]
    if not ours:
        return place.fault(Check.TARGET, f"rule {name} does not send to {expected.bus_arn}", DEPLOY)
    if ours[0].role != role:
        return place.fault(Check.TARGET, f"rule {name} sends as {ours[0].role or 'nobody'}, not as {role}", DEPLOY)
    if ours[0].dead_letters != queue:
        return place.fault(
            Check.TARGET, f"rule {name} loses what it can't deliver: its dead-letter queue is not {queue}", DEPLOY
        )
    if others := [target.arn for target in rule.targets if target.arn != expected.bus_arn]:
        return place.fault(
            Check.TARGET, f"rule {name} also sends to {', '.join(others)}", f"find out who added that; {DEPLOY}"
        )
    return place.ok(Check.TARGET, "sends to the hub's bus, as the forwarder, with a queue for what fails")


def _sent(place: Location, name: str, sent: Observed[Sent]) -> Finding:
    if not isinstance(sent, Sent):
        return unread_finding(place, Check.SENT, f"what rule {name} sent", sent, Missing(), "")
    last = f"{sent.last:%Y-%m-%d %H:00}Z" if sent.last else f"none in {SENT_DAYS} days"
    if sent.failed:
        return place.fault(
            Check.SENT,
            f"rule {name} could not send {sent.failed} events of the last day; last sent: {last}",
            f"the messages in {UNDELIVERED} say why (ERROR_CODE, ERROR_MESSAGE): mostly the bus's policy or the "
            "forwarder's role",
        )
    return place.ok(Check.SENT, f"{name}, last sent: {last}")


def _undelivered(place: Location, facts: RegionFacts, expected: Expected) -> Iterator[Finding]:
    queue, what = facts.undelivered, f"queue {UNDELIVERED}"
    if not isinstance(queue, QueueFacts):
        yield unread_finding(place, Check.UNDELIVERED, what, queue, facts.stack, "DeadLetters")
        return
    region = place.region or ""
    if queue.messages:
        yield place.fault(
            Check.UNDELIVERED,
            f"{queue.messages} events were not delivered to the hub",
            f"`ownertag redrive --queue undelivered --accounts {place.account} --regions {region}` shows why, and puts "
            "them back after asking",
        )
    else:
        yield place.ok(Check.UNDELIVERED, "empty")
    wanted = expected.filled_for(expected.undelivered_policy, place.account, region)
    if queue.policy is None:
        yield missing_finding(place, Check.UNDELIVERED, f"the policy of {what}", facts.stack, "DeadLettersPolicy")
    elif not same(queue.policy, wanted):
        yield place.fault(
            Check.UNDELIVERED, f"{what} has another policy than rendered: EventBridge may not write to it", DEPLOY
        )


def _name(arn: str) -> str:
    return last_part(arn)
