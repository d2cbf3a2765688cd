"""What a catalogue row says: which event creates what, where the ids stand, and which call tags it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any

from msgspec import Struct

from ownertag.core.parents import Parents
from ownertag.core.paths import Condition, Path, Skip
from ownertag.core.uncovered import NOTHING_UNCOVERED, Uncovered


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

#: The SDK's clients of actions above, where IAM calls the service otherwise.
CLIENTS: Mapping[str, str] = {"tag": "resourcegroupstaggingapi"}

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
    """A kind of resource: how its ARN is built, which ids it has, and which call tags it.

    `arn` is a template that ends with `{id}`; `id_form` is the regular expression of what stands there. `tag_api` is
    empty where AWS tags no such resource: the ledger alone keeps whose it is. `paths`: in the ARN a path can stand
    before the name, which is unique without it, and calls have the name alone.
    """

    name: str
    service: str
    arn: str
    id_form: str
    tag_api: str
    lookup: Lookup | None = None
    paths: bool = False

    @property
    def id(self) -> re.Pattern[str]:
        """The pattern of an id. It is made when it is first asked for: a start does not wait for hundreds."""
        return _pattern(self.id_form)


@lru_cache(maxsize=4096)
def _pattern(form: str) -> re.Pattern[str]:
    return re.compile(form, re.ASCII)


class Composed(Struct, frozen=True):
    """An id that is put together: `{0}/{1}`, and of each part the path and what stands for it where there is none."""

    form: str
    parts: tuple[tuple[Path, str | None], ...]


class Makes(Struct, frozen=True):
    """Where in a record the ids of one type stand. Paths are read by `paths.values_at`.

    The ARNs at the first of the paths `arns` that has any say it; else the ids at the first of `each`, else what
    `composed` puts together. `when` tells of a name that serves several APIs whether the record is this one's: all
    conditions have to hold. `strip` is what stands before an id that does not belong to it.

    What stands at `not_in` in the request was there before. Where the request is left out, or points with `template` to
    where such ids may stand too, only what has one of the values of `new` is known to be made by the call.
    """

    type: ResourceType
    each: tuple[Path, ...] = ()
    id: str | None = None
    skip: Skip = ()
    not_in: Path | None = None
    template: Path | None = None
    new: Skip = ()
    arns: tuple[Path, ...] = ()
    composed: tuple[Composed, ...] = ()
    when: tuple[Condition, ...] = ()
    strip: str = ""


class CatalogueRow(Struct, frozen=True):
    """One event of the catalogue that creates resources.

    Attributes:
        basis: What the row rests on: `seen`, `documented`, `in-use` or `model`.
        source: Where that can be read.
        traits: Of `job`, `upsert`, `copy`, `batch`, `asynchronous`; none of them: something lasting, made at once.
        new_if: Of an upsert, what its answer has if nothing was there before.
        children: What tells of resources that the call made and its record does not name.
        by_client_token: Whether the launch is looked up by its client token where CloudTrail left out the response.
        by_time: Whether it is looked up by its time, where it has no client token either.
        by_request: Whether its request says what it made where the record has no answer.
    """

    event_source: str
    event_name: str
    makes: tuple[Makes, ...]
    basis: str
    wrapped: bool = False
    reads_request: bool = False
    owner_account: tuple[Path, ...] = ()
    children: QuestionKind | None = None
    by_client_token: bool = False
    by_time: bool = False
    by_request: bool = False
    note: str = ""
    source: str = ""
    confidence: str = ""
    client: str = ""
    traits: frozenset[str] = frozenset()
    new_if: tuple[Condition, ...] = ()

    @property
    def questions(self) -> frozenset[QuestionKind]:
        """What its creations can ask for, to find what they made."""
        asked = (
            self.children,
            QuestionKind.INSTANCES_BY_CLIENT_TOKEN if self.by_client_token else None,
            QuestionKind.LAUNCHES if self.by_time else None,
        )
        return frozenset(kind for kind in asked if kind)


class EndingRow(Struct, frozen=True):
    """One event of the catalogue that deletes resources.

    Attributes:
        ends: Where its record names them: of all whose `when` holds, those that it names.
        stays: Why they are there for a while yet, or for good, where none of `ends` holds; empty where none stays.
        basis: What it rests on, as that of a row.
        source: Where that can be read.
    """

    event_source: str
    event_name: str
    ends: tuple[Makes, ...]
    stays: str = ""
    basis: str = "model"
    source: str = ""


class TagRecord(Struct, frozen=True):
    """Where the request of a tag call's record has the resources, and the tags that it writes or keys it removes."""

    resource: str
    tags: str = ""
    keys: str = ""


