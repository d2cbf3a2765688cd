"""Regions: an account is of one partition, and has no Region of another; moto offers those of all.

Doc: AWS General Reference, "Partitions": accounts, credentials and resources of a partition are not known in another
one. Which partition a Region is of botocore knows, from AWS's own list of endpoints.
"""

from __future__ import annotations

from functools import cache
from xml.etree import ElementTree as ET

import botocore.session
from botocore.exceptions import UnknownRegionError

from ownertag.sandbox.calls import Call, Next, Response

#: The partition of the sandbox's accounts.
PARTITION = "aws"
_NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"


@cache
def is_elsewhere(region: str) -> bool:
    """Whether a Region is of another partition."""
    try:
        return str(botocore.session.Session().get_partition_for_region(region)) != PARTITION
    except UnknownRegionError:
        return False


def describe_regions(call: Call, next_: Next) -> Response:
    """EC2's DescribeRegions, without those of other partitions."""
    answer = next_(call)
    if answer.failed:
        return answer
    root = answer.xml()
    found = root.find("regionInfo")
    for item in list(found) if found is not None else ():
        if found is not None and is_elsewhere(item.findtext("regionName", "")):
            found.remove(item)
    root.set("xmlns", _NAMESPACE)
    return Response(answer.status, answer.headers, ET.tostring(root))
