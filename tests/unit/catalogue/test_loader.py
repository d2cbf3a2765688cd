"""A row that can't be used is refused with advice; every row that ships fits the service's own model."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, NamedTuple

import botocore.session
import jmespath
import pytest
from botocore.model import ListShape, Shape, StructureShape

from harness import fixtures
from ownertag.catalogue.files import CatalogueError
from ownertag.catalogue.loader import load_catalogue, read_catalogue
from ownertag.core.catalogue_types import CatalogueRow, Quota, ResourceType

FILE = """event_source = "ec2.amazonaws.com"
service = "ec2"
arn = "arn:{partition}:ec2:{region}:{account}:{type}/{id}"

[tagging]
api = "ec2.CreateTags"
action = "ec2:CreateTags"
most = 1000

[types.volume]
id = "vol-[0-9a-f]{8,17}"
lookup = { operation = "DescribeVolumes", filter = "volume-id", ids = "Volumes[].VolumeId" }

[[creation]]
event = "CreateVolume"
basis = "seen"
makes = [{ type = "volume", each = ["response"], id = "volumeId" }]
"""
MAKES = '{ type = "volume", each = ["response"], id = "volumeId" }'


class Wrong(NamedTuple):
    old: str
    new: str
    wrong: str
    right: str


WRONG: dict[str, Wrong] = {
    "no-toml": Wrong("[tagging]", "[tagging", "line 5", ""),
    "no-tagging": Wrong(
        '[tagging]\napi = "ec2.CreateTags"\naction = "ec2:CreateTags"\nmost = 1000\n', "", "", "tagging: is missing"
    ),
    "no-arn": Wrong('arn = "arn:{partition}:ec2:{region}:{account}:{type}/{id}"', "", "", "arn: is missing"),
    "empty-quota": Wrong(
        "[types", "[quotas]\nCreateTags = { size = 0, refill = 1 }\n[types", "quotas.CreateTags", "at least 1"
    ),
    "quota-that-never-fills": Wrong(
        "[types", "[quotas]\nCreateTags = { size = 1, refill = 0 }\n[types", "quotas.CreateTags", "more than 0"
    ),
    "quota-of-no-number": Wrong(
        "[types", "[quotas]\nCreateTags = { size = nan, refill = 1 }\n[types", "quotas.CreateTags", "at least 1"
    ),
    "quota-of-no-operation": Wrong(
        "[types", "[quotas]\ncreateTags = { size = 1, refill = 1 }\n[types", "quotas.createTags", "like CreateTags"
    ),
    "unknown-key-of-a-quota": Wrong(
        "[types",
        "[quotas]\nCreateTags = { size = 1, fill = 1 }\n[types",
        "quotas.CreateTags.fill: unknown key",
        "'refill'",
    ),
    "unknown-table": Wrong("[tagging]", "[tagger]\n[tagging]", ": tagger: unknown key", "did you mean 'tagging'"),
    "event-source": Wrong('"ec2.amazonaws.com"', '"ec2"', "event_source 'ec2'", "like ec2.amazonaws.com"),
    "service": Wrong('service = "ec2"', 'service = "EC2"', "service 'EC2'", "like ec2"),
    "api": Wrong('"ec2.CreateTags"', '"CreateTags"', "tagging.api 'CreateTags'", "like ec2.CreateTags"),
    "action": Wrong('"ec2:CreateTags"', '"ec2.CreateTags"', "tagging.action", "like ec2:CreateTags"),
    "most-of-nothing": Wrong("most = 1000", "most = 0", "tagging.most is 0", "at least 1"),
    "most-as-a-text": Wrong("most = 1000", 'most = "1000"', "tagging.most: is a text", "write a whole number"),
    "arn-without-id": Wrong("{type}/{id}", "{type}", "arn 'arn:", "must name each of account, id, partition"),
    "arn-with-an-end": Wrong("{type}/{id}", "{type}/{id}/", "arn 'arn:", "must end with {id}"),
    "arn-with-an-unknown-field": Wrong("/{id}", "/{id}{name}", "arn 'arn:", "and nothing else"),
    "arn-with-an-attribute": Wrong("{id}", "{id.__class__}", "arn 'arn:", "must name each of"),
    "id-no-pattern": Wrong("vol-[0-9a-f]{8,17}", "vol-[", "types.volume: id 'vol-['", "no regular expression"),
    "id-of-nothing": Wrong("vol-[0-9a-f]{8,17}", "[a-z0-9-]*", "also matches ''", "the form that AWS gives ids"),
    "id-of-anything": Wrong("vol-[0-9a-f]{8,17}", ".+", "also matches ' '", "the form that AWS gives ids"),
    "id-of-a-wildcard": Wrong("vol-[0-9a-f]{8,17}", "[^ ]+", "also matches '*'", "the form that AWS gives ids"),
    "unknown-key-of-a-type": Wrong("lookup = {", "look = {", "types.volume.look: unknown key", "did you mean 'lookup'"),
    "unknown-key-of-a-lookup": Wrong(
        'filter = "', 'filters = "', "types.volume.lookup.filters: unknown key", "did you mean 'filter'"
    ),
    "unknown-key-of-a-row": Wrong(
        'basis = "seen"', 'basis = "seen"\nnotes = "x"', "CreateVolume.notes: unknown key", "'note'"
    ),
    "unknown-key-like-none": Wrong(
        'basis = "seen"', 'basis = "seen"\nzzz = 1', "CreateVolume.zzz: unknown key", "there are event, basis"
    ),
    "unknown-key-of-makes": Wrong(
        'id = "volumeId"', 'ids = "volumeId"', "CreateVolume.makes[0].ids: unknown key", "'id'"
    ),
    "no-basis": Wrong('basis = "seen"\n', "", "CreateVolume.basis", "is missing"),
    "wrong-basis": Wrong('basis = "seen"', 'basis = "sen"', "CreateVolume: basis 'sen'", "in-use, model, seen"),
    "no-event": Wrong('event = "CreateVolume"', 'event = ""', "event ''", "like RunInstances"),
    "odd-event": Wrong(
        'event = "CreateVolume"', 'event = "Create Volume"', "event 'Create Volume'", "like RunInstances"
    ),
    "makes-nothing": Wrong(f"makes = [{MAKES}]", "makes = []", "CreateVolume: makes nothing", "or drop the row"),
    "makes-no-type": Wrong('type = "volume"', 'type = "vol"', "makes type 'vol'", "has no [types.vol]"),
    "no-path": Wrong('each = ["response"]', "each = []", "each names no path to the volume", "such as response.volume"),
    "path-as-a-text": Wrong(
        'each = ["response"]', 'each = "response"', "makes[0].each: is a text", "write a list of texts"
    ),
    "path-from-nowhere": Wrong(
        'each = ["response"]', 'each = ["volumes[]"]', "path 'volumes[]'", "like response.instancesSet"
    ),
    "path-with-an-end": Wrong('each = ["response"]', 'each = ["response."]', "path 'response.'", "must be like"),
    "path-with-an-index": Wrong(
        'each = ["response"]', 'each = ["response.x[0]"]', "path 'response.x[0]'", "must be like"
    ),
    "path-with-a-newline": Wrong('each = ["response"]', 'each = ["response\\n"]', "path 'response\\n'", "must be like"),
    "id-with-a-way": Wrong(
        'id = "volumeId"', 'id = "volume.volumeId"', "id 'volume.volumeId'", "put the way to it into each"
    ),
    "id-empty": Wrong('id = "volumeId"', 'id = ""', "id ''", "must be one key"),
    "skip-of-nothing": Wrong(
        'id = "volumeId"', 'id = "volumeId", skip = { a = [] }', "skip 'a'", "write one, or drop it"
    ),
    "skip-as-a-boolean": Wrong(
        'id = "volumeId"', 'id = "volumeId", skip = { a = [true] }', "skip.a[0]", "write a text in quotes"
    ),
    "skip-with-a-path": Wrong(
        'id = "volumeId"', 'id = "volumeId", skip = { "a[]" = ["x"] }', "skip 'a[]'", "keys with dots between"
    ),
    "not-in-from-nowhere": Wrong('id = "volumeId"', 'id = "volumeId", not_in = "x"', "path 'x'", "or request.name"),
    "owner-account-from-nowhere": Wrong(
        'basis = "seen"', 'basis = "seen"\nowner_account = ["ownerId"]', "path 'ownerId'", "must be like"
    ),
    "no-such-children": Wrong(
        'basis = "seen"', 'basis = "seen"\nchildren = "x"', "CreateVolume: children 'x'", "instances-by-reservation"
    ),
    "children-of-another-kind": Wrong(
        'basis = "seen"',
        'basis = "seen"\nchildren = "tags"',
        "children 'tags'",
        "is not one of instances-by-reservation",
    ),
    "by-client-token-of-no-boolean": Wrong(
        'basis = "seen"',
        'basis = "seen"\nby_client_token = "yes"',
        "CreateVolume.by_client_token: is a text",
        "write true or false",
    ),
    "two-rows-for-an-event": Wrong(
        "[[creation]]",
        f'[[creation]]\nevent = "CreateVolume"\nbasis = "seen"\nmakes = [{MAKES}]\n[[creation]]',
        "CreateVolume: has a row already",
        "keep one",
    ),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_wrong_row_is_refused_with_file_and_advice(wrong: Wrong) -> None:
    assert wrong.old in FILE
    with pytest.raises(CatalogueError) as refused:
        read_catalogue([("ec2.toml", FILE.replace(wrong.old, wrong.new, 1))])
    message = str(refused.value)
    assert re.match(r"ec2\.toml(, line \d+)?: ", message)
    assert wrong.wrong in message
    assert wrong.right in message
    assert "\n" not in message


def test_two_files_may_not_claim_the_same() -> None:
    with pytest.raises(CatalogueError, match=r"b\.toml: types\.ec2:volume: stands in another file already; keep one"):
        read_catalogue([("a.toml", FILE), ("b.toml", FILE)])
    with pytest.raises(CatalogueError, match=r"b\.toml: CreateVolume: has a row already"):
        read_catalogue(
            [("a.toml", FILE), ("b.toml", FILE.replace("types.volume", "types.disk").replace('"volume"', '"disk"'))]
        )


def test_a_right_file_is_read() -> None:
    catalogue = read_catalogue([("ec2.toml", FILE)])
    row = catalogue.rows["ec2.amazonaws.com", "CreateVolume"]
    assert [(makes.type.name, makes.each, makes.id) for makes in row.makes] == [
        ("ec2:volume", (("response",),), "volumeId")
    ]
    assert catalogue.types["ec2:volume"].arn == "arn:{partition}:ec2:{region}:{account}:volume/{id}"
    assert catalogue.tag_apis["ec2.CreateTags"].most == 1000


def test_the_order_of_files_changes_nothing() -> None:
    other = FILE.replace("ec2.", "efs.").replace('"ec2', '"efs')
    assert read_catalogue([("a", FILE), ("b", other)]) == read_catalogue([("b", other), ("a", FILE)])


# --- what ships, against botocore's model of the service

CATALOGUE = load_catalogue()
ROWS = tuple(CATALOGUE.rows.values())
TYPES = tuple(CATALOGUE.types.values())


@cache
def model(service: str) -> Any:
    return botocore.session.Session().get_service_model(service)


def service_of(row: CatalogueRow) -> str:
    return row.event_source.removesuffix(".amazonaws.com")


def member(shape: Shape, key: str) -> Shape | None:
    """The member that CloudTrail writes under this key: its name on the wire, with a small first letter."""
    if not isinstance(shape, StructureShape):
        return None
    for name, member in shape.members.items():
        wire = member.serialization.get("name", name)
        if key in {wire[0].lower() + wire[1:], name[0].lower() + name[1:]}:
            return member
    return None


def at(shape: Shape, path: tuple[str, ...]) -> Shape | None:
    """The shape at a path; CloudTrail writes a list as an object with `item` or `items`."""
    here: Shape | None = shape
    for key in path:
        if here is None:
            return None
        if isinstance(here, ListShape):
            if key in {"item", "items"}:
                continue
            if key != "[]":
                return None
            here = here.member
        else:
            here = member(here, key)
    return here


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.event_name)
def test_a_row_is_an_operation_and_its_paths_are_in_its_answer(row: CatalogueRow) -> None:
    operation = model(service_of(row)).operation_model(row.event_name)
    for makes in row.makes:
        for path in makes.each:
            assert path[0] == "response"
            found = at(operation.output_shape, path[1:])
            assert found is not None, path
            if makes.id is not None:
                found = member(found, makes.id)
            assert found is not None, makes.id
            assert found.type_name == "string"
        for keys, _ in makes.skip:
            for path in makes.each:
                ways = (at(operation.output_shape, path[1:length]) for length in range(1, len(path) + 1))
                assert any(way is not None and at(way, keys) is not None for way in ways), keys
    for path in row.owner_account:
        found = at(operation.output_shape, path[1:])
        assert found is not None, path
        assert found.type_name == "string"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.event_name)
def test_a_row_reads_the_owner_wherever_the_answer_names_one(row: CatalogueRow) -> None:
    """T2, T3: of an event that two accounts see, only the owner's copy counts."""
    answer = model(service_of(row)).operation_model(row.event_name).output_shape
    for makes in row.makes:
        for path in makes.each:
            made = at(answer, path[1:])
            if made is not None and member(made, "ownerId"):
                ways = [path[:length] for length in range(1, len(path) + 1)]
                assert {(*way, "ownerId") for way in ways} & set(row.owner_account), path


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.event_name)
def test_a_row_leaves_out_what_the_answer_marks_as_managed(row: CatalogueRow) -> None:
    """C26: what an AWS service runs can't be tagged by customers."""
    answer = model(service_of(row)).operation_model(row.event_name).output_shape
    for makes in row.makes:
        left_out = {keys for keys, _ in makes.skip}
        for path in makes.each:
            made = at(answer, path[1:])
            for keys in (("operator", "managed"), ("requesterManaged",)):
                assert made is None or not at(made, keys) or keys in left_out, keys


