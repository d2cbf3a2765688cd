"""Each policy fits what AWS takes, also for large settings; one that does not says how long it is and what helps."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from harness import fixtures
from ownertag.core.settings import Protection, Settings, SettingsError, read_settings
from ownertag.render import policies
from ownertag.render.documents import Policy, fitting

CATALOGUE = fixtures.catalogue()
SIX_KEYS = fixtures.SETTINGS_TEXT + 'team = "{account}"\n"cost center" = "{account}"\n"data:class" = "{region}"\n'
GUARD = '[trust]\nsource_identity_guarded = true\nsource_identity_roles = ["sign-in-broker"]\n'
TEN_ROLES = tuple(f"break-glass-{number:02}" for number in range(10))


def settings(text: str) -> Settings:
    return read_settings(text, "ownertag.toml")


def scp(settings: Settings, *break_glass: str) -> Policy:
    return policies.service_control_policy(CATALOGUE, replace(settings, protection=Protection(break_glass=break_glass)))


def test_the_scp_fits_with_six_keys_ten_break_glass_roles_and_the_guard() -> None:
    length = len(policies.compact(scp(settings(SIX_KEYS + GUARD), *TEN_ROLES)))
    assert length <= policies.MAX_SCP == 5120


def test_an_scp_that_is_too_long_says_how_long_and_what_to_shorten() -> None:
    names = [f"{'very' * 10}-long-name-of-a-role-{number:02}" for number in range(30)]
    with pytest.raises(
        policies.TooLong, match=r"control policy has \d+,\d+ characters.* takes 5,120.* \(now 30\).* 3\)"
    ):
        scp(fixtures.settings(), *names)


def test_without_the_guard_the_scp_says_nothing_of_source_identities() -> None:
    assert "SourceIdentity" not in policies.compact(scp(fixtures.settings()))


def test_each_key_that_holds_the_owner_is_kept_from_being_deleted_with_all() -> None:
    document = scp(fixtures.settings('team = "{owner}"\n'))
    kept = [each["Condition"]["Null"] for each in document["Statement"] if each["Sid"].startswith("KeepAllTags")]
    assert [set(each) - {"aws:TagKeys"} for each in kept] == [{"aws:ResourceTag/owner"}, {"aws:ResourceTag/team"}]


def test_a_tag_action_whose_opposite_is_unknown_is_refused() -> None:
    api = next(iter(CATALOGUE.tag_apis.values()))
    other = type(CATALOGUE)(CATALOGUE.rows, CATALOGUE.types, {"x": type(api)("x", "x:TagThing", 1)})
    with pytest.raises(SettingsError, match="x:TagThing: it is not known which action removes"):
        policies.service_control_policy(other, fixtures.settings())


def test_the_session_policy_fits_and_names_no_account() -> None:
    document = policies.compact(policies.session_policy(CATALOGUE, settings(SIX_KEYS)))
    assert len(document) <= policies.MAX_SESSION_POLICY == 2048
    assert "AWS::" not in document


def test_a_session_policy_that_is_too_long_says_what_to_shorten() -> None:
    keys = "".join(f'"{number:02}{"k" * 126}" = "x"\n' for number in range(16))
    with pytest.raises(
        policies.TooLong, match=r"session policy has \d,\d+ .* takes 2,048: write fewer or shorter keys"
    ):
        policies.session_policy(CATALOGUE, settings(fixtures.SETTINGS_TEXT + keys))


def test_the_policies_of_roles_and_of_the_bus_fit() -> None:
    organization = fixtures.settings().organization
    assert organization is not None
    roles = [
        policies.tagger_permissions(CATALOGUE, settings(SIX_KEYS)),
        policies.hub_permissions(fixtures.settings(), organization),
        policies.forwarder_permissions(organization),
    ]
    assert all(len(policies.compact(role)) <= policies.MAX_ROLE_POLICIES == 10240 for role in roles)
    # The size of a trust policy that every account takes without a quota of its own.
    trusts = [policies.tagger_trust(organization), policies.forwarder_trust()]
    assert all(len(policies.compact(trust)) <= 2048 for trust in trusts)
    bus = {"Version": "2012-10-17", "Statement": [policies.bus_policy(organization)]}
    assert len(policies.compact(bus)) <= policies.MAX_BUS_POLICY == 10240


def test_what_fits_exactly_is_taken() -> None:
    document = {"a": "b"}
    assert fitting(document, 9, "it", "shorten it") == document
    with pytest.raises(policies.TooLong, match="it has 9 characters, and AWS takes 8: shorten it"):
        fitting(document, 8, "it", "shorten it")
