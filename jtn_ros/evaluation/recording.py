"""Statistics of the node from a recorded run: frames, dropped frames and latency."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jtn_ros.errors import JtnError
from jtn_ros.media.bags.recorded_tracks import RecordedTracks
from jtn_ros.tracking.track import TrackState


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """Statistics of a run; latencies are in seconds.

    Attributes:
        frames_published: number of frames of the source.
        frames_processed: number of frames with tracks.
        frames_dropped: number of the other frames; a node that is too slow drops frames instead
            of increasing its latency.
        tracks: number of identities that were confirmed.
        latency_median: median of the time from the arrival of an image in the node to its tracks.
        latency_p95: 95th percentile of the same.
    """

    frames_published: int
    frames_processed: int
    frames_dropped: int
    tracks: int
    latency_median: float
    latency_p95: float


def summarize_run(stamps_ns: Sequence[int], run: Sequence[RecordedTracks]) -> RunSummary:
    """Return the statistics of a run.

    Args:
        stamps_ns: stamps of all frames that were published.
        run: the recorded tracks.

    Raises:
        JtnError: if nothing was recorded, or the stamp of tracks matches no frame.
    """
    published = set(stamps_ns)
    processed = {frame.stamp_ns for frame in run}
    if not run:
        raise JtnError('the recording contains no tracks; no frame was processed')
    if strange := processed - published:
        raise JtnError(
            f'{len(strange)} recorded frames are not frames of the source, such as the one '
            f'stamped {min(strange)} ns; specify the source that was played'
        )
    confirmed = [f.tracks.ids[f.tracks.states == TrackState.CONFIRMED] for f in run]
    latencies = [frame.latency_s for frame in run]
    return RunSummary(
        frames_published=len(published),
        frames_processed=len(processed),
        frames_dropped=len(published - processed),
        tracks=len(np.unique(np.concatenate(confirmed))),
        latency_median=float(np.median(latencies)),
        latency_p95=float(np.percentile(latencies, 95)),
    )
