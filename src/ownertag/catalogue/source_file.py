"""What stands in a file of the catalogue: the types, creations and tag APIs as TOML writes them.

A path begins with `response` (responseElements) or `request` (requestParameters). `name[]` goes into a list, or into
the single object that CloudTrail writes instead of a list of one; a key's first letter may be of either case. The newer
form of a record, which wraps the response in `<EventName>Response`, is unwrapped before a path is read.
"""

from __future__ import annotations

from typing import Any

from msgspec import Raw, Struct, field

from ownertag.catalogue.parents_file import ParentsFile


class MakesEntry(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One type that a call makes, and where its ARNs or ids stand.

    Attributes:
        type: A name of `types`.
        when: What tells that the record is of the API that makes this: a path that must be there, one with `!` before
            it that must not, or `path=value|value`. All have to hold.
        arn: Paths to ARNs; the first that finds any counts.
        each: Paths to ids, read where no ARN is found; the first that finds any counts. With `id`, paths to the objects
            that hold an id each. A text with paths in braces puts an id together, such as
            `{request.cluster|default}/{request.name}`.
        id: The key of the id in such an object.
        strip: What stands before an id and does not belong to it, such as `/hostedzone/`; `*/` is all of a URL before
            the name with which it ends.
        skip: An object on the way to the id with one of these values belongs to an AWS service: customers can't tag it.
        not_in: Ids that the request names: those resources were there before.
        template: Where the request points to a template, which may name such ids as well.
        new: With a template, or without the request, only an object with one of these values was made by this call.
    """

    type: str
    when: list[str] = []
    arn: list[str] = []
    each: list[str] = []
    id: str | None = None
    strip: str = ""
    skip: dict[str, list[str]] = {}
    not_in: str | None = None
    template: str | None = None
    new: dict[str, list[str]] = {}


class CreationEntry(Struct, forbid_unknown_fields=True, omit_defaults=True, rename={"traits": "is"}):
    """One event that creates resources.

    Attributes:
        basis: `seen` in a real record, `documented` by AWS, `in-use` by another tagger, or `model`: AWS's models alone.
        source: Where that can be read.
        reason: Why an entry by hand stands there.
        client: The SDK's clients that have the call, with a comma between.
        confidence: How sure the models are: `high`, `medium`, `low`.
        traits: `is` in the file: `job`, `upsert`, `copy`, `batch`, `asynchronous`.
        region: The Region that all records of a global service come from; empty where they come from any.
        new_if: Of an upsert, conditions as in `when`, which hold in an answer if nothing was there before.
        on: Whether it counts; a row of the model alone is on only where it says so.
        off: Why it is left out, whatever it rests on.
        wrapped: The newer form is the one that was seen; a row of the API model alone has it as the rows beside it.
        owner_account: The account of the resource, where the response says it; it has to be the record's.
        children: What tells of the resources that the record does not name: instances-by-reservation (their volumes and
            interfaces), snapshots-of-image, parts-of-vpc or interfaces-of-nat-gateway.
        by_client_token: Where CloudTrail left out the response, instances are looked up by the request's client token.
        by_time: Where there is no client token either, by the launch's time, if no other launch can have made them.
        note: A line for the documentation: what the row leaves out, and why.
    """

    event: str
    makes: list[MakesEntry] = []
    basis: str = "model"
    source: str = ""
    reason: str = ""
    client: str = ""
    confidence: str = ""
    traits: list[str] = []
    new_if: list[str] = []
    region: str = ""
    on: bool = False
    off: str = ""
    wrapped: bool = False
    owner_account: list[str] = []
    children: str = ""
    by_client_token: bool = False
    by_time: bool = False
    note: str = ""

    @property
    def is_on(self) -> bool:
        """Whether it counts."""
        return not self.off and (self.on or self.basis != "model")


class DeletionEntry(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One event that deletes resources: what the creations' rows make.

    Attributes:
        ends: Where its record names them, as `makes` of a creation does; mostly in the request.
        stays: Why they are there for a while yet (a waiting period, a recycle bin) where none of `ends` holds.
        basis: As that of a creation. A deletion counts for the types of rows that are on.
        source: Where that can be read.
        reason: Why an entry by hand stands there.
        client: The SDK's clients that have the call, with a comma between.
        off: Why it is left out.
    """

    event: str
    ends: list[MakesEntry] = []
    stays: str = ""
    basis: str = "model"
    source: str = ""
    reason: str = ""
    client: str = ""
    off: str = ""


class LookupEntry(Struct, forbid_unknown_fields=True):
    """The describe call that leaves out what is missing, for types that come in bulk."""

    operation: str
    filter: str
    ids: str


class TypeEntry(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A type: the form of its ids, the template of its ARNs, its tag API; the file's own count where it has none.

    `paths`: in the ARN a path can stand before the name, which is unique without it, and calls have the name alone.
    """

    id: str = ""
    arn: str = ""
    api: str | None = None
    lookup: LookupEntry | None = None
    paths: bool = False
    reason: str = ""
    source: str = ""


class SourceFile(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The types, creations and deletions of one event source.

    `arn` (with `{type}`) and `api` are those of types that name none.
    An overlay's `reason`, `source` and `on` are those of its entries that have none.
    """

    event_source: str
    types: dict[str, TypeEntry] = {}
    creation: list[CreationEntry] = []
    arn: str = ""
    api: str = ""
    reason: str = ""
    source: str = ""
    on: bool = False
    deletion: list[DeletionEntry] = []


class RecordEntry(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Where a record's request has the resources and the tags, or the keys, if not under the parameter's name."""

    resource: str
    tags: str = ""
    keys: str = ""


class ReadEntry(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The call that reads tags: `core.catalogue_types.TagReading`."""

    operation: str
    action: str
    resource: str = ""
    value: str = "{arn}"
    most: int = 1
    path: str = "Tags"
    form: str = "list"
    key: str = "Key"
    value_key: str = "Value"
    constants: dict[str, Any] = {}
    id: str = ""


class RemoveEntry(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The call that removes tags: `core.catalogue_types.TagRemoval`."""

    operation: str
    action: str
    resource: str = ""
    keys: str = ""
    value: str = "{arn}"
    most: int = 1
    constants: dict[str, Any] = {}
    key_objects: str = ""
    events: list[str] = []
    record: RecordEntry | None = None


class ApiEntry(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A tag API: `core.catalogue_types.TagApi`."""

    client: str = ""
    operation: str = ""
    action: str = ""
    resource: str = ""
    value: str = "{arn}"
    most: int = 1
    tags: str = "Tags"
    form: str = "list"
    key: str = "Key"
    value_key: str = "Value"
    constants: dict[str, Any] = {}
    each_tag: dict[str, str | bool] = {}
    failures: str = ""
    failed_item: str = ""
    failure_code: str = ""
    replaces: bool = False
    merge: str = ""
    event_source: str = ""
    events: list[str] = []
    record: RecordEntry | None = None
    read: ReadEntry | None = None
    remove: RemoveEntry | None = None
    needs: list[str] = []
    iam_resource: str = ""
    iam_keys: bool = True
    reason: str = ""
    source: str = ""


class ApisFile(Struct, forbid_unknown_fields=True):
    """`tag_apis.toml`: tag APIs by name; of derived ones their versions, and which operations are none, and why."""

    apis: dict[str, ApiEntry] = {}
    unclear: dict[str, str] = {}
    botocore: str = ""
    authorization_reference: str = ""


class QuotaEntry(Struct, forbid_unknown_fields=True):
    """A token bucket of AWS: how many calls it holds, how many come a second."""

    size: float
    refill: float


class QuotasFile(Struct, forbid_unknown_fields=True):
    """`quotas.toml`: token buckets by client and operation."""

    quotas: dict[str, dict[str, QuotaEntry]] = {}


class Compiled(Struct):
    """All that counts, joined.

    `watched` are further calls that change tags of such resources: they are read in records, and never made.
    """

    sources: list[SourceFile]
    apis: dict[str, ApiEntry]
    quotas: dict[str, dict[str, QuotaEntry]] = {}
    watched: dict[str, ApiEntry] = {}
    parents: ParentsFile = field(default_factory=ParentsFile)


class ShippedSource(Struct, forbid_unknown_fields=True):
    """What counts of an event source; rows and deletions by the event's name, read when a record first asks for one."""

    event_source: str
    types: dict[str, TypeEntry]
    rows: dict[str, Raw]
    deletions: dict[str, Raw]


class Shipped(Struct, forbid_unknown_fields=True):
    """`compiled.json`, which the function loads: what is in `Compiled`."""

    sources: list[ShippedSource]
    apis: dict[str, ApiEntry]
    quotas: dict[str, dict[str, QuotaEntry]]
    watched: dict[str, ApiEntry]
    parents: ParentsFile
    questions: list[str]
    schema: int
