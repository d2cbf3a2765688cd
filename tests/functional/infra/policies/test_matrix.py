"""Every case of the matrix gets the answer of the rule in words, for EC2 and for services that are only rows."""

from __future__ import annotations

import pytest

from harness.sampling import sample
from infra.policies import services
from infra.policies.cases import INSTALLED, MISSING, NODE, run
from infra.policies.matrix import Action, asked
from infra.policies.world import AROUND, rendered
from ownertag.catalogue import tag_actions
from ownertag.core.tiers import Tier

pytestmark = pytest.mark.skipif(NODE is None or not INSTALLED.exists(), reason=MISSING)


def test_every_case_of_the_matrix_is_answered_by_the_rule() -> None:
    cases = [*sample(list(services.of_ec2())), *sample(list(services.of_others()))]
    assert len({case.id for case in cases}) == len(cases)
    answers = run((case.request for case in cases), rendered() | AROUND | {"scp-all": services.all_services()})
    found = {answer["id"]: answer for answer in answers}
    wrong = [
        (case.id, case.allowed, found[case.id]) for case in cases if found[case.id].get("allowed") is not case.allowed
    ]
    assert not wrong, (len(wrong), wrong[:10])


@pytest.mark.parametrize(
    ("action", "key"),
    [
        (Action("s3:PutBucketTagging", "tag", "arn:aws:s3:::orders"), "aws:TagKeys"),
    ],
)
def test_a_case_with_a_key_that_the_action_does_not_carry_fails(action: Action, key: str) -> None:
    [first, *_] = [
        case for case in asked(action, "scp-all") if any(name.startswith(key) for name in case.request["context"])
    ]
    [answer] = run([first.request], AROUND | {"scp-all": services.all_services()})
    assert "carries no" in answer["error"]


def test_the_made_up_services_have_one_of_each_tier() -> None:
    actions = tag_actions.load_tag_actions()
    tiers = {
        tier
        for other_action in services.OTHER_ACTIONS
        if other_action.does != "create"
        for tier in actions.actions[other_action.name].tiers
    }
    assert tiers == set(Tier)


def test_what_the_matrix_says_by_hand_of_an_action_is_what_was_derived() -> None:
    known = tag_actions.load_tag_actions().actions
    for ec2_action in (*services.EC2_ACTIONS, *services.OTHER_ACTIONS):
        if ec2_action.does != "create" and (ec2_action.abac or not ec2_action.name.startswith("s3:")):
            found = known[ec2_action.name]
            said = (ec2_action.tag_keys, ec2_action.resource_tag, ec2_action.create_action, ec2_action.does)
            assert (found.tag_keys, found.resource_tag, found.create_action, found.does.value) == said, ec2_action.name
