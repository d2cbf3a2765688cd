"""Session names that no person chose: SDKs, tools and AWS services make them up. They name nobody; the role may.

A row is a pattern that fits the whole name, who makes such names, and where that is known from: their own source or
documentation, a record that was seen in public, or memory (unconfirmed). A name that carries a person's
(`aws-cdk-erin`) has no place here.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from msgspec import Struct

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class GeneratedName(Struct, frozen=True):
    """A pattern of names, who makes them, and the source of that."""

    pattern: str
    by: str
    source: str


GENERATED_NAMES = (
    # SDKs and tools
    GeneratedName(r"botocore-session-\S*", "boto3, botocore", "botocore, credentials.py"),
    GeneratedName(r"AWS-CLI-session-\S*", "AWS CLI", "botocore as it is part of AWS CLI 2, credentials.py"),
    GeneratedName(r"aws-cli-\S*", "AWS CLI", "seen"),
    GeneratedName(r"aws-go-sdk-\S*", "AWS SDK for Go", "aws-sdk-go, stscreds"),
    GeneratedName(
        r"aws-sdk-[a-z]+-\S*", "AWS SDKs for Java, JavaScript, PHP and others", "aws-sdk-java, aws-sdk-js, aws-sdk-php"
    ),
    GeneratedName(
        r"token-file-web-identity", "AWS SDK for JavaScript 2", "aws-sdk-js, token_file_web_identity_credentials.js"
    ),
    GeneratedName(
        r"(?:assume-role-provider|assume-role-from-profile|web-identity-token)-\S*", "AWS SDK for Rust", "aws-config"
    ),
    GeneratedName(r"awsume-session-\S*", "awsume", "trek10inc/awsume, role_session_name"),
    GeneratedName(r"assumed-from-leapp", "Leapp", "Noovolari/leapp, AwsIamRoleChainedSession"),
    GeneratedName(r"default_session", "AWS SDK for Ruby", "memory"),
    GeneratedName(
        r"AssumeRoleSession\S*",
        "scripts after AWS's own example",
        "IAM user guide, 'Switching to an IAM role (AWS API)'",
    ),
    GeneratedName(r"gntd-\S*", "Granted", "common-fate/granted, sessionName"),
    GeneratedName(
        r"terraform-\S*", "HCP Terraform (terraform-run-ID), and by hand", "a record of AssumeRoleWithWebIdentity, seen"
    ),
    GeneratedName(r"aws-terraform-\S*|hashicorp-terraform\S*", "Terraform", "memory"),
    GeneratedName(r"GitHubActions", "aws-actions/configure-aws-credentials", "its documentation: role-session-name"),
    GeneratedName(
        r"GitLabRunner-\S*", "scripts after GitLab's own example", "GitLab, 'Configure OpenID Connect in AWS'"
    ),
    GeneratedName(
        r"buildkite-job-\S*", "Buildkite's plugin for assuming a role", "its documentation: role-session-name"
    ),
    GeneratedName(r"session|default", "scripts", "seen"),
    # services
    GeneratedName(r"[0-9]+", "Karpenter, CodePipeline and others: a time", "seen"),
    GeneratedName(r"[0-9a-f-]{32,36}", "ECS tasks and others: an id", "seen"),
    GeneratedName(r"[A-Za-z]{32}", "Step Functions", "a record of Invoke, seen"),
    GeneratedName(r"CognitoIdentityCredentials", "Cognito identity pools", "seen in requests that API Gateway shows"),
    GeneratedName(r"EKSClusterSession", "EKS, in a cluster's role", "memory"),
    GeneratedName(r"AutoScaling", "EC2 Auto Scaling", "seen"),
    GeneratedName(r"AWSCloudFormation", "CloudFormation with a service role", "seen"),
    GeneratedName(r"CCSSession|EMR", "EMR", "seen"),
    GeneratedName(r"ElasticBeanstalk", "Elastic Beanstalk", "seen"),
    GeneratedName(r"awslambda\S*", "Lambda", "cloud-custodian, AutoTagUser"),
    GeneratedName(r"AWSBackup-\S*", "AWS Backup", "a record of flanksource/config-db, seen"),
    GeneratedName(r"Automation-" + _UUID, "Systems Manager Automation", "seen in public lists of names to leave out"),
    GeneratedName(r"DataLifecycleManager\S*", "Data Lifecycle Manager", "seen in public lists of names to leave out"),
    GeneratedName(r"configLambdaExecution|AWSConfig-\S*", "AWS Config", "seen in public lists of names to leave out"),
    GeneratedName(r"BackplaneAssumeRoleSession", "AWS services", "seen in public lists of names to leave out"),
    GeneratedName(r"OpsWorksCM|OpsWorks-\S*", "OpsWorks", "seen in public lists of names to leave out"),
    GeneratedName(r"servicecatalog", "Service Catalog, in a launch role", "SWO-GS/auto-tag, issue 5"),
    GeneratedName(r"GlueJobRunnerSession", "Glue", "memory"),
    GeneratedName(r"SageMaker", "SageMaker", "memory"),
    GeneratedName(r"AWSCodeBuild-" + _UUID, "CodeBuild", "memory"),
    GeneratedName(
        r"eks-\S*-" + _UUID,
        "EKS Pod Identity (eks-CLUSTER-POD-UUID)",
        "aws-samples, EKS workshop on Pod Identity, seen",
    ),
)


@cache
def _pattern() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{form.pattern})" for form in GENERATED_NAMES), re.ASCII)


def is_generated(session: str) -> bool:
    """Whether no person chose this name of a session. STS takes 64 characters at most."""
    return len(session) <= 64 and _is_generated(session)


@lru_cache(maxsize=4096)  # a session makes many calls
def _is_generated(session: str) -> bool:
    return _pattern().fullmatch(session) is not None
