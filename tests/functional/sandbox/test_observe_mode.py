"""A day of the demo in an observed unit: no tag is written; then it is observed no longer, and all is tagged as it was.

The sandbox plays AWS: CloudTrail's records, EventBridge, Lambda and Organizations as its own modules say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from harness.waiting import wait
from ownertag.aws.credentials import client_config
from ownertag.core.ownership import ResourceKey
from ownertag.core.values import OutcomeKind
from ownertag.flows.whois import Wanted, WhoisAnswer, whois
from ownertag.handler.settings import read_environment
from ownertag.handler.wiring import KEEP_ACCOUNTS, build
from ownertag.ledger.dynamodb import DynamoLedger
from ownertag.ledger.dynamodb_client import DynamoDBClient
from ownertag.ledger.entries import KnownResource
from ownertag.render.documents import LEDGER_TABLE
from ownertag.sandbox.console_reporter import ConsoleReporter
from ownertag.sandbox.demo_launches import DemoLaunch, launch_and_check
from ownertag.sandbox.deployment import deploy, write_package
from ownertag.sandbox.organization import sandbox_session
from ownertag.sandbox.personas import HOME_REGION, HUB, MANAGEMENT, MEMBERS, REGIONS, TAGGER_ROLE
from ownertag.sandbox.queue_poller import InvocationContext
from ownertag.sandbox.sandbox import Sandbox

KINDS = {"i": "instance", "vol": "volume", "eni": "network-interface"}


class Killed(BaseException):
    """The function ends here, and nothing after it happens."""


class Day:
    """An organization where ownertag is deployed with the members' unit observed, and the demo's launches there."""

    def __init__(self, sandbox: Sandbox, reporter: ConsoleReporter) -> None:
        self.sandbox = sandbox
        self.plain = sandbox.settings_file.read_text("utf-8")
        self.deploy(f'{self.plain}\n[observe]\nunits = ["{sandbox.organization.unit}"]\n')
        sandbox.organization.take_hub_role()
        sandbox.config_file = sandbox.organization.write_config(sandbox.settings_file.parent)
        self.launches: list[DemoLaunch] = launch_and_check(sandbox, reporter, lambda _: None)
        wait(lambda: len(reporter.done) >= len([launch for launch in self.launches if launch.ids]))
        self.ids = {
            (launch.persona.account, launch.persona.region, id_): launch
            for launch in self.launches
            for id_ in [*launch.ids, *self._with(launch)]
        }

    def _with(self, launch: DemoLaunch) -> list[str]:
        """The volumes and interfaces that came with the launched instances, as the account sees them."""
        instances = [id_ for id_ in launch.ids if id_.startswith("i-")]
        found: list[str] = []
        session = self.sandbox.account_session(launch.persona.account, launch.persona.region)
        with closing(self.sandbox.client(session, "ec2")) as ec2:
            for page in ec2.get_paginator("describe_instances").paginate(InstanceIds=instances) if instances else ():
                for instance in (instance for of in page["Reservations"] for instance in of["Instances"]):
                    found += [disk["Ebs"]["VolumeId"] for disk in instance["BlockDeviceMappings"]]
                    found += [interface["NetworkInterfaceId"] for interface in instance["NetworkInterfaces"]]
        return found

    def deploy(self, settings: str) -> None:
        """Deploys these settings."""
        sandbox = self.sandbox
        sandbox.settings_file.write_text(settings, "utf-8")
        write_package(sandbox.package_file, settings)
        deploy(sandbox.account_session(MANAGEMENT), sandbox.endpoint_url, sandbox.settings_file, sandbox.package_file)

    @contextmanager
    def ledger(self) -> Iterator[DynamoLedger]:
        """The hub's ledger."""
        hub = sandbox_session(self.sandbox.organization.hub_keys, HOME_REGION)
        with closing(self.sandbox.client(hub, "dynamodb")) as client:
            yield DynamoLedger(DynamoDBClient(client, LEDGER_TABLE))

    def known(self) -> dict[tuple[str, str, str], KnownResource]:
        """What the ledger knows of each resource."""
        keys = [
            ResourceKey(account, region, f"arn:aws:ec2:{region}:{account}:{KINDS[id_.partition('-')[0]]}/{id_}")
            for account, region, id_ in self.ids
        ]
        with self.ledger() as ledger:
            return {(known.key.account, known.key.region, known.id): known for known in ledger.by_key(keys)}

    def whois(self, launch: DemoLaunch) -> WhoisAnswer:
        """What `whois` says of the first resource of a launch."""
        with self.ledger() as ledger:
            [answer] = whois(Wanted(launch.ids[0]), ledger).answers
        return answer

    def tag_calls(self) -> list[dict[str, Any]]:
        """The records of the tagger's calls of CreateTags, in all accounts and Regions."""
        return [
            record
            for account in (*MEMBERS, MANAGEMENT)
            for region in REGIONS
            for record in self.sandbox.recorder.records(account, region)
            if record["eventName"] == "CreateTags" and TAGGER_ROLE in json.dumps(record["userIdentity"])
        ]

    def owners(self) -> dict[tuple[str, str, str], str | None]:
        """The owner tag of each resource, as its account sees it."""
        found: dict[tuple[str, str, str], str | None] = dict.fromkeys(self.ids)
        for account, region in {key[:2] for key in self.ids}:
            session = self.sandbox.account_session(account, region)
            with closing(self.sandbox.client(session, "ec2")) as ec2:
                pages = ec2.get_paginator("describe_tags").paginate(Filters=[{"Name": "key", "Values": ["owner"]}])
                for tag in (tag for page in pages for tag in page["Tags"]):
                    if (account, region, tag["ResourceId"]) in found:
                        found[account, region, tag["ResourceId"]] = tag["Value"]
        return found

    def killed_at(self, calls: int) -> None:
        """Invokes the function as the schedule does, and kills it before so many of its calls of CreateTags."""
        session = sandbox_session(self.sandbox.organization.hub_keys, HOME_REGION)
        left = calls

        def kill(**_: object) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed

        session.events.register("before-call.ec2.CreateTags", kill)
        environment = read_environment(
            {
                "OWNERTAG_CONFIG": str(self.sandbox.settings_file),
                "OWNERTAG_QUEUE_URL": self.sandbox.queue_url,
                "OWNERTAG_LEDGER": f"dynamodb:{LEDGER_TABLE}",
                "OWNERTAG_CONCURRENCY": "5",
                "AWS_ENDPOINT_URL": self.sandbox.endpoint_url,
            }
        )
        function = build(environment, session, ConsoleReporter(lambda _: None), config=client_config())
        with pytest.raises(Killed):
            function(KEEP_ACCOUNTS, InvocationContext())

    def run_schedule(self) -> dict[str, Any]:
        """Invokes the deployed function as the schedule does."""
        with closing(self.sandbox.client(self.sandbox.account_session(HUB), "lambda")) as client:
            answer = client.invoke(FunctionName="ownertag", Payload=json.dumps(KEEP_ACCOUNTS).encode())
            assert "FunctionError" not in answer
            found: dict[str, Any] = json.loads(answer["Payload"].read())
        return found


