"""How many events a second one environment of the packaged function holds: `make bench-steady`.

Compared are several rates: latency from event to tag, calls and processor time for an event, memory, and what comes
back.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import msgspec

from benchmarks import ministack
from benchmarks.steady.hub import PLACES
from benchmarks.steady.picture import picture
from benchmarks.steady.stream import measure, package
from harness.lambda_emulator import unavailable
from harness.results import RESULTS, show

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "pictures" / "steady.svg"
#: Events a second, and for how long.
RATES = ((25, 20), (50, 20), (100, 20), (200, 60), (300, 20))


def main() -> None:
    """Launches, delivers and measures at each rate, prints and draws."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--rates", default=",".join(f"{rate}x{seconds}" for rate, seconds in RATES))
    given.add_argument("--places", type=int, default=len(PLACES), help="accounts and Regions in which is launched")
    options = given.parse_args()
    rates = [tuple(map(int, rate.split("x"))) for rate in options.rates.split(",")]
    if reason := unavailable() or ministack.unavailable():
        raise SystemExit(reason)
    streams = []
    with tempfile.TemporaryDirectory(prefix="ownertag-steady-") as name:
        unpacked = package(Path(name))
        for rate, seconds in rates:
            stream = measure(unpacked, Path(name) / "log", rate, seconds, PLACES[: options.places])
            streams.append(stream)
            print(json.dumps(stream.row()), file=sys.stderr, flush=True)
    show(
        "steady", "One environment of the packaged function under a steady stream", [stream.row() for stream in streams]
    )
    (RESULTS / "steady-details.json").write_bytes(msgspec.json.encode(streams))
    PICTURE.write_text(picture(streams), "utf-8")
    print(f"drawn in {PICTURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