@pytest.mark.parametrize("api", CATALOGUE.tag_apis.values(), ids=lambda api: api.name)
def test_a_tag_api_is_an_operation(api: Any) -> None:
    service, operation = api.name.split(".")
    assert operation in model(service).operation_names
    assert api.action.split(":")[1] == operation


def sample(shape: Shape, depth: int = 6) -> Any:
    """An answer that has a text wherever the shape has one."""
    if isinstance(shape, StructureShape) and depth:
        return {name: sample(member, depth - 1) for name, member in shape.members.items()}
    if isinstance(shape, ListShape) and depth:
        return [sample(shape.member, depth - 1)]
    return f"<{shape.name}>" if shape.type_name == "string" else None


@pytest.mark.parametrize("type_", [type_ for type_ in TYPES if type_.lookup], ids=lambda type_: type_.name)
def test_a_lookup_is_a_describe_call_with_that_filter_and_those_ids(type_: ResourceType) -> None:
    assert type_.lookup is not None
    operation = model(type_.service).operation_model(type_.lookup.operation)
    [found] = jmespath.search(type_.lookup.ids, sample(operation.output_shape))
    assert isinstance(found, str)
    documentation = operation.input_shape.members["Filters"].documentation
    assert f"<code>{type_.lookup.filter}</code>" in documentation
    paginators = botocore.session.Session().get_paginator_model(type_.service)
    assert paginators.get_paginator(type_.lookup.operation)


