"""Values that go wrong somewhere: what a caller, or a broken program, may put in any place of a record."""

from __future__ import annotations

from random import Random
from typing import Any

#: A credential, as far as the checks are concerned: put beside others into a document, and never to be told.
SECRET = "SECRET7f3c0d5e9b"
SECRET_KEYS = ("sessionToken", "secretAccessKey", "SessionToken", "secretaccesskey")

TEXTS = (
    "",
    " ",
    "\x00",
    "\n",
    "null",
    "true",
    "[]",
    "{}",
    "\u202e",
    "\u200b",
    "\ud83d\ude00",
    "\ufeff",
    "\ufdfa",
    "aws:",
    "AWS:x",
    "arn:",
    "arn:aws:iam::111122223333:root",
    "arn:aws:iam::444455556666:user/mallory",
    "*",
    "../..",
    "a" * 300,
    "HIDDEN_DUE_TO_SECURITY_REASONS",
    "i-1234567890abcdef0",
    "vol-1234567890abcdef0",
    "eni-1234567890abcdef0",
    "r-1234567890abcdef0",
    "i-1234567890abcdef0\n",
    "I-1234567890ABCDEF0",
    "arn:aws:ec2:us-east-1:444455556666:instance/i-1234567890abcdef0",
    "444455556666",
    "us-east-1",
    "cn-north-1",
    "\uff11" * 12,
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00",
    "2026-03-02T09:14:05",
    "::1",
    "010.0.0.5",
    "1" * 400,
    "autoscaling.amazonaws.com",
    "cloudformation.amazonaws.com",
    "AWSReservedSSO_X_0123456789abcdef",
    "a:b:c",
    ":" * 20,
    "owner",
    "Owner",
    "dateCreated",
    "\u0f73" * 40,
    "\u0323\u0301" * 40,
    '\\"' * 20,
    "'; --",
    "<x>",
    "{owner}",
    "ASIAI44QH8DHBEXAMPLE",
)
SCALARS: tuple[Any, ...] = (None, True, False, 0, 1, -1, 10**18, 10**30, -(10**30), 0.5, 1e308)
TREES: tuple[Any, ...] = (
    [],
    {},
    [None],
    [[]],
    [{}],
    {"": ""},
    {"items": None},
    {"item": []},
    {"items": {}},
    {"items": [{}]},
    {"omitted": True},
    {"omitted": "true"},
    {"omitted": "True"},
    {"omitted": [1]},
    {"managed": True},
    {"key": "owner", "value": "mallory"},
    {"tagSet": {"items": [{"key": "owner", "value": "x"}]}},
    {"networkInterfaceId": "eni-1234567890abcdef0"},
)

#: What costs the more the longer it is, wherever a step goes back and forth in a text.
LONG = (
    "a",
    "a/",
    ":",
    "/",
    "-",
    "=",
    " ",
    "\t",
    ".",
    "@",
    "\\",
    '"',
    "\u0323\u0307",
    "\u0f73",
    "\u0344",
    "\ufdfa",
    "\ufb1d",
    "\U0001f468\u200d",
    "\u1100\u1161",
    "\ud7b0",
    "aws:",
    "arn:aws:",
    "{",
    "[",
    "1",
    "0x",
    "::",
    "A=",
    "\x00",
    "\u202e",
    "StackSet-a-",
    "project_path:a/",
)
BEGINNINGS = (
    "",
    "arn:aws:iam::111122223333:user/",
    "arn:aws:sts::111122223333:assumed-role/r/",
    "arn:aws:iam::111122223333:role/",
    "arn:aws-",
    "AROADBQP57FF2AEXAMPLE:",
    "i-",
    "StackSet-",
    "project_path:",
    "repo:",
    "organization:",
    "eks-",
    "aws-sdk-a-",
    "CN=",
    "arn:aws:lambda:eu-central-1:111122223333:function:",
    "arn:aws:cloudformation:eu-central-1:111122223333:stack/",
)


def value(draw: Random) -> Any:
    """A small value of any type."""
    kind = draw.random()
    if kind < 0.5:
        return draw.choice(TEXTS)
    return draw.choice(SCALARS) if kind < 0.75 else draw.choice(TREES)


def long_text(draw: Random, most: int) -> str:
    """A text of up to so many bytes, of one of the kinds that cost."""
    unit = draw.choice(LONG)
    return draw.choice(BEGINNINGS) + unit * (
        draw.randint(most // 8, most) // max(len(unit.encode(errors="replace")), 1)
    )
