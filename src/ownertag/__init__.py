"""ownertag: every resource in an AWS organization names its owner."""
