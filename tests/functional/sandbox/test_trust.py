"""Whom a policy lets in: principals, actions, and the conditions that are deployed; what is not known never does."""

from __future__ import annotations

from typing import Any

import pytest

from ownertag.core.settings import OrganizationSettings
from ownertag.render.documents import filled
from ownertag.render.policies import forwarder_trust, tagger_trust
from ownertag.render.service_policies import audit_trust
from ownertag.sandbox.identities import Identities, root_user, user
from ownertag.sandbox.trust import Caller, allows, principal, service

HUB, WEB, ORGANIZATION = "222222222222", "333333333333", "o-a1b2c3d4e5"
FUNCTION = principal(
    Identities(lambda _: "AROA").session_of(f"arn:aws:iam::{HUB}:role/ownertag-hub", "ownertag", None), ORGANIZATION
)
OTHER_ROLE = principal(
    Identities(lambda _: "AROA").session_of(f"arn:aws:iam::{HUB}:role/other", "ownertag-hub", None), ORGANIZATION
)
ROOT = principal(root_user(HUB), ORGANIZATION)
STRANGER = principal(root_user(WEB), ORGANIZATION)
OUTSIDE = principal(root_user(HUB), "o-other00000")
HERE = {"AWS::Partition": "aws", "AWS::AccountId": WEB, "AWS::Region": "us-east-1"}


def statement(**changed: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": {"AWS": HUB}, "Action": "sts:AssumeRole", **changed}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


ORG = {"aws:PrincipalOrgID": ORGANIZATION}
OWN_ROLES = {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{HUB}:role/owner*"}}
ELSEWHERE = {"StringEquals": {"aws:PrincipalOrgID": "o-x"}}
ANN = principal(user(HUB, "ann", "AIDA"), ORGANIZATION)
UNKNOWN = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


@pytest.mark.parametrize(
    ("given", "caller", "let"),
    [
        (policy(statement()), ROOT, True),
        (policy(statement()), STRANGER, False),
        (policy(statement(Principal="*")), STRANGER, True),
        (policy(statement(Principal={"AWS": f"arn:aws:iam::{HUB}:role/ownertag-hub"})), FUNCTION, True),
        (policy(statement(Principal={"AWS": f"arn:aws:iam::{HUB}:role/ownertag-hub"})), OTHER_ROLE, False),
        (policy(statement(Principal={"AWS": f"arn:aws:iam::{HUB}:user/ann"})), ANN, True),
        (policy(statement(Action="sts:*")), ROOT, True),
        (policy(statement(Action="sts:TagSession")), ROOT, False),
        (policy(statement(Action=[])), ROOT, False),
        (policy(statement(Condition={"StringEquals": ORG})), ROOT, True),
        (policy(statement(Condition={"StringEquals": ORG})), OUTSIDE, False),
        (policy(statement(Condition={"StringEquals": {"AWS:principalorgid": ORGANIZATION}})), ROOT, True),
        (policy(statement(Condition={"StringEquals": {"aws:PrincipalOrgID": ["o-1", ORGANIZATION]}})), ROOT, True),
        (policy(statement(Condition=OWN_ROLES)), FUNCTION, True),
        (policy(statement(Condition=OWN_ROLES)), OTHER_ROLE, False),
        (policy(statement(Condition=UNKNOWN)), ROOT, False),
        (policy(statement(Condition={"StringEquals": {"aws:SourceIp": "10.0.0.1"}})), ROOT, False),
        (policy(statement(Condition={"StringEquals": ORG, **UNKNOWN})), ROOT, False),
        (policy(statement(), statement(Effect="Deny")), ROOT, False),
        (policy(statement(), statement(Effect="Deny", Condition=UNKNOWN)), ROOT, False),
        (policy(statement(), statement(Effect="Deny", Condition=ELSEWHERE)), ROOT, True),
        (policy(statement(), statement(Effect="Deny", Principal={"AWS": WEB})), ROOT, True),
        ({"Statement": statement()}, ROOT, True),
        (policy(), ROOT, False),
        (None, ROOT, False),
    ],
)  # fmt: skip
def test_who_is_let_in(given: dict[str, Any] | None, caller: Caller, let: bool) -> None:
    assert allows(given, caller, "sts:AssumeRole") is let


def test_the_rendered_trusts_let_in_whom_they_are_made_for() -> None:
    organization = OrganizationSettings(
        id=ORGANIZATION, management_account="111111111111", hub_account=HUB, home_region="eu-central-1"
    )
    tagger, audit, forwarder = (
        filled(policy, HERE) for policy in (tagger_trust(organization), audit_trust(organization), forwarder_trust())
    )
    assert [allows(tagger, caller, "sts:AssumeRole") for caller in (FUNCTION, OTHER_ROLE, ROOT, STRANGER, OUTSIDE)] == [
        True, False, False, False, False,
    ]  # fmt: skip
    assert [allows(audit, caller, "sts:AssumeRole") for caller in (FUNCTION, ROOT, STRANGER, OUTSIDE)] == [
        True, True, False, False,
    ]  # fmt: skip
    rule = f"arn:aws:events:us-east-1:{WEB}:rule/ownertag-creations-1"
    for source, account, let in ((rule, WEB, True), (rule, HUB, False), (rule.replace("ownertag-", ""), WEB, False)):
        assert allows(forwarder, service("events.amazonaws.com", source, account), "sts:AssumeRole") is let
    assert not allows(forwarder, service("lambda.amazonaws.com", rule, WEB), "sts:AssumeRole")
