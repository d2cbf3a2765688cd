"""Regions: those of the account's partition, of which each account has enabled some; moto offers all to all.

Sources: AWS General Reference, "Partitions": accounts, credentials and resources of a partition are not known in
another one; which one a Region is of botocore knows, from AWS's own list of endpoints. EC2 API reference,
DescribeRegions; Account Management reference, "Enable or disable AWS Regions in your account": in a Region that an
account has not enabled, its credentials are not valid.
"""

from __future__ import annotations

from functools import cache
from xml.etree import ElementTree as ET

import botocore.session
from botocore.exceptions import UnknownRegionError
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend

from ownertag.sandbox.calls import Call, Next, Response, answer_xml

#: The partition of the sandbox's accounts.
PARTITION = "aws"
_NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
OFF = "not-opted-in"
#: These are always answered: what they hold is in no Region.
_EVERYWHERE = frozenset({"iam", "organizations", "sts"})


@cache
def is_elsewhere(region: str) -> bool:
    """Whether a Region is of another partition."""
    try:
        return str(botocore.session.Session().get_partition_for_region(region)) != PARTITION
    except UnknownRegionError:
        return False


class EnabledRegions:
    """The Regions of each account: as moto lists them, until the account enables or disables one."""

    def __init__(self) -> None:
        self._always = {region.name: region.opt_in_status for region in RegionsAndZonesBackend.regions}
        self._changed: dict[tuple[str, str], str] = {}

    def enable(self, account: str, region: str) -> None:
        """What EnableRegion does."""
        self._changed[account, region] = "opted-in"

    def disable(self, account: str, region: str) -> None:
        """What DisableRegion does: resources stay, and nobody gets to them."""
        self._changed[account, region] = OFF

    def status(self, account: str, region: str) -> str:
        """The `OptInStatus` of a Region in an account."""
        return self._changed.get((account, region)) or self._always.get(region, "opt-in-not-required")

    def refuses(self, call: Call, account: str) -> bool:
        """Whether a call goes to a Region that the caller's account has not enabled."""
        return call.service not in _EVERYWHERE and self.status(account, call.region) == OFF

    def describe_regions(self, call: Call, account: str, next_: Next) -> Response:
        """EC2's DescribeRegions: the partition's Regions; those that are not enabled only where all are asked for."""
        answer = next_(call)
        if answer.failed:
            return answer
        found = answer.xml().find("regionInfo")
        info = ET.Element("regionInfo")
        everything = call.params.get("AllRegions", "").lower() == "true"
        for item in found if found is not None else ():
            name = item.findtext("regionName", "")
            status = self.status(account, name)
            if is_elsewhere(name) or (status == OFF and not everything):
                continue
            for old in item.findall("optInStatus"):
                old.text = status
            info.append(item)
        return answer_xml("DescribeRegions", _NAMESPACE, info, result=False)