@pytest.fixture(scope="module")
def day() -> Iterator[Day]:
    reporter = ConsoleReporter(lambda _: None)
    with Sandbox(reporter, empty=True) as sandbox:
        yield Day(sandbox, reporter)


def test_a_day_is_observed_without_a_tag_and_afterwards_all_is_tagged_as_it_was_observed(day: Day) -> None:
    wanted = {key: launch.persona.owner for key, launch in day.ids.items()}
    assert len(wanted) > 250
    assert day.tag_calls() == []
    assert {owner for owner in day.owners().values() if owner is not None} == {"ceo"}  # which erin's request brought
    observed = day.known()
    assert {key: known.holding.owner.name for key, known in observed.items()} == wanted
    assert all(known.holding.observed and known.holding.outcome is None for known in observed.values())
    made = [launch for launch in day.launches if launch.ids]
    for launch in made:
        answer = day.whois(launch)
        assert (answer.owner.name, answer.observed is not None) == (launch.persona.owner, True)
    assert "observed_before" not in day.run_schedule()
    assert day.tag_calls() == []

    day.deploy(day.plain)
    day.killed_at(4)
    some = [owner for owner in day.owners().values() if owner not in {None, "ceo"}]
    assert 0 < len(some) < len(wanted)
    for _ in range(20):
        if not day.run_schedule().get("observed_before", {}).get("left"):
            break
    assert day.owners() == wanted
    tagged = day.known()
    assert {key: (one.holding.owner, one.holding.tags) for key, one in tagged.items()} == {
        key: (one.holding.owner, one.holding.tags) for key, one in observed.items()
    }
    assert not [key for key, one in tagged.items() if one.holding.observed]
    # What was written when the function was killed had its tags already the next time.
    assert {one.holding.outcome for one in tagged.values()} == {OutcomeKind.TAGGED, OutcomeKind.UNCHANGED}
    assert day.whois(made[0]).observed is None
    calls = len(day.tag_calls())
    assert "observed_before" not in day.run_schedule()
    assert len(day.tag_calls()) == calls
