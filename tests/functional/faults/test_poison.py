"""One message in a hundred is poison: the others are done at the first delivery, and there is one dead letter."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from faults.rows_events import POISON
from faults.world import worlds

#: All kinds run in `make faults`; a few of them always.
ALWAYS = ("not JSON", "200,000 lists deep in a field", "half of a surrogate pair")


@pytest.mark.parametrize(
    "kind", [pytest.param(name, marks=[] if name in ALWAYS else [pytest.mark.full]) for name in POISON]
)
def test_poison_costs_nobody_else_anything(kind: str, tmp_path: Path) -> None:
    with worlds(tmp_path, store="sqlite", receives=2) as world:
        world.make(" ".join(f"a{number}" for number in range(1, 51)))
        world.send("poison", POISON[kind])
        world.make(" ".join(f"b{number}" for number in range(1, 50)))
        first = world.deliver()
        assert Counter(first.verdicts.values()) == {"done": 99, "back": 1}
        assert first.verdicts["poison"] == "back"
        refused = {name: count for name, count in first.metrics.items() if name.startswith("Refused.")}
        assert sum(refused.values()) == 1
        assert first.metrics == {"MessagesDone": 99, "MessagesReturned": 1, "Outcome.tagged": 99} | refused
        assert sum(len(tags) for tags in world.aws.all_tags().values()) == 99
        world.wait()
        world.deliver_until_empty()
        assert world.dead_letters() == 1
        assert list(world.dead()) == ["poison"]


def test_there_are_twenty_kinds_of_poison() -> None:
    assert len(POISON) >= 20
    assert set(ALWAYS) <= set(POISON)
