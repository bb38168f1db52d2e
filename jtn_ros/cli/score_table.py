"""Scores as text: a table, a comparison, and the frames that could not be compared."""

from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from jtn_ros.evaluation.metrics import Report
from jtn_ros.evaluation.metrics import Scores
from jtn_ros.evaluation.runs import Run

COLUMNS = {
    'HOTA': 'hota',
    'DetA': 'det_a',
    'AssA': 'ass_a',
    'MOTA': 'mota',
    'IDF1': 'idf1',
    'IDSW': 'id_switches',
    'Frag': 'fragmentations',
}
DETECTION_COLUMNS = {
    'AP': 'ap',
    'AP50': 'ap50',
    'small': 'ap_small',
    'medium': 'ap_medium',
    'large': 'ap_large',
    'AR': 'ar',
    'Prec': 'precision',
    'Rec': 'recall',
    'F1': 'f1',
    'best F1': 'best_f1',
    'at': 'best_threshold',
    'images': 'images',
    'objects': 'objects',
}
SEPARATION_COLUMNS = {'AUC': 'auc', 'EER': 'eer', 'at': 'distance', 'pairs': 'pairs'}


def rows_of(report: Report) -> dict[str, Scores]:
    """Return the rows of a table: sequences, classes where there are several, and all."""
    rows = dict(report.sequences)
    if len(report.classes) > 1:
        rows |= report.classes
    if len(rows) > 1:
        rows['all'] = report.combined
    return rows


def format_rows(
    title: str,
    rows: Mapping[str, Any],
    columns: Mapping[str, str] = COLUMNS,
    *,
    signed: bool = False,
) -> str:
    """Return scores as text, one line each.

    Args:
        title: of the column of names.
        rows: scores by name.
        columns: attributes of the scores by the heading of their column.
        signed: for differences.
    """
    sign = '+' if signed else ''
    width = max(len(title), *map(len, rows))
    lines = [f'{title:<{width}}' + ''.join(f'{name:>8}' for name in columns)]
    for name, scores in rows.items():
        cells = [_cell(getattr(scores, column), sign) for column in columns.values()]
        lines.append(f'{name:<{width}}' + ''.join(cells))
    return '\n'.join(lines)


def _cell(value: float | None, sign: str) -> str:
    if value is None:
        return f'{"-":>8}'
    return f'{value:>{sign}8}' if isinstance(value, int) else f'{value:>{sign}8.2f}'


def differences(ours: Report, theirs: Report) -> dict[str, Scores]:
    """Return the differences between two sets of scores, row by row."""
    before, after = rows_of(theirs), rows_of(ours)
    return {
        name: Scores(
            **{key: value - getattr(before[name], key) for key, value in vars(scores).items()}
        )
        for name, scores in after.items()
        if name in before
    }


def unmatched_lines(name: str, run: Run) -> list[str]:
    """Return lines about the unmatched frames and messages of a sequence."""
    lines = []
    if len(run.frames_without):
        lines.append(
            f'{name}: {len(run.frames_without)} frames without tracks count as missed: '
            f'{ranges(run.frames_without.tolist())}'
        )
    if len(run.unmatched_ns):
        stamps = ', '.join(f'{stamp / 1e9:.3f}' for stamp in run.unmatched_ns[:5].tolist())
        more = ', ...' if len(run.unmatched_ns) > 5 else ''
        lines.append(
            f'{name}: {len(run.unmatched_ns)} messages without a frame are ignored, '
            f'stamped {stamps}{more} s'
        )
    return lines


def ranges(numbers: Iterable[int], most: int = 12) -> str:
    """Return increasing numbers as text, with runs as ``3-7``, up to a maximum number of runs."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    parts = [f'{low}' if low == high else f'{low}-{high}' for low, high in runs[:most]]
    return ', '.join(parts) + (', ...' if len(runs) > most else '')
