"""The burst as one SVG: how long after its event each launch was tagged, and how many calls that took.

Written by hand: nothing that draws is installed for anything else here. Colours are of the Okabe-Ito palette, which
people with any colour vision can tell apart; light and dark follow the reader's own setting.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

from benchmarks.burst.figures import Figures, percentile

WIDTH, HEIGHT = 880, 530
_LEFT, _RIGHT, _TOP, _PLOT = 70, 860, 92, 250
_STYLE = """
svg { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif }
.back { fill: #ffffff } text { fill: #24292f } .quiet { fill: #57606a; font-size: 12px }
.title { font-size: 16px; font-weight: 600 } .grid { stroke: #d0d7de } .axis { stroke: #57606a }
.a { stroke: #d55e00; fill: #d55e00 } .b { stroke: #0072b2; fill: #0072b2 } .c { stroke: #009e73; fill: #009e73 }
polyline.line { fill: none; stroke-width: 2; stroke-linejoin: round } rect.bar { stroke: none }
.read { fill-opacity: 0.55 } .hub { fill-opacity: 0.28 }
@media (prefers-color-scheme: dark) {
  .back { fill: #0d1117 } text { fill: #e6edf3 } .quiet { fill: #9198a1 } .grid { stroke: #30363d }
  .axis { stroke: #9198a1 }
  .a { stroke: #ff8c42; fill: #ff8c42 } .b { stroke: #56b4e9; fill: #56b4e9 } .c { stroke: #2ecc9b; fill: #2ecc9b }
}"""
_KINDS = ("", "read", "hub")
_BIN = 60.0


def picture(tools: Sequence[Figures]) -> str:
    """Draw up to three tools' figures of one burst."""
    last = max([_BIN, *(at for each in tools for at, _ in each.points)])
    most = max((seconds for each in tools for _, seconds in each.points), default=10.0)
    decades = range(-1, max(1, math.ceil(math.log10(most))) + 1)
    parts = [
        f'<rect class="back" width="{WIDTH}" height="{HEIGHT}"/>',
        _text(24, 30, "10,000 instances in 1,000 launches, as fast as EC2 lets one account", "title"),
    ]
    for number, (each, name) in enumerate(zip(tools, "abc", strict=False)):
        left = 24 + number * 265
        parts.append(f'<rect class="bar {name}" x="{left}" y="46" width="14" height="14" rx="2"/>')
        parts.append(_text(left + 20, 58, f"{each.tool}{' (modelled)' if each.how == 'modelled' else ''}"))
    parts += _axes(last, decades)
    for each, name in zip(tools, "abc", strict=False):
        points = " ".join(f"{_x(at, last):.1f},{_y(seconds, decades):.1f}" for at, seconds in _slowest(each.points))
        parts.append(f'<polyline class="line {name}" points="{points}"/>')
    parts += _bars(tools)
    content = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-label="Time from event to tag, and calls, of three tools in a burst of launches">\n'
        f"<style>{_STYLE}</style>\n{content}\n</svg>\n"
    )


def _axes(last: float, decades: range) -> Iterable[str]:
    bottom = _TOP + _PLOT
    yield _text(
        24, _TOP - 10, "seconds from the event's arrival to the tag, the slowest of each minute (log scale)", "quiet"
    )
    for decade in decades:
        y = _y(10.0**decade, decades)
        yield f'<line class="grid" x1="{_LEFT}" x2="{_RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield _text(_LEFT - 8, y + 4, f"{10.0**decade:,g} s", "quiet", "end")
    yield f'<line class="axis" x1="{_LEFT}" x2="{_RIGHT}" y1="{bottom}" y2="{bottom}"/>'
    step = next(each for each in (1, 2, 5, 10, 15, 30, 60, 120, 600) if last / 60 / each <= 10)
    for minute in range(0, int(last / 60) + 1, step):
        x = _x(minute * 60, last)
        yield f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 5}"/>'
        yield _text(x, bottom + 20, f"{minute}", "quiet", "middle")
    yield _text(_RIGHT, bottom + 38, "minutes since the first event arrived", "quiet", "end")


def _bars(tools: Sequence[Figures]) -> Iterable[str]:
    top = _TOP + _PLOT + 66
    yield _text(24, top, "calls, refused ones too:", "quiet")
    for number, (kind, words) in enumerate(
        zip(_KINDS, ("CreateTags", "Describe…", "not EC2's (STS, IAM …)"), strict=True)
    ):
        left = 215 + number * 120
        yield f'<rect class="bar axis {kind}" x="{left}" y="{top - 11}" width="14" height="12" rx="2" fill="#57606a"/>'
        yield _text(left + 20, top, words, "quiet")
    most = max(sum(each.calls.values()) + sum(each.hub_calls.values()) for each in tools) or 1
    room = _RIGHT - 190.0 - 340
    for number, (each, name) in enumerate(zip(tools, "abc", strict=False)):
        y = top + 14 + number * 34
        yield _text(24, y + 16, each.tool)
        at = 190.0
        writes = sum(count for api, count in each.calls.items() if not api.startswith("Describe"))
        reads = sum(each.calls.values()) - writes
        for kind, count in zip(_KINDS, (writes, reads, sum(each.hub_calls.values())), strict=True):
            width = count / most * room
            yield f'<rect class="bar {name} {kind}" x="{at:.1f}" y="{y}" width="{width:.2f}" height="22"/>'
            at += width
        words = f"{sum(each.calls.values()) + sum(each.hub_calls.values()):,}"
        words += f" ({each.throttled:,} refused)" if each.throttled else ""
        tagged, all_ = sum(each.tagged.values()), sum(each.resources.values())
        yield _text(at + 8, y + 16, f"{words}; {tagged:,} of {all_:,} tagged", "quiet")


def _slowest(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The slowest of each minute, in the middle of it."""
    bins: dict[int, list[float]] = {}
    for at, seconds in points:
        bins.setdefault(int(at // _BIN), []).append(seconds)
    return [((number + 0.5) * _BIN, percentile(sorted(found), 100) or 0.0) for number, found in sorted(bins.items())]


def _x(at: float, last: float) -> float:
    return _LEFT + min(1.0, at / last) * (_RIGHT - _LEFT)


def _y(seconds: float, decades: range) -> float:
    low, high = decades[0], decades[-1]
    return _TOP + _PLOT - (max(math.log10(max(seconds, 1e-9)), low) - low) / (high - low) * _PLOT


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "") -> str:
    more = (f' class="{kind}"' if kind else "") + (f' text-anchor="{anchor}"' if anchor else "")
    return f'<text x="{x:.1f}" y="{y:.1f}"{more}>{escape(words)}</text>'
