"""Whether an account and its Regions are as they should be. Pure: facts and what should be there, to findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ownertag.core.arn import account_of, last_part
from ownertag.render.documents import AUDIT_ROLE, CANARY_ROLE, FORWARDER_ROLE, REDRIVE_ROLE, UNDELIVERED
from ownertag.render.infra import logical_name
from ownertag.rollout.doctor.causes import Cause
from ownertag.rollout.doctor.checks import (
    RECREATE,
    by_break_glass,
    check_rule,
    missing_finding,
    same,
    unread_finding,
)
from ownertag.rollout.doctor.commands import Command, apply, aws, compact, redrive
from ownertag.rollout.doctor.expected import Expected
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
            f"{AUDIT_ROLE} can't be assumed: {facts.refused.reason.partition(': ')[0]}",
            "put it back, or see whom it trusts",
            apply(facts.account),
            cause=Cause.AUDIT_ROLE_REFUSED,
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
    faults = list(_role_faults(place, check, name, seen, expected))
    yield from faults
    own = seen.inline.get(wanted.policy_name)
    if isinstance(own, NotGiven):
        yield unread_finding(place, check, f"role {name}", own, facts.stack, wanted.logical)
    elif not faults:
        yield place.ok(check, "trust and permissions are as rendered")


def _role_faults(place: Location, check: Check, name: str, seen: Role, expected: Expected) -> Iterator[Finding]:
    wanted, again = expected.roles[name], apply(place.account)
    if not same(seen.trust, expected.filled_for(wanted.trust, place.account)):
        yield place.fault(
            check,
            f"role {name} trusts others than it should",
            RECREATE,
            again,
            cause=Cause.ROLE_TRUST,
        )
    own, said = seen.inline.get(wanted.policy_name), ""
    if own is None:
        said = f"role {name} lacks its policy {wanted.policy_name}"
    elif not isinstance(own, NotGiven) and not same(own, expected.filled_for(wanted.permissions, place.account)):
        said = f"role {name} has other permissions than rendered, in {wanted.policy_name}"
    ours = {name: expected.arn("iam", f"policy/{name}", place.account) for name in wanted.managed}
    if lacking := [name for name, arn in ours.items() if arn not in seen.attached]:
        said = said or f"role {name} lacks its policy {', '.join(lacking)}"
    for managed, document in wanted.managed.items():
        found = seen.managed.get(managed)
        is_other = not isinstance(found, NotGiven | None)
        if is_other and not same(found, expected.filled_for(document, place.account)):
            said = said or f"role {name} has other permissions than rendered, in {managed}"
    if said:
        yield place.fault(check, said, RECREATE, again, cause=Cause.ROLE_PERMISSIONS)
    inline = sorted(set(seen.inline) - {wanted.policy_name})
    attached = sorted(set(seen.attached) - {*ours.values()})
    if inline or attached:
        more = ", ".join([*inline, *(last_part(arn) for arn in attached)])
        of_role = ("--role-name", name)
        yield place.fault(
            check,
            f"role {name} is too wide: it has {more} as well",
            f"take that away{by_break_glass(expected)}",
            *(aws(place.account, None, "iam", "delete-role-policy", *of_role, "--policy-name", one) for one in inline),
            *(aws(place.account, None, "iam", "detach-role-policy", *of_role, "--policy-arn", arn) for arn in attached),
            cause=Cause.ROLE_TOO_WIDE,
        )
    if seen.boundary:
        yield place.fault(
            check,
            f"role {name} has a permissions boundary, {seen.boundary}",
            f"take it away: the template sets none{by_break_glass(expected)}",
            aws(place.account, None, "iam", "delete-role-permissions-boundary", "--role-name", name),
            cause=Cause.ROLE_BOUNDARY,
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
                        "switched off, so not deployed to",
                        "switch it on, wait, deploy; or leave it out of organization.regions",
                        aws(place.account, None, "account", "enable-region", "--region-name", region),
                        apply(),
                        cause=Cause.REGION_OFF,
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
            "write it in organization.excluded_regions; or switch it off there, and deny account:EnableRegion",
            aws(account, None, "account", "disable-region", "--region-name", region),
            cause=Cause.REGION_ALONE,
        )


# --- a Region of an account


def _bus(place: Location, facts: RegionFacts, expected: Expected) -> Finding:
    """Whether the default bus is under a customer's key: if EventBridge may not use it, no rule matches any more."""
    match facts.bus_key:
        case None:
            return place.ok(Check.DEFAULT_BUS, "its events are under EventBridge's own key")
        case str():
            return place.fault(
                Check.DEFAULT_BUS,
                f"the default bus is under a customer's key, {facts.bus_key}",
                f"take it off{by_break_glass(expected)}",
                aws(
                    place.account,
                    place.region,
                    "events",
                    "update-event-bus",
                    "--name",
                    "default",
                    "--kms-key-identifier",
                    "",
                ),
                cause=Cause.DEFAULT_BUS_KEY,
            )
        case Missing() | NotGiven() | Unread():
            return unread_finding(place, Check.DEFAULT_BUS, "the default bus", facts.bus_key, facts.stack, "")


