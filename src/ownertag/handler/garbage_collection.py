"""How often the function looks for circles among its values: by CPython's own pace, two thirds of decoding is that."""

from __future__ import annotations

import gc

#: Containers more than before. Reading one event can make a hundred thousand that live until it is decided, and CPython
#: would go through all of them, and all of the SDK, again and again. Values of the core hold no circles; those that the
#: SDK makes are found a little later.
AFTER = 100_000


def collect_rarely() -> None:
    """What is there now stays, and is not looked through again; the rest seldom."""
    gc.freeze()
    gc.set_threshold(AFTER, 20, 100)
