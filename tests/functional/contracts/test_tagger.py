"""The behaviour of every `TagWriter`, and of the dry run, which writes nothing."""

from __future__ import annotations

from contracts.conftest import MotoStage, Stage
from contracts.emulated import HOME
from ownertag.core.values import Failure, Resource, Write
from ownertag.sinks.tagging import DryRun

TAGS = (("owner", "alice"), ("WhatIsThis", "made by RunInstances"))


def write(account: str, *ids: str, region: str = HOME, tags: tuple[tuple[str, str], ...] = TAGS) -> Write:
    resources = tuple(Resource(f"arn:aws:ec2:{region}:{account}:volume/{id_}", id_, "ec2:volume") for id_ in ids)
    return Write(account, region, "ec2.CreateTags", tags, resources)


def test_all_resources_of_a_write_get_all_its_tags(stage: Stage) -> None:
    account = stage.spokes[0]
    stage.add_volumes(account, "vol-00000001", "vol-00000002")
    assert stage.tagger.write(write(account, "vol-00000001", "vol-00000002")) is None
    assert stage.tags() == {(account, HOME): {"vol-00000001": dict(TAGS), "vol-00000002": dict(TAGS)}}


def test_only_the_account_and_region_of_the_write_are_touched(stage: Stage) -> None:
    here, there = stage.spokes
    for account, region in [(here, HOME), (here, "us-east-1"), (there, HOME)]:
        stage.add_volumes(account, "vol-00000001", region=region)
    before = write(there, "vol-00000001", tags=(("owner", "bob"),))
    elsewhere = write(here, "vol-00000001", region="us-east-1", tags=(("owner", "carol"),))
    assert [stage.tagger.write(write) for write in (before, elsewhere)] == [None, None]
    assert stage.tagger.write(write(here, "vol-00000001")) is None
    assert stage.tags() == {
        (here, HOME): {"vol-00000001": dict(TAGS)},
        (here, "us-east-1"): {"vol-00000001": {"owner": "carol"}},
        (there, HOME): {"vol-00000001": {"owner": "bob"}},
    }


def test_a_value_is_overwritten_and_other_tags_stay(stage: Stage) -> None:
    account = stage.spokes[0]
    stage.add_volumes(account, "vol-00000001")
    stage.tagger.write(write(account, "vol-00000001", tags=(("owner", "ceo"), ("team", "green"))))
    assert stage.tagger.write(write(account, "vol-00000001")) is None
    assert stage.tags()[account, HOME]["vol-00000001"] == {"team": "green", **dict(TAGS)}


def test_one_bad_id_and_nothing_is_written(stage: Stage) -> None:
    account = stage.spokes[0]
    stage.add_volumes(account, "vol-0000000a", "vol-0000000b")
    stage.fail_ids({"vol-0000000b"})
    failure = stage.tagger.write(write(account, "vol-0000000a", "vol-0000000b"))
    assert failure == Failure("InvalidID", 400)
    assert stage.tags() == {}


def test_one_resource_without_room_and_nothing_is_written(stage: Stage) -> None:
    account = stage.spokes[0]
    stage.add_volumes(account, "vol-0000000a", "vol-0000000b")
    full = tuple((f"key{number}", "x") for number in range(49))
    assert stage.tagger.write(write(account, "vol-0000000b", tags=full)) is None
    failure = stage.tagger.write(write(account, "vol-0000000a", "vol-0000000b"))
    assert isinstance(failure, Failure)
    assert failure.code == "TagLimitExceeded"
    assert stage.tags() == {(account, HOME): {"vol-0000000b": dict(full)}}
    assert stage.tagger.write(write(account, "vol-0000000b", tags=TAGS[:1])) is None


def test_forbidden_is_a_failure(stage: Stage) -> None:
    stage.deny()
    assert stage.tagger.write(write(stage.spokes[0], "vol-00000001")) == Failure("UnauthorizedOperation", 403)
    assert stage.tags() == {}


def test_a_write_of_a_thousand_is_one_call(moto_stage: MotoStage) -> None:
    account = moto_stage.spokes[0]
    ids = [f"vol-{number:017x}" for number in range(1000)]
    moto_stage.add_volumes(account, *ids)
    assert moto_stage.tagger.write(write(account, *ids)) is None
    assert moto_stage.world.wire.counts == {"AssumeRole": 1, "CreateTags": 1}
    assert set(moto_stage.tags()[account, HOME]) == set(ids)


def test_the_dry_run_makes_no_call(moto_stage: MotoStage) -> None:
    assert DryRun().write(write(moto_stage.spokes[0], "vol-00000001")) is None
    assert not moto_stage.world.wire.calls
    assert moto_stage.tags() == {}
