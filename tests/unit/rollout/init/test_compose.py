"""The first settings: a file that deploy takes, whatever was read and whatever others call their accounts."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from ownertag.core.settings import Settings
from ownertag.core.settings_file import read_settings
from ownertag.render.first_settings import FirstSettings, render_first_settings
from ownertag.render.infra import check_deployable
from ownertag.rollout.doctor.facts import Unread
from ownertag.rollout.init.compose import Chosen, Origin, compose, notes, settings_of
from ownertag.rollout.init.facts import (
    AccountFacts,
    IdentityCenterFacts,
    OrganizationFacts,
    Reading,
    TrailFacts,
    UnitFacts,
)
from rollout.init.world import ANSWERS, DENIED, MANAGEMENT, READING, SECURITY, STORE, TRAIL, WEB, WORKLOADS, reading

EVERYTHING_UNREAD = reading(
    organization=DENIED,
    accounts=DENIED,
    units=DENIED,
    regions=DENIED,
    trails=DENIED,
    identity_center=DENIED,
    administrators=DENIED,
)
BY_HAND = {
    **ANSWERS,
    "organization.id": Chosen(("o-byhand0001",), Origin.ASKED, "--organization"),
    "organization.management_account": Chosen((MANAGEMENT,), Origin.GIVEN, "--management-account"),
}


def text_of(found: Reading = READING, answers: dict[str, Chosen] = ANSWERS, *, observed: bool = True) -> str:
    return render_first_settings(composed(found, answers, observed=observed))


def composed(found: Reading, answers: dict[str, Chosen], *, observed: bool = True) -> FirstSettings:
    return compose(found, answers, observed=observed, head="Written today.")


def told(found: Reading) -> tuple[str, ...]:
    """What else to know, where somebody is told of alarms."""
    mail = Chosen(("me@example.com",), Origin.ASKED, "--alarm-email")
    return notes(found, {**ANSWERS, "hub.alarm_email": mail})


def settings(text: str) -> Settings:
    found = read_settings(text, "ownertag.toml")
    check_deployable(found, "ownertag.toml")
    return found


def test_the_file_holds_what_was_read_and_decided() -> None:
    found = settings(text_of())
    assert found.organization is not None
    assert (found.organization.id, found.organization.management_account) == ("o-exampleorg1", MANAGEMENT)
    assert (found.organization.hub_account, found.organization.home_region) == (SECURITY, "eu-central-1")
    assert (found.organization.units, found.organization.regions) == ((WORKLOADS,), ())
    assert (found.trust.identity_stores, found.trust.identity_center_region) == ((STORE,), "eu-west-1")
    assert found.observe.units == (WORKLOADS,)
    assert found.protection.units == ()
    assert found.owner_key == "owner"


def test_what_could_not_be_read_is_answered_and_the_comment_says_why() -> None:
    text = text_of(EVERYTHING_UNREAD, BY_HAND)
    found = settings(text)
    assert found.organization is not None
    assert found.organization.id == "o-byhand0001"
    assert found.trust.identity_stores == ()
    words = " ".join(line.removeprefix("# ") for line in text.splitlines())
    assert "It could not be read: x:Y: denied (AccessDenied)" in words
    assert "Identity Center could not be read: x:Y: denied" in words
    assert "Whether the organization has a trail is not known: x:Y: denied" in words


def test_who_tags_at_once_observes_nothing() -> None:
    assert settings(text_of(observed=False)).observe.units == ()


def test_what_is_optional_is_written_where_it_was_given() -> None:
    more = {
        "hub.alarm_email": Chosen(("me@example.com",), Origin.ASKED, "--alarm-email"),
        "organization.regions": Chosen(("eu-central-1", "us-east-1"), Origin.GIVEN, "--regions"),
        "trust.identity_stores": Chosen((STORE.replace("d-1", "d-2"),), Origin.GIVEN, "--identity-store"),
    }
    found = settings(text_of(answers={**ANSWERS, **more}))
    assert found.organization is not None
    assert found.hub.alarm_email == "me@example.com"
    assert found.organization.regions == ("eu-central-1", "us-east-1")
    assert found.trust.identity_stores == (STORE.replace("d-1", "d-2"),)
    assert settings(text_of(answers={**ANSWERS, "hub.alarm_email": Chosen((), Origin.ASKED, "")})).hub.alarm_email == ""


_LEFT_OUT = re.compile(r"# (?:[a-z_A-Z]+ = .*|\[\[owners\]\]|    \".*|\](?: # an example)?)$")


def with_all_keys(text: str) -> str:
    """The same file with every key that it leaves out written."""
    return "\n".join(line.removeprefix("# ") if _LEFT_OUT.match(line) else line for line in text.splitlines())


def test_every_key_stands_in_the_file_and_the_examples_are_settings() -> None:
    plain = msgspec.toml.decode(with_all_keys(text_of(reading(identity_center=()))))
    for table in msgspec.structs.fields(Settings):
        found = plain[table.encode_name]
        struct = keys_of(table.type)
        assert set(struct) <= set(found[0] if isinstance(found, list) else found), table.encode_name
    # Roles that may set a SourceIdentity are named with the guard alone.
    guarded = text_of(reading(identity_center=())).replace("identity = false", "identity = true")
    settings(with_all_keys(guarded))


def keys_of(type_: Any) -> list[str]:
    structs = [part for part in (type_, *getattr(type_, "__args__", ())) if hasattr(part, "__struct_fields__")]
    return list(structs[0].__struct_fields__) if structs else []


def test_what_is_left_out_and_is_no_example_is_the_default() -> None:
    lines = [line for line in text_of().splitlines() if _LEFT_OUT.match(line) and "# an example" not in line]
    for table, key, default in (
        ("hub", "maximum_concurrency", 5),
        ("hub", "tagger_role", "auto-tag-role"),
        ("protection", "max_policies", 4),
        ("protection", "max_policy_size", 5120),
        ("limits", "timeout_share", 0.8),
        ("limits", "quota_share", 0.5),
        ("trust", "restrict_source_identity", False),
        ("trust", "trace_assumed_roles", True),
    ):
        [line] = [line for line in lines if line.startswith(f"# {key} = ")]
        assert msgspec.toml.decode(line.removeprefix("# "))[key] == default, table


ODD = {
    "a-newline": 'x\nid = "o-evilorgan1"',
    "a-header": "x\r\n[organization]",
    "separators": "x\u2028id = 1\u2029\x85\x0b\x0c",
    "a-terminal's": "\x1b[2J\x1b]0;x\x07",
    "the-other-way": "\u202etxet\u2066\u200f",
    "quotes": '""" \'\'\' \\ " # [',
    "a-surrogate": "\udc80",
    "decomposed": "zoe\u0308 \u0301",
    "long": "x" * 5000,
    "nothing": "\u200b",
}


