"""Turns exceptions of botocore into `Failure`, so that the core can judge them."""

from __future__ import annotations

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's: no connection, or none in time
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
)
from botocore.parsers import ResponseParserError

from ownertag.core.values import Failure

#: All that a call of boto3 raises when AWS or the network fails. Anything else is a bug and is not caught.
AWS_ERRORS = (ClientError, BotoCoreError, ResponseParserError)

# EAI_NONAME and EAI_NODATA of Linux and of macOS. A name server that does not answer is another error, EAI_AGAIN.
_NO_SUCH_HOST = {-2, -5, 8, 7}
#: How many errors may stand one behind the other: botocore's, urllib3's, and the socket's.
_DEEPEST = 5

_UNANSWERED = (ConnectionError, HTTPClientError, IncompleteReadError, ResponseParserError)


def failure_of(error: Exception) -> Failure:
    """The error as a value. Without an answer it is not known whether AWS carried the call out."""
    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code") or "Unknown")
        return Failure(code, int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0))
    if isinstance(error, EndpointConnectionError) and _has_no_address(error.kwargs.get("error")):
        return Failure("NoEndpoint")
    answered = not isinstance(error, _UNANSWERED)
    return Failure(type(error).__name__, answered=answered)


def _has_no_address(error: BaseException | None) -> bool:
    """Whether the name server says that there is no such host: the socket's `gaierror`, behind urllib3's errors."""
    for _ in range(_DEEPEST):
        if isinstance(error, OSError) and type(error).__name__ == "gaierror":
            return error.errno in _NO_SUCH_HOST
        inner = getattr(error, "reason", None)
        error = inner if isinstance(inner, BaseException) else error and (error.__cause__ or error.__context__)
    return False
