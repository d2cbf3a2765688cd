"""The sandbox's register of access keys, so that every record names the right principal and account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from ownertag.sandbox.calls import Call, Response


@dataclass(frozen=True)
class SandboxActor:
    """A principal with credentials, as CloudTrail describes it.

    Attributes:
        identity: The `userIdentity` of its records, without the access key.
        account: The account in which its calls act.
        expires: When the credentials end; None for long-term ones.
    """

    identity: dict[str, Any]
    account: str
    expires: datetime | None = None
    source_identity: str | None = None

    @property
    def arn(self) -> str:
        """The principal's ARN; a web identity or SAML user has none."""
        return str(self.identity.get("arn", ""))

    @property
    def name(self) -> str:
        """The name of the role behind a session, or of whoever else it is."""
        issuer = self.identity.get("sessionContext", {}).get("sessionIssuer", {})
        return str(issuer.get("userName") or self.identity.get("userName") or self.identity["type"])


@dataclass
class Identities:
    """The register of access keys. Secrets are not checked: nothing here opens anything."""

    role_id: Callable[[str], str]
    _actors: dict[str, SandboxActor] = field(default_factory=dict)

    def add(self, access_key: str, actor: SandboxActor) -> None:
        """Registers credentials that were made outside of STS."""
        self._actors[access_key] = actor

    def get(self, access_key: str | None) -> SandboxActor | None:
        """The principal that has this access key."""
        return self._actors.get(access_key or "")

    def end_sessions(self, name: str) -> None:
        """Ends the time of all credentials that have one, of the role or user of this name."""
        now = datetime.now(UTC)
        for key, actor in self._actors.items():
            if actor.name == name and actor.expires is not None:
                self._actors[key] = replace(actor, expires=now)

    def orphaned(self, actor: SandboxActor) -> bool:
        """Whether the role of a session is gone, or another role has its name by now."""
        issuer = actor.identity.get("sessionContext", {}).get("sessionIssuer", {})
        return issuer.get("type") == "Role" and str(issuer["principalId"]) != self.role_id(issuer["arn"])

    def user_identity(self, actor: SandboxActor, access_key: str | None) -> dict[str, Any]:
        """CloudTrail's `userIdentity` for a call signed with this key, if with any."""
        identity = dict(actor.identity)
        last = {key: identity.pop(key) for key in ("sessionContext", "invokedBy") if key in identity}
        if access_key and not _by_aws(actor):
            identity.setdefault("accessKeyId", access_key)
        return identity | last

    def learn(self, call: Call, caller: SandboxActor | None, answer: Response) -> None:
        """Registers the credentials that an answer of STS gives."""
        if call.service != "sts" or answer.failed:
            return
        root = answer.xml()
        key, expiration = root.findtext(".//Credentials/AccessKeyId"), root.findtext(".//Credentials/Expiration")
        if not key or not expiration:
            return
        expires = datetime.fromisoformat(expiration)
        if call.operation.startswith("AssumeRole"):
            session_name = (root.findtext(".//AssumedRoleUser/Arn") or "").rpartition("/")[2]
            actor = self._role_session(call, caller, session_name, expires)
        elif call.operation == "GetFederationToken" and caller:
            actor = _federated_user(call, caller, expires)
        elif caller:  # GetSessionToken: the same principal, for a while
            actor = SandboxActor(caller.identity, caller.account, expires, caller.source_identity)
        else:
            return
        self._actors[key] = actor

    def _role_session(
        self, call: Call, caller: SandboxActor | None, session_name: str, expires: datetime
    ) -> SandboxActor:
        source = (caller.source_identity if caller else None) or call.params.get("SourceIdentity")
        actor = self.session_of(call.params["RoleArn"], session_name, expires, source)
        if caller and caller.identity["type"] == "WebIdentityUser":
            provider = caller.identity["identityProvider"]
            context = {**actor.identity["sessionContext"], "webIdFederationData": {"federatedProvider": provider}}
            actor = replace(actor, identity={**actor.identity, "sessionContext": context})
        if caller and caller.identity["type"] == "AWSService":
            actor = _assumed_by_service(actor, caller.identity["invokedBy"])
        return actor

    def session_of(
        self, role_arn: str, session_name: str, expires: datetime | None, source_identity: str | None = None
    ) -> SandboxActor:
        """A session of a role; the issuer keeps the role's path, which the session's ARN leaves out."""
        partition, account = role_arn.split(":")[1], role_arn.split(":")[4]
        role, role_id = role_arn.rsplit("/", 1)[1], self.role_id(role_arn)
        context: dict[str, Any] = {
            "sessionIssuer": {
                "type": "Role",
                "principalId": role_id,
                "arn": role_arn,
                "accountId": account,
                "userName": role,
            },
            "attributes": {"creationDate": _time(datetime.now(UTC)), "mfaAuthenticated": "false"},
        }
        if source_identity:
            context["sourceIdentity"] = source_identity
        identity = {
            "type": "AssumedRole",
            "principalId": f"{role_id}:{session_name}",
            "arn": f"arn:{partition}:sts::{account}:assumed-role/{role}/{session_name}",
            "accountId": account,
            "sessionContext": context,
        }
        return SandboxActor(identity, account, expires, source_identity)


