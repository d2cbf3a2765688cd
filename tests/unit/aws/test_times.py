from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse, HTTPHeaders
from botocore.utils import parse_timestamp

from ownertag.aws.credentials import new_session
from ownertag.aws.times import read_time


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-05T09:00:00.000Z",
        "2026-01-05T09:00:00Z",
        "2026-01-05T09:00:00.123456Z",
        "2026-01-05T09:00:00+02:00",
        "2026-01-05T09:00:00.000",
        "2026-01-05 09:00:00 UTC",
        "2026-01-05",
        "20260105T090000Z",
        "Mon, 05 Jan 2026 09:00:00 GMT",
        "1767603600",
        "1767603600.5",
        "17676036000000000000",
        1767603600,
        1767603600.25,
    ],
)
def test_every_form_is_read_as_botocore_reads_it(value: Any) -> None:
    try:
        expected = parse_timestamp(value)
    except (ValueError, RuntimeError) as error:
        with pytest.raises(type(error)):
            read_time(value)
        return
    found = read_time(value)
    assert (found, found.utcoffset()) == (expected, expected.utcoffset())


def test_the_functions_clients_read_times_by_it() -> None:
    body = b"<R><reservationSet><item><instancesSet><item><launchTime>2026-01-05T09:00:00.000Z</launchTime></item>"
    body += b"</instancesSet></item></reservationSet></R>"

    class Raw:
        def stream(self, *_: object, **__: object) -> Any:
            yield body

    client: Any = new_session().client("ec2", "us-east-1", aws_access_key_id="none", aws_secret_access_key="none")
    answer = AWSResponse("http://none", 200, HTTPHeaders(), Raw())
    client.meta.events.register_first("before-send.ec2", lambda **_: answer)
    launched = client.describe_instances()["Reservations"][0]["Instances"][0]["LaunchTime"]
    assert launched == datetime(2026, 1, 5, 9, tzinfo=UTC)
    assert launched.tzinfo is UTC  # botocore's own parser would give a zone of dateutil
