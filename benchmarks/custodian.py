"""Runs Cloud Custodian on events, in the environment that it is installed in (`.venv-custodian`)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / ".venv-custodian" / "bin" / "python"


class CustodianRun(Struct):
    """The result of Custodian's process: failed invocations by their error, seconds, peak memory in KB."""

    failed: dict[str, int]
    seconds: float
    peak_kb: int


def run(
    url: str,
    keys: Mapping[str, str],
    events: Path,
    account: str,
    region: str,
    *,
    member_role: str | None = None,
    tell_time: bool = False,
    every: int = 1,
) -> CustodianRun:
    """Lets it handle the events of a file, a line each.

    Args:
        url: The endpoint of every service.
        keys: Credentials, by the names of environment variables.
        events: The file.
        account: In which it runs.
        region: In which it runs.
        member_role: The ARN of the role in other accounts, with `{account_id}`; without it, it acts in its own.
        tell_time: Whether the endpoint is told each event's time of arrival, which stands in the file's index.
        every: Handle the first of so many events, and leave out the others.
    """
    given = {
        "url": url,
        "events": str(events),
        "account": account,
        "region": region,
        "member_role": member_role,
        "tell_time": tell_time,
        "every": every,
    }
    environment = {"AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": region, "AWS_EC2_METADATA_DISABLED": "true", **keys}
    command = [str(PYTHON), "-m", "benchmarks.custodian_process", json.dumps(given)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment)
    found: dict[str, Any] = json.loads(done.stdout)
    return CustodianRun(**found)
