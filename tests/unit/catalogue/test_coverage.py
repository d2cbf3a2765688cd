"""All that EC2 can tag at creation is made by a row, or left out with a reason: `-s` prints the numbers.

The list is derived from botocore's model and the service authorization reference (`derive/ec2_creations.py`); a model
that has grown fails here, with what to do.
"""

from __future__ import annotations

import json
import re
from itertools import product

import msgspec
import pytest
from botocore.model import ListShape, ServiceModel, Shape, StructureShape

from derive import ec2_creations
from harness import fixtures
from ownertag.catalogue.coverage import coverage, read_derived
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.catalogue_types import PARTS, Catalogue, CatalogueRow, QuestionKind
from ownertag.core.request_tags import CREATED_BESIDE, created_types
from ownertag.sources.created_beside import DESCRIBE_CALLS

CATALOGUE = load_catalogue()
COVERED = coverage(CATALOGUE)
ROWS = {row.event_name: row for row in CATALOGUE.rows.values() if row.event_source == "ec2.amazonaws.com"}
AGAIN = "run `python -m derive.ec2_creations`, then give each new pair a row in ec2.toml or a reason in overlay/"


def without(event: str) -> Catalogue:
    rows = {key: row for key, row in CATALOGUE.rows.items() if key[1] != event}
    return msgspec.structs.replace(CATALOGUE, rows=rows)


def test_every_pair_is_catalogued_or_denied_with_a_reason() -> None:
    print(f"\nEC2 (botocore {read_derived().botocore}, {read_derived().authorization_reference}): {COVERED}")  # noqa: T201 - `pytest -s` shows the number
    assert sorted(map(str, COVERED.unexplained)) == [], AGAIN
    assert sorted(map(str, COVERED.stale)) == [], "a row makes it, or EC2 can't tag it: take it out of overlay/"
    assert COVERED.pairs == sum(map(len, read_derived().operations.values()))


def test_the_installed_model_has_no_operation_and_no_type_that_the_list_lacks() -> None:
    found = ec2_creations.taking_tags(ec2_creations.model())
    listed = read_derived().operations
    assert found.keys() - listed.keys() == set(), f"EC2's model has grown: {AGAIN}"
    assert listed.keys() - found.keys() == set(), f"EC2's model has shrunk: {AGAIN}"
    new = {name: sorted(types - {*listed[name]}) for name, types in found.items() if types - {*listed[name]}}
    assert new == {}, f"EC2's model names more types: {AGAIN}"


@pytest.mark.skipif(not ec2_creations.REFERENCE.is_dir(), reason="the authorization reference is not there")
def test_the_list_is_what_the_sources_say() -> None:
    actions = json.loads((ec2_creations.REFERENCE / "data/actions/ec2.json").read_text("utf-8"))
    assert ec2_creations.derive(ec2_creations.model(), actions) == read_derived().operations, AGAIN
    assert ec2_creations.takes(actions) == read_derived().types, AGAIN


def test_what_is_named_by_hand_is_named_by_no_source() -> None:
    """A type that a source names by now is the source's to name."""
    found = ec2_creations.taking_tags(ec2_creations.model())
    assert {name for name in ec2_creations.SILENT if found[name]} == set()


def test_the_list_has_every_operation_that_takes_specifications_of_tags() -> None:
    """Whatever the member is called: `PoolTagSpecifications` is one. A template's are written by the launch."""
    ec2 = ec2_creations.model()
    takes = {name for name in ec2.operation_names if "TagSpecificationList" in _shapes(ec2, name)}
    assert takes - read_derived().operations.keys() == set()


def _shapes(ec2: ServiceModel, name: str) -> set[str]:
    """The names of all shapes that a request has."""
    request = ec2.operation_model(name).input_shape
    open_: list[Shape] = [request] if request else []
    seen: set[str] = set()
    while open_:
        shape = open_.pop()
        if shape.name not in seen:
            seen.add(shape.name)
            open_ += [shape.member] if isinstance(shape, ListShape) else []
            open_ += shape.members.values() if isinstance(shape, StructureShape) else []
    return seen


@pytest.mark.parametrize("event", sorted({operation for operation, _ in COVERED.catalogued}))
def test_a_row_less_is_seen(event: str) -> None:
    lost = coverage(without(event)).unexplained
    assert {pair for pair in COVERED.catalogued if pair[0] == event} <= lost


def test_a_reason_for_what_a_row_makes_is_stale() -> None:
    row = ROWS["CreateVolume"]
    extra = msgspec.structs.replace(row, event_name="AcceptAddressTransfer", makes=ROWS["AllocateAddress"].makes)
    rows = {**CATALOGUE.rows, ("ec2.amazonaws.com", "AcceptAddressTransfer"): extra}
    assert coverage(msgspec.structs.replace(CATALOGUE, rows=rows)).stale == {("AcceptAddressTransfer", "elastic-ip")}


def test_what_is_looked_up_beside_a_resource_counts() -> None:
    assert ("CreateImage", "snapshot") in COVERED.catalogued
    assert "ec2:volume" in created_types(ROWS["RunInstances"])
    alone = msgspec.structs.replace(ROWS["CreateImage"], children=None)
    rows = {**CATALOGUE.rows, ("ec2.amazonaws.com", "CreateImage"): alone}
    assert ("CreateImage", "snapshot") in coverage(msgspec.structs.replace(CATALOGUE, rows=rows)).unexplained


@pytest.mark.parametrize("kind", sorted(PARTS))
def test_what_is_looked_up_is_what_the_look_ups_are_for(kind: QuestionKind) -> None:
    """The describe call of each type, or of what shows it."""
    calls = {call.operation.removeprefix("describe_") for call in DESCRIBE_CALLS[kind]}
    shown_by = {"ec2:snapshot": "images"} if kind is QuestionKind.SNAPSHOTS_OF_IMAGE else {}
    if kind is QuestionKind.INTERFACES_OF_NAT_GATEWAY:
        shown_by = {"ec2:network-interface": "nat_gateways"}
    plural = {type_: type_.removeprefix("ec2:").replace("-", "_") + "s" for type_ in CREATED_BESIDE[kind]}
    assert {shown_by.get(type_, plural[type_]) for type_ in CREATED_BESIDE[kind]} == calls


def test_every_question_for_children_has_its_types() -> None:
    assert {row.children for row in ROWS.values() if row.children} <= CREATED_BESIDE.keys()


@pytest.mark.parametrize("row", [row for row in ROWS.values() if row.basis == "model"], ids=lambda row: row.event_name)
def test_a_row_of_the_model_says_so_on_the_page(row: CatalogueRow) -> None:
    page = (fixtures.ROOT / "docs/reference/catalogue.md").read_text("utf-8")
    assert re.search(rf"\| `{row.event_name}` \|[^|]*\| the API model \|", page)


def test_no_id_of_one_type_is_one_of_another() -> None:
    """What a record names must not be read as a thing of another kind."""
    named: dict[str, set[str]] = {}
    for golden in fixtures.golden():
        refused = golden.expected.get("refusal", {}).get("resources", [])
        for arn in (*golden.expected.get("resources", []), *refused):
            if arn.split(":")[2] != "ec2":
                continue
            kind, id_ = arn.rpartition(":")[2].split("/")
            named.setdefault(f"ec2:{kind}", set()).add(id_)
    assert named.keys() == {type_ for row in ROWS.values() for type_ in {makes.type.name for makes in row.makes}}
    own = [type_ for type_ in CATALOGUE.types.values() if type_.service == "ec2"]
    for (kind, ids), type_ in product(named.items(), own):
        taken = [id_ for id_ in ids if type_.id.fullmatch(id_)]
        assert taken == (sorted(ids, key=list(ids).index) if type_.name == kind else []), (kind, type_.name)
