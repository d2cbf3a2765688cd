"""The entry point: `ownertag.handler.entry.handler`. All is built at the first call and kept for the next."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from ownertag.handler.settings import read_environment
from ownertag.handler.wiring import Context, Handler, build


@cache
def _built() -> Handler:
    return build(read_environment(os.environ))


def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Tag what a batch of the queue tells of; names the messages that come back."""
    return _built()(event, context)
