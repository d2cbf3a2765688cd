"""Finds the account of an access key.

Source: STS API reference, GetAccessKeyInfo: whoever may call it is told of any key, not whether it is active.
"""

from __future__ import annotations

from typing import Any

from ownertag.aws.errors import AWS_ERRORS, failure_of
from ownertag.core.judge import unavailable
from ownertag.core.values import Unavailable


def account_of_key(client: Any, key_id: str) -> str | Unavailable:
    """The account to which a key belongs.

    Args:
        client: A client of STS, with the caller's own credentials.
        key_id: The key's id.
    """
    try:
        return str(client.get_access_key_info(AccessKeyId=key_id)["Account"])
    except AWS_ERRORS as error:
        return unavailable(failure_of(error))
