"""Tracks for the Rerun viewer: a file, or a live viewer.

All values are in pixels of the image. The timelines are ``frame``, which starts at 1, and
``stamp``, the time of the image.
"""

import os
from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.detections import Detections
from jtn_ros.errors import JtnError
from jtn_ros.errors import UsageError
from jtn_ros.errors import packages_for
from jtn_ros.media.debug_views import LookColours
from jtn_ros.media.debug_views import draw_heatmap
from jtn_ros.media.drawing import ARROW_SECONDS
from jtn_ros.media.drawing import Trails
from jtn_ros.media.drawing import caption_of
from jtn_ros.media.drawing import drawable
from jtn_ros.media.frames import Frame
from jtn_ros.media.labels import Labels
from jtn_ros.media.messages.marker_shapes import colors_of
from jtn_ros.media.output import Output
from jtn_ros.tracking.track import Tracks
from jtn_ros.tracking.track import TrackState

LIVE = 'live'
SUFFIX = '.rrd'
_ADDRESS = 'rerun+http'
_JPEG_QUALITY = 90
_MAGENTA = (255, 0, 255)
# Higher values are drawn over lower values; boxes have 10 and are drawn over all images.
_IMAGE_ORDER, _HEATMAP_ORDER = -10.0, -5.0
_FLUSH_S = 10.0


def file_of(target: str) -> Path | None:
    """Return the file that a target denotes; None for a viewer.

    Args:
        target: a file that ends with ``.rrd``, ``live`` to open a viewer, or the address of a
            running viewer, such as ``rerun+http://127.0.0.1:9876/proxy``.

    Raises:
        UsageError: if it is none of these, or there is no screen for a viewer.
    """
    if target.startswith(_ADDRESS):
        return None
    if target == LIVE:
        if not (os.environ.get('DISPLAY') or os.environ.get('WAYLAND_DISPLAY')):
            raise UsageError(
                '--rerun live opens a viewer, and there is no screen; specify a file (FILE.rrd) '
                'or the address of a viewer elsewhere (rerun+http://HOST:9876/proxy)'
            )
        return None
    if not target.endswith(SUFFIX):
        raise UsageError(
            f'--rerun {target} is neither a file ({target}{SUFFIX}) nor {LIVE} nor the address of '
            f'a viewer ({_ADDRESS}://HOST:9876/proxy)'
        )
    return Path(target)


