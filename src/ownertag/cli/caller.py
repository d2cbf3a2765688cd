"""Asks STS whose credentials a command has. The function never does, so its cut models lack this call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ownertag.aws.credentials import CallerSession


@dataclass(frozen=True)
class CallerIdentity:
    """Whose credentials a session has."""

    account: str
    arn: str


def caller_identity(session: CallerSession, region: str | None = None) -> CallerIdentity:
    """Whose credentials these are, as STS has it.

    Raises:
        CredentialsError: They can't be used.
    """
    from ownertag.aws.credentials import patient_config

    with session.explained():
        found = session.client("sts", region, config=patient_config()).get_caller_identity()
    return CallerIdentity(found["Account"], found["Arn"])
