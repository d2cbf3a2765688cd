"""The logs of `make bench-logs` are shaped as `benchmarks.logs.generate` says; the scan finds what is in them."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from benchmarks.logs import generate
from benchmarks.logs.generate import EVENTS, files
from harness import logs
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.records import Arrival
from ownertag.sources.logs.places import place_of
from ownertag.sources.logs.scan import LogScan
from ownertag.sources.logs.wanted import wanted


@pytest.fixture(scope="module")
def made() -> dict[str, bytes]:
    return dict(islice(files(3), 400))


def test_sizes_and_compression_are_those_that_are_stated(made: dict[str, bytes]) -> None:
    texts = [zlib.decompress(content, 31) for content in made.values()]
    counts = [len(json.loads(text)["Records"]) for text in texts]
    assert 0.36 < sum(len(content) < 1000 for content in made.values()) / len(made) < 0.52
    assert 1200 < sum(map(len, texts)) / sum(counts) < 1500
    for low, high, ratio in ((3, 3, 2.7), (15, 25, 4.8), (100, 250, 6.5)):
        alike = [
            len(text) / len(content)
            for content, text, count in zip(made.values(), texts, counts, strict=True)
            if low <= count <= high
        ]
        assert alike
        assert sum(alike) / len(alike) == pytest.approx(ratio, rel=0.1)


def test_the_scan_finds_what_the_catalogue_asks_for(made: dict[str, bytes], tmp_path: Path) -> None:
    events = wanted(load_catalogue()).events
    records = [record for content in made.values() for record in json.loads(zlib.decompress(content, 31))["Records"]]
    expected = Counter(
        record["eventName"] for record in records if (record["eventSource"], record["eventName"]) in events
    )
    assert len(expected) >= 3
    place = place_of(str(logs.in_folder(tmp_path, made)))
    scan = LogScan(place, wanted(load_catalogue()), processes=0)
    found = Counter(arrival.record.event_name for arrival in scan.records() if isinstance(arrival, Arrival))
    assert found == expected
    assert scan.report.is_complete


def test_the_mix_is_that_which_is_stated() -> None:
    kinds = {"AssumeRole": "session", "Decrypt": "key", "GenerateDataKey": "key"}
    kinds |= dict.fromkeys(("RunInstances", "CreateVolume", "CreateSecurityGroup"), "create")
    kinds |= dict.fromkeys(("TerminateInstances", "DeleteVolume"), "delete")
    share = Counter[str]()
    for weight, _, name, reads, _ in EVENTS:
        share[kinds.get(name, "read" if reads else "change")] += round(weight * 10)
    assert share == {"session": 220, "key": 110, "read": 620, "change": 34, "create": 12, "delete": 4}
    assert sum(event[0] for event in EVENTS) == pytest.approx(100)
    assert generate.DAYS == 30
