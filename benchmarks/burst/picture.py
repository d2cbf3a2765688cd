"""The burst as one SVG: how long after its event each launch was tagged, and how many calls that took."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.burst.figures import Figures
from benchmarks.drawing import BOTTOM, COLOURS, RIGHT, SecondsPlot, bar, decades_for, in_bins, key, kinds, sheet, text

_MINUTE = 60.0
_BARS = 190.0
_KINDS = (("", "CreateTags"), ("read", "Describe…"), ("hub", "not EC2's (STS, IAM …)"))


def picture(tools: Sequence[Figures]) -> str:
    """Draws up to three tools' figures of one burst."""
    plot = SecondsPlot(
        last=max([_MINUTE, *(at for tool in tools for at, _ in tool.points)]),
        decades=decades_for(seconds for tool in tools for _, seconds in tool.points),
        unit=_MINUTE,
        words="minutes since the first event arrived",
        title="seconds from the event's arrival to the tag, the slowest of each minute (log scale)",
    )
    names = [f"{tool.tool}{' (modelled)' if tool.how == 'modelled' else ''}" for tool in tools]
    lines = (
        plot.line(((at, found[-1]) for at, found in in_bins(tool.points, _MINUTE)), colour)
        for tool, colour in zip(tools, COLOURS, strict=False)
    )
    return sheet(
        530,
        "Time from event to tag, and calls, of three tools in a burst of launches",
        "10,000 instances in 1,000 launches, as fast as EC2 lets one account",
        [*key(names, 265), *plot.axes(), *lines, *_calls(tools)],
    )


def _calls(tools: Sequence[Figures]) -> Iterable[str]:
    top = BOTTOM + 66
    yield text(24, top, "calls, refused ones too:", "quiet")
    yield from kinds(215, top, 120, _KINDS)
    most = max(sum(tool.calls.values()) + sum(tool.hub_calls.values()) for tool in tools) or 1
    room = RIGHT - _BARS - 340
    for number, (tool, colour) in enumerate(zip(tools, COLOURS, strict=False)):
        y = top + 14 + number * 34
        yield text(24, y + 16, tool.tool)
        writes = sum(count for api, count in tool.calls.items() if not api.startswith("Describe"))
        counts = (writes, sum(tool.calls.values()) - writes, sum(tool.hub_calls.values()))
        lengths = [(kind, count / most * room) for (kind, _), count in zip(_KINDS, counts, strict=True)]
        parts, end = bar(_BARS, y, lengths, colour)
        yield from parts
        words = f"{sum(counts):,}" + (f" ({tool.throttled:,} refused)" if tool.throttled else "")
        tagged, all_ = sum(tool.tagged.values()), sum(tool.resources.values())
        yield text(end + 8, y + 16, f"{words}; {tagged:,} of {all_:,} tagged", "quiet")