class RerunLog(Output):
    """Logs images, tracks and latencies; a file gets its final name when it is closed.

    Args:
        target: see `file_of`.
        name: name of the recording.
        labels: labels of the model.
        views: additional views; see `jtn_ros.media.debug_views`.

    Raises:
        JtnError: if the package rerun-sdk is not installed, or there is no such viewer.
    """

    def __init__(self, target: str, name: str, labels: Labels, views: Collection[str]) -> None:
        with packages_for('--rerun needs the package', 'rerun'):
            import rerun

        self._rerun: Any = rerun
        self._target = target
        self._class_names = labels.class_names
        self._views = frozenset(views)
        self._trails = Trails()
        self._looks = LookColours()
        self._path = file_of(target)
        self._log: Any = rerun.RecordingStream('jtn track')
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._temporary = self._path.with_name(f'.{self._path.name}.part')
        with _rerun_errors(self._target):
            self._open_sink()
        self._log.send_recording_name(name)
        classes = rerun.AnnotationContext(list(enumerate(labels.class_names)))
        self._log.log('image', classes, static=True)

    def write(
        self,
        frame: Frame,
        detections: Detections,
        tracks: Tracks,
        latencies: Mapping[str, float],
    ) -> None:
        """Log a frame.

        Args:
            frame: the frame.
            detections: input of the tracker.
            tracks: tracks after the frame.
            latencies: seconds per stage.
        """
        log, rerun = self._log, self._rerun
        log.set_time('frame', sequence=frame.index + 1)
        log.set_time('stamp', timestamp=np.datetime64(frame.stamp_ns, 'ns'))
        log.log('image', self._encoded(frame.image))
        self._trails.update(tracks, frame.stamp_ns)
        self._log_tracks(drawable(tracks, frame.image.shape[1], frame.image.shape[0]))
        self._log_views(frame.image, detections)
        for stage, seconds in latencies.items():
            log.log(f'latency_ms/{stage}', rerun.Scalars(1e3 * seconds))
        states = tracks.states.tolist()
        for state in TrackState:
            log.log(f'tracks/{state.name.lower()}', rerun.Scalars(float(states.count(state))))

    def finish(self) -> None:
        """Write the remaining data."""
        with _rerun_errors(self._target):
            self._log.flush(timeout_sec=_FLUSH_S)
        self._log.disconnect()

    def publish(self) -> None:
        """Rename the file to its final name."""
        if self._path is not None:
            self._temporary.replace(self._path)

    def discard(self) -> None:
        """Remove the partial file; a viewer keeps the data that it received."""
        with suppress(Exception):  # closing fails on a full disk
            self._log.disconnect()
        if self._path is not None:
            self._temporary.unlink(missing_ok=True)

    def _open_sink(self) -> None:
        """Set the destination and the layout of the log."""
        import rerun.blueprint

        views = rerun.blueprint
        layout = views.Blueprint(
            views.Horizontal(
                views.Spatial2DView(origin='image', name='Tracks'),
                views.Vertical(
                    views.TimeSeriesView(origin='latency_ms', name='Latency [ms]'),
                    views.TimeSeriesView(origin='tracks', name='Number of tracks'),
                ),
                column_shares=[2, 1],
            )
        )
        if self._path is not None:
            self._log.save(self._temporary, default_blueprint=layout)
        elif self._target == LIVE:
            self._log.spawn(default_blueprint=layout)
        else:
            self._log.connect_grpc(self._target, default_blueprint=layout)

    def _log_tracks(self, tracks: Tracks) -> None:
        """Log the tracks that are also drawn in images."""
        log, rerun = self._log, self._rerun
        if not len(tracks):
            log.log('image/tracks', rerun.Clear(recursive=True))
            return
        colors = np.rint(255 * colors_of(tracks)).astype(np.uint8)
        keys, class_ids = tracks.ids.tolist(), tracks.class_ids.tolist()
        log.log(
            'image/tracks',
            rerun.Boxes2D(
                array=tracks.boxes,
                array_format=rerun.Box2DFormat.XYXY,
                colors=colors,
                labels=[
                    f'{caption_of(key, class_id, self._class_names)} {score:.2f}'
                    for key, class_id, score in zip(
                        keys, class_ids, tracks.scores.tolist(), strict=True
                    )
                ],
                class_ids=np.maximum(tracks.class_ids, 0),
            ),
            rerun.AnyValues(
                track_id=tracks.ids,
                score=tracks.scores,
                observed=tracks.observed,
                state=[TrackState(state).name.lower() for state in tracks.states.tolist()],
                velocity_px_s=tracks.velocities.tolist(),
            ),
        )
        log.log(
            'image/tracks/velocities',
            rerun.Arrows2D(
                origins=tracks.centers, vectors=ARROW_SECONDS * tracks.velocities, colors=colors
            ),
        )
        if 'trails' in self._views:
            log.log(
                'image/tracks/trails',
                rerun.LineStrips2D([self._trails.points(key) for key in keys], colors=colors),
            )

    def _log_views(self, image: NDArray[np.uint8], detections: Detections) -> None:
        """Log the selected views of the network outputs."""
        log, rerun = self._log, self._rerun
        if 'heatmap' in self._views:
            picture = draw_heatmap(image, detections)
            log.log('image/heatmap', self._encoded(picture, _HEATMAP_ORDER))
        if 'displacement' in self._views and detections.displacements is not None:
            log.log(
                'image/displacements',
                rerun.Arrows2D(
                    origins=detections.centers, vectors=detections.displacements, colors=_MAGENTA
                ),
            )
        if 'embedding' in self._views and detections.embeddings is not None:
            colors = self._looks.colors(detections.embeddings)[:, ::-1]
            log.log(
                'image/appearance',
                rerun.Boxes2D(
                    array=detections.boxes, array_format=rerun.Box2DFormat.XYXY, colors=colors
                ),
            )

    def _encoded(self, image: NDArray[np.uint8], draw_order: float = _IMAGE_ORDER) -> Any:
        """Return a uint8 BGR image as JPEG, because raw images fill disks and viewer memory."""
        done, data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        assert done
        return self._rerun.EncodedImage(
            contents=data.tobytes(), media_type='image/jpeg', draw_order=draw_order
        )


@contextmanager
def _rerun_errors(target: str) -> Iterator[None]:
    """Convert exceptions of Rerun on writing and connecting to `JtnError`."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        raise JtnError(f'--rerun {target}: {error}') from error
