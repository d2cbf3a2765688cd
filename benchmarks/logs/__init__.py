"""Scans generated logs of CloudTrail: the source of backfill, isal alone, and DuckDB, on the same files in one run."""
