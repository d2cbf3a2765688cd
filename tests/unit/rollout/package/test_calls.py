"""The actions of the policies, the calls of the cut models and the calls of the adapters are the same."""

from __future__ import annotations

import ast
from itertools import chain
from pathlib import Path

import botocore.session
from botocore import xform_name

import ownertag
from harness import fixtures
from ownertag.catalogue.lists import shipped_lists
from ownertag.core.catalogue_types import ACTIONS
from ownertag.render.policies import hub_permissions
from ownertag.rollout.package.models import HUB_CALLS, calls_of
from ownertag.sources.inventory.calls import calls_of as inventory_calls

SOURCES = Path(ownertag.__file__).parent / "sources"
#: Of the organization, and of what only the command line looks up: not in an account with the tagger's role.
ELSEWHERE = {"organization.py", "observed_accounts.py", "ec2_state.py"}
#: The IAM action of a call that has another name (service authorization reference).
OTHER_ACTIONS = {
    "dynamodb:TransactWriteItems": {"dynamodb:PutItem", "dynamodb:UpdateItem"},
    "lambda:Invoke": {"lambda:InvokeFunction"},
    "sqs:ChangeMessageVisibilityBatch": {"sqs:ChangeMessageVisibility"},
}
#: What Lambda does by the function's role, beside the function.
BY_LAMBDA = {"sqs:DeleteMessage", "sqs:ReceiveMessage", "logs:CreateLogStream", "logs:PutLogEvents"}
#: Publishing to an encrypted topic.
BY_KEY = {"kms:Decrypt", "kms:GenerateDataKey*"}


def named_in_sources() -> set[str]:
    """Each text and attribute in the adapters that look up."""
    found: set[str] = set()
    for path in SOURCES.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))) if path.name not in ELSEWHERE else ():
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
            elif isinstance(node, ast.Attribute):
                found.add(node.attr)
    return found


def test_the_actions_of_look_ups_are_what_the_adapters_call() -> None:
    services = {"tag": "resourcegroupstaggingapi"}
    loader = botocore.session.Session().get_component("data_loader")
    actions = set(chain.from_iterable(ACTIONS.values()))
    named = named_in_sources()
    called = {
        operation
        for prefix in {action.partition(":")[0] for action in actions}
        for operation in loader.load_service_model(services.get(prefix, prefix), "service-2")["operations"]
        if xform_name(operation) in named
    }
    # By the operation alone: EC2 and Auto Scaling both have a DescribeTags.
    assert called == {action.partition(":")[2] for action in actions}


def test_the_cut_models_hold_what_the_policies_allow_to_look_up() -> None:
    calls = calls_of(fixtures.catalogue())
    for action in chain.from_iterable(ACTIONS.values()):
        service, _, operation = action.partition(":")
        assert operation in calls["resourcegroupstaggingapi" if service == "tag" else service]


def test_the_cut_models_hold_what_an_inventory_calls() -> None:
    catalogue = fixtures.catalogue()
    calls = calls_of(catalogue)
    listed = inventory_calls(catalogue, shipped_lists())
    assert len(listed) >= 100
    for call in listed:
        assert call.operation in calls[call.client], call.types
        assert call.entry.detail is None or call.entry.detail.operation in calls[call.client], call.types


def test_the_hubs_role_may_do_what_the_function_calls_there_and_no_more() -> None:
    settings = fixtures.settings()
    assert settings.organization is not None
    allowed: set[str] = set()
    for statement in hub_permissions(settings, settings.organization)["Statement"]:
        actions = statement["Action"]
        allowed |= {actions} if isinstance(actions, str) else set(actions)
    needed: set[str] = set()
    for service, operations in HUB_CALLS.items():
        for operation in operations:
            needed |= OTHER_ACTIONS.get(f"{service}:{operation}", {f"{service}:{operation}"})
    assert allowed == needed | BY_LAMBDA | BY_KEY
