"""The report of an evaluation: one HTML file that needs nothing else, and its data as JSON."""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import jtn_ros
from jtn_ros.evaluation.metrics import THRESHOLDS
from jtn_ros.evaluation.report.charts import Line
from jtn_ros.evaluation.report.charts import identity_chart
from jtn_ros.evaluation.report.charts import line_chart
from jtn_ros.evaluation.report.data import Evaluation
from jtn_ros.evaluation.report.data import match_all
from jtn_ros.evaluation.report.data import report_values
from jtn_ros.evaluation.report.data import worst_moments
from jtn_ros.evaluation.report.page import document
from jtn_ros.evaluation.report.page import parameter_list
from jtn_ros.evaluation.report.page import require_html
from jtn_ros.evaluation.report.page import tiles
from jtn_ros.evaluation.report.page import write_files
from jtn_ros.evaluation.report.pictures import picture_of
from jtn_ros.media import FrameSource

_COLUMNS = (
    ('HOTA', 'hota', 'detection and association'),
    ('DetA', 'det_a', 'detection accuracy'),
    ('AssA', 'ass_a', 'association accuracy'),
    ('MOTA', 'mota', 'detection errors and identity switches'),
    ('IDF1', 'idf1', 'identity F1 score'),
    ('IDSW', 'id_switches', 'identity switches'),
    ('Frag', 'fragmentations', 'track fragmentations'),
)
_EXPLANATIONS = (
    'HOTA is the geometric mean of detection and association accuracy, averaged over the '
    'localization threshold alpha (IoU 0.05 to 0.95).',
    'MOTA is 100 % minus the misses, false positives and identity switches per true object, at '
    'an IoU of 0.5.',
    'IDF1 is the F1 score of boxes that carry the identity of their object, with one track '
    'matched to one object for the whole sequence.',
    'An identity switch (IDSW) is a frame in which an object is matched to another track than '
    'before.',
)
_ERRORS = (
    ('missed', 'miss', 'misses'),
    ('false', 'false positive', 'false positives'),
    ('switches', 'identity switch', 'identity switches'),
)
_COUNTS = ('id_switches', 'fragmentations')  # of which fewer are better
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
    """Write ``path`` (.html) and beside it the same as .json; return both paths.

    Args:
        path: the HTML file.
        evaluation: the run that the report is about.
        title: heading.
        sources: the images of sequences, where there are some, for pictures.
        against: another run over the same sequences.
        against_title: what to call that.
        parameters: what the run was made with, where that is known.

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
    title: str, values: dict[str, Any], pictures: list[str | None], against_title: str = ''
) -> str:
    """Return the HTML of a report: what `report_values` returned, and data URIs of moments."""
    models = ', '.join(values['models'])
    other = '' if values['against'] is None else f' · compared with {escape(against_title)}'
    subtitle = f'tracks: {escape(models)} · jtn_ros {escape(values["version"])}{other}'
    return document(
        title,
        subtitle,
        [
            _tiles(
                values['scores']['combined'], values['against'] and values['against']['combined']
            ),
            '<h2>Scores</h2>' + _table(values['scores'], values['against']),
            '<h2>HOTA, DetA and AssA over the localization threshold alpha</h2>' + _curves(values),
            '<h2>Identity timeline</h2>' + _identities(values['sequences']),
            _timing(values['sequences']),
            '<h2>Frames with the most errors</h2>' + _moments(values['moments'], pictures),
            '<h2>Parameters</h2>' + _parameters(values['parameters']),
        ],
    )


def _number(value: float, *, signed: bool = False) -> str:
    sign = '+' if signed else ''
    return f'{value:{sign}d}' if isinstance(value, int) else f'{value:{sign}.1f}'


def _change(key: str, after: float, before: float | None) -> str:
    """Return a change as HTML, green where it is for the better."""
    if before is None:
        return ''
    change = after - before
    better = (change < 0) if key in _COUNTS else (change > 0)
    kind = 'soft' if abs(change) < 0.05 else 'up' if better else 'down'
    return f'<small class="{kind}">{_number(change, signed=True)}</small>'


def _tiles(scores: dict[str, float], against: dict[str, float] | None) -> str:
    before: dict[str, float] = against or {}
    return tiles(
        [
            (
                name,
                meaning,
                f'<b>{_number(scores[key])}</b>{_change(key, scores[key], before.get(key))}',
            )
            for name, key, meaning in _COLUMNS
        ]
    )


def _table(scores: dict[str, Any], against: dict[str, Any] | None) -> str:
    rows = [('', name, part) for name, part in scores['sequences'].items()]
    kinds = ['sequences'] * len(rows)
    if len(scores['classes']) > 1:
        rows += [('', name, part) for name, part in scores['classes'].items()]
        kinds += ['classes'] * len(scores['classes'])
    if len(rows) > 1:
        rows.append(('all', 'all', scores['combined']))
        kinds.append('combined')
    lines = []
    for (style, name, part), kind in zip(rows, kinds, strict=True):
        other: dict[str, float] = {}
        if against is not None:
            other = against[kind] if kind == 'combined' else against[kind].get(name, {})
        cells = ''.join(
            f'<td>{_number(part[key])}{_change(key, part[key], other.get(key))}</td>'
            for _, key, _ in _COLUMNS
        )
        counts = f'<td>{part["frames"]}</td><td>{part["true_objects"]}</td>'
        lines.append(f'<tr class="{style}"><td>{escape(name)}</td>{cells}{counts}</tr>')
    heads = ''.join(f'<th title="{meaning}">{name}</th>' for name, _, meaning in _COLUMNS)
    notes = '' if against is None else '<p class="soft">Small: change from the other run.</p>'
    for name, number in scores['left_out'].items():
        notes += (
            f'<p class="soft">Not scored, because no track has the class: {escape(name)}, '
            f'{number} objects.</p>'
        )
    notes += ''.join(f'<p class="soft">{line}</p>' for line in _EXPLANATIONS)
    return (
        f'<div class="card scroll"><table><tr><th></th>{heads}<th>frames</th><th>objects</th></tr>'
        f'{"".join(lines)}</table>{notes}</div>'
    )


def _curves(values: dict[str, Any]) -> str:
    lines = [
        Line(label=name, x=THRESHOLDS, y=values['scores']['curves'][key], colour=colour)
        for name, key, colour in _CURVES
    ]
    chart = line_chart(lines, 'alpha (IoU)', '%', top=100)
    charts = f'<div class="card">{chart}</div>'
    if values['against'] is not None:
        runs = (('this run', values['scores'], False), ('the other', values['against'], True))
        lines = [
            Line(label=name, x=THRESHOLDS, y=run['curves']['hota'], colour=1 + dashed,
                 dashed=dashed)
            for name, run, dashed in runs
        ]  # fmt: skip
        chart = line_chart(lines, 'alpha (IoU)', 'HOTA, %', top=100)
        charts += f'<div class="card">{chart}</div>'
    return f'<div class="grid2">{charts}</div>'


def _identities(sequences: dict[str, Any]) -> str:
    parts = [
        '<p class="soft"><span class="key"><i style="background:var(--t0)"></i>one color per '
        'track</span><span class="key"><i style="background:var(--none)"></i>missed</span>'
        '<span class="key">▼ identity switch</span></p>'
    ]
    for name, part in sequences.items():
        for kind, lines in part['identities'].items():
            dropped = part['frames_without_tracks']
            chart = identity_chart(lines, part['frames'], dropped)
            label = name if len(part['identities']) == 1 else f'{name}: {kind}'
            note = f'<p class="soft">{len(dropped)} frames without tracks, in red below.</p>'
            parts.append(
                f'<div class="card scroll line"><h3>{escape(label)}</h3>{chart}'
                f'{note if dropped else ""}</div>'
            )
    return ''.join(parts)


def _timing(sequences: dict[str, Any]) -> str:
    charts = []
    for name, part in sequences.items():
        timings = [('this run', part['timing'], 1, False),
                   ('the other', part['timing_against'], 2, True)]  # fmt: skip
        for x, y, unit in (('seconds', 'latency_ms', 'latency, ms'),
                           ('rate_seconds', 'rate', 'frames with tracks per second')):  # fmt: skip
            lines = [
                Line(label=label, x=timing[x], y=timing[y], colour=colour, dashed=dashed)
                for label, timing, colour, dashed in timings
                if timing is not None and timing[y]
            ]
            if lines:
                chart = line_chart(lines, 'seconds', unit)
                charts.append(f'<div class="card"><h3>{escape(name)}</h3>{chart}</div>')
    if not charts:
        return '<h2>Latency</h2><p class="soft">The tracks carry no latencies.</p>'
    return f'<h2>Latency</h2><div class="grid2">{"".join(charts)}</div>'


def _moments(moments: list[dict[str, Any]], pictures: list[str | None]) -> str:
    if not moments:
        return '<p class="soft">No errors.</p>'
    keys = (('rgb(80,200,120)', 'found'), ('rgb(235,60,60)', 'missed'),
            ('rgb(255,165,30)', 'false positive'),
            ('rgb(220,90,230)', 'identity switch'),
            ('#fff;outline:1px solid var(--soft)', 'box of the track'))  # fmt: skip
    legend = ''.join(
        f'<span class="key"><i style="background:{colour}"></i>{name}</span>'
        for colour, name in keys
    )
    cards = []
    for number, (moment, picture) in enumerate(zip(moments, pictures, strict=True)):
        words = [
            f'{moment[key]} {one if moment[key] == 1 else several}'
            for key, one, several in _ERRORS
            if moment[key]
        ]
        caption = f'{escape(moment["sequence"])}, frame {moment["frame"]}: {", ".join(words)}'
        # The target of a link is shown in full width; the legend as the target closes it again.
        image = (
            f'<a href="#moment{number}"><img alt="{caption}" src="{picture}"></a>'
            '<a class="close" href="#moments">close</a>'
            if picture
            else ''
        )
        cards.append(
            f'<figure class="card" id="moment{number}">{image}'
            f'<figcaption>{caption}</figcaption></figure>'
        )
    note = '' if any(pictures) else '<p class="soft">There are no images to draw into.</p>'
    return (
        f'<p class="soft" id="moments">{legend}</p>{note}<div class="grid2">{"".join(cards)}</div>'
    )


def _parameters(parameters: dict[str, Any]) -> str:
    if not parameters:
        return '<p class="soft">Unknown: the tracks come from files.</p>'
    return parameter_list(parameters)
