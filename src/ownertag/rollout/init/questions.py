"""What is left for a person to decide after an organization was read, and what an answer has to be.

The hub's account, its Region and the first unit are never chosen silently: there is a proposal where there is a reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from msgspec import Struct

from ownertag.core.arn import partition_of
from ownertag.core.settings_checks import (
    account_problem,
    email_problem,
    organization_problem,
    region_problem,
    store_problem,
    unit_problem,
)
from ownertag.core.toml.advice import did_you_mean, shown
from ownertag.render.infra import is_link
from ownertag.rollout.doctor.facts import Unread
from ownertag.rollout.init.facts import Reading, UnitFacts, known

#: Services whose delegated administrator is the security account (AWS Security Reference Architecture).
_SECURITY = re.compile(
    r"(?:access-analyzer|config|config-multiaccountsetup|detective|guardduty|inspector2|macie|securityhub|securitylake)\."
)
_NAMES = (re.compile(r"secur", re.IGNORECASE), re.compile(r"audit", re.IGNORECASE))
#: So many units are shown where one is asked for; the file lists all.
_MOST_SHOWN = 20
_FLAGS = {"organization.id": "--organization", "organization.management_account": "--management-account"}
# What every AWS service takes in a tag's value; any other character would become an underscore.
_TAG_VALUE = re.compile(r"[A-Za-z0-9 +\-=._:/@]{1,256}")

#: What an answer means, and what is wrong with it; the second is empty where nothing is.
Parsed = tuple[tuple[str, ...], str]


class Question(Struct, frozen=True):
    """Something that a person decides.

    `key` is that of the settings, `flag` the option that answers it, `why` why it is asked. `proposed` is empty where
    nothing speaks for anything. An `optional` one may be left out.
    """

    key: str
    flag: str
    asks: str
    why: str
    parse: Callable[[str], Parsed]
    proposed: str = ""
    hints: tuple[str, ...] = ()
    optional: bool = False


def questions(reading: Reading) -> tuple[Question, ...]:
    """All that has to be decided, in the order of the settings."""
    return tuple(_questions(reading))


def _questions(reading: Reading) -> Iterator[Question]:
    if isinstance(reading.organization, Unread):
        why = reading.organization.reason
        yield Question("organization.id", "--organization", "Id of the organization", why, _one(organization_problem))
        yield Question(
            "organization.management_account",
            "--management-account",
            "Account id of the management account",
            why,
            _one(account_problem),
        )
    hub = hub_candidates(reading)
    yield Question(
        "organization.hub_account",
        "--hub-account",
        "Account id of the hub",
        "the account where bus, queue, function and ledger will be: a security account, best no other's workload",
        _one(lambda account: _hub_problem(account, reading)),
        proposed=hub[0][0] if hub else "",
        hints=tuple(f"{account}  {_named(reading.name_of(account))}{why}" for account, why in hub[:5]),
    )
    yield Question(
        "organization.home_region",
        "--home-region",
        "Region of the hub",
        "the hub can not be moved later, but only be deployed anew",
        _one(lambda region: _region_problem(region, reading)),
        proposed=reading.region,
    )
    yield _unit_question(reading)
    yield Question(
        "hub.alarm_email",
        "--alarm-email",
        "Mail address for alarms (Enter: none)",
        "who is told when something is not tagged",
        _one(email_problem),
        optional=True,
    )
    yield Question(
        "tags.WhatIsThis",
        "--what-is-this",
        "Link to a page of yours on the tags",
        "a tag leads whoever wonders to it; `ownertag render tag-page` prints such a page",
        _one(_link_problem),
    )
    if isinstance(reading.identity_center, Unread):
        yield Question(
            "trust.identity_stores",
            "--identity-store",
            "ARN of Identity Center's identity store (Enter: none)",
            reading.identity_center.reason,
            _one(store_problem),
            optional=True,
        )


def _unit_question(reading: Reading) -> Question:
    units = known(reading.units) or ()
    why = "where to begin: one small unit; the root stands for the whole organization"
    if isinstance(reading.units, Unread):
        why = f"{why} ({reading.units.reason})"
    more = (f"and {len(units) - _MOST_SHOWN} more",) if len(units) > _MOST_SHOWN else ()
    return Question(
        "organization.units",
        "--unit",
        "Units to begin with (ids or names, with commas between)",
        why,
        lambda text: _units(text, units),
        proposed=first_unit(units),
        hints=(*unit_lines(units[:_MOST_SHOWN], 40), *more),
    )


def regions_answer(text: str, home: str, reading: Reading) -> Parsed:
    """Which Regions an option names, and what is wrong with them; the home Region has to be one."""
    regions = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    problems = [problem for region in regions if (problem := _region_problem(region, reading))]
    if home and home not in regions:
        problems.append(f"lacks the home Region, '{shown(home)}'")
    return regions, "; ".join(problems)


def unasked_problem(key: str, given: str, reading: Reading) -> str:
    """What is wrong with an option for what was read: it has to say the same; empty where nothing is."""
    organization = known(reading.organization)
    read = {
        "organization.id": organization.id if organization else given,
        "organization.management_account": organization.management_account if organization else given,
    }
    if key == "trust.identity_stores":
        problem = store_problem(given)
        return f"--identity-store: {problem}" if problem else ""
    if read.get(key, given) == given:
        return ""
    return f"{_FLAGS[key]}: '{shown(given)}' is another than that of these credentials, {read[key]}"


def unit_lines(units: tuple[UnitFacts, ...], most: int = 1000) -> tuple[str, ...]:
    """A line for each unit: its id, how many accounts are in it and below, and its names from the root on.

    Of more than so many characters of names the last are shown.
    """
    width = max((len(unit.id) for unit in units), default=0)
    return tuple(
        f"{unit.id:<{width}}  {len(unit.accounts):>4} account{' ' if len(unit.accounts) == 1 else 's'}  "
        + _last("/".join(shown(name, 40) for name in unit.names[1:]) or "the root", most)
        for unit in units
    )


def _last(text: str, most: int) -> str:
    return text if len(text) <= most else f"...{text[3 - most :]}"


def first_unit(units: tuple[UnitFacts, ...]) -> str:
    """The smallest unit that has an account in use; empty where there is none but the root."""
    candidates = [unit for unit in units[1:] if unit.accounts]
    return min(candidates, key=lambda unit: (len(unit.accounts), unit.id)).id if candidates else ""


def hub_candidates(reading: Reading) -> tuple[tuple[str, str], ...]:
    """Accounts that may be meant for the hub, each with the reason: the best first."""
    management = reading.organization.management_account if not isinstance(reading.organization, Unread) else ""
    active = {account.id: account.name for account in known(reading.accounts) or () if account.active}
    administrators = known(reading.administrators) or {}
    found: dict[str, tuple[int, str]] = {}
    for account, services in administrators.items():
        security = [service.partition(".")[0] for service in services if _SECURITY.match(service)]
        if security and (account in active or not active):
            found[account] = (-len(security), f"delegated administrator of {', '.join(security[:4])}")
    for rank, form in enumerate(_NAMES, 1):
        for account, name in active.items():
            if form.search(name):
                found.setdefault(account, (rank, "by its name"))
    ordered = sorted((rank, account, why) for account, (rank, why) in found.items() if account != management)
    return tuple((account, why) for _, account, why in ordered)


def _one(problem: Callable[[str], str]) -> Callable[[str], Parsed]:
    def parse(text: str) -> Parsed:
        value = text.strip()
        return (value,), problem(value)

    return parse


def _hub_problem(account: str, reading: Reading) -> str:
    accounts = {one.id: one for one in known(reading.accounts) or ()}
    if wrong := account_problem(account):
        return wrong.removesuffix(" in quotes")
    if accounts and account not in accounts:
        return f"'{account}' is no account of the organization"
    if accounts and not accounts[account].active:
        return f"'{account}' is {accounts[account].state}: nothing runs there"
    return ""


def _region_problem(region: str, reading: Reading) -> str:
    if wrong := region_problem(region):
        return wrong
    regions = known(reading.regions)
    if regions and region not in regions:
        meant = did_you_mean(region, regions)
        return f"'{region}' is not enabled in account {reading.account}{meant}"
    if partition_of(region) != partition_of(reading.region):
        return f"'{region}' is in another partition than '{reading.region}'"
    return ""


def _units(text: str, units: tuple[UnitFacts, ...]) -> Parsed:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    found = tuple(dict.fromkeys(id_ for part in parts for id_ in _unit_ids(part, units)))
    problems = [problem for part in parts if (problem := _unit_problem(part, units))]
    return found, "; ".join(problems) if parts else "no unit is named"


def _unit_ids(part: str, units: tuple[UnitFacts, ...]) -> list[str]:
    named = [unit.id for unit in units if part in {unit.id, unit.names[-1], "/".join(unit.names[1:])}]
    return named or [part]


def _unit_problem(part: str, units: tuple[UnitFacts, ...]) -> str:
    ids = _unit_ids(part, units)
    if len(ids) > 1:
        return f"'{shown(part)}' is the name of {len(ids)} units: {', '.join(ids)}; write an id"
    if not units or ids[0] in {unit.id for unit in units}:
        return unit_problem(ids[0])
    names = [name for unit in units for name in (unit.id, unit.names[-1])]
    return f"'{shown(part)}' is no unit of the organization{did_you_mean(part, names)}"


def _link_problem(link: str) -> str:
    if not is_link(link):
        return f"'{shown(link)}' is no page of yours: write https://, a host that is not example.com, and its path"
    if not _TAG_VALUE.fullmatch(link):
        return "a tag takes at most 256 letters, digits and + - = . _ : / @; others would become _"
    return ""


def _named(name: str) -> str:
    return f"{shown(name, 40)}, " if name else ""
