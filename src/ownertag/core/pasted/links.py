"""Reads links to AWS's console, whatever page they open: the ids, ARNs and addresses in them, and where those are.

Hosts: AWS Management Console guide, "Signing in to multiple accounts" (an account before the Region), and botocore's
partitions for China, GovCloud and the European Sovereign Cloud. Fragments (`#InstanceDetails:instanceId=...`) are not
documented: those of EC2's and VPC's console are as seen in browsers, so any id in one is read; those of other services
are in `pages`. Links of the access
portal: IAM Identity Center guide, "Creating shortcut links"; of sign-in: IAM user guide, "Enabling custom identity
broker access". Their tokens are never repeated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from ownertag.core.addresses import normal_address
from ownertag.core.arn import arns_in
from ownertag.core.pasted.buckets import bucket_of_console
from ownertag.core.pasted.endpoints import REGION
from ownertag.core.pasted.pages import read_page
from ownertag.core.pasted.taken import Asked, Pasted, PastedError, several

_SUFFIX = r"(?:aws\.amazon\.com|amazonaws\.cn|amazonaws-us-gov\.com|amazonaws-eusc\.eu)"
_CONSOLE = re.compile(
    rf"(?:(?P<account>[0-9]{{12}})-[a-z0-9]+\.)?(?:(?P<region>{REGION})\.)?(?:[a-z0-9-]+\.)?console\.{_SUFFIX}"
)
_SIGN_IN = re.compile(rf"(?:[a-z0-9-]+\.)*signin\.{_SUFFIX}")
_PORTAL = re.compile(rf"(?:[a-z0-9-]+\.)+awsapps(?:-us-gov)?\.(?:com|cn)|[a-z0-9-]+\.portal\.{REGION}\.app\.aws")
_REGION = re.compile(REGION)
_ACCOUNT = re.compile(r"[0-9]{12}")
#: An id of EC2: 8 or 17 hexadecimal digits (EC2 user guide, "Resource IDs").
_ID = re.compile(r"(?<![A-Za-z0-9-])[a-z]{1,16}(?:-[a-z]{2,10}){0,2}-(?:[0-9a-f]{17}|[0-9a-f]{8})(?![A-Za-z0-9-])")
_ADDRESS = re.compile(r"(?<![0-9.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9.])")
_BUCKET_PAGE = re.compile(r"/s3/(?:buckets|object|get)/([^/?]+)")
#: A tag's value in a filter is anybody's text.
_TAG = re.compile(r"tag:[^;]*")
_MOST_WRAPPED = 3


def read_link(url: str, account: str | None = None, depth: int = 0) -> Pasted | None:
    """What a link to the console names; None if its host is none of the console's.

    Args:
        url: The link.
        account: The account that a link around it says.
        depth: How many links are around it.

    Raises:
        PastedError: It names nothing.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if _SIGN_IN.fullmatch(host) or _PORTAL.fullmatch(host):
        return _destination(parts, depth)
    found = _CONSOLE.fullmatch(host)
    if found is None:
        return None
    asked = parse_qs(parts.query)
    region = next((one for one in asked.get("region", ()) if _REGION.fullmatch(one)), found["region"])
    account = found["account"] or account
    text = _unquoted(f"{parts.path} {parts.query} {parts.fragment}")
    named = [Asked(arn) for arn in arns_in(text)]
    # CloudWatch writes a `$` for the `%` of what it encodes once more.
    page = _unquoted(f"{parts.path}?{parts.query}#{parts.fragment}".replace("$25", "%25"))
    if not named and (shown := read_page(page, account, region)):
        named = [shown]
    if not named:
        named = list(_named(_TAG.sub("", text), account, region))
    if named:
        return several("console link", named)
    if bucket := _BUCKET_PAGE.match(unquote(parts.path)):
        return bucket_of_console(bucket[1], _partition(host))
    service = parts.path.strip("/").partition("/")[0][:32]
    which = f"its page of {service!a}" if service else "its page"
    raise PastedError(
        f"the console link names no resource that is known here: {which} is a list, or of a service whose pages "
        "are not; open the resource, and paste that link, its id or its ARN"
    )


def _named(text: str, account: str | None, region: str | None) -> Iterator[Asked]:
    for id_ in dict.fromkeys(_ID.findall(text)):
        yield Asked(id_, account=account, region=region)
    for written in dict.fromkeys(_ADDRESS.findall(text)):
        if address := normal_address(written):
            yield Asked(address=address, account=account, region=region)


def _destination(parts: SplitResult, depth: int) -> Pasted:
    """What the link inside a link of the sign-in page or the access portal names."""
    asked = parse_qs(f"{parts.query}&{parts.fragment.partition('?')[2]}")
    stated = (*asked.get("account_id", ()), *asked.get("account", ()))
    account = next((one for one in stated if _ACCOUNT.fullmatch(one)), None)
    for name in ("destination", "Destination", "redirect_uri"):
        for inner in asked.get(name, ()):
            if depth < _MOST_WRAPPED and (found := read_link(_unquoted(inner, "://"), account, depth + 1)):
                return found
    at = f" into account {account}" if account else ""
    raise PastedError(
        f"it is a link to sign in{at}, and names no resource: open the resource, and paste its link or id"
    )


def _unquoted(text: str, until: str | None = None) -> str:
    """A text without URL-encoding: links in links have it several times. It ends where this text is in it."""
    for _ in range(_MOST_WRAPPED):
        if until and until in text:
            break
        text = unquote(text)
    return text


def _partition(host: str) -> str:
    ends = {".cn": "aws-cn", "-us-gov.com": "aws-us-gov", "-eusc.eu": "aws-eusc"}
    return next((partition for end, partition in ends.items() if host.endswith(end)), "aws")
