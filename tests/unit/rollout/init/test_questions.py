"""What a person decides: who is proposed and why, and which answers are right."""

from __future__ import annotations

from typing import Any

import pytest

from ownertag.rollout.init.facts import AccountFacts, UnitFacts
from ownertag.rollout.init.questions import (
    Question,
    first_unit,
    hub_candidates,
    questions,
    regions_answer,
    unasked_problem,
    unit_lines,
)
from rollout.init.world import DENIED, MANAGEMENT, READING, ROOT, SANDBOX, SECURITY, STORE, WEB, WORKLOADS, reading

DECIDED = [
    "organization.hub_account",
    "organization.home_region",
    "organization.units",
    "hub.alarm_email",
    "tags.WhatIsThis",
]


def question(key: str, **changes: Any) -> Question:
    return next(one for one in questions(reading(**changes)) if one.key == key)


def test_what_was_read_is_not_asked() -> None:
    assert [one.key for one in questions(READING)] == DECIDED
    assert [one.key for one in questions(READING) if one.optional] == ["hub.alarm_email"]


@pytest.mark.parametrize(
    ("unread", "asked"),
    [
        ("organization", ["organization.id", "organization.management_account"]),
        ("identity_center", ["trust.identity_stores"]),
        ("accounts", []),
        ("units", []),
        ("regions", []),
        ("trails", []),
        ("administrators", []),
    ],
)
def test_what_can_not_be_read_is_asked_with_the_reason(unread: str, asked: list[str]) -> None:
    found = questions(reading(**{unread: DENIED}))
    assert sorted(one.key for one in found) == sorted([*DECIDED, *asked])
    for one in found:
        if one.key in asked or (unread == "units" and one.key == "organization.units"):
            assert "denied (AccessDenied)" in one.why


def accounts(**names: str) -> tuple[AccountFacts, ...]:
    return tuple(AccountFacts(id_.removeprefix("a"), name, "ACTIVE") for id_, name in names.items())


GUARDDUTY = "guardduty.amazonaws.com"
HUBS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "delegated": ({}, [SECURITY]),
    "by-name": ({"administrators": {}}, [SECURITY]),
    "by-name-where-unread": ({"administrators": DENIED}, [SECURITY]),
    "delegated-where-accounts-are-unread": ({"accounts": DENIED}, [SECURITY]),
    "more-services-first": (
        {"administrators": {SECURITY: (GUARDDUTY,), WEB: ("config.amazonaws.com", "macie.amazonaws.com")}},
        [WEB, SECURITY],
    ),
    "another-service": ({"administrators": {WEB: ("sso.amazonaws.com",)}}, [SECURITY]),
    "security-before-audit": (
        {"administrators": {}, "accounts": accounts(a333333333333="Audit", a444444444444="Security-Tooling")},
        ["444444444444", "333333333333"],
    ),
    "nobody": ({"administrators": {}, "accounts": accounts(a333333333333="web")}, []),
    "never-management": ({"administrators": {}, "accounts": accounts(a111111111111="security")}, []),
    "never-suspended": ({"administrators": {}, "accounts": (AccountFacts(WEB, "security", "SUSPENDED"),)}, []),
    "nothing-known": ({"administrators": DENIED, "accounts": DENIED}, []),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "expected"), HUBS.values(), ids=HUBS)
def test_a_hub_is_proposed_where_something_speaks_for_it(changes: dict[str, Any], expected: list[str]) -> None:
    assert [account for account, _ in hub_candidates(reading(**changes))] == expected
    assert question("organization.hub_account", **changes).proposed == (expected[0] if expected else "")


def test_the_smallest_unit_with_an_account_is_proposed() -> None:
    assert first_unit(READING.units if isinstance(READING.units, tuple) else ()) == "ou-ab12-cccccccc"
    assert first_unit(()) == ""
    assert first_unit((UnitFacts(ROOT, ("Root",), frozenset({WEB})),)) == ""


UNITS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "id": (WORKLOADS, (WORKLOADS,), ""),
    "root": (ROOT, (ROOT,), ""),
    "name": ("workloads", (WORKLOADS,), ""),
    "path": ("workloads/prod", ("ou-ab12-cccccccc",), ""),
    "several": (f" sandbox , {WORKLOADS},sandbox", (SANDBOX, WORKLOADS), ""),
    "misspelt": ("worklods", ("worklods",), "'worklods' is no unit of the organization; did you mean 'workloads'?"),
    "another's": ("ou-ab12-eeeeeeee", ("ou-ab12-eeeeeeee",), "is no unit of the organization"),
    "nothing": (" , ", (), "no unit is named"),
    "control": ("a\x1b[2J", ("a\x1b[2J",), r"'a\x1b[2J' is no unit"),
}


@pytest.mark.parametrize(("text", "ids", "problem"), UNITS.values(), ids=UNITS)
def test_a_unit_is_named_by_id_or_name(text: str, ids: tuple[str, ...], problem: str) -> None:
    found, said = question("organization.units").parse(text)
    assert found == ids
    assert problem in said if problem else said == ""


