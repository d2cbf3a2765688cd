"""The scan as a backfill makes it: `python -m benchmarks.logs.ours FOLDER`."""

from __future__ import annotations

import json
import sys

from ownertag.catalogue.loader import load_catalogue
from ownertag.core.records import Arrival
from ownertag.sources.logs.places import place_of
from ownertag.sources.logs.scan import LogScan
from ownertag.sources.logs.wanted import wanted


def main(folder: str) -> None:
    """Prints what was read and found."""
    scan = LogScan(place_of(folder), wanted(load_catalogue()))
    records = sum(isinstance(found, Arrival) for found in scan.records())
    report = scan.report
    if not report.is_complete:
        raise SystemExit(f"the scan is not complete: {[str(same.first) for same in report.faults]}")
    print(json.dumps({"records": records, "objects": report.objects, "inflated": report.inflated}))


if __name__ == "__main__":
    main(sys.argv[1])
