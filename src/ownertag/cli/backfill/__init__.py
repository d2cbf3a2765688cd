"""`ownertag backfill`: tags what was there before ownertag, and undoes that.

command    the options, and the steps
runs       which run's file goes on, or a new one
world      the adapters: by the hub, or with the caller's own credentials
orders     orders to the hub's function
told       progress, with rate and remaining time
output     the plan and what became of it: table, CSV, JSON
"""

from ownertag.cli.backfill.command import backfill

__all__ = ["backfill"]
