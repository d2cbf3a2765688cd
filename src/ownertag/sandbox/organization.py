"""The organization before ownertag, in moto's own state: its principals, and the AWS config file that leads to them.

What AWS Organizations, IAM and STS would do is done with their real calls through the sandbox's endpoint; only accounts
with chosen numbers, root keys and Identity Center sessions, for which there is no such call, are put in directly.
"""

from __future__ import annotations

import configparser
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import botocore.session
from botocore.loaders import Loader
from moto.iam.models import iam_backends
from moto.organizations.models import FakeAccount, organizations_backends

from ownertag.sandbox.identities import Identities, SandboxActor, new_key, root_user, user
from ownertag.sandbox.personas import (
    ACCOUNTS,
    HOME_REGION,
    HUB,
    HUB_ROLE,
    MANAGEMENT,
    MEMBERS,
    PERSONAS,
    Persona,
    PrincipalKind,
)

#: Secrets are not checked here, but clients want one.
SECRET = "sandbox"  # noqa: S105 - opens nothing
SESSION = timedelta(hours=12)

#: The unit of the members, and the role that AWS makes in each of them.
UNIT = "workloads"
ACCESS_ROLE = "OrganizationAccountAccessRole"
TRAIL = "organization"
TRAIL_BUCKET = "organization-trail-111111111111"

Keys = dict[str, str]


class SandboxOrganization:
    """Accounts, roles and credentials of the sandbox.

    Args:
        identities: The register that the credentials go into.
    """

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._admins = {account: self._admit(root_user(account), "AKIA") for account in ACCOUNTS}
        self._keys: dict[str, Keys] = {}
        self._base: dict[str, str] = {}
        self.id = ""
        self.unit = ""
        # The AWS CLI keeps a role's credentials in the user's home, by the parameters of the call: with an external id
        # of its own, a sandbox is not asked with the keys of an earlier one.
        self.external_id = uuid4().hex
        self.hub_keys: Keys = {}

    def admin(self, account: str) -> Keys:
        """Credentials of an account's root user."""
        return self._admins[account]

    def persona(self, name: str) -> Keys:
        """Credentials of a persona, or of the user from whom it assumes its role."""
        return self._keys[name]

    def found(self, endpoint_url: str) -> None:
        """Creates the organization, its roles and the personas."""
        self._endpoint_url = endpoint_url
        management = self._client("organizations", MANAGEMENT)
        self.id = management.create_organization(FeatureSet="ALL")["Organization"]["Id"]
        root = management.list_roots()["Roots"][0]["Id"]
        self.unit = management.create_organizational_unit(ParentId=root, Name=UNIT)["OrganizationalUnit"]["Id"]
        self._add_accounts()
        for account in MEMBERS:
            management.move_account(AccountId=account, SourceParentId=root, DestinationParentId=self.unit)
            self._role(account, ACCESS_ROLE, f"arn:aws:iam::{MANAGEMENT}:root")
        self._start_trail()
        for persona in PERSONAS:
            self._introduce(persona)

    def take_hub_role(self) -> None:
        """Takes credentials of the role that was deployed for the hub's function, as Lambda would give them to it."""
        self.hub_keys = self.role_session(f"arn:aws:iam::{HUB}:role/{HUB_ROLE}", "hub")

    def role_session(self, role_arn: str, session_name: str) -> Keys:
        """Credentials of a role, which a service of AWS takes and hands on; they do not end."""
        return self._admit(self._identities.session_of(role_arn, session_name, None), "ASIA")

    def write_config(self, folder: Path) -> Path:
        """An AWS config file with a profile for each persona, an `admin-` one for each account, and the function's."""
        config = configparser.ConfigParser(interpolation=None)
        common = {"endpoint_url": self._endpoint_url, "output": "json", "cli_pager": ""}
        for persona in PERSONAS:
            section = {"region": persona.region, **common}
            if persona.name in self._base:
                source = f"{persona.name}-user"
                config[f"profile {source}"] = {"region": persona.region, **common, **self._keys[persona.name]}
                section |= {"role_arn": self._base[persona.name], "source_profile": source}
                section["external_id"] = self.external_id
                if persona.session:
                    section["role_session_name"] = persona.session
            else:
                section |= self._keys[persona.name]
            config[f"profile {persona.name}"] = section
        for account, name in ACCOUNTS.items():
            keys = {"aws_account_id": account, **self._admins[account]}
            config[f"profile admin-{name}"] = {"region": "us-east-1", **common, **keys}
        if self.hub_keys:
            config["profile hub"] = {"region": HOME_REGION, **common, **self.hub_keys}
        path = folder / "config"
        path.touch(mode=0o600)
        with path.open("w") as file:
            config.write(file)
        return path

    def _introduce(self, persona: Persona) -> None:
        """Makes a persona's credentials, by the calls that such a principal would make."""
        account = persona.account
        role_arn = f"arn:aws:iam::{account}:role/{persona.role}"
        if persona.role:
            self._role(account, persona.role, f"arn:aws:iam::{account}:root")
        match persona.kind:
            case PrincipalKind.USER:
                self._keys[persona.name] = self._user(account, persona.name)
            case PrincipalKind.ROOT:
                self._keys[persona.name] = self._admins[account]
            case PrincipalKind.IDENTITY_CENTER:
                expires = datetime.now(UTC) + SESSION
                actor = self._identities.session_of(role_arn, persona.session or "", expires)
                self._keys[persona.name] = self._admit(actor, "ASIA")
            case PrincipalKind.SOURCE_IDENTITY:
                sts = self._client("sts", account, self._user(account, f"{persona.name}-user"))
                given = sts.assume_role(
                    RoleArn=role_arn, RoleSessionName=persona.session, SourceIdentity=persona.owner
                )["Credentials"]
                self._keys[persona.name] = _keys(given)
            case PrincipalKind.FEDERATED_USER:
                sts = self._client("sts", account, self._user(account, "broker"))
                self._keys[persona.name] = _keys(sts.get_federation_token(Name=persona.name)["Credentials"])
            case PrincipalKind.ROLE_SESSION | PrincipalKind.AUTOMATION:
                self._keys[persona.name] = self._user(account, f"{persona.name}-user")
                self._base[persona.name] = role_arn

    def _user(self, account: str, name: str) -> Keys:
        iam = self._client("iam", account)
        user_id = iam.create_user(UserName=name)["User"]["UserId"]
        return self._admit(user(account, name, user_id), "AKIA")

    def _role(self, account: str, path_and_name: str, trusted: str) -> None:
        path, _, name = path_and_name.rpartition("/")
        if _role(f"arn:aws:iam::{account}:role/{path_and_name}") is not None:
            return
        policy = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole"}],
        }
        self._client("iam", account).create_role(
            Path=f"/{path}/" if path else "/", RoleName=name, AssumeRolePolicyDocument=json.dumps(policy)
        )

    def _admit(self, actor: SandboxActor, prefix: str) -> Keys:
        key = new_key(prefix)
        self._identities.add(key, actor)
        keys = {"aws_access_key_id": key, "aws_secret_access_key": SECRET}
        return {**keys, "aws_session_token": SECRET} if prefix == "ASIA" else keys

    def _client(self, service: str, account: str, keys: Keys | None = None) -> Any:
        return sandbox_session(keys or self._admins[account]).client(
            service, region_name="us-east-1", endpoint_url=self._endpoint_url
        )  # type: ignore[call-overload] # any service

    def _start_trail(self) -> None:
        """The organization's trail: without one that logs, EventBridge is sent nothing (doc)."""
        s3, cloudtrail = self._client("s3", MANAGEMENT), self._client("cloudtrail", MANAGEMENT)
        s3.create_bucket(Bucket=TRAIL_BUCKET)
        cloudtrail.create_trail(
            Name=TRAIL,
            S3BucketName=TRAIL_BUCKET,
            IsMultiRegionTrail=True,
            IsOrganizationTrail=True,
            IncludeGlobalServiceEvents=True,
        )
        cloudtrail.start_logging(Name=TRAIL)

    def _add_accounts(self) -> None:
        """Accounts with numbers of our choice: CreateAccount would make them up."""
        backend: Any = organizations_backends[MANAGEMENT]["aws"]
        for account, name in ACCOUNTS.items():
            if account == MANAGEMENT:
                continue
            member = FakeAccount(backend.org, AccountName=name, Email=f"{name}@example.com")
            member.id = account
            backend.accounts.append(member)
            organizations_backends.master_accounts[account] = (MANAGEMENT, "aws")
            backend.attach_policy(PolicyId="p-FullAWSAccess", TargetId=account)


