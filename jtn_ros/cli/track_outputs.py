"""All outputs of `jtn track`, with one call per frame."""

from collections import deque
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Self

import numpy as np
from numpy.typing import NDArray

from jtn_ros.media import FrameSource
from jtn_ros.media.debug_views import View
from jtn_ros.media.labels import Labels
from jtn_ros.media.output import Output
from jtn_ros.media.output import close_together
from jtn_ros.media.overwriting import claim_results
from jtn_ros.media.overwriting import protect_inputs
from jtn_ros.media.rerun_log import RerunLog
from jtn_ros.media.rerun_log import file_of
from jtn_ros.media.results import ResultFiles
from jtn_ros.media.video_writer import VideoWriter
from jtn_ros.media.video_writer import browser_suffix
from jtn_ros.offline import TrackedFrame

if TYPE_CHECKING:
    from jtn_ros.media.bags.tracked_bag import TrackedBag


class TrackOutputs:
    """Result files, and optionally video, bag, Rerun log and images.

    Use it as a context manager: outputs appear when it ends, and none does after an exception.

    Args:
        folder: where to write.
        source: the input.
        inputs: what identifies the inputs; results of others are not replaced.
        labels: of the model.
        video: whether to write a video.
        bag: whether to write a bag.
        rerun: where to log for Rerun, see `jtn_ros.media.rerun_log.file_of`; None for nowhere.
        pictures: whether to keep the last picture in `picture`.
        views: what to draw, see `jtn_ros.media.debug_views`.
    """

    def __init__(
        self,
        folder: Path,
        source: FrameSource,
        *,
        inputs: Sequence[str],
        labels: Labels,
        video: bool,
        bag: bool,
        rerun: str | None,
        pictures: bool,
        views: Collection[str],
    ) -> None:
        suffixes = ['.txt', '.jsonl']
        if video:
            suffixes.append('.webm' if source.live else browser_suffix())
        self.paths = [folder / f'{source.name}{suffix}' for suffix in suffixes]
        names = [path.name for path in self.paths]
        if rerun is not None and (log_file := file_of(rerun)) is not None:
            self.paths.append(log_file)
            names.append(str(log_file.absolute()))
        protect_inputs(self.paths, inputs)
        run = claim_results(folder, names, inputs)
        self._results = ResultFiles(folder, source.name, labels.class_names, run)
        self._outputs: list[Output] = [self._results]
        self._record: Callable[[NDArray[np.uint8], int], None] | None = None
        self._bag: TrackedBag | None = None
        self._log: RerunLog | None = None
        self._view = View(views, labels.class_names) if video or pictures else None
        self._pictures: deque[NDArray[np.uint8]] = deque(maxlen=1)
        try:
            if video:
                self._open_video(source, folder / names[2])
            if rerun is not None:
                self._log = RerunLog(rerun, source.name, labels, views)
                self._outputs.append(self._log)
            if bag:
                self.paths.append(folder / f'{source.name}_tracked')
                self._open_bag(source, labels)
        except BaseException:
            self._discard()
            raise

    @property
    def track_count(self) -> int:
        """Return the number of identities so far."""
        return self._results.track_count

    @property
    def picture(self) -> NDArray[np.uint8] | None:
        """Return the last image that was drawn, if it was not returned before."""
        return self._pictures.pop() if self._pictures else None

    def write(self, item: TrackedFrame) -> None:
        """Append a frame to every output."""
        frame, result = item.frame, item.result
        tracks = result.tracks
        self._results.write(frame.index, frame.stamp_ns, tracks, item.session, frame.dropped)
        if self._bag is not None:
            self._bag.write(frame, tracks, item.session)
        if self._log is not None:
            self._log.write(frame, result.detections, tracks, result.latencies)
        if self._view is not None:
            picture = self._view.draw(frame.image, result.detections, tracks, frame.stamp_ns)
            self._pictures.append(picture)
            if self._record is not None:
                self._record(picture, frame.stamp_ns)

    def __enter__(self) -> Self:
        """Return the outputs, which are open already."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Finish them, or remove them after an exception."""
        if kind is None:
            close_together(self._outputs)
        else:
            self._discard()

    def _open_video(self, source: FrameSource, path: Path) -> None:
        """Open the video; for a camera, the stamps determine the duration of each frame."""
        if source.live:
            from jtn_ros.media.stamped_video import StampedVideo  # only these need av

            stamped = StampedVideo(path)
            self._record = stamped.write
            self._outputs.append(stamped)
        else:
            steady = VideoWriter(path, source.frame_rate)
            self._record = lambda picture, _: steady.write(picture)
            self._outputs.append(steady)

    def _open_bag(self, source: FrameSource, labels: Labels) -> None:
        """Open the bag."""
        from jtn_ros.media.bags.tracked_bag import TrackedBag  # only bags need rosbags

        self._bag = TrackedBag(self.paths[-1], source, labels)
        self._outputs.append(self._bag)

    def _discard(self) -> None:
        for output in self._outputs:
            output.discard()
