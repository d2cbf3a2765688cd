"""Runs event patterns by MiniStack's matcher: JSON lines in, `true` or `false` out for each event.

A line is {"pattern", "event"}; or {"patterns"}, by which the events after it are asked, and {"event"}: whether one of
these takes it. It runs in `.venv-ministack` and imports nothing of ownertag. `_test_event_pattern` answers
EventBridge's API call TestEventPattern, and refuses a pattern that AWS would refuse.
"""

from __future__ import annotations

import json
import sys

from ministack.services.eventbridge import _test_event_pattern  # type: ignore[import-not-found] # in another environment


def takes(pattern: str, event: str) -> bool:
    """Whether a pattern takes an event."""
    status, _, body = _test_event_pattern({"EventPattern": pattern, "Event": event})
    if status != 200:
        sys.exit(f"{status}: {body!r}")
    return bool(json.loads(body)["Result"])


patterns: list[str] = []
for text in sys.stdin:
    line = json.loads(text)
    if "patterns" in line:
        patterns = [json.dumps(pattern) for pattern in line["patterns"]]
        continue
    event = json.dumps(line["event"])
    asked = [json.dumps(line["pattern"])] if "pattern" in line else patterns
    sys.stdout.write(json.dumps(any(takes(pattern, event) for pattern in asked)) + "\n")
