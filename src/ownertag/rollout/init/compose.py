"""Puts together what was read and what was decided: the first settings, where each is from, and what else to know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from msgspec import Struct

from ownertag.core.toml.advice import shown
from ownertag.render.first_settings import Entry, FirstSettings, Text
from ownertag.rollout.doctor.facts import Unread
from ownertag.rollout.init.facts import IdentityCenterFacts, Reading, known
from ownertag.rollout.init.questions import unit_lines

_MOST_NAMED = 5


class Origin(StrEnum):
    """Where a value is from."""

    READ = "read"
    GIVEN = "given"
    ASKED = "asked"


class Chosen(Struct, frozen=True):
    """A value that a person decided: by a flag, or when asked."""

    value: tuple[str, ...]
    origin: Origin
    flag: str

    @property
    def source(self) -> str:
        """Says who decided it."""
        return f"Given by {self.flag}." if self.origin is Origin.GIVEN else "As it was answered."


class Setting(Struct, frozen=True):
    """A value of the settings, for a list of what was written."""

    key: str
    value: Text
    origin: Origin
    source: str


def compose(reading: Reading, answers: Mapping[str, Chosen], *, observed: bool, head: str) -> FirstSettings:
    """The first settings.

    Args:
        reading: What was read.
        answers: What was decided, by the key of the settings.
        observed: Whether nothing is tagged yet.
        head: Says when and by whom it was read.
    """
    store, region = _identity_center(reading, answers)
    return FirstSettings(
        head=head,
        organization=_of_organization(reading, answers, "id"),
        management_account=_of_organization(reading, answers, "management_account"),
        hub_account=_decided(answers["organization.hub_account"], _of_hub(reading, answers)),
        home_region=_decided(answers["organization.home_region"], "Bus, queue, function and ledger are here."),
        units=Entry(answers["organization.units"].value, answers["organization.units"].source),
        observed=observed,
        what_is_this=_decided(answers["tags.WhatIsThis"], "Your page on the tags."),
        alarm_email=_optional(answers, "hub.alarm_email"),
        regions=_list(answers, "organization.regions"),
        identity_stores=store,
        identity_center_region=region,
        no_store=_no_store(reading),
        accounts=_accounts(reading),
        trail=_trail(reading)[1],
        units_seen=unit_lines(known(reading.units) or ()),
        regions_seen=known(reading.regions) or (),
    )


def settings_of(first: FirstSettings, answers: Mapping[str, Chosen]) -> tuple[Setting, ...]:
    """What was written, key by key."""
    entries = {
        "organization.id": first.organization,
        "organization.management_account": first.management_account,
        "organization.hub_account": first.hub_account,
        "organization.home_region": first.home_region,
        "organization.regions": first.regions,
        "organization.units": first.units,
        "hub.alarm_email": first.alarm_email,
        "observe.units": first.units if first.observed else None,
        "tags.WhatIsThis": first.what_is_this,
        "trust.identity_stores": first.identity_stores,
        "trust.identity_center_region": first.identity_center_region,
    }
    return tuple(
        Setting(key, entry.value, _origin(key, answers), entry.source) for key, entry in entries.items() if entry
    )


def notes(reading: Reading, answers: Mapping[str, Chosen]) -> tuple[str, ...]:
    """What else to know: what is not as ownertag needs it, and what could not be read."""
    return tuple(_notes(reading, answers))


def _notes(reading: Reading, answers: Mapping[str, Chosen]) -> Iterator[str]:
    organization = reading.organization
    if not isinstance(organization, Unread):
        if organization.management_account != reading.account:
            yield (
                f"these are credentials of account {reading.account}; `ownertag deploy` needs some of the management "
                f"account, {organization.management_account}"
            )
        if not organization.all_features:
            yield (
                "the organization has not all features enabled, without which there are neither stack sets for it nor "
                "policies: enable them in AWS Organizations"
            )
    if idle := [account for account in known(reading.accounts) or () if not account.active]:
        names = ", ".join(f"{account.id} {shown(account.name, 40)}".strip() for account in idle[:_MOST_NAMED])
        more = f" and {len(idle) - _MOST_NAMED} more" if len(idle) > _MOST_NAMED else ""
        yield f"{len(idle)} of {len(known(reading.accounts) or ())} accounts not active, so left out: {names}{more}"
    told, text = _trail(reading)
    if told:
        yield text[0].lower() + text[1:]
    for what, fact in (
        ("accounts", reading.accounts),
        ("Regions", reading.regions),
        ("delegated administrators", reading.administrators),
        ("trails", reading.trails),
        ("instances of Identity Center", reading.identity_center),
    ):
        if isinstance(fact, Unread):
            yield f"the {what} could not be read: {fact.reason}"
    others = [one for one in known(reading.identity_center) or () if not _is_organizations(one, reading)]
    for one in others:
        yield (
            f"Identity Center in {one.region} is account {one.owner}'s own, and not the organization's: its names are "
            "not taken for proof"
        )
    if not _optional(answers, "hub.alarm_email"):
        yield "nobody is told of alarms: write hub.alarm_email, or subscribe to the topic yourself"


def _decided(answer: Chosen, text: str) -> Entry:
    return Entry(answer.value[0], f"{text} {answer.source}".strip())


def _optional(answers: Mapping[str, Chosen], key: str) -> Entry | None:
    answer = answers.get(key)
    return Entry(answer.value[0], answer.source) if answer and answer.value[:1] > ("",) else None


def _list(answers: Mapping[str, Chosen], key: str) -> Entry | None:
    answer = answers.get(key)
    return Entry(answer.value, answer.source) if answer and answer.value[:1] > ("",) else None


def _of_organization(reading: Reading, answers: Mapping[str, Chosen], field: str) -> Entry:
    if isinstance(reading.organization, Unread):
        answer = answers[f"organization.{field}"]
        return Entry(answer.value[0], f"{answer.source} It could not be read: {reading.organization.reason}.")
    return Entry(str(getattr(reading.organization, field)), "Read: organizations:DescribeOrganization.")


def _of_hub(reading: Reading, answers: Mapping[str, Chosen]) -> str:
    name = reading.name_of(answers["organization.hub_account"].value[0])
    return f"The account of the hub{f', {shown(name, 60)}' if name else ''}."


def _is_organizations(instance: IdentityCenterFacts, reading: Reading) -> bool:
    """Whether it is the organization's instance, which the management account owns."""
    organization = known(reading.organization)
    return organization is not None and instance.owner == organization.management_account


