"""Which events of no row are told as creations: as botocore's models have them, of all services."""

from __future__ import annotations

import re
from collections.abc import Iterator

import botocore.session
import pytest

from ownertag.core.uncovered import creates

_VERB = re.compile(r"(?:Create|Restore|Copy|Import|Register|Run|Request|Allocate)[A-Z]")
_TAGS = {"tags", "tagspecifications", "taglist", "tagging"}
#: They take tags and make nothing of their own to tag; and what only an agent calls, of itself.
_NONE = re.compile(r"Create(?:OrUpdate)?Tags|CreateMultipartUpload|CopyObject|RegisterContainerInstance")


def _taking_tags() -> Iterator[tuple[str, str]]:
    session = botocore.session.get_session()
    for service in session.get_available_services():
        model = session.get_service_model(service)
        for name in model.operation_names:
            shape = model.operation_model(name).input_shape if _VERB.match(name) and not _NONE.fullmatch(name) else None
            if shape is not None and _TAGS & {member.lower() for member in shape.members}:
                yield f"{model.signing_name}.amazonaws.com", name


def test_every_operation_that_takes_tags_for_what_it_makes_is_told_as_not_covered() -> None:
    assert [f"{source} {name}" for source, name in _taking_tags() if not creates(source, name)] == []


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("signin", "CreateOAuth2Token"),
        ("signin", "CreateOAuth2TokenWithIAM"),
        ("ssmmessages", "CreateControlChannel"),
        ("ssmmessages", "CreateDataChannel"),
        ("s3", "CreateSession"),
        ("kms", "CreateGrant"),
        ("kms", "CreateAlias"),
        ("ec2", "CreateRoute"),
        ("codedeploy", "CreateDeployment"),
        ("iam", "CreatePolicyVersion"),
    ],
)
def test_a_token_a_channel_or_a_part_is_none(source: str, name: str) -> None:
    assert not creates(f"{source}.amazonaws.com", name)
