"""Decoding and deinterlacing of video with PyAV, from files, streams and packets."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from jtn_ros.errors import JtnError
from jtn_ros.errors import packages_for
from jtn_ros.media.intensity import IntensityRange

with packages_for('videos need', 'av'):
    import av
    from av.filter import Graph
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_TIMEOUT_S = 10.0
_ONE = Fraction(1)


def to_bgr(frame: VideoFrame, intensity: IntensityRange | None = None) -> NDArray[np.uint8]:
    """Return a frame as uint8 BGR (H, W, 3), turned upright.

    Args:
        frame: the frame.
        intensity: scales gray values of more than 8 bits; by default for this frame only.
    """
    if frame.format.name.startswith('gray') and frame.format.name != 'gray':
        gray = (intensity or IntensityRange()).apply(frame.to_ndarray(format='gray16le'))
        image = np.repeat(gray[..., None], 3, axis=2)
    else:
        image = np.asarray(frame.to_ndarray(format='bgr24'), np.uint8)
    quarters = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, quarters)) if quarters else image


class PacketDecoder:
    """Decodes the packets of a video one by one, as from the messages of a bag."""

    def __init__(self, decoder: str) -> None:
        """Start before the first packet, with a decoder of FFmpeg."""
        context = av.CodecContext.create(decoder, 'r')
        assert isinstance(context, VideoCodecContext)
        self._context = context
        self._deinterlacer = Deinterlacer()

    def decode(self, index: int, data: bytes) -> list[tuple[int, NDArray[np.uint8]]]:
        """Decode the next packet, and return the images that are ready with their packet indices.

        Damaged images, and images before the first key frame, are skipped.

        Raises:
            JtnError: if the packet is damaged.
        """
        packet = av.Packet(data)
        packet.pts = packet.dts = index
        packet.time_base = _ONE
        with av_errors('the video is damaged, or has no key frame before it'):
            frames = self._context.decode(packet)
            return _by_index(self._deinterlacer.push(frames))

    def flush(self) -> list[tuple[int, NDArray[np.uint8]]]:
        """Return the delayed images; nothing can be decoded after that."""
        with av_errors('the end of the video is damaged'):
            frames = self._deinterlacer.push(self._context.decode(None))
            return _by_index([*frames, *self._deinterlacer.flush()])


class Deinterlacer:
    """Passes progressive frames through, and combines the two fields of interlaced frames.

    From the first interlaced frame, output is delayed by one frame, because a field is
    interpolated from the previous and next fields.
    """

    def __init__(self) -> None:
        """Start without a frame."""
        self._graph: Graph | None = None
        self._layout: tuple[int, int, str] | None = None

    def push(self, frames: Iterable[VideoFrame]) -> Iterator[VideoFrame]:
        """Process the next frames and yield those that are ready."""
        for frame in frames:
            layout = frame.width, frame.height, frame.format.name
            if self._graph is not None and layout != self._layout:
                yield from self.flush()
            if self._graph is None and frame.interlaced_frame:
                self._graph, self._layout = _deinterlacing(frame), layout
            if self._graph is None:
                yield frame
            else:
                self._graph.vpush(frame)
                yield from _pulled(self._graph)

    def flush(self) -> Iterator[VideoFrame]:
        """Yield the delayed frame."""
        graph, self._graph = self._graph, None
        if graph is not None:
            graph.vpush(None)
            yield from _pulled(graph)


class VideoInput:
    """An opened video file.

    Attributes:
        size: width and height of the images in pixels, from the header of the stream.
        frame_rate: nominal frames per second; 0 if unknown.
        duration_s: duration in seconds from the header of the file; None if unknown.
        count: number of frames from the header of the file; 0 if unknown.
    """

    def __init__(self, source: Path | str) -> None:
        """Open the file.

        Args:
            source: a file, or its URL.

        Raises:
            OSError: if the file cannot be accessed.
            JtnError: if FFmpeg cannot open it, or it contains no video that can be decoded.
        """
        # Opened by Python, a file may have any name.
        self._file = source.open('rb') if isinstance(source, Path) else None
        with av_errors('FFmpeg cannot open it'):
            self._container = av.open(
                self._file or source, 'r', timeout=None if self._file else _TIMEOUT_S
            )
        found = [one for one in self._container.streams.video if one.codec_context is not None]
        if not found:
            self.close()
            raise JtnError('it contains no video that FFmpeg can decode')
        self._stream: VideoStream = found[0]
        self._stream.thread_type = 'AUTO'
        self.frame_rate = float(self._stream.average_rate or self._stream.guessed_rate or 0)
        self.size = self._stream.width, self._stream.height
        self.count = self._stream.frames
        self.duration_s = self._announced_duration()

    def frames(self, on_broken: Callable[[Exception], None]) -> Iterator[tuple[VideoFrame, int]]:
        """Yield the frames with their times in nanoseconds from the start; -1 without a time.

        Args:
            on_broken: called with the error for each frame that cannot be decoded.
        """
        deinterlacer = Deinterlacer()
        start = self._stream.start_time or 0
        time_base = self._stream.time_base or 0
        offset_ns = round(start * time_base * 10**9)
        for frame in self._deinterlaced(deinterlacer, on_broken):
            if frame.is_corrupt:
                on_broken(JtnError('its data is damaged'))
                continue
            seconds = None if frame.pts is None else frame.pts * frame.time_base
            yield frame, -1 if seconds is None else max(-1, round(seconds * 10**9) - offset_ns)

    def close(self) -> None:
        """Close it."""
        self._container.close()
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        """Return the video, which is open already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _deinterlaced(
        self, deinterlacer: Deinterlacer, on_broken: Callable[[Exception], None]
    ) -> Iterator[VideoFrame]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except (StopIteration, av.error.FFmpegError, OSError):
                break  # end of a truncated file
            try:
                frames = packet.decode()
            except av.error.FFmpegError as error:
                on_broken(error)
                continue
            yield from deinterlacer.push(frames)
        yield from deinterlacer.flush()

    def _announced_duration(self) -> float | None:
        """Return the duration of the video in seconds, from its stream if available."""
        if self._container.format.name == 'avi' and self.frame_rate:
            # FFmpeg would adapt the duration to the size of the file, also for a truncated file.
            return self.count / self.frame_rate
        if self._stream.duration is not None and self._stream.time_base is not None:
            return float(self._stream.duration * self._stream.time_base)
        alone = len(self._container.streams) == 1
        if alone and self._container.duration is not None:
            return self._container.duration / av.time_base
        return None


