"""The fault matrix: each fault by its id, injected into the real function, with the outcome that it must have."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from faults.made import States
from faults.matrix import IDS, NOT_BUILT, PROOFS, ROWS, every
from faults.page import with_table
from faults.proxy import passing
from faults.row import Proof, Row
from faults.world import World, worlds
from harness.sampling import sample
from ownertag.aws.sessions import REFUSED_FOR

ROOT = Path(__file__).parents[3]
assert all(row.cases for row in ROWS)
#: These take long: five seconds and more.
SLOW = {"L2 for ever", "L4 for ever", "L9 locked", "B7", "B9", "E19"}


def _is_always_tried(row: Row, number: int, name: str) -> bool:
    """Whether every run tries a case: the first of a row, and every third."""
    return number % 3 == 0 and (name not in SLOW or len(row.cases) == 1)


CASES = [
    pytest.param(row, case, id=name, marks=[] if _is_always_tried(row, number, name) else pytest.mark.full)
    for row in ROWS
    for number, case in enumerate(row.cases)
    for name in [f"{row.id} {case}".strip()]
]
Fresh = Callable[[Row], AbstractContextManager[World]]


@pytest.mark.parametrize(("row", "case"), CASES)
def test_a_fault_has_the_outcome_that_it_must_have(
    row: Row, case: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    record_property("fault", row.id)
    _first_and_healed(row, row.cases[case], tmp_path)


@pytest.mark.parametrize("row", sample([row for row in ROWS if row.lasting], 3), ids=lambda row: row.id)
def test_a_fault_that_never_ends_is_given_up_when_it_must_be(
    row: Row, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    record_property("fault", row.id)
    _lasting(row, next(iter(row.cases.values())), tmp_path)


def _first_and_healed(row: Row, inject: Callable[[World], None], folder: Path) -> None:
    with passing(row.over_http) as proxy, worlds(folder, row.config, row.store, proxy.url if proxy else None) as world:
        world.proxy = proxy
        row.scene(world)
        inject(world)
        (row.play or World.deliver)(world)
        if row.first is not None:
            _agree(world, row.first)
        for told in world.last.log:
            if told["message"] in {"returned", "dead-lettered"}:
                assert row.reason in "; ".join(told["reasons"])
        if row.metrics is not None:
            assert world.last.metrics == {
                name: int(n) for name, n in (metric.split("=") for metric in row.metrics.split())
            }
        row.also(world)
        if row.healed is None:
            return
        world.heal()
        world.wait()
        world.clock.move(REFUSED_FOR)
        world.deliver()
        _agree(world, row.healed)
        assert world.poller.size() == 0
        assert world.dead_letters() == 0


def _lasting(row: Row, inject: Callable[[World], None], folder: Path) -> None:
    assert row.lasting is not None
    with passing(row.over_http) as proxy, worlds(folder, row.config, row.store, proxy.url if proxy else None) as world:
        world.proxy = proxy
        row.scene(world)
        inject(world)
        world.deliver_until_empty()
        _agree(world, row.lasting.states)
        assert world.deliveries == row.lasting.deliveries
        wanted = [state for state in _spelt_out(row.lasting.states, world).values() if state.startswith("dead")]
        assert world.dead_letters() == len(wanted)


def _agree(world: World, wanted: States) -> None:
    found, wanted = world.states(), _spelt_out(wanted, world)
    differ = {name: (found.get(name), wanted.get(name)) for name in sorted({*found, *wanted})}
    assert not {name: pair for name, pair in differ.items() if pair[0] != pair[1]}, "found, wanted"


def _spelt_out(states: States, world: World) -> States:
    """`a1 a2` is both, `*` is every other."""
    named = {name: state for names, state in states.items() if names != "*" for name in names.split()}
    others = dict.fromkeys([*world.made, *world.names()], states["*"]) if "*" in states else {}
    return others | named


@pytest.mark.parametrize(
    "proof",
    [pytest.param(proof, id=proof.id, marks=pytest.mark.full if proof.id in SLOW else []) for proof in PROOFS],
)
def test_a_fault_that_no_delivery_shows(
    proof: Proof, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    record_property("fault", proof.id)
    proof.show(tmp_path)


def test_every_fault_of_the_list_has_its_row() -> None:
    assert {entry.id for entry in every()} == set(IDS)


def test_what_is_not_built_is_not_green() -> None:
    ids = [not_built.id for not_built in NOT_BUILT]
    assert [entry.id for entry in every() if entry.id in ids] == ids
    assert all(not_built.reason for not_built in NOT_BUILT)


def test_the_page_is_current() -> None:
    text = (ROOT / "docs/reference/faults.md").read_text("utf-8")
    assert text == with_table(text), "run `make generate`"
