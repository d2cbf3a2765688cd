"""Events that create something and have no row: they are reported as not covered yet, and not as creating nothing.

Which those are is data (`catalogue/uncovered.json`). It only words a refusal: nothing is tagged without a row.
"""

from __future__ import annotations

from typing import Protocol


class Uncovered(Protocol):
    """The calls that make what can carry tags, and have no row that is on."""

    def why(self, event_source: str, event_name: str) -> str | None:
        """Why this call has none, empty if that is not said; None if it is no such call."""


class NothingUncovered:
    """No call: what a catalogue without that data knows."""

    def why(self, event_source: str, event_name: str) -> str | None:  # noqa: ARG002 - the port's
        """None."""
        return None


NOTHING_UNCOVERED = NothingUncovered()
