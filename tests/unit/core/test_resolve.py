"""The owner's name, evidence and confidence, for every shape of `userIdentity`."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import pytest

from harness import fixtures
from harness.fixtures import ACCOUNT, OTHER_ACCOUNT, OUTSIDE_ACCOUNT, identity_center, session, user
from ownertag.core.catalogue_types import QuestionKind
from ownertag.core.match import match
from ownertag.core.owner.principal import clean, principal_of
from ownertag.core.owner.resolve import resolve, trace
from ownertag.core.settings import Settings
from ownertag.core.values import Confidence, Owner, Reason, Refusal

STORE = f"arn:aws:identitystore::{ACCOUNT}:identitystore/d-1234567890"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
SAML = f"arn:aws:iam::{ACCOUNT}:saml-provider/corporate"
USER_ID = "544894e8-80c1-707f-60e3-3ba6510dfac1"
PARENTS = fixtures.catalogue().parents
TRUSTING = fixtures.settings(
    f'[trust]\nidentity_stores = ["{STORE}"]\nidentity_providers = ["{PROVIDER}", "{SAML}"]\n'
    'restrict_source_identity = true\n[protection]\nunits = ["r-ab12"]\n'
)
HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
FUNCTION = f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:nightly-copy"


def owner_of(identity: Any, settings: Settings | None = None, **fields: Any) -> Owner:
    record = fixtures.arrival(fixtures.record(userIdentity=identity, **fields)).record
    return resolve(record, settings or TRUSTING, PARENTS)


def without(plain: fixtures.Json, *names: str) -> fixtures.Json:
    return {key: value for key, value in plain.items() if key not in names}


def service_linked(name: str, service: str, session_name: str) -> fixtures.Json:
    return session(session_name, name, f"/aws-service-role/{service}/") | {"invokedBy": service}


def role_arn_instead_of_session(path: str = fixtures.SSO_PATH) -> fixtures.Json:
    """Seen in real records: the role's own ARN, and no session context."""
    return {
        "type": "AssumedRole",
        "principalId": "AROACKCEVSQ6C2EXAMPLE:maria.rossi@example.com",
        "arn": f"arn:aws:iam::{ACCOUNT}:role{path}{fixtures.SSO_ROLE}",
        "accountId": ACCOUNT,
    }


def web(subject: str | None = "repo:example/app:ref:refs/heads/main", provider: str = PROVIDER) -> fixtures.Json:
    attributes = {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}
    if subject is not None:
        attributes["token.actions.githubusercontent.com:sub"] = subject
    return session("GitHubActions", "ci", webIdFederationData={"federatedProvider": provider, "attributes": attributes})


class Case(NamedTuple):
    identity: Any
    name: str
    evidence: str
    confidence: str
    reason: str | None = None