def _identity_center(reading: Reading, answers: Mapping[str, Chosen]) -> tuple[Entry | None, Entry | None]:
    given, region = _list(answers, "trust.identity_stores"), _optional(answers, "trust.identity_center_region")
    found = [one for one in known(reading.identity_center) or () if _is_organizations(one, reading)]
    if given or not found:
        return given, region
    source = f"Read: sso:ListInstances, the organization's Identity Center in {found[0].region}."
    return Entry((found[0].store,), source), region or Entry(found[0].region, "Read: sso:ListInstances.")


def _no_store(reading: Reading) -> str:
    if isinstance(reading.identity_center, Unread):
        return f"Identity Center could not be read: {reading.identity_center.reason}."
    if not any(_is_organizations(one, reading) for one in reading.identity_center):
        return "The organization has no Identity Center that these credentials see."
    return ""


def _accounts(reading: Reading) -> str:
    if isinstance(reading.accounts, Unread):
        return ""
    active = sum(account.active for account in reading.accounts)
    idle = [f"{account.id} ({account.state})" for account in reading.accounts if not account.active]
    rest = f"; not active: {', '.join(idle)}" if idle else ""
    return f"{active} active accounts{rest}."


def _trail(reading: Reading) -> tuple[bool, str]:
    """What is known of the organization's trail, and whether a person should know it."""
    if isinstance(reading.trails, Unread):
        return False, f"Whether the organization has a trail is not known: {reading.trails.reason}."
    for trail in reading.trails:
        if trail.of_organization and trail.multi_region and trail.logging is True:
            return False, f"The organization's trail logs in every Region: {trail.arn}."
    for trail in reading.trails:
        if trail.of_organization:
            state = "its state could not be read" if isinstance(trail.logging, Unread) else "it does not log"
            why = "it is of one Region alone" if trail.logging is True else state
            return True, f"The organization's trail does not suffice ({why}): {trail.arn}."
    return True, (
        f"No trail of the organization is seen from account {reading.account}. Without a trail in an account "
        "EventBridge gets no event of it: `ownertag deploy plan` looks in each."
    )


def _origin(key: str, answers: Mapping[str, Chosen]) -> Origin:
    key = "organization.units" if key == "observe.units" else key
    return answers[key].origin if key in answers else Origin.READ
