"""Tells access keys' ids from secrets, so that a secret which was pasted is never repeated.

Forms: IAM user guide, "IAM identifiers" (unique identifiers, and what each begins with) and "Managing access keys". A
secret access key has 40 characters of base64; a session token has no form that is documented: it is long base64.
"""

from __future__ import annotations

import re

from ownertag.core.arn import is_arn

#: IAM API reference, AccessKey: 16 to 128 characters; AKIA for a user's, ASIA for a session's.
ACCESS_KEY = re.compile(r"A(?:KIA|SIA)[A-Z0-9]{12,124}")
_UNIQUE = re.compile(r"(ABIA|ACCA|AGPA|AIDA|AIPA|ANPA|ANVA|APKA|AROA|ASCA)[A-Z0-9]{12,124}(?::.*)?")
_KINDS = {
    "ABIA": "a bearer token's id",
    "ACCA": "the id of a credential of one service",
    "AGPA": "the unique id of a group",
    "AIDA": "the unique id of a user",
    "AIPA": "the unique id of an instance profile",
    "ANPA": "the unique id of a managed policy",
    "ANVA": "the unique id of a policy's version",
    "APKA": "the id of a public key",
    "AROA": "the unique id of a role",
    "ASCA": "the id of a certificate",
}
_LENGTH = 40
_URL = re.compile(r"[a-z][a-z0-9+.-]{1,15}://", re.IGNORECASE)
_SECRET = re.compile(r"[A-Za-z0-9/+]{40,}")
#: Names under which a secret stands, in small letters.
SECRET_NAMES = frozenset(
    {"secretaccesskey", "aws_secret_access_key", "sessiontoken", "aws_session_token", "secretkey", "signintoken"}
)
_NAMED = re.compile(rf"(?i)(?:{'|'.join(SECRET_NAMES)})\W*[:=]")


def secret_problem(what: str) -> str:
    """What to say of a secret."""
    return (
        f"it looks like {what}, and is repeated nowhere here: it may stand in your shell's history, so take it out "
        "there, and revoke it if others could see it; paste the access key's id (AKIA... or ASIA...)"
    )


def secret_in(text: str) -> str | None:
    """What to say of a text that is, or holds, a secret; None if it holds none. An ARN or URL has long paths itself."""
    if _NAMED.search(text):
        return secret_problem("credentials with a secret")
    if is_arn(text) or _URL.match(text) or not (found := _secret_form(text)):
        return None
    return secret_problem("a secret access key" if len(found) == _LENGTH else "a secret access key or a session token")


def repeated(text: str, most: int = 64) -> str:
    """A text as an error may repeat it: not if anything in it could be a secret."""
    return "what was pasted" if _secret_form(text) or _NAMED.search(text) else f"{text[:most]!a}"


def _secret_form(text: str) -> str | None:
    """What in a text could be a secret: long base64 of random bytes has letters of both kinds and digits."""
    kinds = ("[A-Z]", "[a-z]", "[0-9]")
    return next((one for one in _SECRET.findall(text) if all(re.search(kind, one) for kind in kinds)), None)


def unique_id_problem(text: str) -> str | None:
    """What to say of an id of IAM that is no access key's."""
    found = _UNIQUE.fullmatch(text)
    return found and f"{text[:64]!a} is {_KINDS[found[1]]}, by which no resource is found: paste an access key's id"
