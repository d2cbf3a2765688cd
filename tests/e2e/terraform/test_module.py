"""The module is well formed, asks AWS for the right things in the right order, and refuses what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from terraform.conftest import INFRA, CompletedCommand, Terraform

MODULE = INFRA / "terraform"
TESTS = (MODULE / "tests/module.tftest.hcl").read_text("utf-8")
OURS = "module.ownertag."


@pytest.mark.parametrize("folder", [MODULE, Path(__file__).parent], ids=["module", "tests"])
def test_it_is_formatted(terraform: Terraform, folder: Path) -> None:
    answer = terraform(folder, "fmt", "-check", "-recursive", "-diff", "-no-color")
    assert (answer.returncode, answer.stdout) == (0, "")


@pytest.mark.parametrize("example", ["one_account", "organization"])
def test_an_example_is_valid_with_the_module_that_it_uses(valid_examples: dict[str, Any], example: str) -> None:
    said, _ = valid_examples[example]
    assert (said["valid"], said["diagnostics"]) == (True, [])


@pytest.mark.parametrize("name", re.findall(r'^run "(\w+)"', TESTS, re.MULTILINE))
def test_with_mocked_providers(module_tests: CompletedCommand, name: str) -> None:
    assert f'run "{name}"... pass' in module_tests.stdout, module_tests.stdout + module_tests.stderr


@pytest.mark.parametrize(
    ("example", "later", "earlier"),
    [
        # What a rule sends to a bus that is not there ends in its dead-letter queue.
        ("organization", f"{OURS}aws_cloudformation_stack_set_instance.roles", f"{OURS}aws_cloudformation_stack.hub"),
        ("organization", f"{OURS}aws_cloudformation_stack.management_roles", f"{OURS}aws_cloudformation_stack.hub"),
        ("one_account", "aws_cloudformation_stack.roles", "aws_cloudformation_stack.hub"),
        # A rule's target names the forwarder role.
        (
            "organization",
            f"{OURS}aws_cloudformation_stack_set_instance.rules",
            f"{OURS}aws_cloudformation_stack_set_instance.roles",
        ),
        (
            "organization",
            "module.management_us_west_2.aws_cloudformation_stack.rules",
            f"{OURS}aws_cloudformation_stack.management_roles",
        ),
        ("one_account", "module.rules_us_east_1.aws_cloudformation_stack.rules", "aws_cloudformation_stack.roles"),
        # The policy takes tags away from people: not before there are others.
        (
            "organization",
            f"{OURS}aws_organizations_policy_attachment.protection",
            f"{OURS}aws_cloudformation_stack_set_instance.rules",
        ),
        # Where it may not read an account, it does not tag there.
        ("organization", f"{OURS}aws_cloudformation_stack.hub", f"{OURS}aws_cloudformation_stack.read_accounts"),
        # Whatever is mixed up is told by the hub's preconditions, before anything is changed.
        ("organization", f"{OURS}aws_organizations_policy.protection", f"{OURS}aws_cloudformation_stack.hub"),
        ("organization", f"{OURS}aws_cloudformation_stack_set.spokes", f"{OURS}aws_cloudformation_stack.hub"),
    ],
)
def test_what_comes_later(valid_examples: dict[str, Any], example: str, later: str, earlier: str) -> None:
    _, graph = valid_examples[example]
    assert earlier in set(_before(graph, later))


def _before(graph: str, node: str) -> Iterator[str]:
    for earlier in re.findall(rf'^ *"{re.escape(node)}" -> "([^"]+)"', graph, re.MULTILINE):
        yield earlier
        yield from _before(graph, earlier)