def test_a_name_of_two_units_is_told_with_their_ids() -> None:
    units = tuple(UnitFacts(f"ou-ab12-{number:08}", ("Root", str(number), "prod"), frozenset()) for number in range(2))
    _, said = question("organization.units", units=units).parse("prod")
    assert said == "'prod' is the name of 2 units: ou-ab12-00000000, ou-ab12-00000001; write an id"


def test_where_units_can_not_be_read_an_id_is_taken_by_its_form() -> None:
    one = question("organization.units", units=DENIED)
    assert one.parse("ou-ab12-eeeeeeee") == (("ou-ab12-eeeeeeee",), "")
    assert "is no unit" in one.parse("workloads")[1]


ANSWERS: dict[str, tuple[str, str, str]] = {
    "hub": ("organization.hub_account", f" {SECURITY} ", ""),
    "hub-short": ("organization.hub_account", "2222", "is no account; write its 12 digits"),
    "hub-another's": ("organization.hub_account", "999999999999", "is no account of the organization"),
    "hub-suspended": ("organization.hub_account", "444444444444", "is SUSPENDED"),
    "region": ("organization.home_region", "us-east-1", ""),
    "region-not-enabled": ("organization.home_region", "eu-south-2", "is not enabled in account 111111111111"),
    "region-misspelt": ("organization.home_region", "us-eats-1", "did you mean 'us-east-1'"),
    "region-none": ("organization.home_region", "Frankfurt", "is no Region"),
    "mail": ("hub.alarm_email", "a@example.org", ""),
    "mail-none": ("hub.alarm_email", "a", "is no mail address"),
    "link": ("tags.WhatIsThis", "https://wiki.internal/x", ""),
    "link-example": ("tags.WhatIsThis", "https://wiki.example.com/x", "is no page of yours"),
    "link-http": ("tags.WhatIsThis", "http://wiki.internal/x", "is no page of yours"),
    "link-query": ("tags.WhatIsThis", "https://wiki.internal/x?a=b", "others would become _"),
    "link-field": ("tags.WhatIsThis", "https://wiki.internal/{owner}", "others would become _"),
    "link-long": ("tags.WhatIsThis", f"https://wiki.internal/{'x' * 300}", "at most 256"),
}


@pytest.mark.parametrize(("key", "text", "problem"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_held_to_the_rules_of_the_settings(key: str, text: str, problem: str) -> None:
    value, said = question(key).parse(text)
    assert value == (text.strip(),)
    assert problem in said if problem else said == ""


def test_without_the_lists_a_form_is_all_that_is_asked_for() -> None:
    assert question("organization.hub_account", accounts=DENIED).parse("999999999999")[1] == ""
    assert question("organization.home_region", regions=DENIED).parse("eu-south-2")[1] == ""
    assert "another partition" in question("organization.home_region", regions=DENIED).parse("cn-north-1")[1]
    assert question("trust.identity_stores", identity_center=DENIED).parse(STORE)[1] == ""
    assert question("organization.id", organization=DENIED).parse("o-exampleorg1")[1] == ""
    assert "is no organization" in question("organization.id", organization=DENIED).parse("x")[1]


def test_regions_hold_the_home_region_and_are_enabled() -> None:
    assert regions_answer("us-east-1, eu-central-1", "us-east-1", READING) == (("us-east-1", "eu-central-1"), "")
    assert "lacks the home Region, 'eu-central-1'" in regions_answer("us-east-1", "eu-central-1", READING)[1]
    assert "is not enabled" in regions_answer("eu-south-2", "", READING)[1]


def test_an_option_for_what_was_read_has_to_say_the_same() -> None:
    assert unasked_problem("organization.id", "o-exampleorg1", READING) == ""
    assert "another than that of these credentials, o-exampleorg1" in unasked_problem("organization.id", "o-x", READING)
    assert "--management-account" in unasked_problem("organization.management_account", WEB, READING)
    assert unasked_problem("organization.management_account", MANAGEMENT, READING) == ""
    assert "can be none" in unasked_problem("trust.identity_stores", "x", READING)
    assert unasked_problem("organization.regions", "x", READING) == ""


def test_units_are_listed_in_columns_and_of_many_the_first() -> None:
    lines = unit_lines(READING.units if isinstance(READING.units, tuple) else ())
    assert lines[0] == "r-ab12               3 accounts  the root"
    assert lines[3] == "ou-ab12-cccccccc     1 account   workloads/prod"
    many = tuple(UnitFacts(f"ou-ab12-{number:08}", ("Root", "x"), frozenset()) for number in range(80))
    hints = question("organization.units", units=many).hints
    assert (len(hints), hints[-1]) == (21, "and 60 more")
    deep = (UnitFacts(WORKLOADS, ("Root", *("department" for _ in range(9)), "leaf"), frozenset()),)
    [line] = question("organization.units", units=deep).hints
    assert len(line) <= 76
    assert line.endswith("/leaf")
    assert "..." not in unit_lines(deep)[0]
