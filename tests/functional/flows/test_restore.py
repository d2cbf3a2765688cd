"""A run is undone: where its tags stand still, what was there before comes back, and the ledger says who ordered it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from flows.test_adopt import ACCOUNT, ARN, KEY, NOW, REGION, VOLUME, found
from harness import fixtures
from harness.fakes import Clock, FakeAccounts, FakeAws, FakeCall, FakeLookups, FakeRemover, FakeTagger
from harness.memory_ledger import MemoryLedger
from ownertag.core.findings import TagChange
from ownertag.core.restore import RestoreItem, RestoreOrder
from ownertag.core.values import Failure, OutcomeKind
from ownertag.flows.adopt import AdoptOrder, adopt
from ownertag.flows.ports import Ports
from ownertag.flows.restore import SOMEBODY, restore
from ownertag.ledger.entries import TagChanged, Transferred
from ownertag.ledger.port import LedgerError
from ownertag.ledger.read_only import DryRunLedger
from ownertag.sinks.tagging import DryRun

WRITTEN = {"owner": "alice", "dateCreated": "2026-03-02T09:14:05Z", "WhatIsThis": "CreateVolume in eu-central-1"}
BEFORE: dict[str, str | None] = {"owner": "carol", "dateCreated": None, "WhatIsThis": None}


def item(number: int = 0, before: dict[str, str | None] = BEFORE, **fields: Any) -> RestoreItem:
    arn = ARN if not number else f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/{fixtures.numbered('vol', number)}"
    return RestoreItem(
        **{"account": ACCOUNT, "region": REGION, "arn": arn, "before": before, "written": WRITTEN, **fields}
    )


class World:
    """Fakes, in which a run wrote."""

    def __init__(self, *carried: dict[str, str]) -> None:
        self.aws, self.ledger, self.clock = FakeAws(), MemoryLedger(), Clock(NOW)
        self.accounts = FakeAccounts({ACCOUNT})
        self.tags = self.aws.places[ACCOUNT, REGION].tags
        self.tags[VOLUME] = {"team": "green", **WRITTEN}
        for number, tags in enumerate(carried, 1):
            self.tags[fixtures.numbered("vol", number)] = dict(tags)

    def ports(self, dry: bool = False) -> Ports:
        lookups = FakeLookups(self.aws)
        if dry:
            ledger = DryRunLedger(self.ledger)
            return Ports(self.accounts, lookups, DryRun(), self.clock, ledger=ledger, remover=DryRun())
        tagger, remover = FakeTagger(self.aws), FakeRemover(self.aws)
        return Ports(self.accounts, lookups, tagger, self.clock, ledger=self.ledger, remover=remover)

    def restore(
        self, *items: RestoreItem, dry: bool = False, run: str = "run-1", by: str = "ops"
    ) -> list[dict[str, Any]]:
        order = RestoreOrder(run, list(items), dry, by)
        answer = restore(order, self.ports(dry), fixtures.catalogue(), fixtures.settings())
        json.dumps(answer)
        assert [result["where"] for result in answer["results"]] == [str(number) for number in range(len(items))]
        results: list[dict[str, Any]] = answer["results"]
        return results

    def refuse(self, name: str, code: str, status: int = 400, times: int = 10_000) -> None:
        left = [times]

        def refuses(call: FakeCall) -> Failure | None:
            if call.name != name or not left[0]:
                return None
            left[0] -= 1
            return Failure(code, status)

        self.aws.refuses = refuses

    def undone(self) -> list[TagChanged]:
        return [entry for entry in self.ledger.history(KEY) if isinstance(entry, TagChanged)]


def outcomes(results: list[dict[str, Any]]) -> list[tuple[str, bool]]:
    return [(result["outcome"], result["left"]) for result in results]


def test_what_was_there_comes_back_and_what_was_not_is_removed() -> None:
    world = World()
    [result] = world.restore(item())
    assert (result["outcome"], result["reason"], result["left"], result["arn"]) == ("restored", None, False, ARN)
    assert world.tags[VOLUME] == {"team": "green", "owner": "carol"}
    [entry] = world.undone()
    assert (entry.undone, entry.actor.principal, entry.at) == ("run-1", "ops", NOW)
    assert entry.changes == (
        TagChange("owner", "alice", "carol"),
        TagChange("dateCreated", WRITTEN["dateCreated"], None),
        TagChange("WhatIsThis", WRITTEN["WhatIsThis"], None),
    )


def test_a_dry_run_says_what_would_be_and_writes_and_keeps_nothing() -> None:
    world = World({**WRITTEN, "owner": "bob"})
    assert outcomes(world.restore(item(), item(1), dry=True)) == [("would-restore", False), ("changed-since", False)]
    assert (world.tags[VOLUME], world.undone()) == ({"team": "green", **WRITTEN}, [])


@pytest.mark.parametrize(
    "carried",
    [
        {**WRITTEN, "owner": "mallory"},
        {**WRITTEN, "dateCreated": "yesterday"},
        {key: value for key, value in WRITTEN.items() if key != "owner"},
        {},
    ],
)
def test_where_somebody_wrote_since_it_is_left_and_told(carried: dict[str, str]) -> None:
    world = World(carried)
    first, second = world.restore(item(1), item())
    assert (first["outcome"], first["left"]) == ("changed-since", False)
    assert "left as it is: " in first["reason"]
    assert "the run wrote" in first["reason"]
    assert (second["outcome"], world.tags[fixtures.numbered("vol", 1)]) == ("restored", carried)


def test_an_order_that_was_broken_off_goes_on_and_nothing_is_done_twice() -> None:
    world = World()
    world.refuse("ec2.CreateTags!", "InternalError", 500, times=1)
    [broken] = world.restore(item())
    assert (broken["outcome"], broken["left"], world.tags[VOLUME]["owner"]) == ("throttled", True, "carol")
    assert world.undone() == []
    assert outcomes(world.restore(item())) == [("restored", False)]
    assert (world.tags[VOLUME], world.aws.count("ec2.CreateTags")) == ({"team": "green", "owner": "carol"}, 1)
    assert outcomes(world.restore(item())) == [("unchanged", False)]
    assert (len(world.undone()), world.aws.count("ec2.CreateTags!")) == (1, 2)


def test_nothing_is_removed_where_what_was_there_can_t_be_set() -> None:
    world = World()
    world.refuse("ec2.CreateTags", "UnauthorizedOperation", 403)
    [result] = world.restore(item())
    assert (result["outcome"], result["left"]) == ("forbidden", True)
    assert (world.tags[VOLUME], world.aws.count("ec2.CreateTags!")) == ({"team": "green", **WRITTEN}, 0)


def test_the_ledger_comes_last_and_what_it_did_not_take_is_ordered_again() -> None:
    world = World()
    world.ledger.fails = LedgerError("away", OutcomeKind.THROTTLED)
    [result] = world.restore(item())
    assert (result["outcome"], result["left"], world.tags[VOLUME]["owner"]) == ("throttled", True, "carol")
    world.ledger.fails = None
    assert outcomes(world.restore(item())) == [("unchanged", False)]
    assert [entry.undone for entry in world.undone()] == ["run-1"]


def test_tags_that_can_t_be_read_are_never_none() -> None:
    world = World()
    world.refuse("tags", "UnauthorizedOperation", 403)
    assert outcomes(world.restore(item(before=dict.fromkeys(WRITTEN)))) == [("forbidden", True)]
    assert world.undone() == []


def test_what_is_gone_is_told_and_costs_no_other_anything() -> None:
    world = World(WRITTEN)
    gone = fixtures.numbered("vol", 1)

    def refuses(call: FakeCall) -> Failure | None:
        return Failure("InvalidVolume.NotFound", 400) if "!" in call.name and gone in call.values else None

    world.aws.refuses = refuses
    nothing = dict[str, str | None].fromkeys(WRITTEN)
    assert outcomes(world.restore(item(1, nothing), item(before=nothing))) == [("gone", False), ("restored", False)]


def test_as_many_resources_are_restored_by_a_call_as_it_takes() -> None:
    world = World(*[WRITTEN] * 30)
    found_ = world.restore(*(item(number) for number in range(1, 31)))
    assert {result["outcome"] for result in found_} == {"restored"}
    assert (world.aws.count("ec2.CreateTags"), world.aws.count("ec2.CreateTags!"), world.aws.count("tags")) == (1, 1, 1)


def test_what_was_given_to_somebody_by_hand_since_stays() -> None:
    world = World()
    world.ledger.append([Transferred(KEY, "1", "alice", "boss", "hers", tuple(WRITTEN.items()), NOW)])
    [result] = world.restore(item())
    assert (result["outcome"], result["left"]) == ("changed-since", False)
    assert "given to alice by hand" in result["reason"]
    assert world.tags[VOLUME]["owner"] == "alice"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"account": fixtures.OTHER_ACCOUNT}, "is not in account"),
        ({"region": "eu-west-1"}, "is not in account"),
        ({"arn": "arn:aws:ec2:eu-central-1:111122223333:nothing/x"}, "knows no such resource"),
        ({"arn": "vol"}, "knows no such resource"),
        ({"before": {"owner": None}}, "of the same keys"),
        ({"before": {}, "written": {}}, "of the same keys"),
        ({"before": {"Name": "x"}, "written": {"Name": "y"}}, "the settings have no such tag"),
    ],
)
def test_what_no_run_of_ours_wrote_is_not_touched(fields: dict[str, Any], reason: str) -> None:
    world = World()
    world.tags[VOLUME]["Name"] = "y"
    [bad, good] = world.restore(item(**fields), item())
    assert (bad["outcome"], bad["left"], good["outcome"]) == ("failed", False, "restored")
    assert reason in bad["reason"]
    assert world.tags[VOLUME]["Name"] == "y"


def test_another_s_account_is_asked_nothing_and_a_run_has_a_name() -> None:
    world = World()
    world.accounts = FakeAccounts({fixtures.OTHER_ACCOUNT})
    assert outcomes(world.restore(item())) == [("forbidden", False)]
    assert world.aws.calls == []
    world.accounts = FakeAccounts({ACCOUNT})
    assert outcomes(world.restore(item(), run="")) == [("failed", False)]


def test_who_ordered_it_is_somebody_where_nobody_says() -> None:
    world = World()
    world.restore(item(), by=" \n")
    assert world.undone()[0].actor.principal == SOMEBODY


def test_what_was_undone_stays_so_until_it_is_ordered_again() -> None:
    """The ledger keeps whose it is, and that no tag says so; what was put back is nobody's tampering."""
    world = World()
    world.tags[VOLUME] = {"owner": "carol"}
    maker = found({"owner": "carol"}, made_by=f"arn:aws:iam::{ACCOUNT}:user/alice")

    def adopted() -> dict[str, Any]:
        [result] = adopt(AdoptOrder([maker]), world.ports(), fixtures.catalogue(), fixtures.settings())["results"]
        return dict(result)

    written = adopted()["tags"]
    assert world.tags[VOLUME] == written
    before: dict[str, str | None] = {key: "carol" if key == "owner" else None for key in written}
    world.clock.move(timedelta(hours=1))
    assert outcomes(world.restore(item(before=before, written=written))) == [("restored", False)]
    [known] = world.ledger.by_id(VOLUME)
    holding = known.holding
    assert (holding.owner.name, holding.outcome, holding.undone_at) == ("alice", None, world.clock())
    world.clock.move(timedelta(hours=1))
    again = adopted()
    assert (again["outcomes"][0]["outcome"], world.tags[VOLUME]) == ("tagged", written)
    assert len(world.undone()) == 1
    [known] = world.ledger.by_id(VOLUME)
    assert (known.holding.outcome, known.holding.undone_at) == (OutcomeKind.TAGGED, None)


