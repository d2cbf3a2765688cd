"""AWS's refusals as errors that name the account, the missing permission, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError

from ownertag.aws.errors import AWS_ERRORS, failure_of

_ACTION = re.compile(r"not authorized to perform:? ([A-Za-z0-9-]+:[A-Za-z]+)")
_DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AccessDeniedForDependencyException"}
)


#: What services say of credentials whose time is over (seen: STS, EC2, and services that speak JSON), and botocore.
EXPIRED = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "TokenRefreshRequired",
        "CredentialRetrievalError",
        "SSOTokenLoadError",
        "TokenRetrievalError",
        "UnauthorizedSSOTokenError",
    }
)


class DeployError(Exception):
    """Something failed; the text says what, where, and what to do."""


class CredentialsExpiredError(DeployError):
    """The caller's credentials have expired, so nothing more can be done with them."""


@contextmanager
def explained(account: str, doing: str, advice: str = "") -> Iterator[None]:
    """Turns errors of AWS into a `DeployError` that names the account and the missing permission.

    Args:
        account: Where the call goes.
        doing: What fails, to follow "can't".
        advice: What else would help.
    """
    try:
        yield
    except AWS_ERRORS as error:
        if has_expired(error):
            raise CredentialsExpiredError(
                f"account {account}: can't {doing}: the credentials have expired ({failure_of(error).code}): log in "
                "again and run the same command once more. What CloudFormation has begun goes on meanwhile, and what "
                "is done is not done again"
            ) from error
        raise DeployError(
            f"account {account}: can't {doing}: {_cause(error)}{f'; {advice}' if advice else ''}"
        ) from error


def has_expired(error: Exception) -> bool:
    """Whether a call failed because the time of its credentials is over."""
    return failure_of(error).code in EXPIRED


def _cause(error: Exception) -> str:
    if not isinstance(error, ClientError):
        return f"AWS can't be reached ({failure_of(error).code}): {error}"
    code = failure_of(error).code
    message = str(error.response.get("Error", {}).get("Message") or "")
    if code in _DENIED:
        named = _ACTION.search(message)
        return f"the permission {named[1] if named else error.operation_name} is missing ({code})"
    return f"{code}: {message}"
