"""Reads IP addresses: to the one form in which the ledger keeps them, or to why a text could be two."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address

_DOTTED = re.compile(r"[0-9a-fx]+(?:\.[0-9a-fx]*){1,7}", re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"0x[0-9a-f]+|[0-9]{1,10}", re.IGNORECASE | re.ASCII)
_COLONS = re.compile(r"[0-9a-f.]*:[0-9a-f.]*:[0-9a-f:.]*", re.IGNORECASE | re.ASCII)
_PADDED = re.compile(r"(?:^|[.:])0[0-9]+(?=\.|$)", re.ASCII)
_IPV4_PORT = re.compile(r"([0-9]+(?:\.[0-9]+){3}):[0-9]+", re.ASCII)
#: No spelling of an address is near this long; what is longer is looked for as it is, and not repeated in an error.
_LONGEST = 128
_BRACKETS = re.compile(r"\[([^][]*)\](:[0-9]+)?")
#: Names by which AWS makes something reachable, and that only the answer to its creation ties to it.
_NAMES = re.compile(
    r"[a-z0-9]{8,20}\.cloudfront\.net|[a-z0-9]{8,32}\.(?:dualstack\.)?awsglobalaccelerator\.com", re.ASCII
)


def normal_name(text: str) -> str | None:
    """A name of CloudFront or Global Accelerator, which the ledger keeps as it does addresses; None for any other."""
    name = text.lower().removesuffix(".") if len(text) <= _LONGEST else ""
    return name if _NAMES.fullmatch(name) else None


class AddressError(ValueError):
    """It looks like an address, but is none, or could be two; the text says what to write instead."""


def read_address(text: str) -> str | None:
    """The normal form (`normal_address`) of an IPv4 or IPv6 address that somebody typed.

    None if the text is something else.

    Taken: every form of IPv6, IPv4 mapped into IPv6, brackets, and `/32` or `/128` behind a single address.

    Raises:
        AddressError: It looks like an address and is not taken: a zone, a port, a network, octets with zeros before
            them (octal to some programs, decimal to others), a hexadecimal or plain number, a part missing.
    """
    text = text.strip()
    if len(text) > _LONGEST:
        return None
    bracketed = _BRACKETS.fullmatch(text)
    if bracketed:
        if bracketed[2]:
            raise AddressError(f"{text!a} has a port: write {bracketed[1]}")
        text = bracketed[1]
    bare, slash, length = text.partition("/")
    bare, percent, _ = bare.partition("%")
    if not _looks_like_one(bare):
        if bracketed:
            raise AddressError(f"{text!a} is no IP address: within brackets an IPv6 address stands")
        return None
    if percent:
        raise AddressError(f"{text!a} has a zone, which is one machine's own name for a link: write {bare}")
    if with_port := _IPV4_PORT.fullmatch(bare):
        raise AddressError(f"{text!a} has a port: write {with_port[1]}")
    if _PADDED.search(bare) and "." in bare:
        raise AddressError(
            f"{text!a} is ambiguous: octets that begin with 0 are octal to some programs and decimal to others; "
            "write them without"
        )
    if "x" in bare.lower() or _NUMBER.fullmatch(bare):
        raise AddressError(f"{text!a} is an address as one number, or in hexadecimal: write it as 192.0.2.1")
    address = normal_address(bare)
    if address is None:
        raise AddressError(f"{text!a} is no IP address: write it as 192.0.2.1 or 2001:db8::1")
    if slash and length != str(ip_address(bare).max_prefixlen):
        raise AddressError(f"{text!a} is a network: write one address")
    return address


def _looks_like_one(text: str) -> bool:
    """No id or ARN does: ids begin with a word and a hyphen, ARNs with `arn:`."""
    if _NUMBER.fullmatch(text) or _IPV4_PORT.fullmatch(text):
        return True
    return bool(_COLONS.fullmatch(text) or (_DOTTED.fullmatch(text) and text[0].isdigit()))


def normal_address(text: str) -> str | None:
    """An IP address in the one form in which it is kept and looked for; None if it is none.

    Every spelling of an IPv6 address is the same, and an IPv4 address mapped into IPv6 is the IPv4 address.
    """
    try:
        address = ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
