"""The report of detections in images alone: scores by source, and the curves behind them."""

from collections.abc import Mapping
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import jtn_ros
from jtn_ros.evaluation.average_precision import RECALLS
from jtn_ros.evaluation.average_precision import THRESHOLDS
from jtn_ros.evaluation.average_precision import DetectionReport
from jtn_ros.evaluation.report.charts import LINE_COLOURS
from jtn_ros.evaluation.report.charts import Line
from jtn_ros.evaluation.report.charts import line_chart
from jtn_ros.evaluation.report.page import document
from jtn_ros.evaluation.report.page import parameter_list
from jtn_ros.evaluation.report.page import require_html
from jtn_ros.evaluation.report.page import tiles
from jtn_ros.evaluation.report.page import write_files

_COLUMNS = (
    ('AP', 'ap', 'average precision, the mean over overlaps of 0.5 to 0.95'),
    ('AP50', 'ap50', 'average precision at an overlap of 0.5'),
    ('small', 'ap_small', 'AP of objects of less than 32x32 pixels'),
    ('medium', 'ap_medium', 'AP of objects between'),
    ('large', 'ap_large', 'AP of objects of more than 96x96 pixels'),
    ('AR', 'ar', 'average recall, the mean over the same overlaps'),
    ('precision', 'precision', 'share of the detections above the threshold that are right'),
    ('recall', 'recall', 'share of the objects that they find'),
    ('F1', 'f1', 'harmonic mean of precision and recall'),
    ('best F1', 'best_f1', 'the greatest there is at any threshold'),
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
    """Write ``path`` (.html) and beside it the same as .json; return both paths.

    Args:
        path: the HTML file.
        report: the scores.
        title: heading.
        model: name of the model.
        parameters: what the detections were made with.

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
    subtitle = f'detections: {escape(model)} · jtn_ros {escape(jtn_ros.__version__)}'
    sections = [
        _tiles(report),
        '<h2>Scores</h2>' + _table(report),
        '<h2>What is found at what price</h2>' + _charts(report),
        '<h2>Parameters</h2>' + parameter_list(parameters),
    ]
    return write_files(path, document(title, subtitle, sections), values)


def _figure(value: float | None, digits: int = 1) -> str:
    return '-' if value is None else f'{value:.{digits}f}'


def _tiles(report: DetectionReport) -> str:
    """Return the means over the sources as large figures."""
    return tiles(
        [
            (name, meaning, f'<b>{_figure(getattr(report.mean, key))}</b>')
            for name, key, meaning in _COLUMNS
            if key in _TILES
        ]
    )


def _table(report: DetectionReport) -> str:
    rows = []
    for name, scores in report.rows().items():
        style = ' class="all"' if scores is report.combined else ''
        cells = ''.join(f'<td>{_figure(getattr(scores, key))}</td>' for _, key, _ in _COLUMNS)
        rows.append(
            f'<tr{style}><td>{escape(name)}</td>{cells}<td>{_figure(scores.best_threshold, 2)}'
            f'</td><td>{scores.images}</td><td>{scores.objects}</td></tr>'
        )
    heads = ''.join(f'<th title="{meaning}">{name}</th>' for name, _, meaning in _COLUMNS)
    note = (
        'In per cent. Precision, recall and F1 are those of detections that score more than '
        f'{report.threshold:.2f}, at an overlap of 0.5.'
    )
    if len(report.sources) > 1:
        note += ' The figures above the table are means over the sources.'
    return (
        f'<div class="card scroll"><table><tr><th></th>{heads}<th>at</th><th>images</th>'
        f'<th>objects</th></tr>{"".join(rows)}</table><p class="soft">{note}</p></div>'
    )


def _charts(report: DetectionReport) -> str:
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
    charts = [
        line_chart(known, x, y, top=100)
        for lines, x, y in (
            (recalls, 'recall (at an overlap of 0.5)', 'precision, per cent'),
            (shares, 'threshold', 'all images, per cent'),
        )
        if (known := [line for line in lines if line.x])
    ]
    if not charts:
        return '<p class="soft">There are no objects and no detections.</p>'
    cards = ''.join(f'<div class="card">{chart}</div>' for chart in charts)
    return f'<div class="grid2">{cards}</div>'


def _line(label: str, number: int, x: Sequence[float], y: Sequence[float | None]) -> Line:
    """Return line `number` of a chart, from 0, without the points that have no value."""
    known = [(across, up) for across, up in zip(x, y, strict=False) if up is not None]
    return Line(
        label=label,
        x=[across for across, _ in known],
        y=[up for _, up in known],
        colour=1 + number % LINE_COLOURS,
        dashed=number >= LINE_COLOURS,
    )
