"""Actions that change tags: what is derived is what the installed reference says; what is by hand must be needed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from derive import tag_actions as derive
from derive.ec2_creations import REFERENCE
from ownertag.catalogue import tag_actions
from ownertag.catalogue.coverage import read_derived
from ownertag.catalogue.files import CatalogueError
from ownertag.core.tiers import TagActions, TagEffect, Tier

GENERATED = Path(tag_actions.__file__).parent / "generated/tag_actions.json"
AGAIN = "AWS's reference says something else by now: run `make catalogue`, and look at what changed"
needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="needs Node and npm: where they are, `make test` installs AWS's reference"
)

ACTIONS: dict[str, Any] = {
    "x:Tag": {"does": "tag", "tag_keys": True, "resource_tag": True, "create_action": True},
    "x:Untag": {"does": "untag", "tag_keys": True},
}


def read(overlay: str = "action = []", **changes: Any) -> TagActions:
    document = {"schema": 1, "from": "a test", "actions": ACTIONS, "creations": {}} | changes
    return tag_actions.read_tag_actions(json.dumps(document).encode(), overlay)


def entry(**fields: str | bool) -> str:
    given = {"action": "x:Tag", "reason": "it does so", "source": "doc: X API, Tag"} | fields
    return "[[action]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in given.items())


@needs_reference
def test_what_is_derived_is_what_the_installed_reference_says() -> None:
    assert derive.text(derive.derived(REFERENCE)) == GENERATED.read_text("utf-8"), AGAIN


@needs_reference
def test_the_command_writes_the_file(tmp_path: Path) -> None:
    to = tmp_path / "tag_actions.json"
    subprocess.run([sys.executable, "-m", "derive.tag_actions", REFERENCE, to], check=True)
    assert to.read_bytes() == GENERATED.read_bytes()


def test_both_derived_files_come_from_one_reference() -> None:
    assert tag_actions.load_tag_actions().source.startswith(f"{read_derived().authorization_reference}, of ")


def test_what_ec2_can_tag_is_what_either_source_says() -> None:
    creations = tag_actions.load_tag_actions().creations["ec2"]
    assert creations["RequestSpotFleet"] == ("instance", "spot-fleet-request")  # the reference lacks the instance
    assert all({*types} <= {*creations[name]} for name, types in read_derived().operations.items())


def test_an_action_with_several_kinds_of_keys_is_in_several_tiers() -> None:
    actions = read().actions
    assert actions["x:Tag"].tiers == (Tier.GUARD, Tier.NO_FORGING)
    assert actions["x:Untag"].tiers == (Tier.DETECT,)


def test_an_entry_by_hand_wins_and_carries_its_reason() -> None:
    found = read(entry(does="replace", only_where="buckets with ABAC")).actions["x:Tag"]
    assert (found.does, found.tag_keys, found.only_where) == (TagEffect.REPLACE, True, "buckets with ABAC")
    assert (found.why, found.tiers) == ("it does so (doc: X API, Tag)", (Tier.REPLACE_ALL,))
    assert "x:Tag" not in read(entry(leave_out=True)).actions
    assert read(entry(action="x:New", does="untag", tag_keys=True)).actions["x:New"].does is TagEffect.UNTAG


@pytest.mark.parametrize(
    ("overlay", "said"),
    [
        (entry(does="replace", reason=" "), "x:Tag: needs a reason and a source"),
        (entry(does="replace", source=""), "x:Tag: needs a reason and a source"),
        (entry(does="tag", tag_keys=True), "x:Tag: says what is derived as well; drop the entry"),
        (entry(), "x:Tag: says what is derived as well; drop the entry"),
        (entry(action="x:Gone", leave_out=True), "x:Gone: is left out already; drop the entry"),
        (entry(action="x:Gone", tag_keys=True), "x:Gone: is not derived, so `does` must say what it does"),
        (entry(does="tags"), "line 5: x:Tag.does: is 'tags'; write one of"),
        (entry(tag_key=True), "line 5: x:Tag.tag_key: unknown key; did you mean 'tag_keys'?"),
        ('[[action]]\naction = "x:Tag"\n', "x:Tag.reason: is missing"),
        ("[[action]\n", "overlay/tag_actions.toml: "),
        (entry(does="replace") * 2, "x:Tag: stands there twice"),
    ],
)
def test_an_overlay_that_is_wrong_says_what_to_do(overlay: str, said: str) -> None:
    with pytest.raises(CatalogueError, match=r"^overlay/tag_actions\.toml(, line \d+)?: ") as raised:
        read(overlay)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    "changes", [{"actions": {"x:Tag": {}}}, {"actions": {"x:Tag": {"does": "eat"}}}, {"creations": []}, {"more": 1}]
)
def test_a_derived_file_that_is_wrong_is_to_be_written_anew(changes: dict[str, Any]) -> None:
    with pytest.raises(CatalogueError, match=r"^generated/tag_actions\.json: .*make catalogue"):
        read(**changes)


def test_a_derived_file_of_another_schema_is_to_be_written_anew() -> None:
    with pytest.raises(CatalogueError, match=r"^generated/tag_actions\.json: schema 2 .*make catalogue"):
        read(schema=2)
