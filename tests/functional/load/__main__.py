"""`make load`: all checks at full size, two at a time, and one table of what came of them; 1 if one does not hold."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import msgspec
from msgspec.structs import replace

from harness.results import show
from load.checks import Check
from load.drain import drain
from load.flood import flood
from load.healed import healed
from load.look_ups import look_ups
from load.neighbour import neighbour
from load.orders import orders
from load.shared import shared
from load.storm import storm

#: The longest begins first; what measures its own memory and time has a process of its own, as all have.
CHECKS: Mapping[str, Callable[[int], Check]] = {
    "storm": lambda seed: storm(seed=seed),
    "orders": lambda seed: orders(seed=seed, workers=1),
    "drain": lambda _: drain(),
    "neighbour": lambda seed: neighbour(seed=seed),
    "healed": lambda seed: healed(seed=seed),
    "shared": lambda seed: shared(seed=seed),
    "look-ups": lambda _: look_ups(),
    "flood": lambda _: flood(),
    "flood, removing": lambda _: flood("DeleteTags"),
}


def main() -> int:
    """Runs them, prints them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", choices=list(CHECKS), default=list(CHECKS))
    parser.add_argument("--here", choices=list(CHECKS), help="run this one in this process, and print it as JSON")
    given = parser.parse_args()
    if given.here:
        begun = time.monotonic()
        found = CHECKS[given.here](given.seed)
        sys.stdout.write(msgspec.json.encode(replace(found, seconds=time.monotonic() - begun)).decode())
        return 0
    load = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    begun = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        checks = list(pool.map(lambda name: _apart(name, given.seed), given.only))
    took = time.monotonic() - begun
    show("load", f"Under load (the machine's load average before: {load}; {took:.0f} s in all)", [*map(_row, checks)])
    return 0 if all(check.holds for check in checks) else 1


def _apart(name: str, seed: int) -> Check:
    command = [sys.executable, "-m", "load", "--here", name, "--seed", str(seed)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found = msgspec.json.decode(done.stdout, type=Check)
    print(f"{time.strftime('%H:%M:%S')} {name}: {'holds' if found.holds else 'DOES NOT HOLD'}", file=sys.stderr)
    return found


def _row(check: Check) -> dict[str, str]:
    figures = "; ".join(
        f"{name}: {value:,}" if isinstance(value, int) else f"{name}: {value}" for name, value in check.figures.items()
    )
    holds = "yes" if check.holds else f"NO: {'; '.join(check.wrong)}"
    return {"what": check.what, "figures": figures, "holds": holds, "s": f"{check.seconds:.0f}"}


if __name__ == "__main__":
    sys.exit(main())
