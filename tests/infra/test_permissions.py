"""What the flows call in the sandbox, held against what the rendered policies allow."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from ownertag.aws.sessions import Sessions
from ownertag.catalogue.loader import load
from ownertag.core.rows import QuestionKind
from ownertag.core.settings import Settings, read_settings
from ownertag.core.values import Question
from ownertag.flows.live import Answer
from ownertag.render.policies import hub_permissions, tagger_permissions
from ownertag.sandbox.organization import session_of
from ownertag.sandbox.personas import HOME_REGION, HUB_ROLE, TAGGER_ROLE
from ownertag.sandbox.sandbox import Sandbox
from ownertag.sandbox.tour import tour
from ownertag.sandbox.watch import Watch
from ownertag.sources.ec2 import Ec2

SPOKE = "333333333333"
# Calls whose permission has another name (service authorization reference).
PERMISSIONS = {
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
}
# What AWS does with the function's role, and the sandbox does not: Lambda reads the queue's size, and writes the log.
BY_LAMBDA = {"sqs:GetQueueAttributes", "logs:CreateLogStream", "logs:PutLogEvents"}


@pytest.fixture(scope="module")
def calls() -> dict[str, set[str]]:
    """The permissions that each role needed: for the tour, a message that comes back, and every look-up."""
    returned: list[Answer] = []

    class Told(Watch):
        def answer(self, answer: Answer, failures: list[Any]) -> None:
            super().answer(answer, failures)
            if answer.returned:
                returned.append(answer)

    watch = Told(lambda _: None)
    with Sandbox(watch) as sandbox:
        launches = tour(sandbox, watch, lambda _: None)
        assert [launch.problems for launch in launches] == [[]] * len(launches)
        hub = session_of(sandbox.organization.hub_keys, HOME_REGION)
        admin = sandbox.account_session("222222222222")
        sandbox.client(admin, "sqs").send_message(QueueUrl=sandbox.queue_url, MessageBody="no event")
        until = time.monotonic() + 10
        while not returned and time.monotonic() < until:
            time.sleep(0.05)
        assert returned
        _look_up_everything(sandbox, hub)
        found: dict[str, set[str]] = {}
        for principal, call in sandbox.front.calls:
            found.setdefault(principal, set()).add(PERMISSIONS.get(call, call))
    return found


def _look_up_everything(sandbox: Sandbox, hub: Any) -> None:
    """The look-ups that the tour does not need: which ids of a type exist, and which tags a resource carries."""
    sessions = Sessions(
        hub,
        role_name=TAGGER_ROLE,
        region=HOME_REGION,
        now=lambda: datetime.now(UTC),
        endpoint_url=sandbox.endpoint_url,
    )
    lookups = Ec2(sessions)
    for kind in load().types.values():
        if kind.lookup:
            assert lookups.present(SPOKE, HOME_REGION, kind.lookup, ["none-0000000000000000"]) == set()
    lookups.find([Question(QuestionKind.TAGS, SPOKE, HOME_REGION, "i-0000000000000000a")])


def allowed(policy: dict[str, Any]) -> set[str]:
    statements = policy["Statement"]
    return {
        action
        for each in statements
        for action in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
    }


def settings() -> Settings:
    return read_settings(
        '[organization]\nid = "o-a1b2c3d4e5"\nmanagement_account = "111111111111"\n'
        'hub_account = "222222222222"\nhome_region = "eu-central-1"\n[existing]\nowner = "keep"\n',
        "ownertag.toml",
    )


def test_the_tagger_may_do_what_the_flows_do_in_an_account_and_nothing_else(calls: dict[str, set[str]]) -> None:
    assert calls[TAGGER_ROLE] == allowed(tagger_permissions(load(), settings()))


def test_the_function_may_do_what_it_does_and_nothing_else(calls: dict[str, set[str]]) -> None:
    organization = settings().organization
    assert organization is not None
    assert calls[HUB_ROLE] | BY_LAMBDA == allowed(hub_permissions(settings(), organization))


def test_without_kept_keys_the_tagger_may_not_read_tags() -> None:
    assert "ec2:DescribeTags" not in json.dumps(tagger_permissions(load(), Settings()))
