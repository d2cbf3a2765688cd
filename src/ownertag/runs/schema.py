"""The tables of a run's file."""

from __future__ import annotations

#: Raised when a table or what its texts hold changes so that the version before could not read it.
SCHEMA = 1
#: "otrn" in ASCII: whose file it is (SQLite: PRAGMA application_id).
APPLICATION_ID = 0x6F74726E

TABLES = """
-- One run of backfill. Each step's rows are written in one transaction, which is the step's checkpoint.

CREATE TABLE run (
  body TEXT NOT NULL                    -- BackfillRun
) STRICT;

CREATE TABLE place (
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  listed TEXT,                          -- ListedPlace; NULL: still to be listed
  PRIMARY KEY (account, region)
) STRICT, WITHOUT ROWID;

-- What has no owner tag, or one that the ledger does not know.
CREATE TABLE resource (
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  arn TEXT NOT NULL,
  body TEXT NOT NULL,                   -- KeptResource
  PRIMARY KEY (account, region, arn)
) STRICT, WITHOUT ROWID;

CREATE TABLE step (
  name TEXT PRIMARY KEY,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE record (
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  event_id TEXT NOT NULL,
  at TEXT NOT NULL,                     -- ISO, UTC
  ends INTEGER NOT NULL,                -- 1: it deleted what it names
  source TEXT NOT NULL,
  place TEXT NOT NULL,                  -- where it was read
  data BLOB NOT NULL,                   -- the record's JSON
  refused TEXT NOT NULL DEFAULT '',     -- why it names nobody
  PRIMARY KEY (account, region, event_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE named (
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  arn TEXT NOT NULL,
  event_id TEXT NOT NULL,
  PRIMARY KEY (account, region, arn, event_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE planned (
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  arn TEXT NOT NULL,
  event_id TEXT NOT NULL,               -- of the record that tells its owner; empty: the resource itself does
  open INTEGER NOT NULL,                -- 1: it could not be decided yet
  body TEXT NOT NULL,                   -- PlanRow
  PRIMARY KEY (account, region, arn)
) STRICT, WITHOUT ROWID;

CREATE INDEX planned_by_event ON planned (account, region, event_id);

CREATE TABLE journal (
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  arn TEXT NOT NULL,
  outcome TEXT,                         -- NULL: it was ordered, and no answer came
  body TEXT NOT NULL,                   -- JournalEntry
  PRIMARY KEY (account, region, arn)
) STRICT, WITHOUT ROWID;
"""
