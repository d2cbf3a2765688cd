"""The module is well formed, asks AWS for the right things in the right order, and refuses what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from terraform.conftest import INFRA, CompletedCommand, FromArchive, Terraform

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
            f"{OURS}aws_cloudformation_stack_set_instance.management_rules",
            f"{OURS}aws_cloudformation_stack.management_roles",
        ),
        # Until the last stack is gone, StackSets must be able to delete it.
        (
            "organization",
            f"{OURS}aws_cloudformation_stack_set_instance.management_rules",
            f"{OURS}aws_iam_role_policy.execution",
        ),
        (
            "organization",
            f"{OURS}aws_cloudformation_stack_set_instance.management_rules",
            f"{OURS}aws_iam_role_policy.administration",
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


# --- from an archive of a release


def test_from_an_archive_the_modules_are_taken_and_valid(archive: FromArchive) -> None:
    sources = {module["Key"]: module["Source"] for module in archive.modules if module["Key"]}
    assert sources == {
        "ownertag": f"{archive.source}//infra/terraform",
        "rules": f"{archive.source}//infra/terraform/region",
    }
    assert (archive.valid["valid"], archive.valid["diagnostics"]) == (True, [])


def test_from_an_archive_the_templates_are_found_and_are_those_of_nobodys_organization(archive: FromArchive) -> None:
    """The plan gets as far as to compare them: they came with the archive, and are replaced by rendered ones."""
    said = " ".join(archive.planned.stderr.replace("│", " ").split())
    assert archive.planned.returncode == 1
    assert "no file exists" not in said
    assert "aws.management is in organization" in said


def test_a_template_that_is_too_long_for_a_call_is_refused_before_anything_is_changed(archive: FromArchive) -> None:
    said, without = (" ".join(each.stderr.replace("│", " ").split()) for each in (archive.too_long, archive.planned))
    assert archive.too_long.returncode == 1
    assert "AWS takes 51,200 bytes of a template" in said
    assert "51201 (spoke_account)" in said
    assert "51,200" not in without


def test_an_archive_with_another_digest_is_refused(archive: FromArchive) -> None:
    said = " ".join(archive.wrong_digest.stderr.replace("│", " ").split())
    assert archive.wrong_digest.returncode == 1
    assert "Checksums did not match" in said, said


def test_no_path_of_the_module_leads_out_of_the_folder_that_the_archive_holds() -> None:
    """Needs no Terraform. `path.module` is infra/terraform, or region/ in it; the archive holds infra/."""
    for path in MODULE.rglob("*.tf"):
        inside = len(path.parent.relative_to(INFRA).parts)
        for upwards in re.findall(r"(?:\.\./)*\.\.(?=[/\"])", path.read_text("utf-8")):
            assert upwards.count("..") <= inside, path