MACHINE = "which is not looked up yet"
CASES: dict[str, Case] = {
    "user": Case(user(), "alice", "iam-user", "asserted"),
    "user-with-a-path": Case(
        user() | {"arn": f"arn:aws:iam::{ACCOUNT}:user/dev/ops/alice"}, "alice", "iam-user", "asserted"
    ),
    "user-without-arn-and-with-an-empty-key": Case(
        without(user(), "arn") | {"accessKeyId": ""}, "alice", "iam-user", "asserted"
    ),
    "user-without-name": Case(without(user(), "userName"), "alice", "iam-user", "asserted"),
    "user-by-id-alone": Case(without(user(), "userName", "arn"), "AIDACKCEVSQ6C2EXAMPLE", "iam-user", "asserted"),
    "user-of-nothing": Case({"type": "IAMUser"}, "unknown", "iam-user", "none", "has no name"),
    "user-with-mfa": Case(
        user() | {"sessionContext": {"attributes": {"mfaAuthenticated": "true"}}}, "alice", "iam-user", "asserted"
    ),
    "user-through-cloudformation": Case(
        user() | {"invokedBy": "cloudformation.amazonaws.com"}, "alice", "iam-user", "asserted"
    ),
    "identity-center": Case(identity_center(), "maria.rossi@example.com", "identity-center-session", "proven"),
    "identity-center-with-the-id-of-its-user": Case(
        identity_center() | {"onBehalfOf": {"userId": USER_ID, "identityStoreArn": "arn:aws:identitystore:::x"}},
        "maria.rossi@example.com",
        "identity-center-session",
        "proven",
    ),
    "identity-center-of-us-east-1": Case(
        session("Carlos", fixtures.SSO_ROLE, "/aws-reserved/sso.amazonaws.com/"),
        "Carlos",
        "identity-center-session",
        "proven",
    ),
    "identity-center-through-cloudformation": Case(
        identity_center("abepeters") | {"invokedBy": "cloudformation.amazonaws.com"},
        "abepeters",
        "identity-center-session",
        "proven",
    ),
    "identity-center-with-the-arn-of-its-role": Case(
        role_arn_instead_of_session(), "maria.rossi@example.com", "identity-center-session", "proven"
    ),
    "identity-center-without-context": Case(
        without(identity_center(), "sessionContext"), "maria.rossi@example.com", "role-session-name", "asserted"
    ),
    "identity-center-user": Case(
        {
            "type": "IdentityCenterUser",
            "accountId": ACCOUNT,
            "onBehalfOf": {"userId": USER_ID, "identityStoreArn": STORE},
        },
        USER_ID,
        "identity-center-user",
        "proven",
    ),
    "unknown-on-behalf-of": Case(
        {"type": "Unknown", "accountId": ACCOUNT, "onBehalfOf": {"userId": USER_ID, "identityStoreArn": STORE}},
        USER_ID,
        "identity-center-user",
        "proven",
    ),
    "identity-center-user-without-anything": Case(
        {"type": "IdentityCenterUser", "accountId": ACCOUNT}, "unknown", "principal", "none", "has no name"
    ),
    "session": Case(session(), "john.stiles", "role-session-name", "asserted"),
    "session-without-context": Case(
        without(session(), "sessionContext"), "john.stiles", "role-session-name", "asserted"
    ),
    "session-without-principal-id": Case(
        without(session(), "principalId"), "john.stiles", "role-session-name", "asserted"
    ),
    "session-of-nothing": Case({"type": "AssumedRole"}, "unknown", "role-name", "none", "has no name"),
    "session-with-an-empty-federation": Case(
        session(webIdFederationData={}), "john.stiles", "role-session-name", "asserted"
    ),
    "session-that-botocore-named": Case(
        session("botocore-session-1772442910", "deploy"), "deploy", "role-name", "asserted"
    ),
    "session-that-the-go-sdk-named": Case(
        session("aws-go-sdk-1772442910000000000", "terraform"), "terraform", "role-name", "asserted"
    ),
    "session-that-the-js-sdk-named": Case(
        session("aws-sdk-js-1772442910000", "deploy"), "deploy", "role-name", "asserted"
    ),
    "session-that-the-cli-named": Case(session("aws-cli-1772442910", "deploy"), "deploy", "role-name", "asserted"),
    "session-that-lambda-named": Case(
        session("awslambda_1_20260302091405123", "orders"), "orders", "role-name", "asserted"
    ),
    "session-of-digits": Case(
        session("1772442910123456789", "karpenter") | {"invokedBy": "ec2fleet.amazonaws.com"},
        "karpenter",
        "role-name",
        "asserted",
    ),
    "session-of-a-uuid": Case(session(USER_ID, "deploy"), "deploy", "role-name", "asserted"),
    "source-identity": Case(
        session("botocore-session-1", sourceIdentity="richard.roe"), "richard.roe", "source-identity", "proven"
    ),
    "source-identity-beside-a-session-name": Case(
        session("john.stiles", sourceIdentity="richard.roe"), "richard.roe", "source-identity", "proven"
    ),
    "source-identity-that-shows-nothing": Case(
        session(sourceIdentity="\u200b"), "john.stiles", "role-session-name", "asserted"
    ),
    "github-actions": Case(web(), "github:example/app", "ci-repository", "proven"),
    "github-actions-without-subject": Case(web(None), "ci", "role-name", "asserted"),
    "web-identity-user": Case(
        {
            "type": "WebIdentityUser",
            "principalId": "x",
            "userName": "system:serviceaccount:shop:orders",
            "identityProvider": PROVIDER,
        },
        "system:serviceaccount:shop:orders",
        "identity-provider",
        "proven",
    ),
    "saml-user": Case(
        {"type": "SAMLUser", "principalId": "x", "userName": "jane@example.com", "identityProvider": SAML},
        "jane@example.com",
        "identity-provider",
        "proven",
    ),
    "saml-user-without-name": Case(
        {"type": "SAMLUser", "identityProvider": SAML}, "unknown", "identity-provider", "none", "gave no name"
    ),
    "root": Case(
        {"type": "Root", "principalId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT},
        f"root:{ACCOUNT}",
        "root-user",
        "account",
    ),
    "root-with-an-alias": Case(
        {"type": "Root", "accountId": ACCOUNT, "userName": "shop"}, "shop", "root-user", "account"
    ),
    "root-in-the-console": Case(
        {"type": "Root", "accountId": ACCOUNT, "invokedBy": "signin.amazonaws.com"},
        f"root:{ACCOUNT}",
        "root-user",
        "account",
    ),
    "root-through-something-internal": Case(
        {"type": "Root", "accountId": ACCOUNT, "invokedBy": "AWS Internal"}, f"root:{ACCOUNT}", "root-user", "account"
    ),
    "root-that-a-service-called-as": Case(
        {"type": "Root", "accountId": ACCOUNT, "invokedBy": "opsworks.amazonaws.com"},
        "unknown",
        "aws-service",
        "none",
        "opsworks.amazonaws.com",
    ),
    "name-that-aws-hides": Case({"type": "IAMUser", "userName": HIDDEN}, "unknown", "iam-user", "none", HIDDEN),
    "federated-name-that-aws-hides": Case(
        {"type": "FederatedUser", "principalId": f"{ACCOUNT}:{HIDDEN}"}, "unknown", "federated-user", "none", HIDDEN
    ),
    "principal-that-aws-hides": Case(
        {"type": "Unknown", "principalId": HIDDEN}, "unknown", "principal", "none", HIDDEN
    ),
    "hidden-alias-of-root": Case(
        {"type": "Root", "accountId": ACCOUNT, "userName": HIDDEN}, f"root:{ACCOUNT}", "root-user", "account"
    ),
    "hidden-source-identity": Case(session(sourceIdentity=HIDDEN), "john.stiles", "role-session-name", "asserted"),
    "hidden-saml-user": Case(
        {"type": "SAMLUser", "userName": HIDDEN, "identityProvider": SAML}, "unknown", "identity-provider", "none"
    ),
    "root-of-nothing": Case({"type": "Root"}, f"root:{ACCOUNT}", "root-user", "account"),
    "federated-user": Case(
        {
            "type": "FederatedUser",
            "principalId": f"{ACCOUNT}:jane-doe",
            "arn": f"arn:aws:sts::{ACCOUNT}:federated-user/jane-doe",
            "sessionContext": {"sessionIssuer": {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/broker"}},
        },
        "jane-doe",
        "federated-user",
        "asserted",
    ),
    "federated-user-by-arn": Case(
        {"type": "FederatedUser", "arn": f"arn:aws:sts::{ACCOUNT}:federated-user/jane-doe"},
        "jane-doe",
        "federated-user",
        "asserted",
    ),
    "other-account": Case(
        {"type": "AWSAccount", "principalId": "AIDACKCEVSQ6C2EXAMPLE", "accountId": OTHER_ACCOUNT},
        f"account:{OTHER_ACCOUNT}",
        "other-account",
        "asserted",
    ),
    "session-of-another-account": Case(
        {"type": "AWSAccount", "principalId": "AROACKCEVSQ6C2EXAMPLE:jane", "accountId": OTHER_ACCOUNT},
        "jane",
        "other-account",
        "asserted",
    ),
    "role": Case({"type": "Role", "arn": f"arn:aws:iam::{ACCOUNT}:role/x/deploy"}, "deploy", "principal", "asserted"),
    "directory": Case({"type": "Directory", "principalId": "d-1234567890"}, "d-1234567890", "principal", "asserted"),
    "unknown": Case({"type": "Unknown", "principalId": "AIDAEXAMPLE"}, "AIDAEXAMPLE", "principal", "asserted"),
    "unknown-of-nothing": Case({"type": "Unknown"}, "unknown", "principal", "none", "has no name"),
    "service": Case(
        {"type": "AWSService", "invokedBy": "elasticloadbalancing.amazonaws.com"},
        "unknown",
        "aws-service",
        "none",
        "elasticloadbalancing",
    ),
    "service-of-nothing": Case({"type": "AWSService"}, "unknown", "aws-service", "none", "an AWS service"),
    "no-type": Case(
        {"accountId": ACCOUNT, "invokedBy": "eks.amazonaws.com"},
        "unknown",
        "no-identity-type",
        "none",
        "eks.amazonaws.com",
    ),
    "empty": Case({}, "unknown", "no-identity-type", "none", MACHINE),
    "auto-scaling": Case(
        service_linked("AWSServiceRoleForAutoScaling", "autoscaling.amazonaws.com", "AutoScaling"),
        "unknown",
        "service-linked-role",
        "none",
        MACHINE,
    ),
    "spot": Case(
        service_linked("AWSServiceRoleForEC2Spot", "spot.amazonaws.com", "EC2SpotService"),
        "unknown",
        "service-linked-role",
        "none",
        MACHINE,
    ),
    "service-role-of-china": Case(
        session("AutoScaling", "AWSServiceRoleForX", "/aws-service-role/x.amazonaws.com.cn/"),
        "unknown",
        "service-linked-role",
        "none",
        MACHINE,
    ),
    "service-linked-role-with-a-source-identity": Case(
        service_linked("AWSServiceRoleForX", "x.amazonaws.com", "X")
        | {
            "sessionContext": session(
                "X", "AWSServiceRoleForX", "/aws-service-role/x.amazonaws.com/", sourceIdentity="alice"
            )["sessionContext"]
        },
        "unknown",
        "service-linked-role",
        "none",
        MACHINE,
    ),
    "function": Case(
        session("nightly-copy", "nightly-copy-role", "/service-role/")
        | {"inScopeOf": {"issuerType": "AWS::Lambda::Function", "sourceArn": FUNCTION}},
        "unknown",
        "function-session",
        "none",
        FUNCTION,
    ),
    "instance": Case(
        session(fixtures.INSTANCE, "web", ec2RoleDelivery="2.0"),
        "unknown",
        "instance-session",
        "none",
        fixtures.INSTANCE,
    ),
    "stack-with-a-service-role": Case(
        session("AWSCloudFormation", "cdk-hnb659fds-cfn-exec-role") | {"invokedBy": "cloudformation.amazonaws.com"},
        "unknown",
        "stack-session",
        "none",
        "the stack",
    ),
    "eks-auto-mode": Case(
        session("aws-go-sdk-1772442910000000000", "eks-cluster") | {"invokedBy": "eks.amazonaws.com"},
        "eks-cluster",
        "role-name",
        "asserted",
    ),
    "emr": Case(session("CCSSession", "EMR_DefaultRole"), "EMR_DefaultRole", "role-name", "asserted"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_shape_of_identity_has_its_owner(case: Case) -> None:
    owner = owner_of(case.identity)
    assert (owner.name, owner.evidence, owner.confidence.value) == (case.name, case.evidence, case.confidence)
    if case.reason:
        assert case.reason in (owner.reason or "")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_owner_without_a_name_says_why_and_no_other(case: Case) -> None:
    owner = owner_of(case.identity)
    assert (owner.confidence is Confidence.NONE) == (owner.name == "unknown") == bool(owner.reason)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_way_to_an_owner_has_no_empty_hop(case: Case) -> None:
    assert all(owner_of(case.identity).via)


def test_the_way_names_the_principal_and_the_service_that_called_for_it() -> None:
    owner = owner_of(user() | {"invokedBy": "cloudformation.amazonaws.com"})
    assert owner.via == (f"arn:aws:iam::{ACCOUNT}:user/alice", "cloudformation.amazonaws.com")


UNTRUSTING = fixtures.settings()


@pytest.mark.parametrize(
    "name",
    [
        "source-identity",
        "github-actions",
        "web-identity-user",
        "saml-user",
        "identity-center-user",
        "unknown-on-behalf-of",
    ],
)
def test_without_trust_in_the_settings_the_same_is_asserted(name: str) -> None:
    owner = owner_of(CASES[name].identity, UNTRUSTING)
    assert (owner.name, owner.confidence) == (CASES[name].name, Confidence.ASSERTED)


@pytest.mark.parametrize("name", ["identity-center", "identity-center-with-the-arn-of-its-role"])
def test_an_identity_center_session_is_proven_without_any_setting(name: str) -> None:
    assert owner_of(CASES[name].identity, UNTRUSTING).confidence is Confidence.PROVEN


# --- T9, T10: what a member can make up

SSO = fixtures.SSO_ROLE
CEO = "ceo@example.com"


def issued_by(arn: Any, name: str = CEO) -> fixtures.Json:
    plain = session(name, SSO)
    plain["sessionContext"]["sessionIssuer"]["arn"] = arn
    return plain


SPOOFED: dict[str, Any] = {
    "sso-name-at-the-root": session(CEO, SSO),
    "sso-name-under-an-own-path": session(CEO, SSO, "/sso.amazonaws.com/"),
    "sso-path-behind-another": session(CEO, SSO, "/x/aws-reserved/sso.amazonaws.com/"),
    "sso-path-with-more": session(CEO, SSO, "/aws-reserved/sso.amazonaws.com/eu-central-1/x/"),
    "sso-path-in-upper-case": session(CEO, SSO, "/AWS-Reserved/sso.amazonaws.com/"),
    "sso-path-of-another-host": session(CEO, SSO, "/aws-reserved/sso.amazonaws.com.evil.example/"),
    "sso-path-with-another-dot": session(CEO, SSO, "/aws-reserved/ssoXamazonaws.com/"),
    "sso-path-with-a-newline": session(CEO, SSO, "/aws-reserved/sso.amazonaws.com/\n"),
    "sso-path-doubled-slash": session(CEO, SSO, "//aws-reserved/sso.amazonaws.com/"),
    "sso-path-cyrillic": session(CEO, SSO, "/\u0430ws-reserved/sso.amazonaws.com/"),
    "sso-path-of-another-service": session(CEO, SSO, "/aws-reserved/evil.amazonaws.com/"),
    "sso-path-other-role": session(CEO, "Admin", fixtures.SSO_PATH),
    "sso-path-role-without-hash": session(CEO, "AWSReservedSSO_Admin", fixtures.SSO_PATH),
    "sso-path-role-with-a-short-hash": session(CEO, "AWSReservedSSO_Admin_0123", fixtures.SSO_PATH),
    "sso-path-role-with-a-long-hash": session(CEO, f"{SSO}0", fixtures.SSO_PATH),
    "sso-path-role-lower-case": session(CEO, SSO.lower(), fixtures.SSO_PATH),
    "sso-of-another-account": identity_center(CEO, OTHER_ACCOUNT),
    "sso-session-with-a-newline": identity_center(f"{CEO}\n"),
    "sso-session-with-a-space": identity_center(f" {CEO}"),
    "sso-session-with-bidi": identity_center("ceo\u202e@example.com"),
    "sso-session-cyrillic": identity_center("c\u0435o@example.com"),
    "sso-session-too-long": identity_center("c" * 65),
    "sso-session-empty": identity_center("") | {"arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{SSO}/"},
    "sso-issuer-missing": without(identity_center(CEO), "sessionContext"),
    "sso-issuer-null": issued_by(None),
    "sso-issuer-without-account": issued_by(f"arn:aws:iam:::role{fixtures.SSO_PATH}{SSO}"),
    "sso-issuer-fullwidth-account": issued_by(
        f"arn:aws:iam::\uff11\uff11\uff11\uff11\uff12\uff12\uff12\uff12\uff13\uff13\uff13\uff13:role{fixtures.SSO_PATH}{SSO}"
    ),
    "sso-issuer-of-another-service": issued_by(f"arn:aws:sts::{ACCOUNT}:role{fixtures.SSO_PATH}{SSO}"),
    "sso-issuer-a-user": issued_by(f"arn:aws:iam::{ACCOUNT}:user{fixtures.SSO_PATH}{SSO}"),
    "sso-issuer-of-another-partition": issued_by(f"arn:evil:iam::{ACCOUNT}:role{fixtures.SSO_PATH}{SSO}"),
    "sso-issuer-with-a-newline": issued_by(f"arn:aws:iam::{ACCOUNT}:role{fixtures.SSO_PATH}{SSO}\n"),
    "sso-issuer-with-a-prefix": issued_by(f"x arn:aws:iam::{ACCOUNT}:role{fixtures.SSO_PATH}{SSO}"),
    "user-named-like-an-address": user(CEO),
    "user-named-like-a-session": user(SSO)
    | {"arn": f"arn:aws:iam::{ACCOUNT}:user/aws-reserved/sso.amazonaws.com/{SSO}"},
    "session-named-like-an-address": session(CEO),
    "session-named-like-a-role": session(SSO, "dev"),
    "role-named-like-a-service's": session(CEO, "AWSServiceRoleForAutoScaling"),
    "source-identity-odd": session(sourceIdentity="ceo\u202e@example.com"),
    "source-identity-with-a-newline": session(sourceIdentity=f"{CEO}\n"),
    "store-of-another": {
        "type": "IdentityCenterUser",
        "onBehalfOf": {"userId": USER_ID, "identityStoreArn": STORE.replace("d-1", "d-9")},
    },
    "store-with-a-newline": {
        "type": "IdentityCenterUser",
        "onBehalfOf": {"userId": USER_ID, "identityStoreArn": f"{STORE}\n"},
    },
    "store-with-a-prefix": {
        "type": "IdentityCenterUser",
        "onBehalfOf": {"userId": USER_ID, "identityStoreArn": f"{STORE}0"},
    },
    "store-missing": {"type": "IdentityCenterUser", "onBehalfOf": {"userId": USER_ID}},
    "store-with-an-odd-user": {
        "type": "IdentityCenterUser",
        "onBehalfOf": {"userId": f"{USER_ID}\u202e", "identityStoreArn": STORE},
    },
    "provider-of-another": web(provider=PROVIDER.replace(ACCOUNT, OTHER_ACCOUNT)),
    "provider-with-more": web(provider=f"{PROVIDER}.evil.example"),
    "provider-in-upper-case": web(provider=PROVIDER.upper()),
    "provider-with-an-odd-subject": web("repo:example/app\u202e"),
    "provider-of-saml-unlisted": {"type": "SAMLUser", "userName": CEO, "identityProvider": f"{SAML}2"},
    "provider-missing": {"type": "WebIdentityUser", "userName": CEO},
    "federated-like-an-address": {"type": "FederatedUser", "principalId": f"{ACCOUNT}:{CEO}"},
    "other-account-like-an-address": {
        "type": "AWSAccount",
        "principalId": f"AROAEXAMPLE:{CEO}",
        "accountId": OTHER_ACCOUNT,
    },
    "unknown-with-an-sso-arn": role_arn_instead_of_session() | {"type": "Unknown"},
    "role-with-an-sso-arn": role_arn_instead_of_session() | {"type": "Role"},
    "no-type-with-an-sso-arn": without(role_arn_instead_of_session(), "type"),
    "own-path-instead-of-session": role_arn_instead_of_session("/sso.amazonaws.com/"),
}


def test_there_are_at_least_thirty_spoofed_identities() -> None:
    assert len(SPOOFED) >= 30


@pytest.mark.parametrize("identity", SPOOFED.values(), ids=SPOOFED)
def test_what_a_member_can_make_up_is_never_proven(identity: Any) -> None:
    assert owner_of(identity).confidence is not Confidence.PROVEN


@pytest.mark.parametrize("identity", SPOOFED.values(), ids=SPOOFED)
def test_a_made_up_name_is_one_line_of_what_can_be_seen(identity: Any) -> None:
    assert clean(owner_of(identity).name) == owner_of(identity).name


def test_sessions_and_source_identities_are_asserted_unless_their_setting_is_guarded() -> None:
    assert owner_of(session(sourceIdentity=CEO), UNTRUSTING).confidence is Confidence.ASSERTED


@pytest.mark.parametrize("path", ["/", "/x/", "/aws-service-role/", "/aws-service-role/evil.example.com/"])
def test_a_role_that_is_named_like_a_services_is_treated_as_any_role(path: str) -> None:
    owner = owner_of(session("AutoScaling", "AWSServiceRoleForAutoScaling", path))
    assert (owner.name, owner.evidence) == ("AWSServiceRoleForAutoScaling", "role-name")


@pytest.mark.parametrize("agent", ["autoscaling.amazonaws.com", "cloudformation.amazonaws.com", "eks.amazonaws.com"])
def test_user_agent_address_and_tags_are_no_evidence(agent: str) -> None:
    forged = fixtures.launch(
        userIdentity=session("mallory", "dev"),
        userAgent=agent,
        sourceIPAddress=agent,
        requestParameters={
            "clientToken": "fleet-1-0",
            "tagSpecificationSet": {
                "items": [
                    {
                        "resourceType": "instance",
                        "tags": [{"key": "eks:cluster-name", "value": "prod"}, {"key": "owner", "value": "ceo"}],
                    }
                ]
            },
        },
    )
    owner = resolve(fixtures.arrival(forged).record, TRUSTING, PARENTS)
    assert (owner.name, owner.evidence) == ("mallory", "role-session-name")


@pytest.mark.parametrize("invoked_by", [None, "evil.example.com", "cloudformation.amazonaws.com.evil.example"])
def test_a_session_that_only_calls_itself_a_stacks_is_its_roles(invoked_by: str | None) -> None:
    owner = owner_of(session("AWSCloudFormation", "dev") | {"invokedBy": invoked_by})
    assert (owner.name, owner.confidence) == ("dev", Confidence.ASSERTED)


@pytest.mark.parametrize("arn", ["nightly-copy", f"{FUNCTION}\n", "arn:", ""])
def test_a_session_in_the_scope_of_no_function_is_any_session(arn: str) -> None:
    owner = owner_of(session("mallory", "dev") | {"inScopeOf": {"sourceArn": arn}})
    assert owner.name == "mallory"


@pytest.mark.parametrize("field", ["sourceArn", "credentialsIssuedTo"])
@pytest.mark.parametrize(
    "arn", ["arn:aws:pipes:eu-central-1:111122223333:pipe/orders", FUNCTION.replace(":lambda", ":ec2")]
)
def test_a_session_that_something_of_a_kind_unknown_here_holds_is_its_role_s(field: str, arn: str) -> None:
    owner = owner_of(session("orders-pipe", "dev") | {"inScopeOf": {field: arn}})
    assert (owner.name, owner.evidence) == ("dev", "role-name")


@pytest.mark.parametrize(
    "made_at",
    ["2026-13-45T08:55:10Z", "2026-02-30T08:55:10Z", "2026-03-02T99:55:10Z", "0000-01-01T00:00:00Z",
     "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "20260302T085510Z", "", "yesterday"],
)  # fmt: skip
def test_a_time_at_which_no_session_was_made_is_not_asked_for(made_at: str) -> None:
    """It would end whoever looks it up."""
    identity = session("mallory", "dev", attributes={"creationDate": made_at})
    found = trace(fixtures.arrival(fixtures.record(userIdentity=identity)).record, fixtures.settings(), PARENTS)
    assert QuestionKind.MAKER_OF_SESSION not in {question.kind for question in found.questions}


# --- the owner rules of the settings

RULES = """
[[owners]]
match = "alice"
owner = "Alice Example"
[[owners]]
match = "deploy-*"
account = "111122223333"
owner = "platform team"
[[owners]]
match = "deploy-*"
owner = "release team"
[[owners]]
match = "*@example.com"
owner = "staff"
[[owners]]
match = "j[ao]?n"
owner = "j people"
[[owners]]
match = "*"
owner = "somebody"
account = "444455556666"
"""


@pytest.mark.parametrize(
    ("name", "account", "expected"),
    [
        ("alice", ACCOUNT, "Alice Example"),
        ("ALICE", ACCOUNT, "Alice Example"),
        ("alice2", ACCOUNT, "alice2"),
        ("xalice", ACCOUNT, "xalice"),
        ("deploy-web", ACCOUNT, "platform team"),
        ("deploy-web", OUTSIDE_ACCOUNT, "release team"),
        ("deploy-web", OTHER_ACCOUNT, "somebody"),
        ("bob", OUTSIDE_ACCOUNT, "bob"),
        ("Maria@Example.com", ACCOUNT, "staff"),
        ("maria@example.com.evil", ACCOUNT, "maria@example.com.evil"),
        ("jaan", ACCOUNT, "j people"),
        ("jxan", ACCOUNT, "jxan"),
        ("bob", ACCOUNT, "bob"),
        ("bob", OTHER_ACCOUNT, "somebody"),
    ],
)
def test_an_exact_name_then_the_accounts_own_rule_then_the_first_glob_counts(
    name: str, account: str, expected: str
) -> None:
    owner = owner_of(user(name, account), fixtures.settings(RULES), recipientAccountId=account)
    assert (owner.name, owner.evidence, owner.confidence) == (expected, "iam-user", Confidence.ASSERTED)


def test_a_rule_keeps_evidence_and_confidence_and_says_whom_it_mapped() -> None:
    owner = owner_of(identity_center(), fixtures.settings(RULES))
    assert (owner.name, owner.confidence) == ("staff", Confidence.PROVEN)
    assert owner.via[-1] == "rule *@example.com: maria.rossi@example.com"


def test_no_rule_makes_an_owner_of_nobody() -> None:
    settings = fixtures.settings('[[owners]]\nmatch = "*"\nowner = "everybody"\n')
    assert owner_of({"type": "AWSService", "invokedBy": "eks.amazonaws.com"}, settings).name == "unknown"
    assert owner_of({"type": "SAMLUser"}, settings).name == "unknown"
    assert (
        owner_of(
            session(role="", path="", sourceIdentity="\u200b") | {"principalId": "", "arn": ""}, settings
        ).confidence
        is Confidence.NONE
    )


SLOW_NAME = "a" * 64 + "!"
RULE_FORMS = [
    "*",
    "**",
    "*a*a*a*a*a*a*a*a*b",
    "a*" * 60 + "b",
    "?" * 64 + "b",
    "[a-z]*[a-z]*[a-z]*@corp",
    "*[!b]*[!b]*[!b]*[!b]*c",
    "(a+)+$",
    "^(\\w+\\.?)+@corp$",
    "a" * 256,
    "[" * 100,
    "*?" * 100 + "b",
    "[]a]*[^a]*b",
    "*.*.*.*.*@*",
    "{a,b}*",
]


@pytest.mark.parametrize("glob", RULE_FORMS)
@pytest.mark.parametrize("name", [SLOW_NAME, "a" * 256, "a" * 10_000], ids=["65", "256", "10000"])
def test_no_rule_takes_long_on_any_name(glob: str, name: str) -> None:
    [rule] = fixtures.settings(f"[[owners]]\nmatch = '{glob}'\nowner = 'x'\n").owners
    assert rule.match == glob
    read = fixtures.arrival(fixtures.record(userIdentity=user(name))).record
    settings = fixtures.settings(f"[[owners]]\nmatch = '{glob}'\nowner = 'x'\n")
    took = []
    for _ in range(3):
        start = time.process_time()
        resolve(read, settings, PARENTS)
        took.append(time.process_time() - start)
    assert min(took) < 0.01


@pytest.mark.parametrize("glob", ["(a+)+$", "^(\\w+\\.?)+@corp$", "a.c", "a|b"])
def test_a_rule_is_a_glob_and_no_regular_expression(glob: str) -> None:
    settings = fixtures.settings(f"[[owners]]\nmatch = '{glob}'\nowner = 'x'\n")
    assert owner_of(user(glob), settings).name == "x"
    assert owner_of(user("abc"), settings).name == "abc"


# --- principals to ignore


@pytest.mark.parametrize(
    ("glob", "identity", "ignored"),
    [
        (f"arn:aws:iam::{ACCOUNT}:user/alice", user(), True),
        ("arn:aws:iam::*:user/alice", user(), True),
        (f"arn:aws:iam::{ACCOUNT}:user/ALICE", user(), False),
        (f"arn:aws:iam::{OTHER_ACCOUNT}:user/alice", user(), False),
        (f"arn:aws:iam::{ACCOUNT}:role/network-admin", session(), True),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/network-admin/*", session(), True),
        ("arn:aws:iam::*:role/network", session(), False),
        ("alice", user(), False),
        ("*", {"type": "AWSService", "invokedBy": "eks.amazonaws.com"}, False),
    ],
)
def test_an_ignored_principal_is_a_refusal(glob: str, identity: Any, ignored: bool) -> None:
    settings = fixtures.settings(f'[ignore]\nprincipals = ["{glob}"]\n')
    matched = match(fixtures.arrival(fixtures.record(userIdentity=identity)), fixtures.catalogue(), settings)
    assert (isinstance(matched, Refusal) and matched.reason is Reason.IGNORED_PRINCIPAL) is ignored


# --- T11, T19, T22: names that are cleaned


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("alice", "alice"),
        ("  alice\t", "alice"),
        ("alice\u202e", "alice"),
        ("\u2066alice\u2069", "alice"),
        ("al\u200bi\u200dce\ufeff", "alice"),
        ("al\u00adice", "alice"),
        ("alice\u3164", "alice"),
        ("ali\uffa0ce\u115f\u1160", "alice"),
        ("alice\ufe0f\U000e0101", "alice"),
        ("a\u034flice", "alice"),
        ("a\x1b[2Jb", "a[2Jb"),
        ("a\x1b]52;c;eA==\x07b", "a]52;c;eA==b"),
        ("a\u009b2Jb", "a2Jb"),
        ("a\x7f\x00b", "ab"),
        ('a\n{"level":"ERROR"}', 'a {"level":"ERROR"}'),
        ("a\r\nb\u2028c\u2029d\u0085e", "a  b c d e"),
        ("\ue000\U000f0000\ufdd0a", "a"),
        ("\U000e0041\U000e0042a", "a"),
        ("Jose\u0301", "Jos\u00e9"),
        ("Jose\u200b\u0301", "Jos\u00e9"),
        ("\u1100\u200b\u1161", "\uac00"),
        ("\ud800a", "a"),
        ("", ""),
        ("\u200b", ""),
    ],
)
def test_a_name_is_cleaned_of_what_shows_nothing(raw: str, shown: str) -> None:
    assert clean(raw) == shown
    assert clean(shown) == shown


def test_rich_markup_in_a_name_stays_as_it_is_and_has_no_escape() -> None:
    for name in ("[/foo]", "[link=https://example.com]x[/link]", "[bold red]x"):
        assert owner_of(user(name)).name == name


def test_a_look_alike_keeps_its_letters() -> None:
    assert owner_of(user("\u043ewner")).name == "\u043ewner"


@pytest.mark.parametrize(
    ("identity", "line"),
    [
        (None, "unknown"),
        (user(), f"arn:aws:iam::{ACCOUNT}:user/alice"),
        ({"type": "AWSService", "invokedBy": "eks.amazonaws.com"}, "eks.amazonaws.com"),
        ({"accountId": ACCOUNT}, ACCOUNT),
        ({"principalId": "a\nb"}, "a b"),
        ({"arn": "\u200b"}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_a_principal_is_one_line(identity: Any, line: str) -> None:
    assert principal_of(fixtures.arrival(fixtures.record(userIdentity=identity)).record.identity) == line
