"""Over every service of the catalogue: members can't touch our tags where IAM can tell, the tagger does its work."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness import fixtures
from harness.sampling import sample
from infra.policies import all_services
from infra.policies.cases import INSTALLED, MISSING, NODE, run
from infra.policies.matrix import Asked
from infra.policies.world import AROUND, SETTINGS, managed, rendered, sessions
from ownertag.catalogue import tag_actions
from ownertag.render.tagger import lookups

pytestmark = pytest.mark.skipif(NODE is None or not INSTALLED.exists(), reason=MISSING)


def wrong(cases: Sequence[Asked]) -> list[object]:
    """The cases that get another answer."""
    assert len({case.id for case in cases}) == len(cases)
    found = {answer["id"]: answer for answer in run((case.request for case in cases), rendered() | AROUND)}
    return [
        (case.id, case.allowed, found[case.id]) for case in cases if found[case.id].get("allowed") is not case.allowed
    ]


@pytest.mark.timeout(600)
def test_what_members_may_do_to_tags_of_any_service_is_as_the_rule_says() -> None:
    cases = list(all_services.of_policies())
    assert not (found := wrong(sample(cases, 40))), (len(found), found[:5])


def test_what_creations_bring_is_let_through_where_it_is_overwritten() -> None:
    assert not (found := wrong(list(all_services.of_creations()))), (len(found), found[:5])


@pytest.mark.timeout(600)
def test_the_tagger_and_its_sessions_write_our_keys_on_the_types_of_rows_and_nothing_else() -> None:
    assert not (found := wrong(list(all_services.of_tagger()))), (len(found), found[:5])


def test_every_action_that_the_tagger_is_allowed_is_asked_for_and_needed() -> None:
    """No right is idle: it writes or reads the tags of a type of a row, or looks up a fact."""
    catalogue = fixtures.catalogue()
    asked = {case.request["action"] for case in all_services.of_tagger() if case.allowed}
    asked |= all_services.NOT_SIMULATED.keys()
    apis = [catalogue.tag_apis[kind.tag_api] for kind in catalogue.types.values() if kind.tag_api]
    needed = {api.action for api in apis} | {api.read.action for api in apis if api.read}
    needed |= {action for api in apis for action in api.needs}
    needed |= {api.remove.action for api in apis if api.remove}
    needed |= set(lookups(catalogue, SETTINGS))
    documents = [rendered()[name] for name in ("tagger", *managed(catalogue))]
    allowed = {
        action for document in documents for statement in document["Statement"] for action in statement["Action"]
    }
    assert allowed == needed
    simulated = allowed - asked - set(lookups(catalogue, SETTINGS)) - {"ec2:CreateTags", "ec2:DeleteTags"}
    simulated -= {action for api in apis for action in api.needs}
    assert {action.partition(":")[0] for action in simulated} <= {"appsync", "backup"}


def test_a_session_is_bound_to_its_group_of_services() -> None:
    """What one group may write, no other may: a session that leaks opens a part of the services."""
    writes = [
        {action for statement in document["Statement"][:-1] for action in statement["Action"]}
        for document in sessions(fixtures.catalogue()).values()
    ]
    for number, own in enumerate(writes):
        assert own.isdisjoint(set().union(*writes[:number], *writes[number + 1 :])), number


def test_iam_compares_of_a_removal_what_it_compares_of_a_write() -> None:
    """The right to remove is given under the conditions of the right to write: see `render.tagger`."""
    known, catalogue = tag_actions.load_tag_actions().actions, fixtures.catalogue()
    for api in catalogue.tag_apis.values():
        assert api.remove is not None, api.name
        assert api.remove.keys, f"{api.name}: it would remove all tags"
        removal, write = known[api.remove.action], known[api.action]
        assert (removal.tag_keys, removal.any_resource) == (write.tag_keys, write.any_resource), api.name


def test_every_action_of_the_catalogue_is_known_to_the_reference() -> None:
    known = tag_actions.load_tag_actions().actions
    catalogue = fixtures.catalogue()
    assert {api.action for api in catalogue.tag_apis.values()} <= known.keys()
