"""The behaviour of every port that removes tags: the fake, and the adapter by each service's own call."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from contracts.conftest import MotoStage, Stage
from contracts.emulated import HOME
from contracts.test_tagger import write
from harness import fixtures
from ownertag.core.values import Failure, Resource, Write
from ownertag.sinks.tagging import REMOVES_ALL, TagRemover

BEFORE = (("owner", "alice"), ("team", "green"), ("dateCreated", "today"))
OWNER = (("owner", "alice"),)


def test_the_keys_of_a_write_are_removed_and_all_else_stays(stage: Stage) -> None:
    account = stage.spokes[0]
    stage.add_volumes(account, "vol-0000000a", "vol-0000000b", "vol-0000000c")
    stage.tagger.write(write(account, "vol-0000000a", "vol-0000000b", "vol-0000000c", tags=BEFORE))
    keys = (*OWNER, ("dateCreated", "today"))
    assert stage.remover.write(write(account, "vol-0000000a", "vol-0000000b", tags=keys)) is None
    left = {"team": "green"}
    assert stage.tags() == {(account, HOME): {"vol-0000000a": left, "vol-0000000b": left, "vol-0000000c": dict(BEFORE)}}


def test_what_is_not_there_needs_no_removal(stage: Stage) -> None:
    account = stage.spokes[0]
    stage.add_volumes(account, "vol-0000000a")
    stage.tagger.write(write(account, "vol-0000000a", tags=(("team", "green"),)))
    assert stage.remover.write(write(account, "vol-0000000a", tags=OWNER)) is None
    assert stage.tags() == {(account, HOME): {"vol-0000000a": {"team": "green"}}}


def test_only_the_account_and_region_of_the_write_are_touched(stage: Stage) -> None:
    here, there = stage.spokes
    places = [(here, HOME), (here, "us-east-1"), (there, HOME)]
    for account, region in places:
        stage.add_volumes(account, "vol-0000000a", region=region)
        stage.tagger.write(write(account, "vol-0000000a", region=region, tags=OWNER))
    assert stage.remover.write(write(here, "vol-0000000a", tags=OWNER)) is None
    assert stage.tags() == {place: {"vol-0000000a": dict(OWNER)} for place in places[1:]}


def test_one_bad_id_and_nothing_is_removed(stage: Stage) -> None:
    account = stage.spokes[0]
    stage.add_volumes(account, "vol-0000000a", "vol-0000000b")
    stage.tagger.write(write(account, "vol-0000000a", "vol-0000000b", tags=OWNER))
    stage.fail_ids({"vol-0000000b"})
    assert stage.remover.write(write(account, "vol-0000000a", "vol-0000000b", tags=OWNER)) == Failure("InvalidID", 400)
    assert stage.tags()[account, HOME]["vol-0000000a"] == dict(OWNER)


def test_forbidden_is_a_failure(stage: Stage) -> None:
    stage.deny()
    failure = stage.remover.write(write(stage.spokes[0], "vol-0000000a", tags=OWNER))
    assert isinstance(failure, Failure)
    assert failure.status == 403


# --- the adapter alone


@pytest.mark.parametrize("lacking", ["keys", "call", "tags"])
def test_what_would_remove_every_tag_is_not_called(moto_stage: MotoStage, lacking: str) -> None:
    api = fixtures.catalogue().tag_apis["ec2.CreateTags"]
    assert api.remove is not None
    changed = {"keys": replace(api.remove, keys=""), "call": None, "tags": api.remove}[lacking]
    remover = TagRemover(lambda: moto_stage.sessions, {"ec2.CreateTags": replace(api, remove=changed)})
    resource = Resource(f"arn:aws:ec2:{HOME}:{moto_stage.spokes[0]}:volume/vol-0000000a", "vol-0000000a", "ec2:volume")
    tags = () if lacking == "tags" else OWNER
    assert remover.write(Write(moto_stage.spokes[0], HOME, "ec2.CreateTags", tags, (resource,))) == REMOVES_ALL
    assert not moto_stage.world.wire.counts["DeleteTags"]


def test_a_thousand_resources_are_one_call(moto_stage: MotoStage) -> None:
    account = moto_stage.spokes[0]
    ids = [fixtures.numbered("vol", number) for number in range(300)]
    moto_stage.add_volumes(account, *ids)
    moto_stage.tagger.write(write(account, *ids, tags=OWNER))
    assert moto_stage.remover.write(write(account, *ids, tags=OWNER)) is None
    assert moto_stage.world.wire.counts["DeleteTags"] == 1
    assert moto_stage.tags() == {}
    removal = fixtures.catalogue().tag_apis["ec2.CreateTags"].remove
    assert removal is not None
    assert removal.most == 1000
