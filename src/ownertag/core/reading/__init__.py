"""Reads documents that hold CloudTrail records: files, queue messages, log events, Athena's CSV."""
