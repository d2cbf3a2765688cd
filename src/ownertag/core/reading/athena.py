"""Reads records in Athena's CSV: a row is a record, its columns named as in the table that AWS documents for trails.

A `struct` is written `{type=IAMUser, arn=…}`, without quotes: what a name could have put there is refused, not guessed.
Source: Athena user guide, "Query AWS CloudTrail logs" (columns), and what Athena writes of rows.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from ownertag.core.values import Reason

#: Columns to CloudTrail's fields.
_FIELDS = {
    "eventversion": "eventVersion",
    "useridentity": "userIdentity",
    "eventtime": "eventTime",
    "eventsource": "eventSource",
    "eventname": "eventName",
    "awsregion": "awsRegion",
    "sourceipaddress": "sourceIPAddress",
    "useragent": "userAgent",
    "errorcode": "errorCode",
    "errormessage": "errorMessage",
    "requestparameters": "requestParameters",
    "responseelements": "responseElements",
    "eventid": "eventID",
    "resources": "resources",
    "eventtype": "eventType",
    "eventcategory": "eventCategory",
    "recipientaccountid": "recipientAccountId",
    "sharedeventid": "sharedEventID",
}
#: Without one of these a row tells too little: a failed call, say, would look like one that went well.
_NEEDED = (
    *("eventid", "eventtime", "eventsource", "eventname", "awsregion"),
    *("useridentity", "errorcode", "requestparameters", "responseelements"),
)
#: Columns that hold a record's own JSON: exports of CloudWatch Logs, and queries for raw text.
_TEXTS = ("@message", "message", "cloudtrailevent", "record", "raw", "json")
_STRUCTS = ("useridentity", "resources")
_JSON = ("requestparameters", "responseelements")
#: Members of a struct to CloudTrail's: all that the documentation's tables declare. Those of `attributes` are free.
_MEMBERS = {
    "type": "type",
    "principalid": "principalId",
    "arn": "arn",
    "accountid": "accountId",
    "accesskeyid": "accessKeyId",
    "username": "userName",
    "invokedby": "invokedBy",
    "identityprovider": "identityProvider",
    "credentialid": "credentialId",
    "sessioncontext": "sessionContext",
    "attributes": "attributes",
    "mfaauthenticated": "mfaAuthenticated",
    "creationdate": "creationDate",
    "sessionissuer": "sessionIssuer",
    "ec2roledelivery": "ec2RoleDelivery",
    "ec2issuedinvpc": "ec2IssuedInVpc",
    "assumedroot": "assumedRoot",
    "sourceidentity": "sourceIdentity",
    "webidfederationdata": "webIdFederationData",
    "federatedprovider": "federatedProvider",
    "onbehalfof": "onBehalfOf",
    "userid": "userId",
    "identitystorearn": "identityStoreArn",
    "inscopeof": "inScopeOf",
    "sourcearn": "sourceArn",
    "sourceaccount": "sourceAccount",
    "issuertype": "issuerType",
    "credentialsissuedto": "credentialsIssuedTo",
    "arnprefix": "arnPrefix",
}
_MEMBER = re.compile(r"([A-Za-z0-9_.:/-]+)=")
_SCALAR = re.compile(r"[^,{}\[\]]*(?:,(?! )[^,{}\[\]]*)*")
_IS_JSON = re.compile(r'\[\{"|\{"|\[\]|\{\}')
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d+)?(?: UTC)?", re.ASCII)
_DEEPEST = 8
_CELL = 1 << 21  # characters; a record has a quarter of it at most


class TableRow(Struct, frozen=True):
    """A row's record as JSON, or a text that holds one; or why it is none."""

    line: int
    data: bytes = b""
    wrong: str | None = None
    reason: Reason = Reason.NOT_A_RECORD


def is_table(head: str) -> bool:
    """Whether a document's first line names columns that this module knows."""
    # JSON on one line may be cut where a column's name ends.
    return head.lstrip()[:1] not in ("{", "[") and bool(_kind(_names(head)))


