"""Tells access keys' ids from secrets, so that a secret which was pasted is never repeated.

Forms: IAM user guide, "IAM identifiers" (unique identifiers, and what each begins with) and "Managing access keys". A
secret access key has 40 characters of base64; a session token has no form that is documented: it is long base64.
"""

from __future__ import annotations

import re

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
_SECRET = re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
_TOKEN = re.compile(r"[A-Za-z0-9/+_=.-]{100,}")
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
    """What to say of a text that is, or holds, a secret; None if it holds none."""
    if _NAMED.search(text):
        return secret_problem("credentials with a secret")
    if any(_mixed(found) for found in _SECRET.findall(text)) and not _is_address(text):
        return secret_problem("a secret access key")
    if (found := _TOKEN.fullmatch(text)) and _mixed(found[0]) and ":" not in text:
        return secret_problem("a session token")
    return None


def unique_id_problem(text: str) -> str | None:
    """What to say of an id of IAM that is no access key's."""
    found = _UNIQUE.fullmatch(text)
    return found and f"{text[:64]!a} is {_KINDS[found[1]]}, by which no resource is found: paste an access key's id"


def _mixed(text: str) -> bool:
    """Base64 of random bytes has letters of both kinds and digits."""
    return all(re.search(kind, text) for kind in ("[A-Z]", "[a-z]", "[0-9]"))


def _is_address(text: str) -> bool:
    """A path has words between slashes, and may be as long."""
    return "://" in text or text.startswith("arn:")
