"""The accounts of the sandbox's organization, and one person or machine for each kind of principal."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

HOME_REGION = "eu-central-1"

MANAGEMENT = "111111111111"
HUB = "222222222222"
#: Account ids to names, the management account first.
ACCOUNTS = {
    MANAGEMENT: "management",
    HUB: "security",
    "333333333333": "web",
    "444444444444": "data",
    "555555555555": "research",
    "666666666666": "legacy",
}

MEMBERS = tuple(account for account in ACCOUNTS if account != MANAGEMENT)

TAGGER_ROLE = "auto-tag-role"
HUB_ROLE = "ownertag-hub"


class PrincipalKind(StrEnum):
    """The kind of principal that a persona is."""

    USER = "IAM user"
    IDENTITY_CENTER = "Identity Center session"
    SOURCE_IDENTITY = "role with SourceIdentity"
    ROLE_SESSION = "role session"
    FEDERATED_USER = "federated user"
    ROOT = "root user"
    AUTOMATION = "automation role"


@dataclass(frozen=True)
class Persona:
    """A person or machine that launches things.

    Attributes:
        name: The profile in the AWS config file.
        kind: What kind of principal this is.
        account: Where the persona works.
        region: The Region of the profile.
        role: The role of a session, with its path.
        session: The session's name; None lets the SDK make one up.
        owner: The owner tag that the persona's resources must end up with.
        confidence: How sure that is.
    """

    name: str
    kind: PrincipalKind
    account: str
    region: str
    owner: str
    confidence: str
    role: str = ""
    session: str | None = None


_SSO = "aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_PowerUser_0123456789abcdef"

PERSONAS = (
    Persona("alice", PrincipalKind.USER, "333333333333", "us-east-1", "alice", "asserted"),
    Persona(
        "carol",
        PrincipalKind.IDENTITY_CENTER,
        "444444444444",
        "eu-west-1",
        "carol@example.com",
        "proven",
        _SSO,
        "carol@example.com",
    ),
    Persona(
        "dave",
        PrincipalKind.SOURCE_IDENTITY,
        "555555555555",
        "eu-central-1",
        "dave@example.com",
        "asserted",
        "developer",
        "laptop",
    ),
    # An impostor. Her session's name is her own choice, so she takes carol's: whoever assumed the role counts.
    Persona(
        "erin",
        PrincipalKind.ROLE_SESSION,
        "333333333333",
        "us-west-2",
        "erin-user",
        "inferred",
        "developer",
        "carol@example.com",
    ),
    Persona("frank", PrincipalKind.FEDERATED_USER, "666666666666", "us-east-1", "frank", "asserted"),
    Persona("root-legacy", PrincipalKind.ROOT, "666666666666", "eu-west-1", "root:666666666666", "account"),
    Persona("ci", PrincipalKind.AUTOMATION, "444444444444", "us-east-1", "team-platform", "asserted", "ci-deployer"),
)

#: Where ownertag is deployed: where somebody works, and where global services are recorded.
REGIONS = tuple(sorted({HOME_REGION, "us-east-1", "us-west-2"} | {persona.region for persona in PERSONAS}))
