"""`ownertag sandbox`."""