def rows(lines: Iterable[str]) -> Iterator[TableRow]:
    """The rows below a head that `is_table` knows. A table that lacks a column is told once."""
    csv.field_size_limit(_CELL)  # the module's own limit is half a record
    reader = csv.reader(lines)
    try:
        names = [name.strip().lower() for name in next(reader)]
        kind = _kind(names)
        if kind == "history":
            yield TableRow(
                1, wrong="is the event history's CSV, which lacks what the calls answered: download it as JSON"
            )
            return
        missing = [name for name in _NEEDED if name not in names] if kind == "table" else []
        if missing:
            yield TableRow(1, wrong=f"is Athena's CSV without {', '.join(missing)}: SELECT *")
            return
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(names):
                yield TableRow(
                    reader.line_num, wrong=f"is a row of {len(cells)} columns, in Athena's CSV of {len(names)}"
                )
            elif kind == "table":
                yield _record(reader.line_num, dict(zip(names, cells, strict=True)))
            else:
                yield TableRow(reader.line_num, cells[names.index(kind)].encode())
    except csv.Error as error:
        yield TableRow(
            reader.line_num, wrong=f"is no readable CSV, and was not read further: {error}", reason=Reason.UNREADABLE
        )


def _names(head: str) -> list[str]:
    try:
        return [name.strip().lower() for name in next(csv.reader([head]), [])]
    except csv.Error:
        return []


def _kind(names: list[str]) -> str:
    """What the columns are: a record's fields (`table`), the console's event `history`, or the one with the text."""
    if "eventid" in names or {"eventname", "eventsource"} <= {*names}:
        return "table"
    if "event name" in names:
        return "history"
    return next((text for text in _TEXTS if text in names), "") if len(names) < 32 else ""


def _record(line: int, cells: dict[str, str]) -> TableRow:
    record: dict[str, Any] = {}
    for name, field in _FIELDS.items():
        text = cells.get(name, "").strip()
        if not text or text == "null":
            continue
        try:
            record[field] = _read(name, text)
        except (ValueError, RecursionError):
            return TableRow(
                line, wrong=f"is a row of Athena's CSV whose {name} can't be read for sure: SELECT it as JSON"
            )
    return TableRow(line, msgspec.json.encode(record))


def _read(name: str, text: str) -> Any:
    if name in _JSON or (name in _STRUCTS and _IS_JSON.match(text)):
        read = msgspec.json.decode(text.encode())  # msgspec.DecodeError is a ValueError
        return _renamed(read) if name in _STRUCTS else read
    if name in _STRUCTS:
        value, end = _struct(text, 0, 0, free=False)
        if end != len(text):
            raise ValueError(text)
        return _upper(value) if name == "resources" else value
    moment = _MOMENT.fullmatch(text) if name == "eventtime" else None
    return f"{moment[1]}T{moment[2]}Z" if moment else text


def _struct(text: str, at: int, depth: int, free: bool) -> tuple[Any, int]:
    """The value that begins here, and where it ends.

    A member that is unknown or stands twice is an error: a name has put it there.
    """
    if depth > _DEEPEST:
        raise ValueError(text)
    if text[at : at + 1] == "[":
        items = []
        at += 1
        while text[at : at + 1] != "]":
            value, at = _struct(text, at, depth + 1, free)
            items.append(value)
            at = _after(text, at, "]")
        return items, at + 1
    if text[at : at + 1] != "{":
        found = _SCALAR.match(text, at)
        end = found.end() if found else at
        return (None if text[at:end] in {"null", ""} else text[at:end]), end
    members: dict[str, Any] = {}
    at += 1
    while text[at : at + 1] != "}":
        named = _MEMBER.match(text, at)
        key = named[1] if named else ""
        if named is None or key in members or not (free or key.lower() in _MEMBERS):
            raise ValueError(text)
        value, at = _struct(
            text, named.end(), depth + 1, free or (key == "attributes" and "federatedprovider" in members)
        )
        members[key] = value
        at = _after(text, at, "}")
    if free:
        return members, at + 1
    return {_MEMBERS[key.lower()]: value for key, value in members.items() if value is not None}, at + 1


def _after(text: str, at: int, closing: str) -> int:
    if text.startswith(", ", at):
        return at + 2
    if not text.startswith(closing, at):
        raise ValueError(text)
    return at


def _renamed(value: Any) -> Any:
    if isinstance(value, list):
        return [_upper(_renamed(member)) for member in value]
    if isinstance(value, dict):
        return {_MEMBERS.get(key.lower(), key): _renamed(member) for key, member in value.items() if member is not None}
    return value


def _upper(value: Any) -> Any:
    """A record's own list names its ARNs `ARN`."""
    if isinstance(value, list):
        return [_upper(member) for member in value]
    if isinstance(value, dict):
        return {"ARN" if key == "arn" else key: member for key, member in value.items()}
    return value
