"""The real function where accounts are observed: its answers, its log and metrics, and what the schedule does after."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contracts.emulated import HOME, Emulated
from handler.lambdas import Context, Poller, environment, lines
from harness.events import envelope, volume, volume_id
from ledger.table import TABLE
from ownertag.handler.telemetry import Telemetry
from ownertag.handler.wiring import KEEP_ACCOUNTS, Handler, build, now
from ownertag.ledger.table import DEFINITION


class World:
    """A function whose settings can change, between its queue and its table."""

    def __init__(self, emulated: Emulated, poller: Poller, report: Telemetry, folder: Path) -> None:
        self.emulated, self.poller, self._report, self._folder = emulated, poller, report, folder
        emulated.session.client("dynamodb", region_name=HOME).create_table(TableName=TABLE, **DEFINITION)
        self.account, self.other = emulated.spokes[:2]

    def function(self, more: str = "") -> Handler:
        """The function with these settings more."""
        found = environment(self._folder, self.poller.url, TABLE, more)
        return build(found, self.emulated.session, self._report)

    def create(self, account: str, number: int) -> str:
        """Somebody makes a volume: its record is on the queue."""
        id_ = volume_id(number)
        self.emulated.add_volumes(account, [id_])
        self.poller.send(json.dumps(envelope(self.record(account, number))))
        return id_

    def record(self, account: str, number: int) -> dict[str, Any]:
        return volume(account, volume_id(number), number=number, at=now())


@pytest.fixture
def world(world: Emulated, poller: Poller, report: Telemetry, tmp_path: Path) -> World:
    return World(world, poller, report, tmp_path)


def observe(*accounts: str) -> str:
    return f"\n[observe]\naccounts = {list(accounts)}\n"


def test_what_is_observed_is_done_and_told_and_the_schedule_tags_it_afterwards(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    observed, free = world.create(world.account, 1), world.create(world.other, 2)
    function = world.function(observe(world.account))
    assert world.poller.run(function) == {"batchItemFailures": []}
    assert (world.emulated.tags(world.account).get(observed, {}), world.emulated.tags(world.other)[free]["owner"]) == (
        {},
        "alice",
    )
    told = lines(capsys.readouterr().out)
    done = {line["account"]: line["outcomes"] for line in told if line.get("message") == "done"}
    assert done == {world.account: {"observed": 1}, world.other: {"tagged": 1}}
    [metrics] = [line for line in told if "_aws" in line]
    assert metrics["Outcome.observed"] == [1.0]

    answer = function(KEEP_ACCOUNTS, Context())
    assert "observed_before" not in answer
    assert world.emulated.tags(world.account).get(observed, {}) == {}

    capsys.readouterr()
    answer = world.function()(KEEP_ACCOUNTS, Context())
    assert answer["observed_before"] == {"outcomes": {"tagged": 1}, "left": False}
    assert world.emulated.tags(world.account)[observed]["owner"] == "alice"
    told = lines(capsys.readouterr().out)
    assert [line["outcomes"] for line in told if line.get("message") == "observed before"] == [{"tagged": 1}]
    assert "observed_before" not in world.function()(KEEP_ACCOUNTS, Context())


def test_what_is_left_is_a_warning_with_the_reason(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.create(world.account, 1)
    world.poller.run(world.function(observe(world.account)))
    world.emulated.wire.fail("CreateTags", "UnauthorizedOperation")
    capsys.readouterr()
    answer = world.function()(KEEP_ACCOUNTS, Context())
    assert answer["observed_before"] == {"outcomes": {"forbidden": 1}, "left": True}
    [told] = [line for line in lines(capsys.readouterr().out) if line.get("message") == "observed before, some left"]
    assert (told["level"], told["outcomes"]) == ("WARNING", {"forbidden": 1})
    assert "UnauthorizedOperation" in told["reasons"][0]


@pytest.mark.parametrize("dry_run", [True, False])
def test_an_operators_order_obeys_as_well(world: World, dry_run: bool) -> None:
    id_ = volume_id(1)
    world.emulated.add_volumes(world.account, [id_])
    order = {"tag": {"records": [world.record(world.account, 1)], "dry_run": dry_run}}
    [result] = world.function(observe(world.account))(order, Context())["results"]
    assert [outcome["outcome"] for outcome in result["outcomes"]] == ["observed"]
    assert (result["left"], world.emulated.tags(world.account).get(id_, {})) == (False, {})
    assert world.emulated.wire.counts["CreateTags"] == 0


@pytest.mark.parametrize("before", ["carol", None])
def test_an_order_to_undo_a_run_obeys_as_well(world: World, before: str | None) -> None:
    id_ = volume_id(1)
    world.emulated.add_volumes(world.account, [id_])
    world.emulated.ec2(world.account).create_tags(Resources=[id_], Tags=[{"Key": "owner", "Value": "alice"}])
    arn = f"arn:aws:ec2:{HOME}:{world.account}:volume/{id_}"
    place = {"account": world.account, "region": HOME, "arn": arn}
    item = {**place, "before": {"owner": before}, "written": {"owner": "alice"}}
    order = {"restore": {"run": "run-1", "resources": [item]}}
    [result] = world.function(observe(world.account))(order, Context())["results"]
    assert (result["outcome"], result["left"]) == ("observed", False)
    assert world.emulated.tags(world.account)[id_] == {"owner": "alice"}
    assert not {"CreateTags", "DeleteTags"} & world.emulated.wire.counts.keys()


def test_a_transfer_obeys_as_well(world: World) -> None:
    id_ = world.create(world.account, 1)
    function = world.function(observe(world.account))
    world.poller.run(function)
    order = {"id": "1", "resource": id_, "to": "bob", "by": "ops", "reason": "moved"}
    answer = function({"transfer": order}, Context())
    assert (answer["done"], "is observed" in answer["detail"]) == (True, True)
    assert world.emulated.wire.counts["CreateTags"] == 0
    world.function()(KEEP_ACCOUNTS, Context())
    assert world.emulated.tags(world.account)[id_]["owner"] == "bob"


def test_where_units_are_observed_and_can_not_be_read_messages_come_back(world: World) -> None:
    id_ = world.create(world.account, 1)
    world.emulated.wire.fail("ListParents", "AccessDeniedException")
    function = world.function('\n[observe]\nunits = ["ou-ab12-c3d4e5f6"]\n')
    assert len(world.poller.run(function)["batchItemFailures"]) == 1
    assert world.emulated.tags(world.account).get(id_, {}) == {}


def test_by_unit_the_list_that_the_schedule_keeps_answers(world: World) -> None:
    organizations: Any = world.emulated.organizations
    root = organizations.list_roots()["Roots"][0]["Id"]
    unit = organizations.create_organizational_unit(ParentId=root, Name="watched")["OrganizationalUnit"]["Id"]
    organizations.move_account(AccountId=world.account, SourceParentId=root, DestinationParentId=unit)
    function = world.function(f'\n[observe]\nunits = ["{unit}"]\n')
    function(KEEP_ACCOUNTS, Context())
    observed, free = world.create(world.account, 1), world.create(world.other, 2)
    world.emulated.wire.clear()
    assert world.poller.run(function) == {"batchItemFailures": []}
    assert world.emulated.wire.counts["ListParents"] == 0
    assert world.emulated.tags(world.account).get(observed, {}) == {}
    assert world.emulated.tags(world.other)[free]["owner"] == "alice"
    organizations.move_account(AccountId=world.account, SourceParentId=unit, DestinationParentId=root)
    assert function(KEEP_ACCOUNTS, Context())["accounts"]
    answer = world.function(f'\n[observe]\nunits = ["{unit}"]\n')(KEEP_ACCOUNTS, Context())
    assert answer["observed_before"] == {"outcomes": {"tagged": 1}, "left": False}
    assert world.emulated.tags(world.account)[observed]["owner"] == "alice"
