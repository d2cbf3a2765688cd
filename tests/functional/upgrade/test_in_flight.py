"""An upgrade and a rollback with a thousand messages in flight, and the function killed: nothing is lost or done twice.

Lost is a message that is neither done nor among the dead letters, and a resource without its tags. Twice is a resource
on which two different values of a key were written, a second entry of one decision, and a finding that is told again
though its message was not handed out again, or in other words. What one version alone comes to is the measure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.sampling import FULL, count
from upgrade.drill import Drill, Period, Seen, drill
from upgrade.versions import Versions

Say = Callable[[str, object], None]

MESSAGES, KILLS = 1000, 100


def _there_and_back(of: Versions) -> list[Period]:
    """Old to new, back to old, and to new again; at each step both at once, as Lambda has it while it updates."""
    old, new = of.old, of.new
    return [(old, old), (old, new), (new, new), (new, old), (old, old), (old, new), (new, new)]


def _back(of: Versions) -> list[Period]:
    """A rollback that stays: what the new version left is the old one's."""
    return [(of.new, of.new), (of.new, of.old), (of.old, of.old)]


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("way", [_there_and_back, pytest.param(_back, marks=pytest.mark.full)])
def test_nothing_is_lost_or_done_twice(
    way: Callable[[Versions], list[Period]], tmp_path: Path, record_property: Say
) -> None:
    kills = count(KILLS)
    with drill(tmp_path, count(MESSAGES)) as (stage, versions):
        periods = way(versions)
        alone = []
        for version in (versions.old, versions.new):
            stage.begin(version)
            _none_lost(stage, stage.run([(version,)]))
            alone.append(stage.end())
        assert alone[0] == alone[1]

        stage.begin(periods[0][0])
        seen = stage.run(periods, kills)
        _none_lost(stage, seen)
        _none_twice(stage, seen)
        found = stage.end()
        for name in ("tags", "owners", "entries", "finished", "queue", "dead"):
            assert getattr(found, name) == getattr(alone[0], name), name
        assert seen.deaths.total() > kills // 2
        if FULL:  # of a few it is chance whom they hit
            assert all(seen.deaths[version.name] > kills // 5 for version in (versions.old, versions.new)), seen.deaths
        assert all(seen.batches[version.name] for version in (versions.old, versions.new)), seen.batches
        again = sum(number - 1 for number in seen.handed.values())
        record_property(
            "figures", f"{len(stage.made.in_flight)} in flight, {seen.deaths.total()} kills, {again} handed out again"
        )


def _none_lost(stage: Drill, seen: Seen) -> None:
    """Each message is done or dead, and each resource has its tags."""
    found = stage.end()
    assert seen.raised == []
    assert found.queue == 0
    assert found.dead == stage.made.dead
    assert set(seen.handed) == set(stage.made.in_flight)
    wrong = {
        place: (found.tags.get(place), tags)
        for place, tags in stage.made.wanted.items()
        if found.tags.get(place) != tags
    }
    assert wrong == {}
    assert set(found.tags) == set(stage.made.wanted)
    assert all(found.finished.values())
    assert set(stage.made.findings) == {finding["event_id"] for finding in seen.findings}


def _none_twice(stage: Drill, seen: Seen) -> None:
    """No key of a resource had two values, and no finding was told twice but where its message came again."""
    values = {place: {frozenset(tags.items()) for tags in written} for place, written in seen.tagged.items()}
    assert {place: found for place, found in values.items() if len(found) > 1} == {}
    told = Counter(finding["event_id"] for finding in seen.findings)
    contents = {repr(sorted(finding.items(), key=str)) for finding in seen.findings}
    assert len(contents) == len(told)
    for event_id, name in stage.made.findings.items():
        assert told[event_id] <= seen.handed[name], name
        assert sum(mail.count(event_id) for mail in seen.mails) <= seen.handed[name], name
