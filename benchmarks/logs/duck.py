"""The same question to DuckDB, in the environment that it is installed in: `python duck.py FOLDER THREADS` < events.

The events that are wanted come as JSON on standard input: a list of [source, name]. Of each record DuckDB gets the
types that it needs for the answer; what the scan keeps undecoded is text here as well.
"""

from __future__ import annotations

import json
import sys

import duckdb  # type: ignore[import-not-found, unused-ignore] # in its own environment

_RECORD = (
    "STRUCT(eventSource VARCHAR, eventName VARCHAR, eventID VARCHAR, eventTime VARCHAR, awsRegion VARCHAR,"
    " recipientAccountId VARCHAR, userIdentity JSON, requestParameters JSON, responseElements JSON)[]"
)


def main(folder: str, threads: int) -> None:
    """Prints how many records were found."""
    events = json.load(sys.stdin)
    connection = duckdb.connect()
    connection.execute("SET threads = ?", [threads])
    connection.execute("CREATE TABLE wanted (source VARCHAR, name VARCHAR)")
    connection.executemany("INSERT INTO wanted VALUES (?, ?)", events)
    read = "read_json(?, format = 'auto', columns = {Records: '" + _RECORD + "'}, maximum_object_size = 268435456)"
    unnested = f"SELECT unnest(Records) AS record FROM {read}"  # noqa: S608 - constants
    asked = "(record.eventSource, record.eventName) IN (SELECT (source, name) FROM wanted)"
    answer = connection.execute(
        f"SELECT record.* FROM ({unnested}) WHERE {asked}",  # noqa: S608 - constants
        [f"{folder}/**/*.json.gz"],
    )
    records = 0
    while rows := answer.fetchmany(10_000):
        records += len(rows)
    print(json.dumps({"records": records}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
