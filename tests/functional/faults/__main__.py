"""Injects every fault, and prints what came of each: `python -m faults`, as `make faults` does."""

from __future__ import annotations

import resource
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from faults.matrix import IDS, NOT_BUILT, every
from faults.row import NotBuilt

HERE = Path(__file__).parent
_SELF, _CHILDREN = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
#: The codes' table belongs to C18.
PATHS = (HERE, HERE.parents[1] / "unit" / "core" / "test_codes.py")


class Seen:
    """The reports of pytest, also where tests run in several processes."""

    def __init__(self) -> None:
        self.faults: dict[str, Counter[str]] = defaultdict(Counter)
        self.others: Counter[str] = Counter()
        self.kills = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Counts the outcome of a test; of its setup and teardown only what fails."""
        if report.when != "call" and report.passed:
            return
        said = dict(report.user_properties)
        if "fault" in said:
            self.faults[str(said["fault"])][report.outcome] += 1
        else:
            self.others[report.outcome] += 1
        self.kills += int(str(said.get("kills", 0)))


def _main() -> int:
    began, seen = time.monotonic(), Seen()
    chosen = ["-m", "full or not full"]
    options = ["-q", "-n", "auto", "--dist", "worksteal", "-p", "no:cacheprovider", "-k", "not here_and_there"]
    code = pytest.main([*options, *chosen, *map(str, PATHS)], plugins=[seen])
    _print(seen)
    took, used = time.monotonic() - began, [resource.getrusage(who) for who in (_SELF, _CHILDREN)]
    cpu = sum(usage.ru_utime + usage.ru_stime for usage in used)
    green = sum(1 for counts in seen.faults.values() if set(counts) == {"passed"})
    sys.stdout.write(
        f"\n{len(IDS)} faults: {green} green, {len(seen.faults) - green} red, {len(NOT_BUILT)} not built yet;"
        f" {sum(map(Counter.total, seen.faults.values()))} cases; {seen.kills} kills;"
        f" {seen.others['failed']} other tests failed; {took:.0f} s, {cpu:.0f} s of processor time\n"
    )
    return int(code)


def _print(seen: Seen) -> None:
    not_built = {not_built.id: not_built for not_built in NOT_BUILT}
    sys.stdout.write("\n")
    for id_ in IDS:
        counts = seen.faults.get(id_, Counter())
        if id_ in not_built:
            row = not_built[id_]
            sys.stdout.write(f"{id_:4} not built      {row.fault}: {row.reason}\n")
            continue
        state = "green" if set(counts) == {"passed"} else "RED" if counts else "not run"
        first = next(entry for entry in every() if entry.id == id_ and not isinstance(entry, NotBuilt))
        sys.stdout.write(f"{id_:4} {state:9} {counts.total():4} {first.fault}: {first.outcome}\n")


if __name__ == "__main__":
    sys.exit(_main())
