"""Runs event patterns by MiniStack's matcher: JSON lines {"pattern", "event"} in, `true` or `false` out for each.

It runs in `.venv-ministack` and imports nothing of ownertag. `_test_event_pattern` answers EventBridge's API call
TestEventPattern, and refuses a pattern that AWS would refuse.
"""

from __future__ import annotations

import json
import sys

from ministack.services.eventbridge import _test_event_pattern  # type: ignore[import-not-found] # in another environment

for text in sys.stdin:
    line = json.loads(text)
    call = {"EventPattern": json.dumps(line["pattern"]), "Event": json.dumps(line["event"])}
    status, _, body = _test_event_pattern(call)
    if status != 200:
        sys.exit(f"{status}: {body!r}")
    sys.stdout.write(json.dumps(json.loads(body)["Result"]) + "\n")
