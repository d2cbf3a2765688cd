"""An organization is read by the real SDK; what is denied, not answered or not there is a fact with its reason."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from msgspec.structs import asdict

from ownertag.aws.credentials import CallerSession
from ownertag.rollout.doctor.facts import Unread
from ownertag.rollout.init.facts import AccountFacts, IdentityCenterFacts, OrganizationFacts, Reading, known
from ownertag.rollout.init.read import read_organization
from ownertag.sandbox.organization import TRAIL
from ownertag.sandbox.personas import ACCOUNTS, HOME_REGION, HUB, MANAGEMENT, MEMBERS
from ownertag.sandbox.sandbox import Sandbox

FACTS = ["organization", "accounts", "units", "regions", "trails", "identity_center", "administrators"]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(empty=True) as running:
        yield running


class _Raw:
    """The body of an answer."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self._content


def refusal(code: str, status: int = 400) -> Callable[..., AWSResponse]:
    """An answer with an error in the forms of JSON and of EC2."""

    def answer(request: Any, **_: object) -> AWSResponse:
        text = json.dumps({"__type": code, "message": "no"})
        if "ec2" in request.url or request.headers.get("Content-Type", b"").startswith(b"application/x-www"):
            text = f"<Response><Errors><Error><Code>{code}</Code><Message>no</Message></Error></Errors></Response>"
        headers = HTTPHeaders()
        headers["x-amzn-errortype"] = code
        return AWSResponse(request.url, status, headers, _Raw(text.encode()))

    return answer


def said(content: dict[str, Any]) -> Callable[..., AWSResponse]:
    return lambda request, **_: AWSResponse(request.url, 200, HTTPHeaders(), _Raw(json.dumps(content).encode()))


def read(
    sandbox: Sandbox, answers: dict[str, Callable[..., Any]] | None = None, account: str = MANAGEMENT
) -> tuple[Reading, list[str]]:
    """What is read, where these operations are answered so: `organizations.ListRoots`."""
    session = sandbox.account_session(account)
    calls: list[str] = []
    session.events.register("before-call", lambda model, **_: calls.append(model.name))
    for operation, answer in (answers or {}).items():
        session.events.register_first(f"before-send.{operation}", answer)
    found = read_organization(CallerSession(session, sandbox.endpoint_url), account, "us-east-1", lambda _: None)
    return found, calls


def unread(found: Reading) -> dict[str, str]:
    return {name: fact.reason for name, fact in asdict(found).items() if isinstance(fact, Unread)}


def test_the_management_account_reads_all_of_it(sandbox: Sandbox) -> None:
    found, calls = read(sandbox)
    assert unread(found) == {}
    assert found.organization == OrganizationFacts(sandbox.organization.id, MANAGEMENT, all_features=True)
    assert {account.id: account.name for account in known(found.accounts) or ()}.items() >= {HUB: "security"}.items()
    assert {account.id for account in known(found.accounts) or () if account.active} == set(ACCOUNTS)
    root, unit = known(found.units) or ()
    assert (root.id[:2], {*root.accounts}) == ("r-", {*ACCOUNTS})
    assert (unit.names[-1], {*unit.accounts}) == ("workloads", {*MEMBERS})
    assert {HOME_REGION, "us-east-1"} <= {*(known(found.regions) or ())}
    assert "eu-south-2" not in (known(found.regions) or ())
    [trail] = known(found.trails) or ()
    assert (trail.arn.rpartition("/")[2], trail.of_organization, trail.multi_region) == (TRAIL, True, True)
    assert trail.logging is True
    [center] = known(found.identity_center) or ()
    assert (center.owner, center.region) == (MANAGEMENT, HOME_REGION)
    assert calls.count("ListInstances") == 1
    assert not [call for call in calls if not call.startswith(("List", "Describe", "Get"))]


def test_a_member_reads_whose_member_it_is_and_says_what_is_denied(sandbox: Sandbox) -> None:
    found, _ = read(sandbox, account=MEMBERS[1])
    assert isinstance(found.organization, OrganizationFacts)
    assert set(unread(found)) == {"accounts", "units", "administrators"}
    assert all("denied (AccessDeniedException)" in reason for reason in unread(found).values())
    assert found.identity_center == ()


DENIALS = {
    "organizations.DescribeOrganization": ("organization", "organizations:DescribeOrganization"),
    "organizations.ListAccounts": ("accounts", "organizations:ListAccounts"),
    "organizations.ListRoots": ("units", "organizations:ListRoots"),
    "organizations.ListAccountsForParent": ("units", "ListAccountsForParent"),
    "organizations.ListOrganizationalUnitsForParent": ("units", "organizations:ListRoots"),
    "organizations.ListDelegatedAdministrators": ("administrators", "organizations:ListDelegatedAdministrators"),
    "cloudtrail.DescribeTrails": ("trails", "cloudtrail:DescribeTrails"),
    "sso-admin.ListInstances": ("identity_center", "sso:ListInstances"),
}


@pytest.mark.parametrize(("operation", "expected"), DENIALS.items(), ids=DENIALS)
@pytest.mark.parametrize(
    "code", ["AccessDeniedException", pytest.param("UnknownOperationException", marks=pytest.mark.full)]
)
def test_a_call_that_is_refused_is_one_fact_with_its_reason(
    sandbox: Sandbox, operation: str, expected: tuple[str, str], code: str
) -> None:
    fact, action = expected
    found, _ = read(sandbox, {operation: refusal(code)})
    assert set(unread(found)) == {fact}
    assert action in unread(found)[fact]
    assert code in unread(found)[fact]


