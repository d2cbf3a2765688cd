"""Each policy fits what AWS takes, also for large settings; one that does not says how long it is and what helps."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from harness import fixtures
from ownertag.catalogue import tag_actions
from ownertag.core.catalogue_types import CLIENTS
from ownertag.core.settings import ProtectionSettings, Settings, SettingsError
from ownertag.core.settings_file import read_settings
from ownertag.render import policies, tagger
from ownertag.render.documents import PolicyDocument, Statement, filled, within_limit
from ownertag.render.scp import service_control_policies

CATALOGUE, ACTIONS = fixtures.catalogue(), tag_actions.load_tag_actions()
SIX_KEYS = fixtures.SETTINGS_TEXT + 'team = "{account}"\n"cost center" = "{account}"\n"data:class" = "{region}"\n'
GUARD = '[trust]\nrestrict_source_identity = true\nsource_identity_roles = ["sign-in-broker"]\n'
GUARD += '[protection]\nunits = ["r-ab12"]\n'
TEN_ROLES = tuple(f"break-glass-{number:02}" for number in range(10))


def settings(text: str) -> Settings:
    return read_settings(text, "ownertag.toml")


def scps(
    settings: Settings, *break_glass: str, policies: int = 4, policy_size: int = 5120
) -> tuple[PolicyDocument, ...]:
    given = replace(
        settings,
        protection=ProtectionSettings(break_glass=break_glass, max_policies=policies, max_policy_size=policy_size),
    )
    return service_control_policies(CATALOGUE, ACTIONS, given)


def statements(found: tuple[PolicyDocument, ...]) -> list[Statement]:
    return [statement for policy in found for statement in policy["Statement"]]


@pytest.mark.parametrize(("size", "limit"), [(5120, 3), (10240, 2)])
def test_the_scps_are_three_of_the_default_size_or_two_of_the_larger(size: int, limit: int) -> None:
    found = scps(fixtures.settings(), policy_size=size)
    assert len(found) == limit
    assert all(len(policies.compact(policy)) <= size for policy in found)


def test_the_scps_fit_with_six_keys_ten_break_glass_roles_and_the_guard() -> None:
    for roles, size, most in ((TEN_ROLES[:3], 5120, 4), (TEN_ROLES, 5120, 5), (TEN_ROLES, 10240, 3)):
        found = scps(settings(SIX_KEYS + GUARD), *roles, policies=most, policy_size=size)
        assert all(len(policies.compact(policy)) <= size for policy in found)


def test_no_statement_is_lost_or_doubled_by_the_size() -> None:
    one, several = scps(fixtures.settings(), policy_size=10240), scps(fixtures.settings())
    sids = [statement["Sid"] for statement in statements(several)]
    assert len(sids) == len(set(sids))
    assert sorted(statements(one), key=str) == sorted(statements(several), key=str)


def test_what_does_not_fit_says_how_long_it_is_and_what_to_leave_out() -> None:
    names = [f"role-of-a-longer-name-{number:02}" for number in range(20)]
    with pytest.raises(
        policies.TooLong, match=r"[\d,]+ characters, which is \d policies of 5,120, .* allows 1: "
    ) as told:
        scps(fixtures.settings(), *names, policies=1)
    for advice in (
        "max_policy_size = 10240",
        "fewer break-glass roles (now 20)",
        "tag-copying roles (now 3)",
        "ProtectStacks",
    ):
        assert advice in str(told.value)
    long = [f"{'very' * 10}-long-name-of-a-role-{number:02}" for number in range(60)]
    with pytest.raises(
        policies.TooLong, match=r"statement DenyForgedTags1 .* has [\d,]+ characters, .* takes 10,240"
    ) as told:
        scps(fixtures.settings(), *long, *(f"{name}x" for name in long), policy_size=10240)
    assert "write max_policy_size" not in str(told.value)


def test_without_the_guard_the_scp_says_nothing_of_source_identities() -> None:
    assert "SourceIdentity" not in policies.compact(list(scps(fixtures.settings())))


def test_each_key_that_holds_the_owner_is_kept_from_being_deleted_with_all() -> None:
    found = statements(scps(fixtures.settings('team = "{owner}"\n'), policies=5))
    kept = [statement["Condition"]["Null"] for statement in found if statement["Sid"].startswith("ProtectAllTags")]
    assert [set(keys) - {"aws:TagKeys"} for keys in kept] == [{"aws:ResourceTag/owner"}, {"aws:ResourceTag/team"}]


def test_a_tag_action_that_the_reference_does_not_know_is_refused() -> None:
    api = replace(next(iter(CATALOGUE.tag_apis.values())), name="x", action="x:TagThing")
    other = replace(CATALOGUE, tag_apis={"x": api})
    with pytest.raises(SettingsError, match="x:TagThing: AWS's reference does not know this action"):
        service_control_policies(other, ACTIONS, fixtures.settings())


def test_the_session_policies_fit_and_name_no_account() -> None:
    found = tagger.session_policies(CATALOGUE, settings(SIX_KEYS))
    texts = [policies.compact(document) for document in found.documents]
    assert all(len(text) <= tagger.MAX_SESSION_POLICY == 2048 for text in texts)
    assert "AWS::" not in "".join(texts)
    assert len(texts) <= 5  # an account has a session of each at most
    assert {api.client for api in CATALOGUE.tag_apis.values()} <= found.by_client.keys()


def test_a_batch_of_ec2_and_its_look_ups_needs_one_session_alone() -> None:
    found = tagger.session_policies(CATALOGUE, fixtures.settings())
    asked = {action.partition(":")[0] for action in tagger.lookups(CATALOGUE, fixtures.settings())} | {"ec2"}
    clients = {CLIENTS.get(service, service) for service in asked}
    assert all(found.by_client[client] == found.other for client in clients)


def test_each_right_of_the_role_is_in_a_session_and_no_session_has_more() -> None:
    inline, managed = (
        tagger.tagger_permissions(CATALOGUE, fixtures.settings()),
        tagger.tagger_policies(CATALOGUE, fixtures.settings()),
    )
    of_role = {action for document in (inline, *managed.values()) for action in _actions(document)}
    found = tagger.session_policies(CATALOGUE, fixtures.settings())
    removing = tagger.removal_policies(CATALOGUE, fixtures.settings())
    of_live = {action for document in found.documents for action in _actions(document)}
    of_removal = {action for document in removing.documents for action in _actions(document)}
    assert of_live | of_removal == of_role
    # Route 53 removes and writes by one call; its look-up of endpoints is what Timestream's SDK needs for both.
    assert of_live & of_removal == {"route53:ChangeTagsForResource", "timestream:DescribeEndpoints"}


def test_what_undoes_a_run_is_bound_by_policies_of_its_own_that_fit() -> None:
    for text in (fixtures.SETTINGS_TEXT, SIX_KEYS):
        found = tagger.removal_policies(CATALOGUE, settings(text))
        texts = [policies.compact(document) for document in found.documents]
        assert all(len(text) <= tagger.MAX_SESSION_POLICY for text in texts)
        assert len(texts) <= 3
        assert {api.client for api in CATALOGUE.tag_apis.values()} == found.by_client.keys()


def _actions(document: PolicyDocument) -> list[str]:
    return [action for statement in document["Statement"] for action in statement["Action"]]


def test_the_managed_policies_fit_in_every_partition() -> None:
    values = {"AWS::Partition": "aws-us-gov", "AWS::AccountId": "1" * 12}
    for text in (fixtures.SETTINGS_TEXT, SIX_KEYS):
        found = tagger.tagger_policies(CATALOGUE, settings(text))
        assert len(found) <= tagger.MAX_MANAGED_POLICIES == 10
        for document in found.values():
            assert len(policies.compact(filled(document, values))) <= tagger.MAX_MANAGED_POLICY == 6144


def test_a_session_policy_that_is_too_long_says_what_to_shorten() -> None:
    keys = "".join(f'"{number:02}{"k" * 126}" = "x"\n' for number in range(16))
    with pytest.raises(
        policies.TooLong, match=r"session policy has \d,\d+ .* takes 2,048: write fewer or shorter keys"
    ):
        tagger.session_policies(CATALOGUE, settings(fixtures.SETTINGS_TEXT + keys))


def test_the_policies_of_roles_and_of_the_bus_fit() -> None:
    organization = fixtures.settings().organization
    assert organization is not None
    roles = [
        tagger.tagger_permissions(CATALOGUE, settings(SIX_KEYS)),
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
    assert within_limit(document, 9, "it", "shorten it") == document
    with pytest.raises(policies.TooLong, match="it has 9 characters, and AWS takes 8: shorten it"):
        within_limit(document, 8, "it", "shorten it")