@pytest.mark.parametrize("name", ODD.values(), ids=ODD)
def test_a_name_of_others_stays_in_its_comment(name: str) -> None:
    unit = UnitFacts("ou-ab12-dddddddd", ("Root", name), frozenset())
    found = reading(
        accounts=(AccountFacts(SECURITY, name, "ACTIVE"), AccountFacts(WEB, name, f"SUSPENDED{name}")),
        units=(unit, unit),
        trails=(TrailFacts(f"{TRAIL}{name}", of_organization=True, multi_region=True, logging=True),),
    )
    text = text_of(found)
    text.encode("utf-8")
    assert settings(text) == settings(text_of())
    assert all(char.isprintable() or char == "\n" for char in text)
    assert msgspec.toml.decode(text) == msgspec.toml.decode(text_of())
    assert all(line.isprintable() for note in told(found) for line in note.splitlines())


@pytest.mark.parametrize("value", ['a"b', "a\\b", "a\u202eb", "a\x7fb\x00", "a\U000e0001b", "\t\n", "é"])
def test_a_value_is_the_same_after_it_was_read(value: str) -> None:
    link = Chosen((value,), Origin.ASKED, "")
    plain = msgspec.toml.decode(text_of(answers={**ANSWERS, "tags.WhatIsThis": link}))
    assert plain["tags"]["WhatIsThis"] == value


