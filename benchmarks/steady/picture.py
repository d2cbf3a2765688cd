"""The streams as one SVG: how long after its event each launch was tagged, and the calls that an event took."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.drawing import BOTTOM, COLOURS, RIGHT, SecondsPlot, bar, decades_for, in_bins, key, kinds, sheet, text
from benchmarks.steady.stream import Stream
from harness.results import percentile

_SECOND = 1.0
_BARS = 190.0
_KINDS = (("", "CreateTags"), ("read", "Describe…"), ("hub", "AssumeRole, ListAccounts"))


def picture(streams: Sequence[Stream]) -> str:
    """Draws up to five streams."""
    plot = SecondsPlot(
        last=float(max(stream.lasted for stream in streams)),
        decades=decades_for(seconds for stream in streams for _, seconds in stream.points),
        unit=_SECOND,
        words="seconds since the first event arrived",
        title="seconds from the event's arrival to the tag, the median of each second's events (log scale)",
    )
    lines = (
        plot.line(((at, percentile(found, 50) or 0.0) for at, found in in_bins(stream.points, _SECOND)), colour)
        for stream, colour in zip(streams, COLOURS, strict=False)
    )
    return sheet(
        BOTTOM + 86 + 34 * len(streams),
        "Time from event to tag, and calls for an event, at several rates of launches",
        f"A steady stream of launches in {streams[0].places} accounts and Regions, through one environment",
        [*key([f"{stream.rate} a second" for stream in streams], 150), *plot.axes(), *lines, *_calls(streams)],
    )


def _calls(streams: Sequence[Stream]) -> Iterable[str]:
    top = BOTTOM + 66
    yield text(24, top, "calls for an event:", "quiet")
    yield from kinds(190, top, 120, _KINDS)
    most = max(sum(stream.calls.values()) / stream.events for stream in streams)
    room = RIGHT - _BARS - 340
    for number, (stream, colour) in enumerate(zip(streams, COLOURS, strict=False)):
        y = top + 14 + number * 34
        yield text(24, y + 16, f"{stream.rate} a second")
        ours = stream.of_ec2()
        reads = sum(count for api, count in ours.items() if api.startswith("Describe"))
        counts = (sum(ours.values()) - reads, reads, sum(stream.calls.values()) - sum(ours.values()))
        lengths = [(kind, count / stream.events / most * room) for (kind, _), count in zip(_KINDS, counts, strict=True)]
        parts, end = bar(_BARS, y, lengths, colour)
        yield from parts
        words = f"{sum(counts) / stream.events:.2f}; {len(stream.points):,} of {stream.events:,} tagged"
        yield text(end + 8, y + 16, words, "quiet")
