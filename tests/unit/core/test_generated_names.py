"""Which session names count as made up: each with its source, and none that a person could go by."""

from __future__ import annotations

import pytest

from ownertag.core.owner.generated_names import GENERATED_NAMES, is_generated

UUID = "5f2d1a3b-4c5d-4e6f-8a9b-0c1d2e3f4a5b"
NAMES = [
    "botocore-session-1772442910", "AWS-CLI-session-1523566057", "aws-cli-1772442910", "aws-go-sdk-1772442910000000000",
    "aws-sdk-js-1772442910000", "aws-sdk-java-1772442910000", "aws-sdk-php-1772442910", "token-file-web-identity",
    "default_session", "AssumeRoleSession", "AssumeRoleSession1", "gntd-2WYPmTtYgSJ0rvKWoKq4zGRrNdW",
    "GitLabRunner-1234-5678", "buildkite-job-0184990a-477b-4fa8-9968-496074483cee",
    "terraform-run-AbC123", "terraform-20260302085510123400000001", "aws-terraform-1", "GitHubActions", "session",
    "1772442910123456789", UUID, "0123456789abcdef0123456789abcdef", "AutoScaling", "AWSCloudFormation", "CCSSession",
    "ElasticBeanstalk", "awslambda_1_20260302091405123", "AWSBackup-AWSBackupDefaultServiceRole",
    f"Automation-{UUID}", "DataLifecycleManager", "configLambdaExecution", "AWSConfig-Describe",
    "BackplaneAssumeRoleSession", "OpsWorksCM", "servicecatalog", "GlueJobRunnerSession", "SageMaker",
    f"AWSCodeBuild-{UUID}", "assume-role-provider-1772442910", "web-identity-token-1772442910", "awsume-session-dev",
    "assumed-from-leapp", "wozynIhxRGfTvfRlXhHKONdyrIaAmRyN", "CognitoIdentityCredentials", "EKSClusterSession",
    f"eks-prod-karpenter-7-{UUID}",
]  # fmt: skip
OF_PEOPLE = [
    "alice", "john.stiles", "maria.rossi@example.com", "Carlos", "aws-cdk-erin", "nightly", "release-7", "gntd",
    "Automation-alice", "eks-admin", "eks-admin-bob", "terraform", "my-botocore-session-1", "AutoScaling2",
    "automation-5f2d1a3b", "sagemaker-jane", "AWSCodeBuild-jane", "CognitoJane", "awsume-jane",
    "Maximiliane-Katharina-von-Hohenberg", "token-file-web-identity-jane",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_what_a_tool_or_a_service_made_up_names_nobody(name: str) -> None:
    assert is_generated(name)


@pytest.mark.parametrize("name", OF_PEOPLE)
def test_what_a_person_could_choose_is_a_name(name: str) -> None:
    assert not is_generated(name)


def test_each_row_has_who_makes_the_names_and_the_source_of_that() -> None:
    assert all(generated.by and generated.source for generated in GENERATED_NAMES)
    assert len({generated.pattern for generated in GENERATED_NAMES}) == len(GENERATED_NAMES)
