"""Charts as inline SVG, with the colors of the page (CSS variables)."""

import math
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from jtn_ros.evaluation.report.page import render

_MOST_POINTS = 400
_ROW = 16
_LABEL = 52
_PALETTE = 12  # --t0 to --t11 in the style sheet of the page
_LEGEND_ROW = 18

LINE_COLORS = 8  # .l1 to .l8 in the style sheet of the page


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a chart.

    Attributes:
        label: label in the legend.
        x: increasing values.
        y: values, one for each `x`.
        color: number of a line color of the page, from 1.
        dashed: whether the line is dashed, for the run to compare with.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    color: int
    dashed: bool = False


def line_chart(
    lines: Sequence[Line], x_label: str, y_label: str, *, top: float | None = None
) -> Markup:
    """Return a line chart whose y axis starts at 0, with axes and a legend.

    Args:
        lines: at least one, with at least one point.
        x_label: label of the x axis.
        y_label: label of the y axis.
        top: upper limit of the y axis; by default that of the data.
    """
    width, left, right, below = 480, 40, 470, 36
    legend = _legend_places(lines, left, right)
    extra = _LEGEND_ROW * legend[-1][1]
    height, above = 280 + extra, 44 + extra
    high_x = max(max(line.x) for line in lines)
    low_x = min(0.0, *(min(line.x) for line in lines))
    high_y = top or 1.08 * max(max(line.y) for line in lines) or 1.0
    span_x = (high_x - low_x) or 1.0

    def across(x: float) -> float:
        return round(left + (right - left) * (x - low_x) / span_x, 1)

    def up(y: float) -> float:
        return round(height - below - (height - above - below) * min(y, high_y) / high_y, 1)

    def points(line: Line) -> str:
        return ' '.join(f'{across(x)},{up(y)}' for x, y in _thinned(line.x, line.y))

    return render(
        'line_chart.svg',
        width=width,
        height=height,
        left=left,
        right=right,
        x_label=x_label,
        y_label=y_label,
        x_ticks=[(f'{value:g}', across(value)) for value in _ticks(low_x, high_x, 6)],
        y_ticks=[(f'{value:g}', up(value)) for value in _ticks(0, high_y, 5)],
        lines=[
            (line, at, 29 + _LEGEND_ROW * row, points(line))
            for line, (at, row) in zip(lines, legend, strict=True)
        ],
    )


def identity_chart(lines: Sequence[dict[str, Any]], frames: int, dropped: Iterable[int]) -> Markup:
    """Return a timeline with a row for each object, in the color of its track.

    Args:
        lines: from `report_values`: object, spans (first and last frame, track), switches.
        frames: number of frames of the sequence.
        dropped: frames without tracks; they are marked at the bottom.
    """
    width = 900
    scale = (width - _LABEL - 8) / max(1, frames)

    def across(frame: float) -> float:
        return round(_LABEL + (frame - 1) * scale, 1)

    def extent(first: int, last: int) -> float:
        return max(0.8, round((last - first + 1) * scale, 1))

    ticks = [max(1, value) for value in _ticks(0, frames, 8)]
    return render(
        'identity_chart.svg',
        width=width,
        height=_ROW * len(lines) + 30,
        left=_LABEL,
        row_height=_ROW,
        colors=_PALETTE,
        ticks=[(f'{frame:g}', across(frame)) for frame in ticks],
        lines=lines,
        dropped=dropped,
        across=across,
        extent=extent,
    )


def _legend_places(lines: Sequence[Line], left: int, right: int) -> list[tuple[int, int]]:
    """Return the start and the row of each entry of a legend, so that none is cut off."""
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
    """Return about `about` round numbers from low to high."""
    raw = (high - low) / about or 1.0
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def _thinned(x: Sequence[float], y: Sequence[float]) -> list[tuple[float, float]]:
    """Return the points, or the minimum and maximum of each bin, which preserves peaks."""
    if len(x) <= _MOST_POINTS:
        return list(zip(x, y, strict=True))
    kept: set[int] = set()
    for part in np.array_split(np.arange(len(x)), _MOST_POINTS // 2):
        values = np.asarray(y)[part]
        kept |= {int(part[values.argmin()]), int(part[values.argmax()])}
    return [(x[index], y[index]) for index in sorted(kept)]