def test_the_regions_are_ec2s_where_account_management_does_not_tell(sandbox: Sandbox) -> None:
    usual, _ = read(sandbox)
    denied = {"account.ListRegions": refusal("AccessDeniedException", 403)}
    assert read(sandbox, denied)[0].regions == usual.regions
    found, _ = read(sandbox, {**denied, "ec2.DescribeRegions": refusal("UnauthorizedOperation", 403)})
    assert "ec2:DescribeRegions: denied (UnauthorizedOperation)" in unread(found)["regions"]


def test_a_trails_state_is_not_known_where_it_is_denied(sandbox: Sandbox) -> None:
    found, _ = read(sandbox, {"cloudtrail.GetTrailStatus": refusal("AccessDeniedException")})
    [trail] = known(found.trails) or ()
    assert isinstance(trail.logging, Unread)


def test_an_account_in_no_organization_is_told_so(sandbox: Sandbox) -> None:
    none = refusal("AWSOrganizationsNotInUseException")
    found, _ = read(sandbox, {"organizations": none})
    assert unread(found)["organization"] == (
        f"account {MANAGEMENT} is in no organization (AWSOrganizationsNotInUseException)"
    )
    assert set(unread(found)) == {"organization", "accounts", "units", "administrators"}


def test_an_answer_without_a_field_is_told(sandbox: Sandbox) -> None:
    found, _ = read(sandbox, {"organizations.DescribeOrganization": said({"Organization": {"Id": "o-x"}})})
    assert "the answer lacks MasterAccountId" in unread(found)["organization"]


def test_accounts_have_their_states(sandbox: Sandbox) -> None:
    listed = [
        {"Id": "333333333333", "Name": "a\x1b[2J\u202eb", "State": "ACTIVE", "Status": "SUSPENDED"},
        {"Id": "222222222222", "Name": "x", "Status": "SUSPENDED"},
        {"Id": "444444444444", "State": "PENDING_CLOSURE"},
    ]
    found, _ = read(sandbox, {"organizations.ListAccounts": said({"Accounts": listed})})
    assert found.accounts == (
        AccountFacts("222222222222", "x", "SUSPENDED"),
        AccountFacts("333333333333", "a[2Jb", "ACTIVE"),
        AccountFacts("444444444444", "", "PENDING_CLOSURE"),
    )


def test_where_all_regions_can_not_be_asked_at_once_each_is(sandbox: Sandbox) -> None:
    usual, _ = read(sandbox)

    def older(request: Any, **_: object) -> AWSResponse | None:
        return refusal("ValidationException")(request) if b"RegionScope" in request.body else None

    found, calls = read(sandbox, {"sso-admin.ListInstances": older})
    assert found.identity_center == usual.identity_center
    assert calls.count("ListInstances") == 1 + len(known(found.regions) or ())


def test_an_older_instance_is_named_by_its_parts(sandbox: Sandbox) -> None:
    listed = [
        {"IdentityStoreId": "d-1234567890", "OwnerAccountId": MANAGEMENT},
        {"IdentityStoreId": "d-0987654321", "OwnerAccountId": MANAGEMENT, "Status": "DELETE_IN_PROGRESS"},
    ]
    found, _ = read(sandbox, {"sso-admin.ListInstances": said({"Instances": listed})})
    store = f"arn:aws:identitystore::{MANAGEMENT}:identitystore/d-1234567890"
    assert found.identity_center == (IdentityCenterFacts(store, MANAGEMENT, "us-east-1"),)


def test_identity_center_is_not_taken_for_absent_where_regions_did_not_answer(sandbox: Sandbox) -> None:
    def only_home(request: Any, **_: object) -> AWSResponse | None:
        if b"RegionScope" in request.body:
            return refusal("ValidationException")(request)
        return refusal("AccessDeniedException")(request) if f"/{HOME_REGION}/" in str(request.headers) else None

    found, _ = read(sandbox, {"sso-admin.ListInstances": only_home})
    assert f"in 1 of {len(known(found.regions) or ())} Regions" in unread(found)["identity_center"]


def test_delegated_administrators_come_with_their_services(sandbox: Sandbox) -> None:
    organizations = sandbox.client(sandbox.account_session(MANAGEMENT), "organizations")
    organizations.register_delegated_administrator(AccountId=HUB, ServicePrincipal="guardduty.amazonaws.com")
    try:
        assert read(sandbox)[0].administrators == {HUB: ("guardduty.amazonaws.com",)}
    finally:
        organizations.deregister_delegated_administrator(AccountId=HUB, ServicePrincipal="guardduty.amazonaws.com")


def test_a_tree_of_units_is_read_to_its_leaves(sandbox: Sandbox) -> None:
    organizations = sandbox.client(sandbox.account_session(MANAGEMENT), "organizations")
    root = organizations.list_roots()["Roots"][0]["Id"]
    parents = [root]
    made: list[str] = []
    for number in range(12):  # three deep, more than a page of none
        parent = parents[number // 4]
        unit = organizations.create_organizational_unit(ParentId=parent, Name=f"unit {number}")["OrganizationalUnit"]
        parents.append(unit["Id"])
        made.append(unit["Id"])
    try:
        units = known(read(sandbox)[0].units) or ()
        assert {unit.id for unit in units} >= {root, *made}
        deepest = next(unit for unit in units if unit.id == made[-1])
        assert deepest.names == ("Root", "unit 1", "unit 11")
    finally:
        for unit in reversed(made):
            organizations.delete_organizational_unit(OrganizationalUnitId=unit)