def user(account: str, name: str, user_id: str) -> SandboxActor:
    """An IAM user."""
    identity = {
        "type": "IAMUser",
        "principalId": user_id,
        "arn": f"arn:aws:iam::{account}:user/{name}",
        "accountId": account,
        "userName": name,
    }
    return SandboxActor(identity, account)


def root_user(account: str) -> SandboxActor:
    """The root user of an account."""
    arn = f"arn:aws:iam::{account}:root"
    return SandboxActor({"type": "Root", "principalId": account, "arn": arn, "accountId": account}, account)


def aws_service(name: str, account: str) -> SandboxActor:
    """A service of AWS, such as `ec2.amazonaws.com`, where it takes a role of an account."""
    return SandboxActor({"type": "AWSService", "invokedBy": name}, account)


def on_behalf_of(caller: SandboxActor, access_key: str | None, service: str) -> SandboxActor:
    """A caller in whose name a service calls further (seen: CloudFormation without a service role).

    A user has a session then. That a session keeps its access key is memory.
    """
    context = caller.identity.get("sessionContext")
    kept = {"accessKeyId": access_key} if context else {}
    made = {"attributes": {"creationDate": _time(datetime.now(UTC)), "mfaAuthenticated": "false"}}
    identity = {**caller.identity, **kept, "sessionContext": context or made, "invokedBy": service}
    return replace(caller, identity=identity)


def new_key(prefix: str) -> str:
    """An access key id: AKIA for long-term credentials, ASIA for a session."""
    return f"{prefix}{uuid4().hex[:16].upper()}"


def _assumed_by_service(session: SandboxActor, service: str) -> SandboxActor:
    """A session of a role that a service took: for itself, or for an instance, whose metadata service hands it out."""
    if service != "ec2.amazonaws.com":
        return replace(session, identity={**session.identity, "invokedBy": service})
    context = {**session.identity["sessionContext"], "ec2RoleDelivery": "2.0"}
    return replace(session, identity={**session.identity, "sessionContext": context})


def _by_aws(actor: SandboxActor) -> bool:
    """Whether a service acts, or its service-linked role: CloudTrail shows no access key of these (seen)."""
    issuer = actor.identity.get("sessionContext", {}).get("sessionIssuer", {}).get("arn", "")
    return actor.identity["type"] == "AWSService" or ":role/aws-service-role/" in issuer


def _federated_user(call: Call, caller: SandboxActor, expires: datetime) -> SandboxActor:
    name = call.params["Name"]
    issuer = {key: value for key, value in caller.identity.items() if key != "sessionContext"}
    identity = {
        "type": "FederatedUser",
        "principalId": f"{caller.account}:{name}",
        "arn": f"arn:aws:sts::{caller.account}:federated-user/{name}",
        "accountId": caller.account,
        "sessionContext": {
            "sessionIssuer": issuer,
            "attributes": {"creationDate": _time(datetime.now(UTC)), "mfaAuthenticated": "false"},
        },
    }
    return SandboxActor(identity, caller.account, expires)


def _time(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
