"""The report of an evaluation: a self-contained HTML file, and its data as JSON."""

from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

import jtn_ros
from jtn_ros.evaluation.metrics import THRESHOLDS
from jtn_ros.evaluation.report.charts import Line
from jtn_ros.evaluation.report.charts import identity_chart
from jtn_ros.evaluation.report.charts import line_chart
from jtn_ros.evaluation.report.data import Evaluation
from jtn_ros.evaluation.report.data import match_all
from jtn_ros.evaluation.report.data import report_values
from jtn_ros.evaluation.report.data import worst_moments
from jtn_ros.evaluation.report.page import Column
from jtn_ros.evaluation.report.page import Figure
from jtn_ros.evaluation.report.page import Row
from jtn_ros.evaluation.report.page import render
from jtn_ros.evaluation.report.page import require_html
from jtn_ros.evaluation.report.page import write_files
from jtn_ros.evaluation.report.pictures import OUTCOME_COLORS
from jtn_ros.evaluation.report.pictures import picture_of
from jtn_ros.media import FrameSource

_COLUMNS = (
    Column('HOTA', 'hota', 'detection and association'),
    Column('DetA', 'det_a', 'detection accuracy'),
    Column('AssA', 'ass_a', 'association accuracy'),
    Column('MOTA', 'mota', 'detection errors and identity switches'),
    Column('IDF1', 'idf1', 'identity F1 score'),
    Column('IDSW', 'id_switches', 'identity switches', fewer_is_better=True),
    Column('Frag', 'fragmentations', 'track fragmentations', fewer_is_better=True),
)
_ERRORS = (
    ('missed', 'miss', 'misses'),
    ('false', 'false positive', 'false positives'),
    ('switches', 'identity switch', 'identity switches'),
)
_CURVES = (('HOTA', 'hota', 1), ('DetA', 'det_a', 2), ('AssA', 'ass_a', 3))


def write_report(
    path: Path,
    evaluation: Evaluation,
    *,
    title: str,
    sources: Mapping[str, FrameSource],
    against: Evaluation | None = None,
    against_title: str = 'another run',
    parameters: Mapping[str, Any] | None = None,
) -> tuple[Path, Path]:
    """Write ``path`` (.html) and the same data as .json next to it; return both paths.

    Args:
        path: the HTML file.
        evaluation: the run to report.
        title: heading.
        sources: the images of sequences, if available.
        against: another run over the same sequences.
        against_title: name of the other run.
        parameters: parameters of the run, if known.

    Raises:
        OSError: if a file cannot be written.
        JtnError: if the path does not end with .html.
    """
    require_html(path)
    matches = match_all(evaluation)
    moments = worst_moments(evaluation, matches)
    values = report_values(
        evaluation, matches, moments,
        against=against, parameters=parameters or {}, version=jtn_ros.__version__,
    )  # fmt: skip
    pictures = [
        picture_of(source, moment, evaluation.runs[moment.sequence], matches[moment.sequence])
        if (source := sources.get(moment.sequence)) is not None
        else None
        for moment in moments
    ]
    return write_files(path, page(title, values, pictures, against_title), values)


def page(
    title: str, values: dict[str, Any], pictures: Sequence[str | None], against_title: str = ''
) -> Markup:
    """Return the HTML of a report, from `report_values` and the data URIs of the images."""
    scores, against = values['scores'], values['against']
    combined = _figures(scores['combined'], against and against['combined'])
    return render(
        'tracks.html',
        title=title,
        values=values,
        against_title=against_title,
        columns=_COLUMNS,
        figures=list(zip(_COLUMNS, combined, strict=True)),
        rows=_rows(scores, against),
        curves=_curves(scores, against),
        identity_chart=identity_chart,
        timing=_timing(values['sequences']),
        moments=[
            (_caption(moment), picture)
            for moment, picture in zip(values['moments'], pictures, strict=True)
        ],
        any_picture=any(pictures),
        outcome_colors=OUTCOME_COLORS,
    )


def _number(value: float, *, signed: bool = False) -> str:
    sign = '+' if signed else ''
    return f'{value:{sign}d}' if isinstance(value, int) else f'{value:{sign}.1f}'


def _figures(scores: Mapping[str, float], before: Mapping[str, float] | None) -> list[Figure]:
    """Return a figure for each column, with its change if the other run has that score."""
    return [
        _figure(column, scores[column.key], (before or {}).get(column.key)) for column in _COLUMNS
    ]


def _figure(column: Column, after: float, before: float | None) -> Figure:
    if before is None:
        return Figure(_number(after))
    change = after - before
    better = (change < 0) if column.fewer_is_better else (change > 0)
    trend = 'soft' if abs(change) < 0.05 else 'up' if better else 'down'
    return Figure(_number(after), _number(change, signed=True), trend)


def _rows(scores: dict[str, Any], against: dict[str, Any] | None) -> list[Row]:
    """Return a row for each sequence, for each class if there are several, and for the total."""
    rows = []
    for kind in ('sequences', 'classes'):
        if kind == 'sequences' or len(scores[kind]) > 1:
            before = against[kind] if against else {}
            rows += [_row(name, part, before.get(name)) for name, part in scores[kind].items()]
    if len(rows) > 1:
        rows.append(_row('all', scores['combined'], against and against['combined'], total=True))
    return rows


def _row(
    name: str,
    scores: Mapping[str, float],
    before: Mapping[str, float] | None,
    *,
    total: bool = False,
) -> Row:
    counts = [str(scores['frames']), str(scores['true_objects'])]
    return Row(name, _figures(scores, before), counts, total)


def _curves(scores: dict[str, Any], against: dict[str, Any] | None) -> list[Markup]:
    lines = [
        Line(label=name, x=THRESHOLDS, y=scores['curves'][key], color=color)
        for name, key, color in _CURVES
    ]
    charts = [line_chart(lines, 'alpha (IoU)', '%', top=100)]
    if against is not None:
        this, other = scores['curves']['hota'], against['curves']['hota']
        lines = [
            Line(label='this run', x=THRESHOLDS, y=this, color=1),
            Line(label='the other', x=THRESHOLDS, y=other, color=2, dashed=True),
        ]
        charts.append(line_chart(lines, 'alpha (IoU)', 'HOTA, %', top=100))
    return charts


def _timing(sequences: dict[str, Any]) -> list[tuple[str, Markup]]:
    """Return charts of latency and frame rate, each with the name of its sequence."""
    charts = []
    for name, part in sequences.items():
        for x, y, unit in (
            ('seconds', 'latency_ms', 'latency, ms'),
            ('rate_seconds', 'rate', 'frames with tracks per second'),
        ):
            lines = [
                Line(label=label, x=timing[x], y=timing[y], color=color, dashed=dashed)
                for label, timing, color, dashed in (
                    ('this run', part['timing'], 1, False),
                    ('the other', part['timing_against'], 2, True),
                )
                if timing is not None and timing[y]
            ]
            if lines:
                charts.append((name, line_chart(lines, 'seconds', unit)))
    return charts


def _caption(moment: Mapping[str, Any]) -> str:
    """Return the frame and its errors as text."""
    errors = [
        f'{moment[key]} {one if moment[key] == 1 else several}'
        for key, one, several in _ERRORS
        if moment[key]
    ]
    return f'{moment["sequence"]}, frame {moment["frame"]}: {", ".join(errors)}'
