"""`make bench-doctor` reads prepared answers: all of them are understood, and the twelve faults in them are found."""

from __future__ import annotations

import json
from collections import Counter

from benchmarks.doctor import run
from harness.prepared.documents import KINDS, REGIONS

ACCOUNTS = 16


def test_the_prepared_faults_are_found_and_nothing_else() -> None:
    done = run(ACCOUNTS, REGIONS, 0.0, "--json")
    findings = [json.loads(line) for line in done.screen.splitlines()]
    bad = Counter(finding["cause"] for finding in findings if finding["state"] in {"fault", "unreached"})
    assert {*bad} == {*KINDS}
    assert {finding["state"] for finding in findings} <= {"ok", "fault", "unreached"}
    assert "UnknownOperationException" not in done.screen
    # Each account's calls, and no Region's trails twice where one of all Regions logs.
    assert done.calls["cloudtrail:DescribeTrails"] < 2 * ACCOUNTS + len(REGIONS)
    assert done.calls["sts:AssumeRole"] == ACCOUNTS