class TagReading(Struct, frozen=True):
    """The call that reads the tags of a resource; `path` leads to them in its answer. Fields as those of `TagApi`.

    Where a call takes several resources, `id` is the key by which its answer says whose tags they are, with the path to
    the objects before it.
    """

    operation: str
    action: str
    resource: str
    value: str
    most: int
    path: str
    form: str
    key: str
    value_key: str
    constants: Mapping[str, Any]
    id: str


class TagRemoval(Struct, frozen=True):
    """The call that removes tags by their keys; in `key_objects`, each key stands in an object under this name.

    `keys` is empty where the call removes all there are.
    """

    operation: str
    action: str
    resource: str
    keys: str
    value: str
    most: int
    constants: Mapping[str, Any]
    key_objects: str
    events: tuple[str, ...]
    record: TagRecord | None


class TagApi(Struct, frozen=True):
    """A call that writes tags, as data: no code knows one of them.

    Attributes:
        client: The SDK's client.
        resource: The parameter that names the resource, with `[]` a list of them; empty where each tag names it.
        value: What is put there, of the fields `{arn}`, `{id}`, `{name}` (the id's last part), `{path}` (the id, with a
            slash before it where it has one inside), `{region}`, `{account}`, `{partition}` and `{dns_suffix}`.
        most: How many resources a call takes.
        tags: The parameter of the tags; a dot goes into an object.
        form: `list` of objects with `key` and `value_key`, or `map`.
        constants: Other parameters, with the same fields.
        each_tag: What is put into each tag.
        failures: The path in the answer to failures of single resources; `failed_item` names the resource, `@key` is
            the key of a map, and `failure_code` the error.
        merge: Why nothing is lost, where the call replaces all tags.
        event_source: Whose records show the call; `events` their names, where they are not the operation's.
        record: Where these records have the resources and tags, if not under the names of the parameters.
        iam_resource: The template of the ARN that IAM is asked about, where it is not the resource's own; `*` where the
            action names no resource types.
        iam_keys: Whether IAM can compare the keys of a call, by `aws:TagKeys` (service authorization reference).
        needs: Further actions without which the SDK can't make the call.
    """

    name: str
    client: str
    operation: str
    action: str
    resource: str
    value: str
    most: int
    tags: str
    form: str
    key: str
    value_key: str
    constants: Mapping[str, Any]
    each_tag: Mapping[str, str | bool]
    failures: str
    failed_item: str
    failure_code: str
    replaces: bool
    merge: str
    event_source: str
    events: tuple[str, ...]
    record: TagRecord | None
    read: TagReading | None
    remove: TagRemoval | None
    iam_resource: str = ""
    iam_keys: bool = True
    needs: tuple[str, ...] = ()


class TagForm(Struct, frozen=True):
    """One form of a tag call's records: `core.tag_calls` reads them.

    Attributes:
        writes: Whether it is about tags that are written, or keys that are removed.
        resource: The path to the resources in the request.
        tags: The path to the tags or keys; empty where all are removed.
        is_map: Whether the tags are a map.
        all_others: Whether what is not written is removed.
        words: Parameters with the word that they have.
        apis: The tag APIs whose calls have this form.
    """

    writes: bool
    resource: tuple[str, ...]
    tags: tuple[str, ...]
    is_map: bool = False
    all_others: bool = False
    words: tuple[tuple[str, str], ...] = ()
    apis: tuple[str, ...] = ()


class Quota(Struct, frozen=True):
    """AWS's token bucket for each API of an account and Region: how many calls it holds, and how many come a second."""

    size: float
    refill: float


class Catalogue(Struct, frozen=True):
    """Every row by (event source, event name): one event name belongs to many services.

    `quotas` has a glob of operations for each client, in the order in which they are tried. `watched` are calls that
    change tags of such resources and are never made, beside those of `tag_apis`. `tag_calls` has what records of all
    these show, by (event source, event name). `parents` are the types that stand behind what machines make.
    `uncovered` tells what makes something and has no row here. `endings` are the events that delete what rows make.
    `questions` is what the rows can ask for, to find what they made: rows are read when a record asks for one.
    """

    rows: Mapping[tuple[str, str], CatalogueRow]
    types: Mapping[str, ResourceType]
    tag_apis: Mapping[str, TagApi]
    quotas: Mapping[str, tuple[tuple[str, Quota], ...]] = {}
    watched: Mapping[str, TagApi] = {}
    tag_calls: Mapping[tuple[str, str], tuple[TagForm, ...]] = {}
    parents: Parents = Parents()
    uncovered: Uncovered = NOTHING_UNCOVERED
    endings: Mapping[tuple[str, str], EndingRow] = {}
    questions: frozenset[QuestionKind] = frozenset()

    def client_of(self, type_name: str) -> str:
        """The client that tags resources of a type; empty where none does."""
        api = self.types[type_name].tag_api
        return self.tag_apis[api].client if api else ""
