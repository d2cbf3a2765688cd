"""Turns exceptions of botocore into `Failure`, so that the core can judge them."""

from __future__ import annotations

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's: no connection, or none in time
    HTTPClientError,
    IncompleteReadError,
)
from botocore.parsers import ResponseParserError

from ownertag.core.values import Failure

#: All that a call of boto3 raises when AWS or the network fails. Anything else is a bug and is not caught.
AWS_ERRORS = (ClientError, BotoCoreError, ResponseParserError)

_UNANSWERED = (ConnectionError, HTTPClientError, IncompleteReadError, ResponseParserError)


def failure_of(error: Exception) -> Failure:
    """The error as a value. Without an answer it is not known whether AWS carried the call out."""
    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code") or "Unknown")
        return Failure(code, int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0))
    answered = not isinstance(error, _UNANSWERED)
    return Failure(type(error).__name__, answered=answered)
