"""Reads the addresses of buckets: `s3://`, virtual-hosted and path style, websites, access points.

Forms: S3 user guide, "Methods for accessing a general purpose bucket", "Website endpoints", "Bucket naming rules",
"Using dual-stack endpoints", "Transfer Acceleration"; of an access point, "Using access points".
"""

from __future__ import annotations

import re

from ownertag.core.arn import Arn, parse_arn, partition_of, without_object
from ownertag.core.pasted.endpoints import REGION
from ownertag.core.pasted.names import MAX_NAME
from ownertag.core.pasted.secrets import repeated
from ownertag.core.pasted.taken import Asked, Pasted, PastedError

_BUCKET = re.compile(r"(?!xn--)(?![0-9.]+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_NAME = r"(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])"
_END = r"\.amazonaws\.com(?P<cn>\.cn)?"
_S3 = rf"s3(?:-fips|-accelerate)?(?:\.dualstack)?(?:[.-](?P<region>{REGION}))?{_END}"
_VIRTUAL = re.compile(rf"{_NAME}\.{_S3}")
_PATH = re.compile(_S3)
_WEBSITE = re.compile(rf"{_NAME}\.s3-website[.-](?P<region>{REGION}){_END}")
_ACCESS_POINT = re.compile(
    rf"(?P<name>[a-z0-9][a-z0-9-]*)-(?P<account>[0-9]{{12}})\.s3-accesspoint(?:-fips)?(?:\.dualstack)?\.(?P<region>{REGION}){_END}"
)


def read_s3_uri(rest: str) -> Pasted:
    """What follows `s3://`: the bucket, or an access point's ARN, and the object's key.

    Raises:
        PastedError: It names no bucket.
    """
    if arn := parse_arn(rest):
        return Pasted("access point's URL", (Asked(str(without_object(arn))),))
    return _bucket(rest.partition("/")[0], "aws")


def read_bucket(host: str, path: str) -> Pasted | None:
    """The bucket that a host and path lead to; None if it is no host of S3.

    Raises:
        PastedError: It names no bucket.
    """
    if len(host) > MAX_NAME:
        return None
    if found := _ACCESS_POINT.fullmatch(host):
        region, account = found["region"], found["account"]
        arn = Arn(partition_of(region), "s3", region, account, f"accesspoint/{found['name']}")
        return Pasted("access point's URL", (Asked(str(arn)),))
    found = _WEBSITE.fullmatch(host) or _VIRTUAL.fullmatch(host)
    named = found["bucket"] if found else None
    if found is None and (found := _PATH.fullmatch(host)):
        named = path.strip("/").partition("/")[0]
    if found is None or named is None:
        return None
    return _bucket(named, "aws-cn" if found["cn"] else partition_of(found["region"] or ""))


def bucket_of_console(name: str, partition: str) -> Pasted:
    """The bucket of a page of S3's console."""
    return _bucket(name, partition, "console link")


def _bucket(name: str, partition: str, kind: str = "bucket URL") -> Pasted:
    if not _BUCKET.fullmatch(name):
        raise PastedError(f"the URL names no bucket: {repeated(name)} is no bucket's name")
    return Pasted(kind, (Asked(str(Arn(partition, "s3", "", "", name))),))
