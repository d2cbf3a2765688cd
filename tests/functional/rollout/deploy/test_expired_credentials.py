"""Credentials whose time ends while something is deployed: the role's are renewed, the caller's are told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest

from ownertag.aws.credentials import CallerSession
from ownertag.rollout.deploy.clients import ACCESS_ROLE, Clients
from ownertag.rollout.deploy.execute import execute
from ownertag.rollout.deploy.failures import CredentialsExpiredError, explained
from ownertag.rollout.deploy.steps import to_apply
from ownertag.rollout.deploy.values import Stage, Step
from ownertag.sandbox.personas import HOME_REGION, HUB, MANAGEMENT
from ownertag.sandbox.sandbox import Sandbox
from rollout.deploy.console import Console, at_console


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with Sandbox(empty=True) as sandbox:
        yield at_console(sandbox, tmp_path)


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


def temporary(console: Console) -> CallerSession:
    """A session of the management account whose credentials have an end, as those of a single sign-on have."""
    with console.client(MANAGEMENT, "sts") as sts:
        given = sts.get_session_token()["Credentials"]
    session = boto3.Session(
        given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], region_name=HOME_REGION
    )
    return CallerSession(session, console.sandbox.endpoint_url)


def end(console: Console) -> None:
    """Ends the caller's session."""
    console.sandbox.front.identities.end_sessions("Root")


def test_a_client_outlives_the_session_of_its_role(console: Console) -> None:
    organization = console.prepared().desired.organization
    session = CallerSession(console.sandbox.account_session(MANAGEMENT), console.sandbox.endpoint_url)
    clock = Clock()
    client = Clients(session, organization, now=clock).hub("sts")
    assert client.get_caller_identity()["Account"] == HUB
    console.sandbox.front.identities.end_sessions(ACCESS_ROLE)
    clock.now += timedelta(minutes=55)
    assert client.get_caller_identity()["Account"] == HUB


def test_a_session_that_has_its_time_is_not_renewed(console: Console) -> None:
    organization = console.prepared().desired.organization
    session = CallerSession(console.sandbox.account_session(MANAGEMENT), console.sandbox.endpoint_url)
    clock = Clock()
    client = Clients(session, organization, now=clock).hub("sts")
    before = console.sandbox.front.calls.copy()
    for _ in range(3):
        clock.now += timedelta(minutes=10)
        client.get_caller_identity()
    made = console.sandbox.front.calls - before
    assert not [call for (_, call), _ in made.items() if call == "sts:AssumeRole"]


@pytest.mark.full
@pytest.mark.parametrize("service", ["sts", "organizations", "cloudformation", "ec2"])
def test_every_service_says_it_in_its_own_words_and_all_are_understood(console: Console, service: str) -> None:
    calls = {
        "sts": "get_caller_identity",
        "organizations": "list_roots",
        "cloudformation": "list_stacks",
        "ec2": "describe_regions",
    }
    client = temporary(console).client(service, HOME_REGION)
    end(console)
    advice = "log in again and run the same command once more"
    with pytest.raises(CredentialsExpiredError, match=advice), explained(MANAGEMENT, "look"):
        getattr(client, calls[service])()


def test_it_is_told_in_the_middle_nothing_more_is_begun_and_the_next_run_goes_on(console: Console) -> None:
    ready = console.prepared()
    organization = ready.desired.organization
    begun: list[Step] = []

    def progress(step: Step, text: str) -> None:
        if text == "begins":
            begun.append(step)
            if step.stage == Stage.ROLES:
                end(console)

    clients = Clients(temporary(console), organization)
    done = execute(to_apply(ready.desired, ready.current), clients, organization, progress, lambda _: None)
    failed = [result.failed for result in done if result.failed]
    assert failed
    assert all("the credentials have expired" in text and "log in again" in text for text in failed)
    assert max(step.stage for step in begun) == Stage.ROLES

    again = console.prepared()
    left = to_apply(again.desired, again.current)
    assert {step.stage for step in left if step.task is None} >= {Stage.BUCKET, Stage.PACKAGE, Stage.HUB}
    done = execute(left, again.clients, organization, lambda *_: None, lambda _: None)
    assert [result.failed for result in done if result.failed] == []
    assert console("plan")[0] == 0


@pytest.mark.full
def test_where_the_others_go_on_they_do_not_with_expired_credentials(console: Console) -> None:
    ready = console.prepared()
    organization = ready.desired.organization
    begun: set[Stage] = set()

    def progress(step: Step, text: str) -> None:
        if text == "begins":
            begun.add(step.stage)
            if step.stage == Stage.ROLES_IN_ACCOUNTS:
                end(console)

    clients = Clients(temporary(console), organization)
    execute(to_apply(ready.desired, ready.current), clients, organization, progress, lambda _: None)
    assert max(begun) == Stage.ROLES_IN_ACCOUNTS