EC2_TYPES = set(model("ec2").shape_for("ResourceType").enum)


@pytest.mark.parametrize("type_", TYPES, ids=lambda type_: type_.name)
def test_a_type_is_one_that_ec2_can_tag(type_: ResourceType) -> None:
    assert type_.name.removeprefix("ec2:") in EC2_TYPES


@pytest.mark.parametrize("type_", TYPES, ids=lambda type_: type_.name)
def test_a_pattern_of_ids_takes_no_more_than_ids(type_: ResourceType) -> None:
    pattern = type_.id
    assert pattern.flags & re.ASCII
    for golden in fixtures.golden():
        for arn in golden.expected.get("resources", []):
            kind, id_ = arn.rpartition(":")[2].split("/")
            if type_.name == f"ec2:{kind}":
                assert pattern.fullmatch(id_)
                for wrong in (
                    f"{id_}\n",
                    f" {id_}",
                    id_.upper(),
                    f"{id_}/x",
                    f"{id_},{id_}",
                    f"{id_}*",
                    "\uff11" + id_,
                ):
                    assert not pattern.fullmatch(wrong)


@pytest.mark.parametrize("type_", TYPES, ids=lambda type_: type_.name)
def test_every_type_is_made_by_a_row(type_: ResourceType) -> None:
    made = {makes.type.name for row in ROWS for makes in row.makes}
    assert type_.name in made | {"ec2:volume", "ec2:network-interface"}


