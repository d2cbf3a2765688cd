"""How CloudFormation gets a template: in the call, or by an object in S3 where it is too long for that.

A template in a call has at most 51,200 bytes, one in S3 1 MB (doc: CloudFormation quotas). CloudFormation reads it
from S3 with the credentials of the call, so it lies in a bucket of the calling account, for as long as the call takes;
in the standard Regions the bucket's Region does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from ownertag.rollout.deploy.failures import DeployError

#: Bytes that a call takes, and that S3 takes (doc: CloudFormation quotas).
MOST_IN_CALL = 51_200
MOST_IN_S3 = 1_000_000

_CLOSED = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


class TemplateBucket:
    """The bucket of an account in which templates lie that are too long for a call. It is made when one is.

    Args:
        s3: A client of S3 in the account, in the bucket's Region; made when it is needed.
        account: The account, whose id ends the name: a bucket's name is AWS's only one.
        region: The Region.
    """

    def __init__(self, s3: Callable[[], Any], account: str, region: str) -> None:
        self._s3 = s3
        self._account = account
        self._region = region
        self.name = f"ownertag-templates-{account}-{region}"

    @contextmanager
    def given(self, template: str) -> Iterator[dict[str, str]]:
        """The template as CloudFormation's operations take it: `TemplateBody`, or `TemplateURL` while it is needed.

        Raises:
            DeployError: The template is too long for CloudFormation.
        """
        body = template.encode()
        if len(body) <= MOST_IN_CALL:
            yield {"TemplateBody": template}
            return
        if len(body) > MOST_IN_S3:
            raise DeployError(
                f"a template has {len(body):,} bytes, and CloudFormation takes {MOST_IN_S3:,}: name fewer units, "
                "break-glass roles or rules in the settings"
            )
        # One object for each use: several stacks have the same template, and each takes its own object away.
        s3, key = self._s3(), f"{uuid4().hex}.yaml"
        self._make(s3)
        s3.put_object(Bucket=self.name, Key=key, Body=body, ExpectedBucketOwner=self._account)
        try:
            yield {"TemplateURL": f"https://{self.name}.s3.{self._region}.{_suffix(self._region)}/{key}"}
        finally:
            s3.delete_object(Bucket=self.name, Key=key, ExpectedBucketOwner=self._account)

    def _make(self, s3: Any) -> None:
        # us-east-1 is the one Region that may not be named (doc: CreateBucket).
        place = (
            {} if self._region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": self._region}}
        )
        try:
            s3.create_bucket(Bucket=self.name, **place)
        except ClientError as error:
            if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
                raise
        s3.put_public_access_block(
            Bucket=self.name,
            PublicAccessBlockConfiguration=dict.fromkeys(_CLOSED, True),
            ExpectedBucketOwner=self._account,
        )


def _suffix(region: str) -> str:
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
