"""The report of a demo: a table, a video, an image and a JSON file."""

import json
import logging
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from jtn_ros.cli.progress import show_progress
from jtn_ros.errors import JtnError
from jtn_ros.errors import MissingPackageError
from jtn_ros.evaluation.metrics import Scores
from jtn_ros.evaluation.metrics import evaluate
from jtn_ros.evaluation.recording import RunSummary
from jtn_ros.evaluation.recording import summarize_run
from jtn_ros.evaluation.report.data import Evaluation
from jtn_ros.evaluation.report.report import write_report
from jtn_ros.evaluation.runs import compared
from jtn_ros.evaluation.runs import read_run
from jtn_ros.evaluation.runs import read_truth
from jtn_ros.files import written_atomically
from jtn_ros.media import FrameSource
from jtn_ros.media.bags.bag import BagReader
from jtn_ros.media.bags.recorded_tracks import RecordedTracks
from jtn_ros.media.bags.recorded_tracks import read_tracks
from jtn_ros.media.drawing import Trails
from jtn_ros.media.drawing import draw_tracks
from jtn_ros.media.results import ResultFiles
from jtn_ros.media.video_writer import VideoWriter
from jtn_ros.media.video_writer import browser_suffix

logger = logging.getLogger(__name__)

# The picture is taken where this share of the clip is over, so that trails have grown.
_PICTURE_AFTER = 0.25


@dataclass(frozen=True, kw_only=True)
class Report:
    """The results of a demo.

    Attributes:
        source: name of the input.
        model: name of the model.
        summary: frames, drops and latency.
        scores: against the ground truth, or None without one.
        files: what was written.
    """

    source: str
    model: str
    summary: RunSummary
    scores: Scores | None
    files: tuple[Path, ...]


def make_report(
    source: FrameSource,
    source_path: Path,
    output: Path,
    parameters: Mapping[str, Any] | None = None,
) -> Report:
    """Compare the recorded run with its source, and write the files of the report.

    Args:
        source: the input, opened.
        source_path: where it is; its ground truth is used when it has one.
        output: folder of the demo, with the bag.
        parameters: what the tracker ran with.

    Raises:
        OSError, JtnError: if the bag cannot be read or holds no tracks of this source.
    """
    with BagReader(output / 'bag') as bag:
        run = list(read_tracks(bag))
    class_names = _class_names(run)
    index_of = _draw(source, run, class_names, output)
    summary = summarize_run(list(index_of), run)
    with ResultFiles(output / 'tracks', source.name, class_names) as results:
        for frame in run:
            results.write(index_of[frame.stamp_ns], frame.stamp_ns, frame.tracks)
    scores = None
    if (source_path / 'gt' / 'gt.txt').is_file():
        used = {'model': run[0].model_name} | dict(parameters or {})
        try:
            scores = _evaluate(source, source_path, output, index_of, used)
        except MissingPackageError as error:  # the run itself went well
            logger.warning('no scores: %s', error)
    json_path, page_path = output / 'result.json', output / 'report.html'
    files = (
        page_path,
        _video_path(output),
        output / 'tracks.png',
        output / 'bag',
        results.text_path,
        json_path,
    )
    report = Report(
        source=source.name,
        model=run[0].model_name,
        summary=summary,
        scores=scores,
        files=tuple(path for path in files if path.exists() or path == json_path),
    )
    with written_atomically(json_path) as path:
        path.write_text(json.dumps(_as_dict(report), indent=2) + '\n', encoding='utf-8')
    return report


def _evaluate(
    source: FrameSource,
    source_path: Path,
    output: Path,
    index_of: Mapping[int, int],
    parameters: Mapping[str, Any],
) -> Scores:
    """Write a report of the run against the ground truth, and return the scores."""
    stamps = np.full(max(index_of.values()) + 1, -1, np.int64)
    stamps[list(index_of.values())] = list(index_of)
    truth = read_truth(source_path).with_stamps(stamps)
    run = read_run(output / 'bag', truth, tolerance_s=0.0)
    evaluation = Evaluation(
        truths={truth.name: truth},
        runs={truth.name: run},
        report=evaluate({truth.name: compared(truth, run)}),
    )
    sources = {truth.name: source}
    write_report(
        output / 'report.html',
        evaluation,
        title=truth.name,
        sources=sources,
        parameters=parameters,
    )
    return evaluation.report.combined


