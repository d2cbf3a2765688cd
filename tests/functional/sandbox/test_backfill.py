"""Backfill of an organization that was there before ownertag, from the plan to undo, killed at any moment."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from harness.sampling import FULL
from sandbox.backfill_world import BackfillWorld, world_of

pytestmark = [pytest.mark.full, pytest.mark.timeout(5400)]
#: 300 resources in a full run.
EACH = 5 if FULL else 3
#: Kills while it makes the plan, and while it applies it: a hundred in a full run.
PLAN_KILLS, APPLY_KILLS = (10, 90) if FULL else (2, 4)
#: The command makes so many calls before it goes on where it was, and a plan takes thousands.
FIRST_CALLS, PLAN_CALLS, APPLY_CALLS = 14, 1500, 30
#: There the root user made things, who is nobody.
NOBODYS = {"111111111111", "222222222222"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackfillWorld]:
    with world_of(tmp_path_factory.mktemp("backfill"), EACH) as made:
        yield made


def rows(out: str) -> dict[str, dict[str, Any]]:
    found = [json.loads(line) for line in out.splitlines()]
    return {row["arn"]: row for row in found if row["kind"] == "resource"}


def test_what_was_there_before_is_planned_tagged_explained_and_put_back(world: BackfillWorld) -> None:
    before = world.tags()
    assert set(map(str, before.values())) == {"{}"}

    code, out, err = world.run("--json")
    assert code == 3, err  # the sandbox has not all services, which is told
    plan = rows(out)
    assert {thing.arn for thing in world.things} - set(plan) == set()
    for thing in world.things:
        row = plan[thing.arn]
        source = row["source"] or ""
        if thing.left == "nowhere":
            assert source == "resource", row
            assert "@example.com, account " in row["ask"], row
            continue
        assert source.startswith({"logs": "log s3://", "history": "lookup-events "}[thing.left]), row
        if thing.account not in NOBODYS:
            assert row["owner"]["name"] == thing.owner, row
    assert world.tags() == before
    assert world.writes() == {}

    seed = random.Random(18)  # noqa: S311 - moments, no secrets
    world.begin_anew()
    kills = sum(world.run_killed(seed.randrange(1, PLAN_CALLS), "--json") for _ in range(PLAN_KILLS))
    code, out, err = world.run("--json")
    again = rows(out)
    assert {arn: row["tags"] for arn, row in again.items()} == {arn: row["tags"] for arn, row in plan.items()}
    kills += sum(
        world.run_killed(FIRST_CALLS + seed.randrange(1, APPLY_CALLS), "--apply") for _ in range(APPLY_KILLS)
    )  # fmt: skip
    assert kills >= (PLAN_KILLS + APPLY_KILLS) * 3 // 4
    code, out, err = world.run("--apply", "--json")
    done = rows(out)
    assert {row["outcome"] for arn, row in done.items() if arn in before} <= {"tagged"}, err
    tags = world.tags()
    assert tags == {arn: plan[arn]["tags"] or {} for arn in tags}  # as an undisturbed run would have written
    assert {arn: count for arn, count in world.writes().items() if count != 1} == {}
    assert set(world.writes()) == set(tags)

    for thing in world.things[:: len(world.things) // 6]:
        _, out, _ = world.whois(thing.arn)
        [known] = map(json.loads, out.splitlines())
        assert known["owner"]["name"] == done[thing.arn]["owner"]["name"]
        assert known["owner"]["evidence"] == done[thing.arn]["owner"]["evidence"]

    code, out, err = world.run("undo", done[world.things[0].arn]["run"], "--apply", "--json")
    assert code == 0, err
    assert {json.loads(line)["outcome"] for line in out.splitlines()} <= {"restored", "unchanged"}
    assert world.tags() == before