def _region(account: str, facts: RegionFacts, expected: Expected) -> Iterator[Finding]:
    place = Location(account, facts.region)
    yield _bus(place, facts, expected)
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
            "create a trail for all Regions in the management account, best one of the organization",
            cause=Cause.TRAIL_NONE,
        )
    names = ", ".join(_name(trail.arn) for trail in here)
    writing = [trail for trail in here if trail.writes is True]
    if writing:
        return place.fault(
            Check.TRAIL,
            f"logging is stopped: {names}",
            "start it",
            _of_trail(writing[0], "start-logging", "--name", writing[0].arn),
            cause=Cause.TRAIL_STOPPED,
        )
    return place.fault(
        Check.TRAIL,
        f"no trail logs management events that write: {names}",
        "let the trail log them as well; what it logs now stays",
        *_wider(here[0]),
        cause=Cause.TRAIL_WRITES,
    )


def _of_trail(trail: TrailFacts, *words: str) -> Command:
    """A command that changes a trail: in its own account, and its home Region alone (doc: CloudTrail)."""
    return aws(account_of(trail.arn), trail.home, "cloudtrail", *words)


def _wider(trail: TrailFacts) -> Iterator[Command]:
    """What makes a trail log writing management events beside what it logs now, and start.

    The call replaces all selectors of a trail (doc: PutEventSelectors).
    """
    held = trail.selectors or {}
    if advanced := held.get("AdvancedEventSelectors"):
        fields = [{"Field": "eventCategory", "Equals": ["Management"]}, {"Field": "readOnly", "Equals": ["false"]}]
        new = {"Name": "Management events that write", "FieldSelectors": fields}
        given = ("--advanced-event-selectors", compact([*advanced, new]))
    else:
        basic = [*(held.get("EventSelectors") or ()), {"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}]
        given = ("--event-selectors", compact(basic))
    yield _of_trail(trail, "put-event-selectors", "--trail-name", trail.arn, *given)
    if trail.logging is not True:
        yield _of_trail(trail, "start-logging", "--name", trail.arn)


def _target(place: Location, name: str, rule: Rule, expected: Expected) -> Finding:
    role = expected.arn("iam", f"role/{FORWARDER_ROLE}", place.account)
    queue = expected.arn("sqs", UNDELIVERED, place.account, place.region or "")
    ours = [target for target in rule.targets if target.arn == expected.bus_arn]
    said = ""
    if not ours:
        said = f"rule {name} does not send to {expected.bus_arn}"
    elif ours[0].role != role:
        said = f"rule {name} sends as {ours[0].role or 'nobody'}, not as {role}"
    elif ours[0].dead_letters != queue:
        said = f"rule {name} loses what it can't deliver: its dead-letter queue is not {queue}"
    others = [target for target in rule.targets if target.arn != expected.bus_arn]
    if others:
        # A rule that has targets of others can't be deleted, so nothing could be made anew (doc: DeleteRule).
        return place.fault(
            Check.TARGET,
            f"rule {name} also sends to {', '.join(target.arn for target in others)}{f'; and {said}' if said else ''}",
            f"take that away{by_break_glass(expected)}",
            aws(place.account, place.region, "events", "remove-targets", "--rule", name,
                "--ids", *(target.id for target in others)),
            *((apply(place.account),) if said else ()),
            cause=Cause.TARGET_OTHERS,
        )  # fmt: skip
    if said:
        return place.fault(Check.TARGET, said, RECREATE, apply(place.account), cause=Cause.TARGET_WRONG)
    return place.ok(Check.TARGET, "sends to the hub's bus, as the forwarder, with a queue for what fails")


def _sent(place: Location, name: str, sent: Observed[Sent]) -> Finding:
    if not isinstance(sent, Sent):
        return unread_finding(place, Check.SENT, f"what rule {name} sent", sent, Missing(), "")
    last = f"{sent.last:%Y-%m-%d %H:00}Z" if sent.last else f"none in {SENT_DAYS} days"
    if sent.failed:
        return place.fault(
            Check.SENT,
            f"rule {name} could not send {sent.failed} events of the last day; last sent: {last}",
            f"the messages in {UNDELIVERED} say why",
            cause=Cause.SENT_FAILED,
        )
    return place.ok(Check.SENT, f"{name}, last sent: {last}")


def _undelivered(place: Location, facts: RegionFacts, expected: Expected) -> Iterator[Finding]:
    queue, what = facts.undelivered, f"queue {UNDELIVERED}"
    if not isinstance(queue, QueueFacts):
        yield unread_finding(place, Check.UNDELIVERED, what, queue, facts.stack, "DeadLetters")
        return
    region, hub = place.region or "", expected.organization.hub_account
    if queue.messages:
        yield place.fault(
            Check.UNDELIVERED,
            f"{queue.messages} events were not delivered to the hub",
            "this shows why, asks, and puts them back; mend the cause first",
            redrive(hub, "undelivered", account=place.account, region=region),
            cause=Cause.UNDELIVERED_HELD,
        )
    else:
        yield place.ok(Check.UNDELIVERED, "empty")
    wanted = expected.filled_for(expected.undelivered_policy, place.account, region)
    if queue.policy is None:
        yield missing_finding(place, Check.UNDELIVERED, f"the policy of {what}", facts.stack, "DeadLettersPolicy")
    elif not same(queue.policy, wanted):
        yield place.fault(
            Check.UNDELIVERED,
            f"{what} has another policy than rendered: EventBridge may not write to it",
            RECREATE,
            apply(place.account),
            cause=Cause.UNDELIVERED_POLICY,
        )


def _look_into(place: Location, url: str) -> Command:
    """Shows messages without taking them from the queue."""
    given = ("--queue-url", url, "--message-attribute-names", "All", "--visibility-timeout", "0")
    return aws(place.account, place.region, "sqs", "receive-message", *given)


def _name(arn: str) -> str:
    return last_part(arn)
