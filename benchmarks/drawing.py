"""Draws the parts that the documentation's pictures share: the sheet, its colours, and seconds on a logarithmic scale.

Written by hand: nothing that draws is installed for anything else here. Colours are of the Okabe-Ito palette, which
people with any colour vision can tell apart; light and dark follow the reader's own setting.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

from msgspec import Struct

WIDTH = 880
LEFT, RIGHT = 70, 860
_TOP, _PLOT = 92, 250
BOTTOM = _TOP + _PLOT
#: Classes of what is drawn: one for each line or bar, and fainter kinds of a bar.
COLOURS = "abcde"
_STYLE = """
svg { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif }
.back { fill: #ffffff } text { fill: #24292f } .quiet { fill: #57606a; font-size: 12px }
.title { font-size: 16px; font-weight: 600 } .grid { stroke: #d0d7de } .axis { stroke: #57606a }
.a { stroke: #d55e00; fill: #d55e00 } .b { stroke: #0072b2; fill: #0072b2 } .c { stroke: #009e73; fill: #009e73 }
.d { stroke: #cc79a7; fill: #cc79a7 } .e { stroke: #9a7d0a; fill: #9a7d0a }
polyline.line { fill: none; stroke-width: 2; stroke-linejoin: round } rect.bar { stroke: none }
.read { fill-opacity: 0.55 } .hub { fill-opacity: 0.28 }
@media (prefers-color-scheme: dark) {
  .back { fill: #0d1117 } text { fill: #e6edf3 } .quiet { fill: #9198a1 } .grid { stroke: #30363d }
  .axis { stroke: #9198a1 }
  .a { stroke: #ff8c42; fill: #ff8c42 } .b { stroke: #56b4e9; fill: #56b4e9 } .c { stroke: #2ecc9b; fill: #2ecc9b }
  .d { stroke: #e59ac6; fill: #e59ac6 } .e { stroke: #d9b93b; fill: #d9b93b }
}"""
Point = tuple[float, float]


class SecondsPlot(Struct, frozen=True):
    """A plot of seconds, on a logarithmic scale of whole decades, against time.

    Args:
        last: Where the time ends.
        decades: The powers of ten from the bottom to the top.
        unit: Seconds of what one step of the time's scale counts.
        words: What the time's scale counts.
        title: What is plotted.
    """

    last: float
    decades: range
    unit: float
    words: str
    title: str

    def axes(self) -> Iterable[str]:
        """The scales and their words."""
        yield text(24, _TOP - 10, self.title, "quiet")
        for decade in self.decades:
            y = self._y(10.0**decade)
            yield f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            yield text(LEFT - 8, y + 4, f"{10.0**decade:,g} s", "quiet", "end")
        yield f'<line class="axis" x1="{LEFT}" x2="{RIGHT}" y1="{BOTTOM}" y2="{BOTTOM}"/>'
        units = self.last / self.unit
        step = next(step for step in (1, 2, 5, 10, 15, 30, 60, 120, 600) if units / step <= 10)
        for number in range(0, int(units) + 1, step):
            x = self._x(number * self.unit)
            yield f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{BOTTOM}" y2="{BOTTOM + 5}"/>'
            yield text(x, BOTTOM + 20, f"{number}", "quiet", "middle")
        yield text(RIGHT, BOTTOM + 38, self.words, "quiet", "end")

    def line(self, points: Iterable[Point], colour: str) -> str:
        """The line through these points, given as (time, seconds), in this colour."""
        found = " ".join(f"{self._x(at):.1f},{self._y(seconds):.1f}" for at, seconds in points)
        return f'<polyline class="line {colour}" points="{found}"/>'

    def _x(self, at: float) -> float:
        return LEFT + min(1.0, at / self.last) * (RIGHT - LEFT)

    def _y(self, seconds: float) -> float:
        low, high = self.decades[0], self.decades[-1]
        return BOTTOM - (max(math.log10(max(seconds, 1e-9)), low) - low) / (high - low) * _PLOT


def decades_for(seconds: Iterable[float]) -> range:
    """The powers of ten from a tenth of a second to one that holds all of these, at least ten seconds."""
    return range(-1, max(1, math.ceil(math.log10(max([10.0, *seconds])))) + 1)


def in_bins(points: Iterable[Point], width: float) -> list[tuple[float, list[float]]]:
    """The seconds of each stretch of time, in order, at the middle of the stretch."""
    bins: dict[int, list[float]] = {}
    for at, seconds in points:
        bins.setdefault(int(at // width), []).append(seconds)
    return [((number + 0.5) * width, sorted(found)) for number, found in sorted(bins.items())]


def sheet(height: int, label: str, title: str, parts: Sequence[str]) -> str:
    """The whole SVG."""
    content = "\n".join(
        (f'<rect class="back" width="{WIDTH}" height="{height}"/>', text(24, 30, title, "title"), *parts)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(label)}">\n<style>{_STYLE}</style>\n{content}\n</svg>\n'
    )


def key(names: Sequence[str], step: int) -> Iterable[str]:
    """The legend of colours, in a row under the title."""
    for number, (name, colour) in enumerate(zip(names, COLOURS, strict=False)):
        left = 24 + number * step
        yield f'<rect class="bar {colour}" x="{left}" y="46" width="14" height="14" rx="2"/>'
        yield text(left + 20, 58, name)


def bar(left: float, top: float, lengths: Iterable[tuple[str, float]], colour: str) -> tuple[list[str], float]:
    """Draws parts of a bar, given as (kind, length); returns the elements and the end of the bar."""
    parts = []
    for kind, length in lengths:
        parts.append(f'<rect class="bar {colour} {kind}" x="{left:.1f}" y="{top}" width="{length:.2f}" height="22"/>')
        left += length
    return parts, left


def kinds(left: float, top: float, step: int, words: Iterable[tuple[str, str]]) -> Iterable[str]:
    """The legend of a bar's parts, given as (kind, meaning), in a row."""
    for number, (kind, meaning) in enumerate(words):
        x = left + number * step
        yield f'<rect class="bar axis {kind}" x="{x:g}" y="{top - 11}" width="14" height="12" rx="2" fill="#57606a"/>'
        yield text(x + 20, top, meaning, "quiet")


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "") -> str:
    """Words at a point, escaped."""
    more = (f' class="{kind}"' if kind else "") + (f' text-anchor="{anchor}"' if anchor else "")
    return f'<text x="{x:.1f}" y="{y:.1f}"{more}>{escape(words)}</text>'
