"""Regions: those of the account's partition, of which each account has enabled some; moto offers all to all.

Sources: AWS General Reference, "Partitions": accounts, credentials and resources of a partition are not known in
another one; which one a Region is of botocore knows, from AWS's own list of endpoints. EC2 API reference,
DescribeRegions; Account Management reference, "Enable or disable AWS Regions in your account": in a Region that an
account has not enabled, its credentials are not valid. Account Management API reference and botocore's model: the
operations, `RegionOptStatus`. Enabling takes minutes to hours there, and no time here. What AWS says to a Region that
is on by default, and can't be disabled, is documented nowhere: the text is made up.
"""

from __future__ import annotations

import json
from functools import cache
from xml.etree import ElementTree as ET

import botocore.session
from botocore.exceptions import UnknownRegionError
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend

from ownertag.sandbox.calls import Call, Next, Response, answer_json, answer_xml, refuse

#: The partition of the sandbox's accounts.
PARTITION = "aws"
_NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
OFF = "not-opted-in"
#: These are always answered: what they hold is in no Region.
_EVERYWHERE = frozenset({"account", "iam", "organizations", "sts"})


@cache
def _sdk() -> botocore.session.Session:
    """One for all questions: each new one reads the list of endpoints anew, which takes 30 ms."""
    return botocore.session.Session()


@cache
def is_elsewhere(region: str) -> bool:
    """Whether a Region is of another partition."""
    try:
        return str(_sdk().get_partition_for_region(region)) != PARTITION
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

    def answer_account(self, call: Call, account: str) -> Response | None:
        """Account Management's operations on Regions, of the caller's own account; None for what is none of them."""
        path = call.environ.get("PATH_INFO", "")
        if path == "/listRegions":
            names = [name for name in sorted(self._always) if not is_elsewhere(name)]
            regions = [self._opt_status(account, name) for name in names]
            wanted = call.json().get("RegionOptStatusContains")
            return answer_json(
                {"Regions": [region for region in regions if not wanted or region["RegionOptStatus"] in wanted]}
            )
        if path not in {"/enableRegion", "/disableRegion", "/getRegionOptStatus"}:
            return None
        region = str(json.loads(call.body or b"{}").get("RegionName", ""))
        if region not in self._always or is_elsewhere(region):
            return refuse(call, "ValidationException", f"Region {region} is not known", 400)
        if path == "/getRegionOptStatus":
            return answer_json(self._opt_status(account, region))
        if self._always[region] == "opt-in-not-required":
            return refuse(call, "ValidationException", f"Region {region} is enabled by default", 400)
        (self.enable if path == "/enableRegion" else self.disable)(account, region)
        return answer_json({})

    def _opt_status(self, account: str, region: str) -> dict[str, str]:
        names = {"opted-in": "ENABLED", OFF: "DISABLED"}
        return {"RegionName": region, "RegionOptStatus": names.get(self.status(account, region), "ENABLED_BY_DEFAULT")}

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
