"""What the flows call in the sandbox, held against what the rendered policies allow."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from harness.waiting import wait
from ownertag.aws.sessions import Sessions
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.catalogue_types import PARTS, QuestionKind
from ownertag.core.findings import TagChange, TamperFinding
from ownertag.core.settings import ObserveSettings, Settings
from ownertag.core.settings_file import read_settings
from ownertag.core.values import Question, Resource, Write
from ownertag.flows.live import BatchAnswer
from ownertag.flows.reconcile.legs import LONGEST
from ownertag.ledger.dynamodb import DynamoLedger
from ownertag.ledger.dynamodb_client import DynamoDBClient
from ownertag.render.documents import ALARM_TOPIC, BUS, LEDGER_TABLE, RECONCILE_FUNCTION
from ownertag.render.policies import hub_permissions
from ownertag.render.tagger import tagger_permissions, tagger_policies
from ownertag.sandbox.console_reporter import ConsoleReporter
from ownertag.sandbox.demo_launches import launch_and_check
from ownertag.sandbox.organization import sandbox_session
from ownertag.sandbox.personas import HOME_REGION, HUB_ROLE, TAGGER_ROLE
from ownertag.sandbox.sandbox import Sandbox
from ownertag.sinks.findings import FindingsBus
from ownertag.sinks.mail import FindingsMail
from ownertag.sinks.queue import DeadLetter, Queue
from ownertag.sinks.tagging import TagRemover
from ownertag.sources.lookups import AwsLookups
from ownertag.sources.observed_accounts import ObservedAccounts
from ownertag.sources.organization import OrganizationAccounts

SPOKE = "333333333333"
PARENTS = load_catalogue().parents
# Calls whose permission has another name (service authorization reference).
PERMISSIONS = {
    "sqs:ChangeMessageVisibilityBatch": {"sqs:ChangeMessageVisibility"},
    "sqs:DeleteMessageBatch": {"sqs:DeleteMessage"},
    "tagging:GetResources": {"tag:GetResources"},
    # The sandbox names no operation of Lambda's, which stands in the path alone: nothing of ours makes another call.
    "lambda:": {"lambda:InvokeFunction"},
    # A transaction is authorized by what it holds (doc: DynamoDB, IAM with transactions).
    "dynamodb:TransactWriteItems": {"dynamodb:PutItem", "dynamodb:UpdateItem"},
}
# What AWS does with the function's role, and the sandbox does not: Lambda writes the log.
BY_LAMBDA = {"logs:CreateLogStream", "logs:PutLogEvents"}
# And SNS encrypts for whoever publishes, with the publisher's right to the key (doc: SNS, key management).
BY_SNS = {"kms:Decrypt", "kms:GenerateDataKey*"}


@pytest.fixture(scope="module")
def calls() -> dict[str, set[str]]:
    """The permissions that each role needed: for the tour, a message that comes back or dies, and every look-up."""
    returned: list[BatchAnswer] = []

    class Told(ConsoleReporter):
        def answer(self, answer: BatchAnswer, failures: list[Any]) -> None:
            super().answer(answer, failures)
            if answer.returned:
                returned.append(answer)

    watch = Told(lambda _: None)
    with Sandbox(watch) as sandbox:
        launches = launch_and_check(sandbox, watch, lambda _: None)
        assert [launch.problems for launch in launches] == [[]] * len(launches)
        hub = sandbox_session(sandbox.organization.hub_keys, HOME_REGION)
        admin = sandbox.account_session("222222222222")
        sandbox.client(admin, "sqs").send_message(QueueUrl=sandbox.queue_url, MessageBody="no event")
        wait(lambda: returned)
        _look_up_everything(sandbox, hub)
        last = DeadLetter("1", "no event", 16, ("unreadable: no JSON",))
        assert Queue(sandbox.client(hub, "sqs"), sandbox.queue_url).send_to_dead_letter_queue([last]) == {"1"}
        changes = (TagChange("owner", None, "x"),)
        finding = TamperFinding(SPOKE, HOME_REGION, "arn", 1, changes, "mallory", "1", datetime.now(UTC))
        assert FindingsBus(sandbox.client(hub, "events"), BUS).publish([finding]) == [None]
        topic = f"arn:aws:sns:{HOME_REGION}:222222222222:{ALARM_TOPIC}"
        assert FindingsMail(sandbox.client(hub, "sns"), topic, lambda: 0.0).publish([finding]) == [None]
        assert (
            DynamoLedger(DynamoDBClient(sandbox.client(hub, "dynamodb"), LEDGER_TABLE)).by_id("i-0000000000000000a")
            == []
        )
        _reconcile(sandbox, hub)
        found: dict[str, set[str]] = {}
        for principal, call in sandbox.front.calls:
            found.setdefault(principal, set()).update(PERMISSIONS.get(call, {call}))
    return found


def _reconcile(sandbox: Sandbox, hub: Any) -> None:
    """A leg of reconciling that hands on the rest, and the next one, which has taken too long already."""
    began = (datetime.now(UTC) - LONGEST).isoformat()
    order = {"account": SPOKE, "region": HOME_REGION, "chain": {"began": began, "leg": 2}}
    payload = json.dumps({"reconcile": order})
    answer = sandbox.client(hub, "lambda").invoke(
        FunctionName=RECONCILE_FUNCTION, InvocationType="Event", Payload=payload
    )
    assert answer["StatusCode"] == 202


def _look_up_everything(sandbox: Sandbox, hub: Any) -> None:
    """What the tour does not need: which ids exist, which tags a resource carries, whose one is, what undoes a run."""
    sessions = Sessions(
        hub,
        role_name=TAGGER_ROLE,
        region=HOME_REGION,
        now=lambda: datetime.now(UTC),
        endpoint_url=sandbox.endpoint_url,
    )
    lookups = AwsLookups(sessions, settings(), PARENTS, lambda: datetime.now(UTC))
    for kind in load_catalogue().types.values():
        if kind.lookup:
            assert lookups.present(SPOKE, HOME_REGION, kind.lookup, ["none-0000000000000000"]) == set()
    lookups.find([Question(QuestionKind.TAGS, SPOKE, HOME_REGION, "i-0000000000000000a")])
    for part in PARTS:
        lookups.find([Question(part, SPOKE, HOME_REGION, "none-0000000000000000a")])
    here = (HOME_REGION, SPOKE)
    task = f"{'0' * 32}"
    parents = [
        PARENTS.named(kind, id_, "aws", *here)
        for kind, id_ in {
            "auto-scaling-group": "web",
            "launch-template": "lt-0000000000000000a",
            "codebuild-build": "*:5f2d1a3b-4c5d-4e6f-8a9b-0c1d2e3f4a5b",
            "ecs-task": f"prod/{task}",
            "instance": "i-0000000000000000a",
        }.items()
    ]
    anywhere = PARENTS.named("ecs-task", f"*/{task}", "aws", *here)
    for target in (*parents, anywhere):
        assert target is not None
        lookups.find([Question(QuestionKind.OWNER_OF_RESOURCE, SPOKE, HOME_REGION, target.arn)])
    remover = TagRemover(lambda: sessions, load_catalogue().tag_apis)
    gone = Resource(
        f"arn:aws:ec2:{HOME_REGION}:{SPOKE}:volume/vol-0000000000000000a", "vol-0000000000000000a", "ec2:volume"
    )
    assert remover.write(Write(SPOKE, HOME_REGION, "ec2.CreateTags", (("owner", "alice"),), (gone,))) is None
    organization = OrganizationAccounts(sandbox.client(hub, "organizations"), lambda: datetime.now(UTC))
    organization.find([Question(QuestionKind.OWNER_OF_ACCOUNT, SPOKE, "", "")])
    organization.find([Question(QuestionKind.ACCOUNT, f"{number:012}", "", "") for number in range(2)])
    client = sandbox.client(hub, "organizations")
    observe = ObserveSettings(units=(sandbox.organization.unit,))
    observed = ObservedAccounts(client, observe, lambda: datetime.now(UTC))
    assert observed.is_observed(SPOKE) is True
    assert SPOKE in observed.members()  # type: ignore[operator] # they can be read


def allowed(policy: dict[str, Any]) -> set[str]:
    statements = policy["Statement"]
    return {
        action
        for statement in statements
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }


def settings() -> Settings:
    return read_settings(
        '[organization]\nid = "o-a1b2c3d4e5"\nmanagement_account = "111111111111"\n'
        'hub_account = "222222222222"\nhome_region = "eu-central-1"\n[existing_tags]\nowner = "keep"\n',
        "ownertag.toml",
    )


def test_the_tagger_may_do_what_the_flows_do_in_an_account_and_nothing_else(calls: dict[str, set[str]]) -> None:
    catalogue = load_catalogue()
    own = allowed(tagger_permissions(catalogue, settings()))
    # What the rows of other services need and nothing else: tests/functional/infra/policies/test_all_services.py.
    of_services = set().union(*map(allowed, tagger_policies(catalogue, settings()).values()))
    assert calls[TAGGER_ROLE] - of_services == own - of_services


def test_the_function_may_do_what_it_does_and_nothing_else(calls: dict[str, set[str]]) -> None:
    organization = settings().organization
    assert organization is not None
    assert calls[HUB_ROLE] | BY_LAMBDA | BY_SNS == allowed(hub_permissions(settings(), organization))