def test_an_organization_of_two_hundred_accounts_and_eighty_units_is_readable() -> None:
    units = tuple(UnitFacts(f"ou-ab12-{number:08}", ("Root", f"unit {number}"), frozenset()) for number in range(80))
    accounts = tuple(AccountFacts(f"{number:012}", f"name {number}", "ACTIVE") for number in range(200))
    found = reading(units=units, accounts=accounts, regions=tuple(f"eu-central-{number}" for number in range(1, 31)))
    lines = text_of(found).splitlines()
    assert len(lines) < 220
    assert sum("ou-ab12-" in line for line in lines) == 82
    assert "# 200 active accounts." in lines
    assert max(len(line) for line in lines if "identitystore" not in line and "AWSData" not in line) <= 80


def with_trail(*trails: TrailFacts) -> list[str]:
    return [note for note in told(reading(trails=trails)) if "trail" in note]


def test_a_trail_that_suffices_is_no_matter() -> None:
    trail = TrailFacts(TRAIL, of_organization=True, multi_region=True, logging=True)
    assert with_trail(trail) == []
    assert with_trail(TrailFacts("other", of_organization=False, multi_region=False, logging=False), trail) == []


@pytest.mark.parametrize(
    ("trail", "said"),
    [
        (None, "no trail of the organization is seen from account 111111111111"),
        (TrailFacts("x", of_organization=False, multi_region=True, logging=True), "no trail of the organization"),
        (TrailFacts("x", of_organization=True, multi_region=False, logging=True), "of one Region alone"),
        (TrailFacts("x", of_organization=True, multi_region=True, logging=False), "does not log"),
        (TrailFacts("x", of_organization=True, multi_region=True, logging=DENIED), "its state could not be read"),
    ],
)
def test_a_trail_that_does_not_suffice_is_told(trail: TrailFacts | None, said: str) -> None:
    [note] = with_trail(*([trail] if trail else []))
    assert said in note


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"organization": OrganizationFacts("o-exampleorg1", SECURITY, all_features=True)}, "needs some of the manage"),
        ({"organization": OrganizationFacts("o-exampleorg1", MANAGEMENT, all_features=False)}, "all features"),
        ({"accounts": DENIED}, "the accounts could not be read: x:Y: denied"),
        ({"regions": DENIED}, "the Regions could not be read"),
        ({"trails": DENIED}, "the trails could not be read"),
        ({"identity_center": DENIED}, "the instances of Identity Center could not be read"),
        ({"administrators": DENIED}, "the delegated administrators could not be read"),
        ({"identity_center": (IdentityCenterFacts(STORE, WEB, "eu-west-1"),)}, "account 333333333333's own"),
    ],
)
def test_what_else_to_know_is_told(change: dict[str, Any], said: str) -> None:
    assert any(said in note for note in told(reading(**change)))
    assert not any(said in note for note in told(READING))


def test_accounts_that_are_not_active_are_told() -> None:
    assert told(READING) == ("1 of 4 accounts not active, so left out: 444444444444 old",)
    many = tuple(AccountFacts(f"{number:012}", "x", "SUSPENDED") for number in range(9))
    assert "and 4 more" in told(reading(accounts=many))[0]


def test_an_instance_of_an_account_is_nobodys_authority() -> None:
    found = settings(text_of(reading(identity_center=(IdentityCenterFacts(STORE, WEB, "eu-west-1"),))))
    assert (found.trust.identity_stores, found.trust.identity_center_region) == ((), None)
    # Of which organization it is can't be told either where the organization can't be read.
    found = settings(text_of(reading(organization=Unread("x")), BY_HAND))
    assert found.trust.identity_stores == ()


def test_each_setting_says_where_it_is_from() -> None:
    origins = {one.key: str(one.origin) for one in settings_of(composed(READING, ANSWERS), ANSWERS)}
    assert origins == {
        "organization.id": "read",
        "organization.management_account": "read",
        "organization.hub_account": "asked",
        "organization.home_region": "given",
        "organization.units": "given",
        "observe.units": "given",
        "tags.WhatIsThis": "asked",
        "trust.identity_stores": "read",
        "trust.identity_center_region": "read",
    }


def test_it_is_told_where_nobody_gets_the_alarms() -> None:
    none = "nobody is told of alarms"
    assert any(note.startswith(none) for note in notes(READING, ANSWERS))
    assert not any(note.startswith(none) for note in told(READING))
