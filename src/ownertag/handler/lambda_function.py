"""The entry point that the package names for Lambda: `ownertag.handler.lambda_function.handler`.

In Lambda it is built while this module is imported: Lambda does so while it prepares an environment, with more
processor time than later, and without holding up a message. So settings, catalogue and clients are ready for the first
batch, and wrong settings show as an error of the start, not of a message. Anywhere else it is built at the first call.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from ownertag.aws.credentials import new_session
from ownertag.handler.garbage_collection import collect_rarely
from ownertag.handler.settings import read_environment
from ownertag.handler.wiring import Context, Handler, build


@cache
def _built() -> Handler:
    environment, session = read_environment(os.environ), new_session()
    # Clients in the accounts are built when they are needed, by the same session: it keeps EC2's model and endpoints.
    session.client(
        "ec2", region_name=environment.organization.home_region, endpoint_url=environment.endpoint_url
    ).close()
    return build(environment, session)


def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Tags the creations of a batch of the queue; returns the messages that come back."""
    return _built()(event, context)


# Lambda sets it (developer guide, "Defined runtime environment variables").
if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    _built()
    collect_rarely()