def sandbox_session(keys: Keys, region: str | None = None) -> boto3.Session:
    """A session with these credentials."""
    core = botocore.session.Session()
    core.register_component("data_loader", model_loader())
    return boto3.Session(
        botocore_session=core,
        aws_access_key_id=keys["aws_access_key_id"],
        aws_secret_access_key=keys["aws_secret_access_key"],
        aws_session_token=keys.get("aws_session_token"),
        region_name=region,
    )


class _SandboxLoader(Loader):
    """Reads botocore's models, and has S3 Control called where the sandbox is: 127.0.0.1 has no names before it."""

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        """A model, or rules for endpoints."""
        found = super().load_service_model(service_name, type_name, api_version)
        if (service_name, type_name) != ("s3control", "endpoint-rule-set-1"):
            return found
        return json.loads(json.dumps(found).replace("{AccountId}.{url#authority}", "{url#authority}"))


@cache
def model_loader() -> Any:
    """One reader of botocore's models for all sessions: reading them again is most of the time that starting takes."""
    plain = botocore.session.Session().get_component("data_loader")
    return _SandboxLoader(extra_search_paths=plain.search_paths)


def role_id(role_arn: str) -> str:
    """The unique id of a role, with which the principal ids of its sessions begin."""
    role = _role(role_arn)
    return str(role.id) if role else "AROASANDBOXSANDBOX00"


def role_trust(role_arn: str) -> dict[str, Any] | None:
    """The trust policy of a role, or None if there is no such role."""
    role = _role(role_arn)
    return json.loads(role.assume_role_policy_document) if role else None


def _role(role_arn: str) -> Any:
    account = role_arn.split(":")[4] if role_arn.count(":") == 5 else ""
    roles = iam_backends[account]["aws"].roles.values() if account else ()
    return next((role for role in roles if role.arn == role_arn), None)


def _keys(given: dict[str, Any]) -> Keys:
    return {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }
