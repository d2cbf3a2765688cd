"""The lists of types: derived and current, by hand with reasons, and each path stands in what AWS's models say."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from typing import Any

import jmespath
import pytest
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from derive import lists, models
from derive.reference import FOLDER
from ownertag.aws.sessions import INVENTORY_CLIENTS
from ownertag.catalogue.files import CatalogueError, shipped_text
from ownertag.catalogue.lists import LISTS, as_json, joined, shipped_lists
from ownertag.catalogue.loader import load_catalogue

BY_HAND = tomllib.loads(shipped_text("overlay/lists.toml"))["lists"]
LISTED = {name: entry for name, entry in shipped_lists().items() if not entry.none}


def example(shape: Shape | None, above: tuple[str, ...] = ()) -> Any:
    """Something of a shape: one item in each list, every member in each structure."""
    if shape is None or above.count(shape.name) > 1:
        return None
    within = (*above, shape.name)
    if isinstance(shape, StructureShape):
        return {name: example(member, within) for name, member in shape.members.items()}
    if isinstance(shape, ListShape):
        return [example(shape.member, within)]
    if isinstance(shape, MapShape):
        return {"key": example(shape.value, within)}
    return "text" if isinstance(shape, StringShape) else 1


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the service authorization reference is not installed")
def test_the_file_is_current() -> None:
    assert lists.text() == shipped_text("generated/lists.toml"), "run `python -m derive.lists`"


def test_what_is_shipped_is_what_is_joined() -> None:
    assert as_json(joined(load_catalogue().types)).decode() == shipped_text(LISTS), "run `make catalogue`"


def test_each_entry_by_hand_has_a_reason_and_a_source() -> None:
    assert all(entry["reason"] and entry["source"] for entry in BY_HAND.values())


@pytest.mark.parametrize("name", sorted(LISTED))
def test_each_path_stands_in_the_answer_and_each_parameter_in_the_request(name: str) -> None:
    entry = LISTED[name]
    operation = models.operation(entry.client, entry.operation)
    [item, *_] = jmespath.search(_unfiltered(entry.items), example(operation.output_shape))
    if entry.detail:
        detail = models.operation(entry.client, entry.detail.operation)
        assert jmespath.search(entry.detail.value, item)
        assert detail.input_shape is not None
        assert {entry.detail.parameter, *entry.detail.parameters} <= detail.input_shape.members.keys()
        item = jmespath.search(entry.detail.answer, example(detail.output_shape))
    for path in filter(None, (entry.id, entry.owner, entry.tags, _unfiltered(entry.made_at), entry.made_by)):
        if not (path == entry.id and entry.arn and jmespath.search(entry.arn, item)):
            assert jmespath.search(path, item) is not None, path
    assert all(jmespath.search(path, item) is not None for path in entry.gone)
    asked = operation.input_shape.members if operation.input_shape else {}
    assert all(parameter in asked for call in entry.calls for parameter in call.parameters)
    if not models.can_paginate(entry.client, entry.operation):
        told = operation.output_shape.members if operation.output_shape else {}
        tokens = [member for member in told if re.fullmatch(r"(?i)(next)?_?(page)?(token|marker)", member)]
        assert bool(tokens) == bool(entry.pages), tokens
        assert entry.page_size == 0


def _unfiltered(path: str) -> str:
    """A path without what it asks of items: an example has other values."""
    return re.sub(r"\[\?[^]]*\]", "[]", path)


def test_a_list_that_stands_in_another_comes_with_it() -> None:
    for name, entry in LISTED.items():
        assert entry.within in {"", *LISTED}, name
        assert not entry.by_aws_if_in or entry.by_aws_if_in[0] in LISTED, name


def test_a_type_that_has_no_list_yet_says_what_to_do() -> None:
    assert "make catalogue" in joined(["mines:shaft"])["mines:shaft"].none


def test_a_list_that_cannot_be_used_is_refused() -> None:
    texts = {"generated/lists.toml": "", "overlay/lists.toml": '[lists."sqs:queue"]\nclient = "sqs"\n'}
    with pytest.raises(CatalogueError, match="the catalogue has no such type"):
        joined(["sns:topic"], texts.__getitem__)
    with pytest.raises(CatalogueError, match="needs a reason and a source"):
        joined(["sqs:queue"], texts.__getitem__)
    texts["overlay/lists.toml"] += 'reason = "x"\nsource = "y"\n'
    with pytest.raises(CatalogueError, match="needs operation, or says `none`"):
        joined(["sqs:queue"], texts.__getitem__)


def test_the_clients_of_a_region_are_kept_until_all_its_accounts_are_listed() -> None:
    """Beside those of the lists: EC2, CloudTrail and the tagging API."""
    clients = {entry.client for entry in LISTED.values()} | {"ec2", "cloudtrail", "resourcegroupstaggingapi"}
    assert 80 < len(clients) <= INVENTORY_CLIENTS


def test_the_start_of_the_function_reads_no_list() -> None:
    code = (
        "import sys\nfrom ownertag.catalogue.loader import load_catalogue\nload_catalogue()\n"
        "assert 'ownertag.catalogue.lists' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
