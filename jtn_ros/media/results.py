"""Output of tracks: MOTChallenge text for evaluation, JSON lines for other uses."""

import json
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import suppress
from fcntl import LOCK_EX
from fcntl import LOCK_NB
from fcntl import flock
from pathlib import Path
from typing import Any

import numpy as np

from jtn_ros.class_names import class_name
from jtn_ros.datasets.mot_challenge import TrackedBoxes
from jtn_ros.datasets.mot_challenge import write_results
from jtn_ros.datasets.sequences import CLASS_NUMBERS
from jtn_ros.errors import UsageError
from jtn_ros.media.output import Output
from jtn_ros.media.overwriting import RUN
from jtn_ros.tracking.track import Tracks
from jtn_ros.tracking.track import TrackState


class ResultFiles(Output):
    """Writes ``<name>.txt`` and ``<name>.jsonl``; both get their names when they are complete.

    The text file contains the confirmed tracks with reliable boxes (see `Tracks.reported`). The
    JSON lines, one per frame, contain all live tracks with their states.

    Args:
        folder: output folder; it is created if necessary.
        name: name of the files, without extension.
        class_names: by class; without them, the number is the name.
        run: value for the first JSON line; see `jtn_ros.media.overwriting`.

    Raises:
        OSError: if the files cannot be written.
        UsageError: if another process is writing the files.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        class_names: Sequence[str] = (),
        run: Mapping[str, Any] | None = None,
    ) -> None:
        self.text_path = Path(folder) / f'{name}.txt'
        self.json_path = Path(folder) / f'{name}.jsonl'
        self._class_names = class_names
        self._first = {} if run is None else {RUN: run}
        self._boxes: dict[int, TrackedBoxes] = {}
        self._temporary = self.json_path.with_name(f'.{name}.jsonl.part')
        self._temporary_text = self.text_path.with_name(f'.{name}.txt.part')
        self.json_path.parent.mkdir(parents=True, exist_ok=True)
        # Line buffering: results of a live camera can be followed, and are kept after a crash.
        self._lines = self._temporary.open('a', buffering=1, encoding='utf-8')
        try:
            flock(self._lines, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            self._lines.close()
            raise UsageError(
                f'another process is writing {self.json_path}; choose another --output'
            ) from None
        self._lines.truncate(0)

    @property
    def track_count(self) -> int:
        """Return the number of identities in the text file so far."""
        return len({track_id for frame in self._boxes.values() for track_id in frame.ids.tolist()})

    def write(
        self,
        index: int,
        stamp_ns: int,
        tracks: Tracks,
        session: int = 1,
        dropped: int | None = None,
    ) -> None:
        """Append the tracks of a frame; the index starts at 0, frame numbers in the files at 1.

        For a live camera, the lines also contain the number of images dropped before the frame.
        """
        reported = reported_boxes(tracks, self._class_names)
        if len(reported.ids):
            self._boxes[index + 1] = reported
        record = {
            'frame': index + 1,
            'stamp_ns': stamp_ns,
            'session': session,
            'tracks': tracks_to_records(tracks, self._class_names),
            **({} if dropped is None else {'dropped': dropped}),
            **self._first,
        }
        self._first = {}
        self._lines.write(json.dumps(record) + '\n')

    def finish(self) -> None:
        """Write the text file and the remaining lines."""
        self._lines.close()
        write_results(self._temporary_text, self._boxes)

    def publish(self) -> None:
        """Rename both files to their final names."""
        self._temporary_text.replace(self.text_path)
        self._temporary.replace(self.json_path)

    def discard(self) -> None:
        """Remove the partial files."""
        with suppress(OSError):  # closing fails on a full disk
            self._lines.close()
        for path in (self._temporary, self._temporary_text):
            path.unlink(missing_ok=True)


def reported_boxes(tracks: Tracks, class_names: Sequence[str] = ()) -> TrackedBoxes:
    """Return the boxes that count as results: the confirmed tracks with reliable boxes.

    Classes have the MOTChallenge number of their name, or else keep their own number. Class ids
    are omitted if a model detects only persons.
    """
    reported = tracks.reported
    numbers = [CLASS_NUMBERS.get(name, i + 1) for i, name in enumerate(class_names)]
    classes = None
    if set(numbers) - {CLASS_NUMBERS['person']}:
        classes = reported.class_ids.copy()
        for class_id, number in enumerate(numbers):
            classes[reported.class_ids == class_id] = number - 1
    return TrackedBoxes(reported.ids, reported.boxes, reported.scores, classes)


def tracks_to_records(tracks: Tracks, class_names: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return one JSON object per track: boxes in pixels ``x1 y1 x2 y2``, velocities in px/s."""
    boxes = np.round(tracks.boxes.astype(float), 2).tolist()
    velocities = np.round(tracks.velocities.astype(float), 2).tolist()
    scores = np.round(tracks.scores.astype(float), 4).tolist()
    observed, counted = tracks.observed.tolist(), tracks.counted.tolist()
    return [
        {
            'id': int(tracks.ids[row]),
            'class': class_name(int(tracks.class_ids[row]), class_names),
            'score': scores[row],
            'box': boxes[row],
            'velocity': velocities[row],
            'state': TrackState(tracks.states[row]).name.lower(),
            'predicted': not observed[row],
            'reliable': counted[row],
        }
        for row in range(len(tracks))
    ]
