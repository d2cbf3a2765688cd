"""A row that can't be used is refused with advice; every row that ships fits the service's own model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from math import nan
from typing import Any, NamedTuple

import botocore.session
import jmespath
import pytest
from botocore.model import ListShape, Shape, StructureShape

from harness import fixtures
from ownertag.catalogue.checked import read_catalogue
from ownertag.catalogue.files import CatalogueError, shipped_text
from ownertag.catalogue.loader import load_catalogue
from ownertag.catalogue.merge import TO_BE_NAMED, as_json, compiled, merge_apis, merge_source, select
from ownertag.catalogue.source_file import Compiled, QuotaEntry
from ownertag.core.catalogue_types import Catalogue, CatalogueRow, ResourceType

FILE = """event_source = "ec2.amazonaws.com"
arn = "arn:{partition}:ec2:{region}:{account}:{type}/{id}"
api = "ec2.CreateTags"
reason = "to read it"
source = "this test"

[types."ec2:volume"]
id = "vol-[0-9a-f]{8,17}"
lookup = { operation = "DescribeVolumes", filter = "volume-id", ids = "Volumes[].VolumeId" }

[[creation]]
event = "CreateVolume"
basis = "seen"
makes = [{ type = "ec2:volume", each = ["response"], id = "volumeId" }]
"""
MAKES = '{ type = "ec2:volume", each = ["response"], id = "volumeId" }'
APIS = """[apis."ec2.CreateTags"]
client = "ec2"
operation = "CreateTags"
action = "ec2:CreateTags"
resource = "Resources"
value = "{id}"
most = 1000
reason = "to read it"
source = "this test"
"""
QUOTAS = {"cloudtrail": {"LookupEvents": QuotaEntry(2, 2)}}


def read(*files: tuple[str, str], apis: str = APIS, quotas: Mapping[str, dict[str, QuotaEntry]] = QUOTAS) -> Catalogue:
    """What files of the overlay come to."""
    sources = [merge_source(name, None, text) for name, text in files]
    return read_catalogue(select(Compiled(sources, merge_apis(None, apis), dict(quotas))))


class Wrong(NamedTuple):
    old: str
    new: str
    wrong: str
    right: str


WRONG: dict[str, Wrong] = {
    "no-toml": Wrong("[types", "[types[", "line", ""),
    "no-arn": Wrong(
        'arn = "arn:{partition}:ec2:{region}:{account}:{type}/{id}"', "", "arn is missing", "ends with {id}"
    ),
    "unknown-table": Wrong("[types", "[tipes.x]\n[types", ": tipes: unknown key", "did you mean 'types'"),
    "no-such-api": Wrong('"ec2.CreateTags"', '"ec2.MakeTags"', "api 'ec2.MakeTags'", "name one, or none"),
    "arn-without-id": Wrong("{type}/{id}", "{type}", "arn 'arn:", "and end with {id}"),
    "arn-with-an-end": Wrong("{type}/{id}", "{type}/{id}/", "arn 'arn:", "and end with {id}"),
    "arn-with-an-unknown-field": Wrong("/{id}", "/{name}{id}", "arn 'arn:", "must be like"),
    "arn-with-an-attribute": Wrong("{id}", "{id.__class__}", "arn 'arn:", "must be like"),
    "type-without-service": Wrong('"ec2:volume"]', '"volume"]', "makes type 'ec2:volume'", "has no [types"),
    "no-id-of-a-type": Wrong('id = "vol-[0-9a-f]{8,17}"\n', "", "id is missing", "the form of its ids"),
    "wrong-basis": Wrong(
        'basis = "seen"', 'basis = "sen"', "CreateVolume: basis 'sen'", "documented, in-use, model, seen"
    ),
    "wrong-trait": Wrong('basis = "seen"', 'basis = "seen"\nis = ["slow"]', "is 'slow'", "asynchronous, batch"),
    "makes-no-type": Wrong(
        'type = "ec2:volume"', 'type = "ec2:vol"', "makes type 'ec2:vol'", 'has no [types."ec2:vol"]'
    ),
    "unknown-key-like-none": Wrong(
        'basis = "seen"', 'basis = "seen"\nzzz = 1', "CreateVolume.zzz: unknown key", "there are event, makes"
    ),
    "composed-of-nothing": Wrong('each = ["response"]', 'each = ["{name}/x"]', "each '{name}/x'", "paths in braces"),
    "condition-of-nothing": Wrong(
        'each = ["response"]', 'when = ["x=1"], each = ["response"]', "when 'x=1'", "!request.name"
    ),
    "arn-path-from-nowhere": Wrong(
        'each = ["response"]', 'arn = ["volumeArn"], each = ["response"]', "path 'volumeArn'", "must be like"
    ),
    "no-reason": Wrong('reason = "to read it"\n', "", "needs a reason and a source", ""),
    "no-source": Wrong('source = "this test"\n', "", "needs a reason and a source", ""),
    "event-source": Wrong('"ec2.amazonaws.com"', '"ec2"', "event_source 'ec2'", "like ec2.amazonaws.com"),
    "id-no-pattern": Wrong("vol-[0-9a-f]{8,17}", "vol-[", "types.ec2:volume: id 'vol-['", "no regular expression"),
    "id-of-nothing": Wrong("vol-[0-9a-f]{8,17}", "[a-z0-9-]*", "also matches ''", "the form that AWS gives ids"),
    "id-of-anything": Wrong("vol-[0-9a-f]{8,17}", ".+", "also matches ' '", "the form that AWS gives ids"),
    "id-of-a-wildcard": Wrong("vol-[0-9a-f]{8,17}", "[^ ]+", "also matches '*'", "the form that AWS gives ids"),
    "unknown-key-of-a-type": Wrong(
        "lookup = {", "look = {", "types.ec2:volume.look: unknown key", "did you mean 'lookup'"
    ),
    "unknown-key-of-a-lookup": Wrong(
        'filter = "', 'filters = "', "types.ec2:volume.lookup.filters: unknown key", "did you mean 'filter'"
    ),
    "unknown-key-of-a-row": Wrong(
        'basis = "seen"', 'basis = "seen"\nnotes = "x"', "CreateVolume.notes: unknown key", "'note'"
    ),
    "unknown-key-of-makes": Wrong(
        'id = "volumeId"', 'ids = "volumeId"', "CreateVolume.makes[0].ids: unknown key", "'id'"
    ),
    "no-event": Wrong('event = "CreateVolume"', 'event = ""', "event ''", "like RunInstances"),
    "odd-event": Wrong(
        'event = "CreateVolume"', 'event = "Create Volume"', "event 'Create Volume'", "like RunInstances"
    ),
    "makes-nothing": Wrong(f"makes = [{MAKES}]", "makes = []", "CreateVolume: makes nothing", "or drop the row"),
    "no-path": Wrong(
        'each = ["response"]', "each = []", "each names no path to the ec2:volume", "such as response.volume"
    ),
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
    **{
        f"source-to-be-replaced-{basis}": Wrong(
            'basis = "seen"', f'basis = "{basis}"\nsource = "{source}"', "CreateVolume: source is to be", "write whose"
        )
        for basis, source in TO_BE_NAMED.items()
    },
    "source-to-be-replaced-of-a-type": Wrong(
        "lookup =", f'source = "{TO_BE_NAMED["seen"]}"\nlookup =', "types.ec2:volume: source is to be", "write whose"
    ),
    "source-to-be-replaced-at-the-head": Wrong(
        '"this test"', f'"{TO_BE_NAMED["seen"]}"', "types.ec2:volume: source is to be", "write whose"
    ),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_wrong_row_is_refused_with_file_and_advice(wrong: Wrong) -> None:
    assert wrong.old in FILE
    with pytest.raises(CatalogueError) as refused:
        read(("ec2.toml", FILE.replace(wrong.old, wrong.new, 1)))
    message = str(refused.value)
    assert re.match(r"(?:overlay/)?ec2\.toml(, line \d+)?: ", message)
    assert wrong.wrong in message
    assert wrong.right in message
    assert "\n" not in message


def test_a_type_stands_in_one_file() -> None:
    other = FILE.replace('"ec2.amazonaws', '"ebs.amazonaws').replace('id = "vol-', 'id = "vol2-')
    with pytest.raises(
        CatalogueError, match=r"ebs\.toml: types\.ec2:volume: is another in ec2\.toml; give both one form"
    ):
        read(("ec2.toml", FILE), ("ebs.toml", other))


def test_two_services_can_make_one_type() -> None:
    other = FILE.replace('"ec2.amazonaws', '"ebs.amazonaws')
    assert set(read(("ec2.toml", FILE), ("ebs.toml", other)).rows) == {
        ("ec2.amazonaws.com", "CreateVolume"),
        ("ebs.amazonaws.com", "CreateVolume"),
    }


def test_a_right_file_is_read() -> None:
    catalogue = read(("ec2.toml", FILE))
    row = catalogue.rows["ec2.amazonaws.com", "CreateVolume"]
    assert [(makes.type.name, makes.each, makes.id) for makes in row.makes] == [
        ("ec2:volume", (("response",),), "volumeId")
    ]
    assert catalogue.types["ec2:volume"].arn == "arn:{partition}:ec2:{region}:{account}:volume/{id}"
    assert catalogue.tag_apis["ec2.CreateTags"].most == 1000


WRONG_APIS: dict[str, Wrong] = {
    "action": Wrong('"ec2:CreateTags"', '"ec2.CreateTags"', "action 'ec2.CreateTags'", "like ec2:CreateTags"),
    "most-of-nothing": Wrong("most = 1000", "most = 0", "most is below 1", "at least 1"),
    "most-as-a-text": Wrong("most = 1000", 'most = "1000"', "most: is a text", "write a whole number"),
    "a-field": Wrong("{id}", "{ids}", "{ids} is no field", "account, arn, dns_suffix, id"),
    "replaces": Wrong("most = 1000", "replaces = true", "replaces all tags", "say in its merge how"),
    "form": Wrong("most = 1000", 'form = "text"', "form must be", "list or map"),
    "resource": Wrong('resource = "Resources"', 'resource = ""', "resource is empty", "name the parameter"),
    "parameter": Wrong('"Resources"', '"Resources.Id"', "resource 'Resources.Id'", "like ResourceArn"),
    "reason": Wrong('reason = "to read it"\n', "", "needs a reason", "and a source"),
}


@pytest.mark.parametrize("wrong", WRONG_APIS.values(), ids=WRONG_APIS)
def test_a_wrong_tag_api_is_refused_with_advice(wrong: Wrong) -> None:
    assert wrong.old in APIS
    with pytest.raises(CatalogueError) as refused:
        read(("ec2.toml", FILE), apis=APIS.replace(wrong.old, wrong.new, 1))
    assert wrong.wrong in str(refused.value)
    assert wrong.right in str(refused.value)


# --- what is derived, and what wins over it

DERIVED = FILE.replace('reason = "to read it"\nsource = "this test"\n', "").replace('basis = "seen"', 'is = ["copy"]')


def test_a_row_of_the_models_alone_is_off_until_an_entry_by_hand_says_what_it_rests_on() -> None:
    by_hand = (
        'event_source = "ec2.amazonaws.com"\n[[creation]]\nevent = "CreateVolume"\nbasis = "documented"\n'
        'reason = "it is documented"\nsource = "EC2 API reference"\n'
    )
    apis = merge_apis(None, APIS)
    alone = Compiled([merge_source("ec2.toml", DERIVED, None)], apis)
    assert not select(alone).sources
    row = read_catalogue(select(Compiled([merge_source("ec2.toml", DERIVED, by_hand)], apis))).rows[
        "ec2.amazonaws.com", "CreateVolume"
    ]
    assert (row.basis, row.source, row.traits) == ("documented", "EC2 API reference", frozenset({"copy"}))
    assert row.makes[0].each == (("response",),)


def test_an_entry_by_hand_turns_a_row_off() -> None:
    by_hand = (
        'event_source = "ec2.amazonaws.com"\n[[creation]]\nevent = "CreateVolume"\noff = "no"\n'
        'reason = "it is one"\nsource = "EC2 API reference"\n'
    )
    seen = DERIVED.replace('is = ["copy"]', 'basis = "seen"')
    assert not select(Compiled([merge_source("ec2.toml", seen, by_hand)], merge_apis(None, APIS))).sources


def test_what_is_compiled_is_what_the_files_say() -> None:
    assert as_json(compiled()).decode() == shipped_text("compiled.json"), "run `make catalogue`"
    assert read_catalogue(compiled()) == load_catalogue()


# --- what ships, against botocore's model of the service

CATALOGUE = load_catalogue()
ROWS = tuple(row for row in CATALOGUE.rows.values() if row.event_source == "ec2.amazonaws.com")
TYPES = tuple(type_ for type_ in CATALOGUE.types.values() if type_.service == "ec2")


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
    assert api.operation in model(api.client).operation_names
    for call in (api.read, api.remove):
        assert call is None or call.operation in model(api.client).operation_names


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
            service, _, _, resource = arn.split(":", 5)[2:]
            kind, _, id_ = resource.partition("/")
            if type_.name == f"{service}:{kind}":
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


@pytest.mark.parametrize(
    ("client", "operation", "quota", "said"),
    [
        ("CloudTrail", "LookupEvents", QuotaEntry(2, 2), "quotas.CloudTrail: write the service as the SDK names it"),
        ("cloudtrail", "lookup-events", QuotaEntry(2, 2), "quotas.cloudtrail.lookup-events: write an operation like"),
        ("cloudtrail", "LookupEvents", QuotaEntry(0.5, 2), "quotas.cloudtrail.LookupEvents: size must be at least 1"),
        ("cloudtrail", "LookupEvents", QuotaEntry(2, -1), "size must be at least 1, and refill more"),
        ("cloudtrail", "LookupEvents", QuotaEntry(nan, 1), "size must be at least 1"),
    ],
)
def test_a_wrong_quota_is_refused_with_advice(client: str, operation: str, quota: QuotaEntry, said: str) -> None:
    with pytest.raises(CatalogueError) as refused:
        read(("ec2.toml", FILE), quotas={client: {operation: quota}})
    assert str(refused.value).startswith("quotas.toml: ")
    assert said in str(refused.value)


def test_every_quota_is_of_calls_that_the_service_has() -> None:
    for service, quotas in load_catalogue().quotas.items():
        operations = model(service).operation_names
        for name, _ in quotas:
            assert [operation for operation in operations if fnmatchcase(operation, name)], (service, name)


MORE = """
[apis."ec2.CreateTagsAnew"]
client = "ec2"
operation = "CreateTagsAnew"
resource = "Resources"
replaces = true
event_source = "ec2.amazonaws.com"
reason = "another call of the same service"
source = "this test"

[apis."rds.AddTagsToResource"]
client = "rds"
operation = "AddTagsToResource"
action = "rds:AddTagsToResource"
event_source = "rds.amazonaws.com"
reason = "of a service without rows"
source = "this test"
"""


def test_another_call_that_tags_what_has_rows_is_watched_and_not_made() -> None:
    found = read(("ec2.toml", FILE), apis=APIS + 'event_source = "ec2.amazonaws.com"\n' + MORE)
    assert set(found.tag_apis) == {"ec2.CreateTags"}
    assert set(found.watched) == {"ec2.CreateTagsAnew"}
