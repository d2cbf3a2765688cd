"""Templates above 51,200 bytes go by S3: to stacks, to stack sets, and to the changes that `plan` shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ownertag.rollout.deploy.current import Prepared
from ownertag.rollout.deploy.execute import previewed
from ownertag.rollout.deploy.steps import to_apply
from ownertag.rollout.deploy.values import Stage
from ownertag.sandbox.personas import HOME_REGION, HUB, MANAGEMENT
from ownertag.sandbox.sandbox import Sandbox
from rollout.deploy.console import WEB, Console, at_console, run

#: Bytes of a template that CloudFormation takes in a call (doc: CloudFormation quotas).
MOST_IN_CALL = 51_200


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with Sandbox(empty=True) as sandbox:
        yield at_console(sandbox, tmp_path)


def longer(part: Any) -> Any:
    template = part.template + "# long\n" * (MOST_IN_CALL // 7 + 1)
    assert len(template) > MOST_IN_CALL
    return replace(part, template=template)


def long(ready: Prepared) -> Prepared:
    """The same deployment with templates too long for a call."""
    desired = ready.desired
    return replace(
        ready,
        desired=replace(
            desired,
            hub=longer(desired.hub),
            roles=longer(desired.roles),
            rules=longer(desired.rules),
            management_roles=longer(desired.management_roles),
            management_rules=tuple(longer(stack) for stack in desired.management_rules),
        ),
    )


def changed(ready: Prepared) -> Prepared:
    """The same with another retention of the hub's log."""
    hub = ready.desired.hub
    assert "RetentionInDays: 365" in hub.template
    other = replace(hub, template=hub.template.replace("RetentionInDays: 365", "RetentionInDays: 400"))
    return replace(ready, desired=replace(ready.desired, hub=other))


def pending(ready: Prepared) -> list[str]:
    return [step.what for step in to_apply(ready.desired, ready.current) if step.task is not None]


def test_they_are_deployed_read_back_and_changed_and_leave_nothing_in_s3(console: Console) -> None:
    ready = long(console.prepared())
    steps = previewed(to_apply(ready.desired, ready.current), ready.clients)
    hub = next(step for step in steps if step.stage == Stage.HUB)
    assert "add AWS::Events::EventBus" in hub.changes
    assert [result.failed for result in run(ready, steps) if result.failed] == []
    with console.client(WEB, "iam") as iam:
        assert iam.get_role(RoleName="auto-tag-role")
    assert pending(long(console.prepared())) == []

    other = changed(long(console.prepared()))
    steps = previewed(to_apply(other.desired, other.current), other.clients, lambda _: None)
    [hub] = [step for step in steps if step.task is not None]
    assert "modify AWS::Logs::LogGroup Log" in hub.changes
    assert [result.failed for result in run(other, steps) if result.failed] == []
    assert pending(changed(long(console.prepared()))) == []

    for account in (MANAGEMENT, HUB):
        name = f"ownertag-templates-{account}-{HOME_REGION}"
        with console.client(account, "s3") as s3:
            assert s3.list_objects_v2(Bucket=name).get("Contents", []) == []
            closed = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
        assert set(closed.values()) == {True}


def test_short_ones_need_no_bucket(console: Console) -> None:
    assert console("apply", "--yes")[0] == 0
    with console.client(MANAGEMENT, "s3") as s3:
        assert s3.list_buckets()["Buckets"] == [] or not [
            bucket for bucket in s3.list_buckets()["Buckets"] if bucket["Name"].startswith("ownertag-templates-")
        ]


@pytest.mark.full
def test_one_that_is_too_long_for_s3_as_well_is_told(console: Console) -> None:
    ready = console.prepared()
    hub = replace(ready.desired.hub, template=ready.desired.hub.template + "# long\n" * 150_000)
    ready = replace(ready, desired=replace(ready.desired, hub=hub))
    done = run(ready, to_apply(ready.desired, ready.current))
    [failed] = [result.failed for result in done if result.failed]
    assert "bytes, and CloudFormation takes 1,000,000" in failed
