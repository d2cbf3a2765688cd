"""What a catalogue row says: which event creates what, where the ids stand, and which call tags it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct


class QuestionKind(StrEnum):
    """What can be asked for. Each kind has one look-up."""

    ACCOUNT = "account"
    INSTANCES_BY_RESERVATION = "instances-by-reservation"
    INSTANCES_BY_CLIENT_TOKEN = "instances-by-client-token"  # noqa: S105 - no password
    LAUNCHES = "launches"
    RESERVATIONS = "reservations"
    TAGS = "tags"
    BIRTH = "birth"
    SNAPSHOTS_OF_IMAGE = "snapshots-of-image"
    PARTS_OF_VPC = "parts-of-vpc"
    INTERFACES_OF_NAT_GATEWAY = "interfaces-of-nat-gateway"
    OWNER_OF_RESOURCE = "owner-of-resource"
    MAKER_OF_SESSION = "maker-of-session"
    IDENTITY_CENTER_USER = "identity-center-user"
    OWNER_OF_ACCOUNT = "owner-of-account"


#: The read actions that each kind of question needs in an account.
ACTIONS: Mapping[QuestionKind, tuple[str, ...]] = {
    QuestionKind.INSTANCES_BY_RESERVATION: ("ec2:DescribeInstances",),
    QuestionKind.INSTANCES_BY_CLIENT_TOKEN: ("ec2:DescribeInstances",),
    QuestionKind.LAUNCHES: ("cloudtrail:LookupEvents",),
    QuestionKind.RESERVATIONS: ("ec2:DescribeInstances",),
    QuestionKind.TAGS: ("ec2:DescribeTags",),
    QuestionKind.BIRTH: ("ec2:DescribeSnapshots", "ec2:DescribeVolumes"),
    QuestionKind.SNAPSHOTS_OF_IMAGE: ("ec2:DescribeImages",),
    QuestionKind.PARTS_OF_VPC: (
        "ec2:DescribeNetworkAcls",
        "ec2:DescribeRouteTables",
        "ec2:DescribeSecurityGroups",
    ),
    QuestionKind.INTERFACES_OF_NAT_GATEWAY: ("ec2:DescribeNatGateways",),
    QuestionKind.OWNER_OF_RESOURCE: (
        "autoscaling:DescribeAutoScalingGroups",
        "cloudtrail:LookupEvents",
        "codebuild:ListBuilds",
        "ec2:DescribeLaunchTemplates",
        "ecs:DescribeTasks",
        "ecs:ListClusters",
        "tag:GetResources",
    ),
    QuestionKind.MAKER_OF_SESSION: ("cloudtrail:LookupEvents",),
    QuestionKind.IDENTITY_CENTER_USER: ("identitystore:DescribeUser",),
}

#: What tells of a creation's own parts, where its record does not name them, by the id of what it names.
PARTS = frozenset({QuestionKind.SNAPSHOTS_OF_IMAGE, QuestionKind.PARTS_OF_VPC, QuestionKind.INTERFACES_OF_NAT_GATEWAY})

#: What is asked of the organization; all else is asked in an account.
OF_THE_ORGANIZATION = frozenset({QuestionKind.ACCOUNT, QuestionKind.OWNER_OF_ACCOUNT})


class Lookup(Struct, frozen=True):
    """A describe call that leaves out what is missing: its operation, the filter that takes ids, the path to them."""

    operation: str
    filter: str
    ids: str


class ResourceType(Struct, frozen=True):
    """A kind of resource: how its ARN is built, which ids it has, and which call tells whether one exists."""

    name: str
    service: str
    arn: str
    id: re.Pattern[str]
    tag_api: str
    lookup: Lookup | None = None


#: (keys to a value, the values by which an object is left out), one of them is enough.
Skip = tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]


class Makes(Struct, frozen=True):
    """Where in a record the ids of one type stand. Paths are read by `paths.values_at`.

    What stands at `not_in` in the request was there before. Where the request is left out, or points with `template` to
    where such ids may stand too, only what has one of the values of `new` is known to be made by the call.
    """

    type: ResourceType
    each: tuple[tuple[str, ...], ...]
    id: str | None = None
    skip: Skip = ()
    not_in: tuple[str, ...] | None = None
    template: tuple[str, ...] | None = None
    new: Skip = ()


class CatalogueRow(Struct, frozen=True):
    """One event of the catalogue that creates resources.

    Attributes:
        children: What tells of resources that the call made and its record does not name.
        by_client_token: Whether the launch is looked up by its client token where CloudTrail left out the response.
        by_time: Whether it is looked up by its time, where it has no client token either.
    """

    event_source: str
    event_name: str
    makes: tuple[Makes, ...]
    basis: str
    wrapped: bool = False
    reads_request: bool = False
    owner_account: tuple[tuple[str, ...], ...] = ()
    children: QuestionKind | None = None
    by_client_token: bool = False
    by_time: bool = False
    note: str = ""

    @property
    def questions(self) -> frozenset[QuestionKind]:
        """What its creations can ask for, to find what they made."""
        asked = (
            self.children,
            QuestionKind.INSTANCES_BY_CLIENT_TOKEN if self.by_client_token else None,
            QuestionKind.LAUNCHES if self.by_time else None,
        )
        return frozenset(kind for kind in asked if kind)


class TagApi(Struct, frozen=True):
    """A call that writes tags: its IAM action and how many resources it takes at most."""

    name: str
    action: str
    most: int


class Quota(Struct, frozen=True):
    """AWS's token bucket for each API of an account and Region: how many calls it holds, and how many come a second."""

    size: float
    refill: float


class Catalogue(Struct, frozen=True):
    """Every row by (event source, event name): one event name belongs to many services.

    `quotas` has a glob of operations for each service, in the order in which they are tried.
    """

    rows: Mapping[tuple[str, str], CatalogueRow]
    types: Mapping[str, ResourceType]
    tag_apis: Mapping[str, TagApi]
    quotas: Mapping[str, tuple[tuple[str, Quota], ...]] = {}
