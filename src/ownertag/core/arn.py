"""Takes ARNs apart and builds them (doc: IAM user guide, "Amazon Resource Names")."""

from __future__ import annotations

import re
from functools import lru_cache

_PARTITIONS = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-isob-", "aws-iso-b"),
    ("us-isof-", "aws-iso-f"),
    ("us-iso-", "aws-iso"),
    ("eu-isoe-", "aws-iso-e"),
    ("eusc-", "aws-eusc"),
)


def partition_of(region: str) -> str:
    """The partition of a Region, told by its prefix as in botocore's endpoint data."""
    return next((partition for prefix, partition in _PARTITIONS if region.startswith(prefix)), "aws")


def last_of(arn: str) -> str:
    """What stands last in an ARN, after a colon or a slash: a resource's id, a principal's name."""
    return re.split("[/:]", arn)[-1]


def account_in(arn: str) -> str:
    """The account that an ARN names, or nothing."""
    return (arn.split(":", 5) + [""] * 5)[4]


@lru_cache(maxsize=4096)
def arn_before_id(template: str, region: str, account: str) -> str:
    """An ARN as far as its id, with which every template of the catalogue ends."""
    filled = template.replace("{partition}", partition_of(region)).replace("{region}", region)
    return filled.replace("{account}", account).removesuffix("{id}")