class Stopped(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("before", [BEFORE, dict.fromkeys(WRITTEN), {**WRITTEN, "owner": "carol"}])
def test_at_whatever_call_it_ends_the_same_order_does_the_rest_and_no_more(before: dict[str, str | None]) -> None:
    undisturbed = World(WRITTEN)
    undisturbed.restore(item(before=before), item(1, before))
    calls = len(undisturbed.aws.calls)
    assert calls >= 2
    for last in range(1, calls + 1):
        world = World(WRITTEN)

        def refuses(_: FakeCall, world: World = world, last: int = last) -> Failure | None:
            if len(world.aws.calls) == last:
                raise Stopped
            return None

        world.aws.refuses = refuses
        with pytest.raises(Stopped):
            world.restore(item(before=before), item(1, before))
        world.aws.refuses = lambda _: None
        again = world.restore(item(before=before), item(1, before))
        assert {result["outcome"] for result in again} <= {"restored", "unchanged"}
        assert dict(world.tags) == dict(undisturbed.tags)
        assert world.ledger.state() == undisturbed.ledger.state()


def test_what_causes_an_exception_costs_no_other_anything() -> None:
    world = World(*[WRITTEN] * 4)
    odd = fixtures.numbered("vol", 3)

    def refuses(call: FakeCall) -> Failure | None:
        if odd in call.values and "!" in call.name:
            raise ValueError(odd)
        return None

    world.aws.refuses = refuses
    results = world.restore(*(item(number) for number in range(1, 5)))
    assert outcomes(results) == [("restored", False)] * 2 + [("failed", True)] + [("restored", False)]
    assert "unexpected ValueError" in results[2]["reason"]
    assert odd not in results[2]["reason"]
