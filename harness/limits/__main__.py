"""The endpoint as a process of its own: prints its URL, and serves until its input ends."""

from __future__ import annotations

import argparse
import sys

import msgspec

from harness.limits.endpoint import Endpoint
from harness.limits.faults import Chances
from harness.limits.fleet import Timing
from harness.limits.server import serving


def main() -> None:
    """Serves the endpoint until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--accounts", nargs="+", default=["333333333333"])
    parser.add_argument("--chances", default="{}", help='JSON, such as {"error": 0.01, "reset": 0.01}')
    given = parser.parse_args()
    chances = msgspec.json.decode(given.chances, type=Chances)
    with serving(Endpoint(given.seed, tuple(given.accounts), Timing(), chances)) as server:
        print(server.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
