"""Reads the details of a creation that are not its owner: who called, from where, and the resources' addresses.

All of it is for people who ask later. None of it is evidence: user agent, source address and session name are the
caller's own texts. What is secret (session tokens, secret keys) is never read, since only named fields are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from ownertag.core.addresses import normal_address, normal_name
from ownertag.core.arn import last_part
from ownertag.core.owner.principal import clean
from ownertag.core.records import Record
from ownertag.core.values import Creation

#: An IAM access key id (IAM: unique identifiers). It names a key; the secret never stands in a record.
_KEY_ID = re.compile(r"[A-Z0-9]{16,128}")
_ID = re.compile(r"[a-z][a-z0-9]{0,15}-[0-9a-f]{8,17}")
#: Members of EC2's responses that hold an address of the object they stand in, or of an object below it.
_ADDRESSES = frozenset(
    {"ipv6Address", "ipAddress", "privateIp", "privateIpAddress", "publicIp", "carrierIp", "customerOwnedIp"}
)
#: Members of the objects of CloudFront and Global Accelerator that hold the name of the very object (API references).
_NAMES = frozenset({"domainName", "dnsName", "dualStackDnsName"})
#: Where the objects with ids stand in; what stands elsewhere (rules, options) has addresses of others.
_MAX_DEPTH = 12
#: More addresses than an interface can have (EC2: 50 IPv4 and 50 IPv6 on the largest instances).
MAX_ADDRESSES = 128
MAX_TEXT = 512


class Actor(Struct, frozen=True, omit_defaults=True):
    """Who called, as the record says it. `mfa` is None where the record doesn't say."""

    principal: str
    type: str | None = None
    access_key_id: str | None = None
    session: str | None = None
    issuer: str | None = None
    source_identity: str | None = None
    invoked_by: str | None = None
    source_address: str | None = None
    user_agent: str | None = None
    mfa: bool | None = None


def actor_of(record: Record) -> Actor:
    """Returns who made the call of a record; texts are cleaned, and cut to what is kept."""
    identity = record.identity
    if identity is None:
        return Actor("unknown", source_address=_text(record.source_address), user_agent=_text(record.user_agent))
    context = identity.session_context
    issuer = context.session_issuer if context else None
    session = None
    if identity.type == "AssumedRole":
        session = (identity.principal_id or "").partition(":")[2] or last_part(identity.arn or "")
    key = identity.access_key_id
    mfa = context.attributes.mfa_authenticated if context and context.attributes else None
    named = identity.arn or identity.principal_id or identity.invoked_by or identity.account_id
    return Actor(
        principal=_text(named, 2048) or "unknown",
        type=_text(identity.type),
        access_key_id=key if key and _KEY_ID.fullmatch(key) else None,
        session=_text(session),
        issuer=_text(issuer.arn, 2048) if issuer else None,
        source_identity=_text(context.source_identity) if context else None,
        invoked_by=_text(identity.invoked_by),
        source_address=_text(record.source_address),
        user_agent=_text(record.user_agent),
        mfa=None if mfa is None else str(mfa).lower() == "true",
    )


def addresses_of(creation: Creation) -> dict[str, tuple[str, ...]]:
    """The private and public addresses that the response gives to each id, in their normal form, and such names.

    An address belongs to the innermost object around it that has the id (EC2) or ARN of one of the creation's
    resources, and an interface's to its instance as well; a name to the object alone in which it stands.
    """
    try:
        response = msgspec.json.decode(creation.record.response)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
    # An id of EC2 is nothing else; another service's can be any word, so that only the ARN tells whose object it is.
    ids = {
        resource.id if resource.type.startswith("ec2:") else resource.arn: resource.id
        for resource in creation.resources
    }
    found: dict[str, dict[str, None]] = {}
    stated: list[tuple[tuple[str, ...], str]] = []
    _walk(response, ids, (), 0, stated)
    for owners, address in stated:
        for id_ in owners:
            known = found.setdefault(id_, {})
            if len(known) < MAX_ADDRESSES:
                known[address] = None
    return {id_: tuple(addresses) for id_, addresses in found.items()}


def parents_of(creation: Creation, id_: str) -> tuple[str, ...]:
    """What this resource was made by or belongs to, as far as the record of its creation tells: its reservation."""
    if not id_.startswith("i-") or creation.asked_by is None:
        return ()
    return (creation.asked_by[1],) if creation.asked_by[1].startswith("r-") else ()


def _walk(
    node: Any, ids: Mapping[str, str], owners: tuple[str, ...], depth: int, found: list[tuple[tuple[str, ...], str]]
) -> None:
    if depth > _MAX_DEPTH:
        return
    if isinstance(node, list):
        for item in node:
            if item:
                _walk(item, ids, owners, depth + 1, found)
        return
    if not isinstance(node, dict):
        return
    own = next((ids[value] for value in node.values() if isinstance(value, str) and value in ids), None)
    if own is not None and own not in owners:
        owners = (*owners, own)
    for key, value in node.items():
        if isinstance(value, str):
            if owners and key in _ADDRESSES and (address := normal_address(value)):
                found.append((owners, address))
            elif own and key in _NAMES and (name := normal_name(value)):
                found.append(((own,), name))
        elif value:
            _walk(value, ids, owners, depth + 1, found)


def _text(value: str | None, most: int = MAX_TEXT) -> str | None:
    return clean(value[: most * 2])[:most] or None if value else None
