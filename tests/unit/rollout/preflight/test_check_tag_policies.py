"""What a tag policy of the organization would refuse of what ownertag writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from ownertag.catalogue.loader import load_catalogue
from ownertag.core.settings import Settings
from ownertag.core.settings_file import read_settings
from ownertag.rollout.doctor.facts import Observed, Unread
from ownertag.rollout.preflight.check_tag_policies import accepts, check_tag_policies, enforced_types
from ownertag.rollout.preflight.facts import OrganizationRules
from ownertag.rollout.preflight.findings import PreflightFinding, Verdict

SETTINGS = read_settings(
    """
[tags]
owner = "{owner}"
dateCreated = "{created_at}"
WhatIsThis = "https://wiki.internal/ownertag"

[[owners]]
match = "ci-deployer"
owner = "team-platform"
""",
    "ownertag.toml",
)
RULES = OrganizationRules({}, {}, {}, frozenset(), frozenset(), frozenset())
ALL = ["ec2:ALL_SUPPORTED"]


def check(policy: Observed[Mapping[str, Any] | None], settings: Settings = SETTINGS) -> list[PreflightFinding]:
    rules = replace(RULES, tag_policies={"333333333333": policy})
    return list(check_tag_policies(rules, settings, load_catalogue(), "111111111111"))


@pytest.mark.parametrize(
    ("tags", "expected", "words"),
    [
        ({"owner": {"tag_key": "Owner", "enforced_for": ALL}}, Verdict.STOPS, "wants `Owner` and refuses `owner`"),
        ({"owner": {"tag_key": "Owner", "enforced_for": ["ec2:volume"]}}, Verdict.STOPS, "on ec2:volume"),
        ({"owner": {"tag_key": "Owner", "enforced_for": ["robomaker:fleet"]}}, Verdict.TOLD, "reports `owner`"),
        ({"owner": {"tag_key": "Owner"}}, Verdict.TOLD, "it is not enforced"),
        # Without tag_key the key is in small letters (doc).
        ({"whatisthis": {"enforced_for": ALL}}, Verdict.STOPS, "wants `whatisthis` and refuses `WhatIsThis`"),
        ({"WHATISTHIS": {"tag_key": "WhatIsThis", "enforced_for": ALL}}, Verdict.TOLD, "accepts"),
        ({"owner": {"tag_key": "owner", "enforced_for": ALL}}, Verdict.TOLD, "accepts"),
        ({"owner": {"tag_key": "owner", "tag_value": ["alice"], "enforced_for": ALL}}, Verdict.STOPS, "only as alice"),
        (
            {"owner": {"tag_key": "owner", "tag_value": ["team-*"], "enforced_for": ALL}},
            Verdict.STOPS,
            "refuses unknown",
        ),
        (
            {"owner": {"tag_key": "owner", "tag_value": ["team-*", "unknown"], "enforced_for": ALL}},
            Verdict.TOLD,
            "other values are refused",
        ),
        ({"owner": {"tag_key": "owner", "tag_value": ["*"], "enforced_for": ALL}}, Verdict.TOLD, "accepts"),
        (
            {"datecreated": {"tag_key": "dateCreated", "tag_value": ["2026-*"], "enforced_for": ALL}},
            Verdict.TOLD,
            "other values are refused",
        ),
        (
            {"datecreated": {"tag_key": "dateCreated", "tag_value": ["Q1", "Q2"], "enforced_for": ALL}},
            Verdict.STOPS,
            "refuses 2026-01-31T09:30:00Z",
        ),
        (
            {"whatisthis": {"tag_key": "WhatIsThis", "tag_value": ["https://*"], "enforced_for": ALL}},
            Verdict.TOLD,
            "accepts",
        ),
        ({"whatisthis": {"tag_key": "WhatIsThis", "tag_value": ["no"], "enforced_for": ALL}}, Verdict.STOPS, "only as"),
        ({"costcenter": {"tag_key": "CostCenter", "tag_value": ["1"], "enforced_for": ALL}}, Verdict.FINE, "no tag po"),
        ({}, Verdict.FINE, "no tag policy"),
    ],
)
def test_a_key_in_another_case_or_a_value_that_is_not_listed_is_refused_where_it_is_enforced(
    tags: dict[str, Any], expected: Verdict, words: str
) -> None:
    [found] = check({"tags": tags})
    assert (found.verdict, words in found.text) == (expected, True), found.text


def test_no_policy_is_fine_and_one_that_cant_be_read_is_not_known() -> None:
    [none] = check(None)
    assert none.verdict is Verdict.FINE
    unread, *_ = check(Unread("denied"))
    assert (unread.verdict, "denied" in unread.seen) == (Verdict.UNKNOWN, True)


def test_advice_is_ready_to_paste() -> None:
    [found] = check({"tags": {"owner": {"tag_key": "Owner", "enforced_for": ALL}}})
    assert "describe-effective-policy --policy-type TAG_POLICY --target-id 333333333333`" in found.to_do
    assert "write `Owner` instead of `owner`" in found.to_do


@pytest.mark.parametrize(
    ("allowed", "value", "expected"),
    [
        (["a", "b"], "b", True),
        (["A"], "a", False),
        (["*@example.com"], "alice@example.com", True),
        (["*@example.com"], "alice@example.org", False),
        (["team-*"], "team-", True),
        (["ab*ba"], "aba", False),
        ([300], "300", True),
        ([], "a", False),
    ],
)
def test_a_value_has_one_wildcard_at_most(allowed: list[Any], value: str, expected: bool) -> None:
    assert accepts(allowed, value) is expected


def test_enforced_types_are_those_that_are_tagged() -> None:
    catalogue = load_catalogue()
    assert enforced_types(["ec2:instance", "robomaker:*"], catalogue) == ("ec2:instance",)
    of_ec2 = tuple(sorted(name for name in catalogue.types if name.startswith("ec2:")))
    assert enforced_types(["ec2:*"], catalogue) == enforced_types(ALL, catalogue) == of_ec2
    assert enforced_types([], catalogue) == ()
