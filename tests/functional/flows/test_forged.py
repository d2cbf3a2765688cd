"""Events that AWS did not write: nothing is asked, no role is assumed, nothing is written, and each has a reason."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contracts.emulated import Emulated, emulated
from flows.hub import Hub, every, refusal_of
from harness import fixtures
from harness.events import CATALOGUE, SETTINGS
from harness.fakes import FakeAccounts
from ownertag.flows.live import BatchAnswer, Message, handle
from ownertag.flows.ports import Ports


@pytest.fixture
def world() -> Iterator[Emulated]:
    with emulated() as world:
        yield world


def handled(world: Emulated, *bodies: str) -> BatchAnswer:
    """A batch of these bodies, where every account that they name is one of the organization's."""
    real = Hub(world).ports()
    ours = FakeAccounts({fixtures.ACCOUNT, fixtures.OTHER_ACCOUNT, *world.spokes})
    ports = Ports(ours, real.lookups, real.tagger, real.now)
    return handle([Message(f"m{n}", body) for n, body in enumerate(bodies)], ports, CATALOGUE, SETTINGS)


def test_forged_events_make_no_call_and_have_a_reason(world: Emulated) -> None:
    assert len(fixtures.FORGED) >= 40
    answer = handled(world, *(forged.body for forged in fixtures.FORGED))
    assert not world.wire.calls
    assert world.all_tags() == {}
    found = {}
    for verdict in every(answer):
        refusal = refusal_of(verdict)
        assert refusal.detail
        found[fixtures.FORGED[int(verdict.message.id[1:])].name] = refusal.reason.value
    assert found == {forged.name: forged.reason for forged in fixtures.FORGED}


def test_the_genuine_event_behind_them_would_have_made_calls(world: Emulated) -> None:
    """Or else the test above would show nothing."""
    handled(world, fixtures.text_of(fixtures.event(fixtures.record())))
    assert world.wire.counts["AssumeRole"] == 1
    assert world.wire.counts["CreateTags"] == 1


def test_forged_events_do_not_stop_the_genuine_ones_of_their_batch(world: Emulated) -> None:
    genuine = fixtures.text_of(fixtures.event(fixtures.record()))
    [volume_id] = [found for found in [fixtures.record()["responseElements"].get("volumeId")] if found is not None]
    world.add_volumes(fixtures.ACCOUNT, [volume_id], fixtures.REGION)
    bodies = [forged.body for forged in fixtures.FORGED]
    answer = handled(world, *bodies[:30], genuine, *bodies[30:])
    assert "m30" in {done.message.id for done in answer.done}
    assert world.wire.counts == {"AssumeRole": 1, "CreateTags": 1}
    assert set(world.all_tags()) == {(fixtures.ACCOUNT, fixtures.REGION)}


def test_a_genuine_event_of_another_organization_assumes_no_role(world: Emulated) -> None:
    """T15: the account must be one of the list."""
    answer = handled(world, fixtures.outsider_event())
    refusal = refusal_of(answer.done[0])
    assert refusal.reason.value == "unknown-account"
    assert not world.wire.calls
