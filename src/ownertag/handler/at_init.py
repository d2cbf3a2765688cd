"""The entry point that the package names for Lambda: `ownertag.handler.at_init.handler`.

It is the one module that works when it is imported. Lambda imports it while it prepares an environment, before there
is a batch: with more processor time than later, and without holding up a message. So settings, catalogue and clients
are ready for the first batch, and wrong settings show as an error of the start, not of a message. Everything else,
and every test, takes `ownertag.handler.entry`, which builds at its first call.
"""

from __future__ import annotations

import os

from ownertag.aws.times import new_session
from ownertag.handler.collector import collect_seldom
from ownertag.handler.settings import read_environment
from ownertag.handler.wiring import Handler, build


def _ready() -> Handler:
    environment, session = read_environment(os.environ), new_session()
    # Clients in the accounts are built when they are needed, by the same session: it keeps EC2's model and endpoints.
    session.client(
        "ec2", region_name=environment.organization.home_region, endpoint_url=environment.endpoint_url
    ).close()
    built = build(environment, session)
    collect_seldom()
    return built


handler = _ready()
