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


class MadeUp(Struct, frozen=True):
    """A pattern of names, who makes them, and the source of that."""

    pattern: str
    by: str
    source: str


MADE_UP = (
    # SDKs and tools
    MadeUp(r"botocore-session-\S*", "boto3, botocore", "botocore, credentials.py"),
    MadeUp(r"AWS-CLI-session-\S*", "AWS CLI", "botocore as it is part of AWS CLI 2, credentials.py"),
    MadeUp(r"aws-cli-\S*", "AWS CLI", "seen"),
    MadeUp(r"aws-go-sdk-\S*", "AWS SDK for Go", "aws-sdk-go, stscreds"),
    MadeUp(
        r"aws-sdk-[a-z]+-\S*", "AWS SDKs for Java, JavaScript, PHP and others", "aws-sdk-java, aws-sdk-js, aws-sdk-php"
    ),
    MadeUp(
        r"token-file-web-identity", "AWS SDK for JavaScript 2", "aws-sdk-js, token_file_web_identity_credentials.js"
    ),
    MadeUp(
        r"(?:assume-role-provider|assume-role-from-profile|web-identity-token)-\S*", "AWS SDK for Rust", "aws-config"
    ),
    MadeUp(r"awsume-session-\S*", "awsume", "trek10inc/awsume, role_session_name"),
    MadeUp(r"assumed-from-leapp", "Leapp", "Noovolari/leapp, AwsIamRoleChainedSession"),
    MadeUp(r"default_session", "AWS SDK for Ruby", "memory"),
    MadeUp(
        r"AssumeRoleSession\S*",
        "scripts after AWS's own example",
        "IAM user guide, 'Switching to an IAM role (AWS API)'",
    ),
    MadeUp(r"gntd-\S*", "Granted", "common-fate/granted, sessionName"),
    MadeUp(
        r"terraform-\S*", "HCP Terraform (terraform-run-ID), and by hand", "a record of AssumeRoleWithWebIdentity, seen"
    ),
    MadeUp(r"aws-terraform-\S*|hashicorp-terraform\S*", "Terraform", "memory"),
    MadeUp(r"GitHubActions", "aws-actions/configure-aws-credentials", "its documentation: role-session-name"),
    MadeUp(r"GitLabRunner-\S*", "scripts after GitLab's own example", "GitLab, 'Configure OpenID Connect in AWS'"),
    MadeUp(r"buildkite-job-\S*", "Buildkite's plugin for assuming a role", "its documentation: role-session-name"),
    MadeUp(r"session|default", "scripts", "seen"),
    # services
    MadeUp(r"[0-9]+", "Karpenter, CodePipeline and others: a time", "seen"),
    MadeUp(r"[0-9a-f-]{32,36}", "ECS tasks and others: an id", "seen"),
    MadeUp(r"[A-Za-z]{32}", "Step Functions", "a record of Invoke, seen"),
    MadeUp(r"CognitoIdentityCredentials", "Cognito identity pools", "seen in requests that API Gateway shows"),
    MadeUp(r"EKSClusterSession", "EKS, in a cluster's role", "memory"),
    MadeUp(r"AutoScaling", "EC2 Auto Scaling", "seen"),
    MadeUp(r"AWSCloudFormation", "CloudFormation with a service role", "seen"),
    MadeUp(r"CCSSession|EMR", "EMR", "seen"),
    MadeUp(r"ElasticBeanstalk", "Elastic Beanstalk", "seen"),
    MadeUp(r"awslambda\S*", "Lambda", "cloud-custodian, AutoTagUser"),
    MadeUp(r"AWSBackup-\S*", "AWS Backup", "a record of flanksource/config-db, seen"),
    MadeUp(r"Automation-" + _UUID, "Systems Manager Automation", "seen in public lists of names to leave out"),
    MadeUp(r"DataLifecycleManager\S*", "Data Lifecycle Manager", "seen in public lists of names to leave out"),
    MadeUp(r"configLambdaExecution|AWSConfig-\S*", "AWS Config", "seen in public lists of names to leave out"),
    MadeUp(r"BackplaneAssumeRoleSession", "AWS services", "seen in public lists of names to leave out"),
    MadeUp(r"OpsWorksCM|OpsWorks-\S*", "OpsWorks", "seen in public lists of names to leave out"),
    MadeUp(r"servicecatalog", "Service Catalog, in a launch role", "SWO-GS/auto-tag, issue 5"),
    MadeUp(r"GlueJobRunnerSession", "Glue", "memory"),
    MadeUp(r"SageMaker", "SageMaker", "memory"),
    MadeUp(r"AWSCodeBuild-" + _UUID, "CodeBuild", "memory"),
    MadeUp(
        r"eks-\S*-" + _UUID,
        "EKS Pod Identity (eks-CLUSTER-POD-UUID)",
        "aws-samples, EKS workshop on Pod Identity, seen",
    ),
)


@cache
def _pattern() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{each.pattern})" for each in MADE_UP), re.ASCII)


def is_made_up(session: str) -> bool:
    """Whether this is a name of a session that names nobody. STS takes 64 characters at most."""
    return len(session) <= 64 and _is_made_up(session)


@lru_cache(maxsize=4096)  # a session makes many calls
def _is_made_up(session: str) -> bool:
    return _pattern().fullmatch(session) is not None
