"""The function asks for sessions that can do no more than tag with our keys, whatever the role in an account allows."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from contracts.emulated import Emulated
from handler.lambdas import Poller
from harness.events import SETTINGS, envelope, launch_of
from ownertag.catalogue.loader import load_catalogue
from ownertag.handler.wiring import Handler
from ownertag.render.tagger import session_policies


def test_each_session_is_asked_for_under_the_rendered_policy(
    world: Emulated, poller: Poller, function: Handler
) -> None:
    account = world.spokes[0]
    at = datetime.now(UTC).replace(microsecond=0)
    poller.send(json.dumps(envelope(launch_of(world.launch(account, count=1), account, at=at))))
    assert poller.run(function) == {"batchItemFailures": []}
    assumed = [call.parameters for call in world.wire.calls if call.operation == "AssumeRole"]
    assert assumed
    for call in assumed:
        assert json.loads(call["Policy"]) == session_policies(load_catalogue(), SETTINGS).other
        assert call["DurationSeconds"] == "900"
