"""`jtn track` for many recordings: each is tracked once, with one report for all."""

import argparse
import hashlib
import json
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import jtn_ros
from jtn_ros.cli.counted import counted
from jtn_ros.cli.job_arguments import Jobs
from jtn_ros.cli.job_arguments import shared_engine
from jtn_ros.cli.track_recording import Summary
from jtn_ros.cli.track_recording import track_recording
from jtn_ros.cli.tracking_arguments import OfflineSettings
from jtn_ros.cli.tracking_arguments import read_settings
from jtn_ros.datasets.sequence_images import IMAGE_EXTENSIONS
from jtn_ros.errors import UsageError
from jtn_ros.files import written_atomically
from jtn_ros.jobs.manifest import NAME
from jtn_ros.jobs.manifest import Manifest
from jtn_ros.masking import mask
from jtn_ros.media.bag_paths import is_bag
from jtn_ros.media.camera_address import is_camera
from jtn_ros.media.recordings import find_places
from jtn_ros.media.recordings import find_recordings
from jtn_ros.media.recordings import fingerprint
from jtn_ros.media.recordings import is_recording

# Arguments that decide what is written, besides the settings.
_DECISIVE = ('video', 'bag', 'show', 'start', 'end', 'fps', 'topic', 'intensity_range')
_ONE_ONLY = ('detections', 'rerun', 'window', 'reconnect')


@dataclass(frozen=True, kw_only=True)
class _Task:
    """One recording, and how to track it."""

    args: argparse.Namespace
    settings: OfflineSettings


def track_archive(args: argparse.Namespace, given: Sequence[str]) -> int:
    """Track the recordings that are not done yet, and write the report.

    Raises:
        UsageError: if an argument is for a single input, or another process writes there.
        OSError, JtnError: if an input or the model does not exist, or recordings failed.
    """
    for text in given:
        if is_camera(text) and not Path(text).exists():
            raise UsageError(f'{mask(text)} is a camera; give it as the only input')
    settings = read_settings(args)
    output = args.output.resolve()
    own = None if is_recording(output) else output  # else it is refused below
    recordings = find_recordings(given, leave_out=own)
    images = [path for path in recordings if path.suffix.lower() in IMAGE_EXTENSIONS]
    if len(recordings) > 1 and (single := [path for path in images if path.is_file()]):
        raise UsageError(
            f'{single[0]} is a single image; specify a folder, whose images are one recording'
        )
    for path in recordings:
        if path in (output, *output.parents):
            raise UsageError(f'{args.output} lies in the input {path}; choose another --output')
    for name in _ONE_ONLY:
        if getattr(args, name) not in (None, False):
            raise UsageError(f'--{name} cannot be combined with several inputs, --jobs and --ray')
    report = output / 'report.json'
    if report.exists() and not (output / NAME).exists():
        raise UsageError(f'{report} is not a report of this command; choose another --output')
    began, frames = perf_counter(), 0
    jobs = Jobs(args, settings)  # a wrong model or cluster is told before anything is written
    how = _digest(jobs.settings, args)
    with Manifest(output) as manifest, jobs:
        entries = {path: manifest.get(str(path)) for path in recordings}
        known = {Path(name): entry['place'] for name, entry in manifest.entries().items()}
        places = find_places(recordings, known)
        keys, tasks = {}, {}
        for path in recordings:
            keys[path] = f'{fingerprint(path)} {how}'
            if not _is_done(output, entries[path], keys[path]):
                tasks[str(path)] = _Task(
                    args=_arguments(args, path, output / places[path]), settings=jobs.settings
                )
        for name, summary in jobs.run(_track, tasks, 'recordings'):
            path = Path(name)
            outputs = [str(file.relative_to(output)) for file in summary.paths]
            result = {
                'frames': summary.frames,
                'unreadable_frames': summary.broken,
                'tracks': summary.tracks,
                'outputs': outputs,
            }
            manifest.put(name, key=keys[path], place=places[path], result=result)
            frames += summary.frames
            place = '' if places[path] == '.' else f'{places[path]}/'
            print(f'{place}{summary.line}', flush=True)
        seconds = perf_counter() - began
        done = {path: manifest.get(str(path)) for path in recordings}
        values = _report(done, keys, jobs.failures)
        with written_atomically(report) as temporary:
            temporary.write_text(json.dumps(values, indent=2) + '\n', encoding='utf-8')
    speed = f'; {counted(frames, "frame")} in {seconds:.1f} s, {frames / seconds:.1f} frames/s'
    print(
        f'{counted(len(recordings), "recording")}: {len(tasks) - len(jobs.failures)} tracked, '
        f'{len(recordings) - len(tasks)} done before, {len(jobs.failures)} failed'
        f'{speed if frames else ""}'
    )
    print(report, flush=True)
    if jobs.failures:
        raise jobs.failed(len(recordings))
    return 0


def _track(task: _Task) -> Summary:
    return track_recording(task.args, task.settings, shared_engine)


def _arguments(args: argparse.Namespace, path: Path, output: Path) -> argparse.Namespace:
    """Return the arguments for one recording; some are for the bags in an archive alone."""
    own: dict[str, Any] = {'input': str(path), 'output': output}
    if not is_bag(path):
        own |= {'topic': None, 'bag': False}
    return argparse.Namespace(**vars(args) | own)


def _digest(settings: OfflineSettings, args: argparse.Namespace) -> str:
    """Return a short text that changes with everything that affects the results but the input."""
    values = settings.decisive() | {name: getattr(args, name) for name in _DECISIVE}
    decisive = f'{sorted(values.items())} {jtn_ros.__version__}'
    return hashlib.sha256(decisive.encode()).hexdigest()[:16]


def _is_done(output: Path, entry: Mapping[str, Any], key: str) -> bool:
    """Return whether a recording was finished in the same way, and the results are still there."""
    if entry.get('key') != key:
        return False
    return all((output / name).exists() for name in entry['result']['outputs'])


def _report(
    entries: Mapping[Path, Mapping[str, Any]],
    keys: Mapping[Path, str],
    failures: Mapping[str, str],
) -> dict[str, Any]:
    """Return the report of all recordings; the same for the same recordings and settings."""
    rows = []
    for path, entry in entries.items():
        if str(path) in failures:
            rows.append({'recording': str(path), 'error': failures[str(path)]})
        elif entry.get('key') == keys[path]:
            rows.append({'recording': str(path), **entry['result']})
    finished = [row for row in rows if 'error' not in row]
    return {
        'recordings': len(rows),
        'failed': len(rows) - len(finished),
        **{
            total: sum(row[total] for row in finished)
            for total in ('frames', 'unreadable_frames', 'tracks')
        },
        'results': rows,
    }
