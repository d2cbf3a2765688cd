"""The tables of the ledger in one file."""

from __future__ import annotations

#: Raised when a table or what its texts hold changes so that the version before could not read it; a file with another
#: number is refused. No release had another.
SCHEMA = 3
#: "otag" in ASCII: whose file it is (SQLite: PRAGMA application_id).
APPLICATION_ID = 0x6F746167

TABLES = """
-- The ledger in one file. Entries (event, decision, owned, ended, other) are only added; `resource` and the last
-- columns of `event` are derived from them.

CREATE TABLE event (
  id INTEGER PRIMARY KEY,
  event_id TEXT NOT NULL,
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  body TEXT NOT NULL,                   -- Created
  decision INTEGER NOT NULL DEFAULT 0,  -- the last decision of it
  finished INTEGER                      -- when, in seconds; null while something is left to do
) STRICT;
CREATE UNIQUE INDEX event_key ON event (event_id, account, region);

-- One creation decides the same for all its resources; it decides anew only while something is awaited.
CREATE TABLE decision (
  id INTEGER PRIMARY KEY,
  event INTEGER NOT NULL,
  name TEXT NOT NULL,
  body TEXT NOT NULL                    -- owner, tags, when, whether something was awaited
) STRICT;
CREATE UNIQUE INDEX decision_key ON decision (event, name);

CREATE TABLE resource (
  id INTEGER PRIMARY KEY,
  arn TEXT NOT NULL,
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  name TEXT NOT NULL,                   -- its id, which is the last part of the ARN
  type TEXT NOT NULL,
  owner TEXT,                           -- null if nobody is known to have created it
  holding TEXT,                         -- Holding without its deletions; all that a lookup by address reads of it
  deletions TEXT                        -- times, as JSON
) STRICT;
CREATE UNIQUE INDEX resource_key ON resource (arn, account, region);
CREATE INDEX resource_name ON resource (name);
CREATE INDEX resource_owner ON resource (owner);

CREATE TABLE owned (
  resource INTEGER NOT NULL,
  decision INTEGER NOT NULL,
  body TEXT NOT NULL,                   -- claim, addresses, parents
  PRIMARY KEY (resource, decision)
) STRICT, WITHOUT ROWID;

-- ended, tag-changed, transferred, deleted
CREATE TABLE other (
  resource INTEGER NOT NULL,
  kind TEXT NOT NULL,
  event_id TEXT NOT NULL,
  detail TEXT NOT NULL,
  body TEXT NOT NULL,                   -- the entry without its resource
  PRIMARY KEY (resource, kind, event_id, detail)
) STRICT, WITHOUT ROWID;

CREATE TABLE link (
  kind TEXT NOT NULL,                   -- address, parent, name, access-key; observed(-in): an account that waits
  value TEXT NOT NULL,
  resource INTEGER NOT NULL,
  since INTEGER NOT NULL,               -- seconds
  PRIMARY KEY (kind, value, resource, since)
) STRICT, WITHOUT ROWID;
"""
