"""Derives `src/ownertag/catalogue/generated/` from AWS's own data; for development only."""
