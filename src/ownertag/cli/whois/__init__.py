"""`ownertag whois`: the command, its output, its JSON objects, and what it looks up in AWS."""

from __future__ import annotations

from ownertag.cli.whois.command import whois

__all__ = ["whois"]
