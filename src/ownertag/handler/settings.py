"""The function's environment, read once and checked: a variable that is missing is named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from ownertag.core.settings import OrganizationSettings, Settings, SettingsError
from ownertag.core.settings_file import read_settings, settings_text
from ownertag.ledger.opening import LEDGER, LedgerLocation, LedgerLocationError, read_location

CONFIG = "OWNERTAG_CONFIG"
QUEUE_URL = "OWNERTAG_QUEUE_URL"
CONCURRENCY = "OWNERTAG_CONCURRENCY"

_COUNT = re.compile(r"[1-9][0-9]{0,2}|1000")


class Environment(Struct, frozen=True):
    """What the function runs with. At most `concurrency` of it run at once."""

    settings: Settings
    organization: OrganizationSettings
    queue_url: str
    ledger: LedgerLocation
    concurrency: int
    endpoint_url: str | None = None


def read_environment(variables: Mapping[str, str]) -> Environment:
    """The environment, checked.

    Args:
        variables: `OWNERTAG_CONFIG`, the path of `ownertag.toml` in the function's package; `OWNERTAG_QUEUE_URL`, the
            queue that it reads; `OWNERTAG_LEDGER`, the ledger, as `dynamodb:TABLE` or `sqlite:PATH`;
            `OWNERTAG_CONCURRENCY`, how many of the function run at once at most, among which the share of each
            account's quota is divided; optionally `AWS_ENDPOINT_URL`, as every AWS SDK reads it.

    Raises:
        SettingsError: A variable is missing or names no file, or the file has a fault.
    """
    missing = [name for name in (CONFIG, QUEUE_URL, LEDGER, CONCURRENCY) if not variables.get(name)]
    if missing:
        raise SettingsError(f"environment: {_listed(missing)} must be set for the function")
    try:
        ledger = read_location(variables[LEDGER])
    except LedgerLocationError as error:
        raise SettingsError(f"{LEDGER}: {error}") from error
    concurrency = variables[CONCURRENCY]
    if not _COUNT.fullmatch(concurrency):
        raise SettingsError(f"{CONCURRENCY}: {concurrency!r} is no number of functions; write one of 1 to 1000")
    path = Path(variables[CONFIG])
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{CONFIG}: {path} can't be read: {error}") from error
    settings = read_settings(settings_text(content, str(path)), str(path))
    if settings.organization is None:
        raise SettingsError(f"{path}: [organization] is missing: the hub must know whose accounts it serves")
    return Environment(
        settings,
        settings.organization,
        variables[QUEUE_URL],
        ledger,
        int(concurrency),
        variables.get("AWS_ENDPOINT_URL"),
    )


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[:-1] else names)