@contextmanager
def av_errors(text: str) -> Iterator[None]:
    """Convert exceptions of FFmpeg to a `JtnError` that starts with a text."""
    try:
        yield
    except (av.error.FFmpegError, OSError) as error:  # OSError: from a truncated file
        raise JtnError(f'{text}: {error.strerror}') from error


def _by_index(frames: Iterable[VideoFrame]) -> list[tuple[int, NDArray[np.uint8]]]:
    """Return images with the indices of their packets, which are stored as their times."""
    timed = [(f.pts, f.time_base or _ONE, f) for f in frames if not f.is_corrupt]
    return [(round(pts * base), to_bgr(frame)) for pts, base, frame in timed if pts is not None]


def _deinterlacing(frame: VideoFrame) -> Graph:
    """Return a graph that deinterlaces interlaced frames and does not change other frames."""
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width,
        height=frame.height,
        format=frame.format.name,
        time_base=frame.time_base or _ONE,
    )
    filter_ = graph.add('bwdif', 'mode=send_frame:deint=interlaced')
    sink = graph.add('buffersink')
    source.link_to(filter_)
    filter_.link_to(sink)
    graph.configure()
    return graph


def _pulled(graph: Graph) -> Iterator[VideoFrame]:
    """Yield the frames that a graph has finished."""
    while True:
        try:
            yield graph.vpull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
