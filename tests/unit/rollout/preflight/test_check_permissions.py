"""What the policy simulator says of the caller, and the one list of actions that pages and checks go by."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ownertag.rollout.doctor.facts import Missing, NotGiven, Observed, Unread
from ownertag.rollout.preflight.check_permissions import check_permissions
from ownertag.rollout.preflight.facts import Simulation
from ownertag.rollout.preflight.findings import Verdict
from ownertag.rollout.preflight.permissions import (
    HUB_ACTIONS,
    MANAGEMENT_ACTIONS,
    MEMBER_ACTIONS,
    PREFLIGHT_ACTIONS,
    resources,
    to_simulate,
)
from rollout.deploy.world import HUB, MANAGEMENT, wanted

ROLE = "arn:aws:iam::111111111111:role/deployer"
WANTED = ("a:One", "b:Two")
PAGE = Path(__file__).parents[4] / "docs/how-to/roll-out.md"


def check(simulated: Observed[Simulation]) -> list[tuple[Verdict, str]]:
    found = check_permissions("111111111111", simulated, WANTED, "the caller")
    return [(finding.verdict, finding.seen) for finding in found]


@pytest.mark.parametrize(
    ("decisions", "denied", "depends", "expected"),
    [
        ({"a:One": "allowed", "b:Two": "allowed"}, (), {}, [(Verdict.FINE, "all 2 actions")]),
        ({"a:One": "allowed", "b:Two": "implicitDeny"}, (), {}, [(Verdict.STOPS, "may not call b:Two")]),
        ({"a:One": "explicitDeny", "b:Two": "allowed"}, (), {}, [(Verdict.STOPS, "a:One; a:One by a Deny")]),
        ({"a:One": "explicitDeny", "b:Two": "allowed"}, ("a:One",), {}, [(Verdict.STOPS, "service control policy")]),
        (
            {"a:One": "implicitDeny", "b:Two": "allowed"},
            (),
            {"a:One": ("aws:SourceIp",)},
            [(Verdict.UNKNOWN, "depends on aws:SourceIp")],
        ),
        (
            {"a:One": "explicitDeny", "b:Two": "implicitDeny"},
            ("a:One",),
            {"b:Two": ()},
            [(Verdict.STOPS, "may not call b:Two"), (Verdict.STOPS, "denies")],
        ),
        (
            {"a:One": "implicitDeny", "b:Two": "allowed"},
            ("a:One",),
            {"a:One": ("aws:SourceIp",)},
            [(Verdict.STOPS, "service control policy")],
        ),
        ({"a:One": "allowed"}, (), {}, [(Verdict.UNKNOWN, "said nothing of b:Two")]),
        ({}, (), {}, [(Verdict.UNKNOWN, "said nothing of a:One, b:Two")]),
    ],
)
def test_each_decision_has_its_finding(
    decisions: dict[str, str],
    denied: tuple[str, ...],
    depends: dict[str, tuple[str, ...]],
    expected: list[tuple[Verdict, str]],
) -> None:
    found = check(Simulation(ROLE, decisions, frozenset(denied), depends))
    assert [verdict for verdict, _ in found] == [verdict for verdict, _ in expected]
    for (_, seen), (_, words) in zip(found, expected, strict=True):
        assert words in seen


@pytest.mark.parametrize("unread", [Unread("the credentials are a root user's"), NotGiven("Arn"), Missing()])
def test_what_was_not_simulated_is_not_known(unread: Observed[Simulation]) -> None:
    [(verdict, seen)] = check(unread)
    assert (verdict, "was not simulated" in seen) == (Verdict.UNKNOWN, True)


def test_yes_says_what_was_left_out() -> None:
    [(_, seen)] = check(Simulation(ROLE, dict.fromkeys(WANTED, "allowed")))
    assert "session policies" in seen
    assert "resource control policies" in seen


def named_on_the_page() -> list[str]:
    """The actions that the page lists, as globs: a prefix in backticks, and the names that follow it."""
    section = PAGE.read_text("utf-8").split("## What deploy calls")[1].split("\n## ")[0]
    globs, service = [], ""
    for name in re.findall(r"`([\w*:-]+)`", section):
        if name.endswith(":"):
            service = name
            globs.append(f"{service}*" if name in {"iam:", "events:", "sqs:", "lambda:", "dynamodb:"} else "")
            if name in {"logs:", "kms:", "sns:", "cloudwatch:", "s3:", "cloudformation:"}:
                globs.append(f"{service}*")
        elif ":" in name:
            globs.append(name)
        elif re.fullmatch(r"[A-Z][A-Za-z]*\*?", name):
            globs.append(service + name)
    return [glob for glob in globs if glob]


def test_the_page_lists_every_action_that_deploy_calls() -> None:
    globs = [re.compile(glob.replace("*", ".*")) for glob in named_on_the_page()]
    assert len(globs) > 10
    missing = [
        action
        for action in {*MANAGEMENT_ACTIONS, *HUB_ACTIONS, *MEMBER_ACTIONS} - {"sqs:GetQueueUrl"}
        if not any(glob.fullmatch(action) for glob in globs)
    ]
    assert missing == []


def test_actions_are_those_of_aws_in_order_and_once() -> None:
    for actions in (MANAGEMENT_ACTIONS, HUB_ACTIONS, MEMBER_ACTIONS):
        assert list(actions) == sorted(set(actions))
    for action in (*MANAGEMENT_ACTIONS, *HUB_ACTIONS, *MEMBER_ACTIONS, *PREFLIGHT_ACTIONS):
        assert re.fullmatch(r"[a-z0-9-]+:[A-Z][A-Za-z]+", action)
    assert "sts:GetCallerIdentity" not in to_simulate(MANAGEMENT_ACTIONS)
    assert not any(action.partition(":")[2].startswith(("Delete", "Put", "Create")) for action in PREFLIGHT_ACTIONS)


def test_an_action_that_policies_restrict_by_resource_is_simulated_for_ours() -> None:
    found = resources(HUB, wanted(), "OrganizationAccountAccessRole")
    assert found["iam:CreateRole"].endswith(f":{HUB}:role/ownertag-hub")
    assert found["cloudformation:CreateStackSet"].endswith(":stackset/ownertag-spoke-account:0")
    assert found["cloudformation:DeleteStack"].endswith(":stack/ownertag-hub/0")
    assert found["s3:PutObject"].endswith(".zip")
    assert "organizations:AttachPolicy" not in found
    assert "cloudformation:ActivateOrganizationsAccess" not in found
    assert resources(MANAGEMENT, wanted(), "x")["iam:CreateRole"].endswith(":role/ownertag-forwarder")
