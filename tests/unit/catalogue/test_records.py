"""Every record that was handed on comes to what AWS's pages and the record itself say, and none to anything else.

What each comes to stands in `records/`, a line for a line. `make records` prints it by protocol.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from derive import records
from ownertag.catalogue.loader import load_catalogue

OUTCOMES = Path(__file__).parent / "records"
RECORDS = Path(os.environ.get("OWNERTAG_RECORDS", "") or Path(__file__).parents[3] / "../shared/events")


@pytest.mark.parametrize("name", ["creations", "invictus"])
def test_every_record_comes_to_what_it_should(name: str) -> None:
    file = RECORDS / f"{name}.jsonl"
    if not file.is_file():
        pytest.skip(f"no records at {file}: set OWNERTAG_RECORDS to their folder")
    wanted = records.expected(OUTCOMES / f"{name}.toml")
    found = [records.outcome(record, load_catalogue()) for record in records.records(file)]
    assert len(found) == len(wanted)
    assert [one for one in zip(found, wanted, strict=True) if records.wrong(*one)] == []


def test_a_refusal_of_what_was_left_out_says_why() -> None:
    record = {
        "eventVersion": "1.11", "eventTime": "2026-03-02T09:14:05Z", "eventSource": "kms.amazonaws.com",
        "eventName": "ReplicateKey", "awsRegion": "us-east-1", "eventID": "0e1f2a3b", "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333", "userIdentity": {"type": "IAMUser"},
        "responseElements": {"replicaKeyMetadata": {"arn": "arn:aws:kms:us-west-2:111122223333:key/1234abcd"}},
    }  # fmt: skip
    found = records.outcome(record, load_catalogue())
    assert (found.refused, found.made) == ("not-covered", {})
    assert "in another Region" in found.detail


def test_the_table_counts_by_protocol_and_finds_what_is_wrong() -> None:
    plain = [{"eventSource": "sqs.amazonaws.com"}, {"eventSource": "s3.amazonaws.com"}, {"eventSource": "x"}]
    made = records.Outcome("a", {"arn": "type"})
    refused = records.Outcome("b", {}, "no-response")
    lines = records.table(plain, [made, refused, refused], [made, refused, made])
    assert [line.split() for line in lines] == [
        ["protocol", "records", "right", "refused", "wrong"],
        ["json", "1", "1", "0", "0"],
        ["none", "1", "0", "0", "1"],
        ["rest-xml", "1", "0", "1", "0"],
        ["all", "3", "1", "1", "1"],
    ]
