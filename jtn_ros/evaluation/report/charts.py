"""Charts as inline SVG; their colours are those of the page around them (CSS variables)."""

import math
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

_MOST_POINTS = 400
_ROW = 16
_LABEL = 52
_PALETTE = 12  # --t0 to --t11 in the page's style
_LEGEND_ROW = 18

LINE_COLOURS = 8  # .l1 to .l8 in the page's style


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a chart.

    Attributes:
        label: for the legend.
        x: growing.
        y: as long.
        colour: number of a line colour of the page, from 1.
        dashed: for the run that is compared with.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    colour: int
    dashed: bool = False


def line_chart(
    lines: Sequence[Line], x_label: str, y_label: str, *, top: float | None = None
) -> str:
    """Return a chart of lines from 0 upward, with axes and a legend.

    Args:
        lines: at least one, with at least one point.
        x_label: below.
        y_label: above.
        top: end of the y axis; by default what the data need.
    """
    width, left, right, below = 480, 40, 10, 36
    legend = _legend_places(lines, left, width - right)
    extra = _LEGEND_ROW * legend[-1][1]
    height, above = 280 + extra, 44 + extra
    high_x = max(max(line.x) for line in lines)
    low_x = min(0.0, *(min(line.x) for line in lines))
    high_y = top or 1.08 * max(max(line.y) for line in lines) or 1.0
    span_x = (high_x - low_x) or 1.0

    def place(x: float, y: float) -> str:
        across = left + (width - left - right) * (x - low_x) / span_x
        up = height - below - (height - above - below) * min(y, high_y) / high_y
        return f'{across:.1f},{up:.1f}'

    parts = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(y_label)}">']
    for value in _ticks(0, high_y, 5):
        up = place(low_x, value).split(',')[1]
        parts.append(
            f'<line class="grid" x1="{left}" x2="{width - right}" y1="{up}" y2="{up}"/>'
            f'<text class="end" x="{left - 6}" y="{float(up) + 4:.1f}">{value:g}</text>'
        )
    for value in _ticks(low_x, high_x, 6):
        across = place(value, 0).split(',')[0]
        parts.append(f'<text class="mid" x="{across}" y="{height - 18}">{value:g}</text>')
    parts.append(
        f'<text class="mid" x="{(left + width) / 2}" y="{height - 3}">{escape(x_label)}</text>'
        f'<text x="4" y="14">{escape(y_label)}</text>'
    )
    for line, (at, row) in zip(lines, legend, strict=True):
        down = 29 + _LEGEND_ROW * row
        dashes = ' stroke-dasharray="5 4"' if line.dashed else ''
        parts.append(
            f'<line class="l{line.colour}" x1="{at}" x2="{at + 18}" y1="{down}" y2="{down}"'
            f'{dashes}/><text x="{at + 22}" y="{down + 4}">{escape(line.label)}</text>'
        )
        points = ' '.join(place(x, y) for x, y in _thinned(line.x, line.y))
        parts.append(f'<polyline class="l{line.colour}" points="{points}"{dashes}/>')
    return ''.join([*parts, '</svg>'])


def identity_chart(lines: Sequence[dict[str, Any]], frames: int, dropped: Iterable[int]) -> str:
    """Return a time line with a row for each object, in the colour of the track on it.

    Args:
        lines: of `report_data`: object, spans (first and last frame, track), switches.
        frames: number of frames of the sequence.
        dropped: frames without tracks, marked at the bottom.
    """
    width = 900
    height = _ROW * len(lines) + 30
    scale = (width - _LABEL - 8) / max(1, frames)

    def across(frame: float) -> float:
        return round(_LABEL + (frame - 1) * scale, 1)

    parts = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="identities over time">']
    for value in _ticks(0, frames, 8):
        at = across(max(1, value))
        parts.append(
            f'<line class="grid" x1="{at}" x2="{at}" y1="0" y2="{height - 26}"/>'
            f'<text class="mid" x="{at}" y="{height - 12}">{max(1, value):g}</text>'
        )
    parts.append(f'<text class="end" x="{_LABEL - 8}" y="{height - 12}">frame</text>')
    for row, line in enumerate(lines):
        y = row * _ROW
        parts.append(f'<text class="end" x="{_LABEL - 8}" y="{y + 12}">{line["object"]}</text>')
        for first, last, track in line['spans']:
            shape = 'y="{}" height="{}"'.format(*((y + 3, 10) if track else (y + 6, 4)))
            kind = f't{track % _PALETTE}' if track else 'none'
            what = f'track {track}' if track else 'missed'
            parts.append(
                f'<rect class="{kind}" x="{across(first)}" {shape} '
                f'width="{max(0.8, round((last - first + 1) * scale, 1))}">'
                f'<title>object {line["object"]}, frames {first}-{last}: {what}</title></rect>'
            )
        for frame in line['switches']:
            at = across(frame)
            parts.append(
                f'<path class="switch" d="M{at} {y + 2}v12m-3.5 -12h7l-3.5 4z">'
                f'<title>object {line["object"]} changes its track in frame {frame}</title></path>'
            )
    for frame in dropped:
        parts.append(
            f'<rect class="drop" x="{across(frame)}" y="{height - 26}" height="4" '
            f'width="{max(0.8, round(scale, 1))}"><title>frame {frame}: no tracks</title></rect>'
        )
    return ''.join([*parts, '</svg>'])


def _legend_places(lines: Sequence[Line], left: int, right: int) -> list[tuple[int, int]]:
    """Return where the entries of a legend begin, and in which row, so that none is cut off."""
    places = []
    at, row = left, 0
    for line in lines:
        width = 34 + 7 * len(line.label)
        if at > left and at + width > right:
            at, row = left, row + 1
        places.append((at, row))
        at += width
    return places


def _ticks(low: float, high: float, about: int) -> list[float]:
    """Return round numbers from low to high, about so many."""
    raw = (high - low) / about or 1.0
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def _thinned(x: Sequence[float], y: Sequence[float]) -> list[tuple[float, float]]:
    """Return the points, or the lowest and highest of each of many bins, so that peaks stay."""
    if len(x) <= _MOST_POINTS:
        return list(zip(x, y, strict=True))
    kept: set[int] = set()
    for part in np.array_split(np.arange(len(x)), _MOST_POINTS // 2):
        values = np.asarray(y)[part]
        kept |= {int(part[values.argmin()]), int(part[values.argmax()])}
    return [(x[index], y[index]) for index in sorted(kept)]
