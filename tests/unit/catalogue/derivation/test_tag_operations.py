"""Which operation tags a type: as the API references of the services say it."""

from __future__ import annotations

import pytest

from derive.reference import FOLDER
from derive.tag_operations import tag_operation, tag_operations

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="needs Node and npm: where they are, `make test` installs AWS's reference"
)


@pytest.mark.parametrize(
    ("client", "type_", "operation"),
    [
        ("rds", "rds:db", "rds.AddTagsToResource"),
        ("neptune", "rds:cluster", "rds.AddTagsToResource"),
        ("ec2", "ec2:instance", "ec2.CreateTags"),
        ("iam", "iam:user", "iam.TagUser"),
        ("iam", "iam:saml-provider", "iam.TagSAMLProvider"),
        ("iam", "iam:group", ""),
        ("codebuild", "codebuild:project", ""),
        ("codedeploy", "codedeploy:application", "codedeploy.TagResource"),
        ("codedeploy", "codedeploy:instance", "codedeploy.AddTagsToOnPremisesInstances"),
        ("connect", "connect:contact", "connect.TagContact"),
        ("connect", "connect:queue", "connect.TagResource"),
        ("logs", "logs:log-group", "logs.TagResource"),
        ("efs", "elasticfilesystem:file-system", "efs.TagResource"),
        ("ses", "ses:configuration-set", "sesv2.TagResource"),
        ("s3", "s3:bucket", "s3control.TagResource"),
        ("sqs", "sqs:queue", "sqs.TagQueue"),
        ("mediaconnect", "mediaconnect:RouterInput", "mediaconnect.TagGlobalResource"),
    ],
)
def test_the_operation_of_a_type(client: str, type_: str, operation: str) -> None:
    assert tag_operation(client, type_) == operation


def test_what_only_sounds_like_tagging() -> None:
    assert not tag_operations("lakeformation")
    assert not tag_operations("health")
    assert tag_operations("ecr") == ("TagResource",)
