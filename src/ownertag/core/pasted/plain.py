"""Tells a text that is an id, an ARN or an address and nothing else: what most people type, and fast to tell."""

from __future__ import annotations

import re

from ownertag.core.addresses import AddressError, read_address
from ownertag.core.arn import function_arn, parse_arn
from ownertag.core.pasted.taken import Asked, Pasted

#: An id of EC2 has 8 or 17 hexadecimal digits (EC2 user guide, "Resource IDs").
_ID = re.compile(r"[a-z]{1,16}(?:-[a-z]{2,10}){0,2}-(?:[0-9a-f]{17}|[0-9a-f]{8})")
#: What stands between the members of a list; in an ARN it is seldom.
SEPARATOR = re.compile(r"[\s,;]+")


def read_plain(text: str) -> Pasted | None:
    """What the text is; None if it is something else, or has to be read more closely."""
    if _ID.fullmatch(text):
        return Pasted("id", (Asked(text),), plain=True)
    if arn := parse_arn(text):
        # A version or an alias of a function is the function's.
        one = arn.account and not SEPARATOR.search(text) and function_arn(text) in {None, text}
        return Pasted("ARN", (Asked(text),), plain=True) if one else None
    try:
        address = read_address(text)
    except AddressError:
        return None
    return Pasted("IP address", (Asked(address=address),), plain=True) if address else None
