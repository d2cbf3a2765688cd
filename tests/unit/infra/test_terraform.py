"""The role by which StackSets deploys into the management account may do what the template takes, and no more."""

from __future__ import annotations

import re
from pathlib import Path

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from infra.test_templates import resources

TEXT = (Path(__file__).parents[3] / "infra/terraform/management.tf").read_text("utf-8")
POLICY = TEXT[TEXT.index('resource "aws_iam_role_policy" "execution"') :].partition("\n}\n")[0]
#: What no handler lists: StackSets' own, and AWS's list of what CloudFormation needs of templates.
OF_STACK_SETS = {"cloudformation:*", "cloudformation:GetTemplateSummary", "cloudformation:ValidateTemplate"}


def handlers(type_: str) -> set[str]:
    """What CloudFormation calls to create, read, update and delete one, by its own schema."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", type_).schema
    return {
        action
        for name, handler in schema["handlers"].items()
        if name != "list"  # no stack does
        for action in handler["permissions"]
    }


def test_it_may_call_what_the_handlers_of_the_templates_types_call_and_nothing_else() -> None:
    needed = {action for each in resources("spoke_region").values() for action in handlers(each["Type"])}
    assert {"events:PutRule", "sqs:CreateQueue", "iam:PassRole"} <= needed
    actions = re.sub(r"Condition = .+", "", POLICY)
    assert set(re.findall(r'"((?:cloudformation|events|sqs|iam):[\w*]+)"', actions)) == needed | OF_STACK_SETS


def test_it_may_do_so_to_what_the_template_makes_alone() -> None:
    made = {
        each["Properties"].get("Name") or each["Properties"].get("QueueName")
        for each in resources("spoke_region").values()
    }
    assert {name for name in made if name and not name.startswith("ownertag-")} == set()
    scopes = re.findall(r"Resource += (.+)", POLICY)
    assert scopes == [
        '"arn:aws:cloudformation:*:${var.management_account_id}:stack/StackSet-${local.management_rules}-*/*"',
        '"*"',
        '"arn:aws:events:*:${var.management_account_id}:rule/ownertag-*"',
        '"arn:aws:sqs:*:${var.management_account_id}:ownertag-undelivered"',
        '"arn:aws:iam::${var.management_account_id}:role/ownertag-forwarder"',
    ]
    assert 'Condition = { StringEquals = { "iam:PassedToService" = "events.amazonaws.com" } }' in POLICY
