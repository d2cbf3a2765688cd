"""Log files as CloudTrail writes them, into a folder or a bucket."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from harness.events import HOME, volume, volume_id
from harness.fakes import NOON

ORGANIZATION = "o-a1b2c3d4e5"


def text(records: Sequence[Any]) -> bytes:
    """The JSON of a log file."""
    return json.dumps({"Records": records}, separators=(",", ":")).encode()


def log_file(records: Sequence[Any]) -> bytes:
    """A log file."""
    return gzip.compress(text(records), 6)


def key(
    account: str, region: str = HOME, at: datetime = NOON, name: str = "aaaaaaaaaaaaaaaa", *, prefix: str = "",
    organization: str | None = ORGANIZATION,
) -> str:  # fmt: skip
    """The key of a log file that was delivered at a time."""
    within = f"{organization}/" if organization else ""
    return (
        f"{prefix}AWSLogs/{within}{account}/CloudTrail/{region}/{at:%Y/%m/%d}/"
        f"{account}_CloudTrail_{region}_{at:%Y%m%dT%H%MZ}_{name}.json.gz"
    )


def volumes(account: str, numbers: Iterable[int], region: str = HOME, **fields: Any) -> list[dict[str, Any]]:
    """Records of created volumes, each with an event id of its own."""
    return [volume(account, volume_id(number), region, number=number, **fields) for number in numbers]


def in_folder(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Writes files below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def in_bucket(client: Any, bucket: str, files: Mapping[str, bytes]) -> None:
    """Makes a bucket with these objects."""
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": HOME})
    for name, content in files.items():
        client.put_object(Bucket=bucket, Key=name, Body=content)
