"""Sets how often the function collects garbage: at CPython's own pace, that is two thirds of the time to decode."""

from __future__ import annotations

import gc

#: New containers after which garbage is collected. Reading one event can make a hundred thousand that live until it is
#: decided, and CPython would go through all of them, and all of the SDK, again and again. Values of the core hold no
#: reference cycles; those that the SDK makes are found a little later.
AFTER = 100_000


def collect_rarely() -> None:
    """Excludes all present objects from garbage collection, and collects new ones rarely."""
    gc.freeze()
    gc.set_threshold(AFTER, 20, 100)