def print_report(report: Report) -> None:
    """Print the table and where the files are."""
    table = Table(title=f'{report.source}, tracked by {report.model}', show_header=False)
    table.add_column()
    table.add_column(justify='right')
    summary = report.summary
    rows = [
        ('frames published', f'{summary.frames_published}'),
        ('frames processed', f'{summary.frames_processed}'),
        ('frames dropped', f'{summary.frames_dropped}'),
        ('tracks', f'{summary.tracks}'),
        ('latency, median', f'{1000 * summary.latency_median:.1f} ms'),
        ('latency, 95th percentile', f'{1000 * summary.latency_p95:.1f} ms'),
    ]
    if report.scores is not None:
        scores = report.scores
        rows += [
            ('HOTA', f'{scores.hota:.1f}'),
            ('MOTA', f'{scores.mota:.1f}'),
            ('IDF1', f'{scores.idf1:.1f}'),
            ('identity switches', f'{scores.id_switches}'),
        ]
    for row in rows:
        table.add_row(*row)
    console = Console()
    console.print(table)
    if summary.frames_dropped:
        console.print(
            f'{summary.frames_dropped} frames arrived while the tracker was busy; use a lower '
            '--rate to process all frames',
            soft_wrap=True,
        )
    for path in report.files:
        console.print(str(path), soft_wrap=True, highlight=False)


def _draw(
    source: FrameSource,
    run: Sequence[RecordedTracks],
    class_names: Sequence[str],
    output: Path,
) -> dict[int, int]:
    """Write the video and the picture; return the index of every frame of the source by stamp.

    Where a frame was dropped the video shows the picture before, as a live view does.
    """
    run_by_stamp = {frame.stamp_ns: frame for frame in run}
    best = _best_frame(run)
    trails = Trails()
    index_of = {}
    with VideoWriter(_video_path(output), source.frame_rate) as video:
        picture: NDArray[np.uint8] | None = None
        for frame in show_progress(source, 'drawing', source.length):
            index_of[frame.stamp_ns] = frame.index
            tracked = run_by_stamp.get(frame.stamp_ns)
            if tracked is not None:
                trails.update(tracked.tracks, frame.stamp_ns)
                picture = draw_tracks(frame.image, tracked.tracks, class_names, trails=trails)
                if tracked is best:
                    _write_png(output / 'tracks.png', picture)
            video.write(frame.image if picture is None else picture)
    return index_of


def _video_path(output: Path) -> Path:
    return output / f'tracks{browser_suffix()}'


def _best_frame(run: Sequence[RecordedTracks]) -> RecordedTracks | None:
    """Return the frame with the most reported tracks; of several, the middle one."""
    late = run[int(len(run) * _PICTURE_AFTER) :]
    numbers = np.array([len(f.tracks.reported) for f in late])
    if not len(numbers):
        return None
    candidates = np.flatnonzero(numbers == numbers.max())
    return late[candidates[len(candidates) // 2]]


def _write_png(path: Path, image: NDArray[np.uint8]) -> None:
    good, data = cv2.imencode('.png', image)
    if not good:
        raise JtnError(f'{path}: the picture cannot be encoded')
    with written_atomically(path) as temporary:
        temporary.write_bytes(data.tobytes())


def _class_names(run: Sequence[RecordedTracks]) -> list[str]:
    """Return the names by class id; numbers where a class never occurred."""
    known: dict[int, str] = {}
    for frame in run:
        known |= frame.class_names
    return [known.get(class_id, str(class_id)) for class_id in range(max(known, default=-1) + 1)]


def _as_dict(report: Report) -> dict[str, object]:
    """Return the report as plain values; latencies in milliseconds."""
    summary = asdict(report.summary)
    latency = {
        'median': round(1000 * summary.pop('latency_median'), 3),
        'p95': round(1000 * summary.pop('latency_p95'), 3),
    }
    return {
        'source': report.source,
        'model': report.model,
        **summary,
        'latency_ms': latency,
        'scores': None if report.scores is None else asdict(report.scores),
        'files': [str(path) for path in report.files],
    }
