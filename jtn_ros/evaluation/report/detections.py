"""The report of detections in separate images: scores by source, and their curves."""

from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

import jtn_ros
from jtn_ros.evaluation.average_precision import RECALLS
from jtn_ros.evaluation.average_precision import THRESHOLDS
from jtn_ros.evaluation.average_precision import DetectionReport
from jtn_ros.evaluation.average_precision import DetectionScores
from jtn_ros.evaluation.report.charts import LINE_COLORS
from jtn_ros.evaluation.report.charts import Line
from jtn_ros.evaluation.report.charts import line_chart
from jtn_ros.evaluation.report.page import Column
from jtn_ros.evaluation.report.page import Figure
from jtn_ros.evaluation.report.page import Row
from jtn_ros.evaluation.report.page import render
from jtn_ros.evaluation.report.page import require_html
from jtn_ros.evaluation.report.page import write_files

_COLUMNS = (
    Column('AP', 'ap', 'average precision, the mean over IoU thresholds of 0.5 to 0.95'),
    Column('AP50', 'ap50', 'average precision at an IoU of 0.5'),
    Column('small', 'ap_small', 'AP of objects with less than 32x32 pixels'),
    Column('medium', 'ap_medium', 'AP of objects with 32x32 to 96x96 pixels'),
    Column('large', 'ap_large', 'AP of objects with more than 96x96 pixels'),
    Column('AR', 'ar', 'average recall, the mean over the same IoU thresholds'),
    Column(
        'precision', 'precision', 'share of the detections above the threshold that are correct'
    ),
    Column('recall', 'recall', 'share of the objects that are detected'),
    Column('F1', 'f1', 'harmonic mean of precision and recall'),
    Column('best F1', 'best_f1', 'the highest F1 over all confidence thresholds'),
)
_TILES = ('ap', 'ap50', 'ar', 'precision', 'recall', 'best_f1')


def write_detection_report(
    path: Path,
    report: DetectionReport,
    *,
    title: str,
    model: str,
    parameters: Mapping[str, Any],
) -> tuple[Path, Path]:
    """Write ``path`` (.html) and the same data as .json next to it; return both paths.

    Args:
        path: the HTML file.
        report: the scores.
        title: heading.
        model: name of the model.
        parameters: parameters of the detections.

    Raises:
        OSError: if a file cannot be written.
        ValueError: if the path does not end with .html.
    """
    require_html(path)
    values = {
        'version': jtn_ros.__version__,
        'model': model,
        'scores': report.as_dict(),
        'parameters': dict(parameters),
    }
    figures = {column: _figure(report.mean, column) for column in _COLUMNS}
    html = render(
        'detections.html',
        title=title,
        values=values,
        columns=_COLUMNS,
        figures=[(column, figure) for column, figure in figures.items() if column.key in _TILES],
        rows=_rows(report),
        charts=_charts(report),
    )
    return write_files(path, html, values)


def _figure(scores: DetectionScores, column: Column) -> Figure:
    return Figure(_text(getattr(scores, column.key)))


def _text(value: float | None, digits: int = 1) -> str:
    return '-' if value is None else f'{value:.{digits}f}'


def _rows(report: DetectionReport) -> list[Row]:
    return [
        Row(
            name,
            [_figure(scores, column) for column in _COLUMNS],
            [_text(scores.best_threshold, 2), str(scores.images), str(scores.objects)],
            total=scores is report.combined,
        )
        for name, scores in report.rows().items()
    ]


def _charts(report: DetectionReport) -> list[Markup]:
    """Return the charts of precision over recall and of scores over thresholds, if not empty."""
    curves = {'all': report.combined_curve}
    if len(report.sources) > 1:
        curves |= {name or 'no source': curve for name, curve in report.curves.items()}
    recalls = [
        _line(name, number, RECALLS, [value or None for value in curve])
        for number, (name, curve) in enumerate(curves.items())
    ]
    shares = [
        _line(name, number, THRESHOLDS, values)
        for number, (name, values) in enumerate(report.threshold_curves.items())
    ]
    return [
        line_chart(known, x, y, top=100)
        for lines, x, y in (
            (recalls, 'recall (at an IoU of 0.5)', 'precision, percent'),
            (shares, 'confidence threshold', 'all images, percent'),
        )
        if (known := [line for line in lines if line.x])
    ]


def _line(label: str, number: int, x: Sequence[float], y: Sequence[float | None]) -> Line:
    """Return line `number` of a chart, from 0, without points that have no value."""
    known = [(across, up) for across, up in zip(x, y, strict=False) if up is not None]
    return Line(
        label=label,
        x=[across for across, _ in known],
        y=[up for _, up in known],
        color=1 + number % LINE_COLORS,
        dashed=number >= LINE_COLORS,
    )