LOOKUPS = "[quotas.cloudtrail]\nLookupEvents = { size = 2, refill = 2 }\n"


def test_quotas_of_services_without_rows_stand_in_a_file_of_their_own() -> None:
    found = read_catalogue([("ec2.toml", FILE), ("quotas.toml", LOOKUPS)])
    assert found.quotas == {"ec2": (), "cloudtrail": (("LookupEvents", Quota(2, 2)),)}
    assert found.rows == read_catalogue([("ec2.toml", FILE)]).rows


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[quotas.cloudtrail]", "[quotas.ec2]", "quotas.ec2: has a file of its own; put its quotas there"),
        ("[quotas.cloudtrail]", "[quotas.CloudTrail]", "quotas.CloudTrail: write the service as the SDK names it"),
        ("LookupEvents", "lookup-events", "quotas.cloudtrail.lookup-events: write an operation like CreateTags"),
        ("size = 2", "size = 0.5", "quotas.cloudtrail.LookupEvents: size must be at least 1"),
        ("refill = 2", "refill = -1", "quotas.cloudtrail.LookupEvents: size must be at least 1, and refill more"),
        ("refill = 2", "rate = 2", "quotas.cloudtrail.LookupEvents.rate: unknown key"),
        ("[quotas.cloudtrail]", "service = 'cloudtrail'\n[quotas.cloudtrail]", "line 1: service: unknown key"),
        ("[quotas", "[quotas", "quotas.toml: "),
    ],
)
def test_a_wrong_file_of_quotas_is_refused_with_advice(old: str, new: str, said: str) -> None:
    text = LOOKUPS.replace(old, new) if old != new else "[quotas"
    with pytest.raises(CatalogueError) as refused:
        read_catalogue([("ec2.toml", FILE), ("quotas.toml", text)])
    assert re.match(r"quotas\.toml(, line \d+)?: ", str(refused.value))
    assert said in str(refused.value)


def test_every_quota_is_of_calls_that_the_service_has() -> None:
    for service, quotas in load_catalogue().quotas.items():
        operations = model(service).operation_names
        for name, _ in quotas:
            assert [operation for operation in operations if fnmatchcase(operation, name)], (service, name)
