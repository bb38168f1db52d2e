"""Reading of network cameras with PyAV, with messages for connection problems."""

import errno
import socket
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.sequence_images import DEFAULT_FRAME_RATE
from jtn_ros.errors import JtnError
from jtn_ros.errors import packages_for
from jtn_ros.media.frames import plausible_rate
from jtn_ros.media.intensity import IntensityRange
from jtn_ros.media.live.capture_clock import CaptureClock
from jtn_ros.media.live.live_input import Picture
from jtn_ros.media.live.steady_rate import SteadyRate
from jtn_ros.media.video_decoding import Deinterlacer
from jtn_ros.media.video_decoding import to_bgr

with packages_for('cameras need', 'av'):
    import av
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_OPEN_S, _READ_S = 3.0, 2.5
# Time for which FFmpeg analyzes a stream before it is opened. [us]
_ANALYSIS_US = 1_500_000
_NO_TIMESTAMPS = 0x80  # AVFMT_NOTIMESTAMPS: FFmpeg generates the times at its own rate
_CHECK = '; check the host, the network, and that the camera is on'

_REASONS: dict[type[av.error.FFmpegError] | int, str] = {
    av.error.HTTPUnauthorizedError: 'the user or the password is wrong or missing; '
    'put USER:PASSWORD@ before the host of the address',
    av.error.HTTPForbiddenError: 'this user has no permission to view the stream; request it',
    av.error.HTTPNotFoundError: 'it has no such path; check the path of the address',
    av.error.HTTPServerError: 'it reports an internal error; restart it, or check the path',
    av.error.ProtocolNotFoundError: 'FFmpeg does not support this protocol; specify rtsp:// or http://',
    av.error.InvalidDataError: 'it answers, but not with a video; check the port and the path',
    errno.ECONNREFUSED: 'nothing listens on this port; check the port, and that the camera is on',
    errno.EHOSTUNREACH: 'the host cannot be reached; check the network',
    errno.ENETUNREACH: 'the host cannot be reached; check the network',
}


class StreamInput:
    """A network camera or another stream; interlaced video is deinterlaced.

    A stream of independent images (MJPEG) is decoded only when an image is needed. Other streams
    are decoded continuously; a reader that falls behind skips to the next key frame.

    Args:
        address: a URL that FFmpeg can open.

    Raises:
        JtnError: if it does not respond, or sends no video.
    """

    def __init__(self, address: str) -> None:
        """Connect to the camera."""
        self._address = address
        options = {'analyzeduration': str(_ANALYSIS_US), 'fflags': 'nobuffer'}
        if address.startswith('rtsp'):
            options['rtsp_flags'] = (
                'prefer_tcp'  # UDP loses packets, but some cameras support only UDP
            )
        with self._reasons(
            f'does not answer within {_OPEN_S:g} s', 'sends no video; check the path'
        ):
            self._container = av.open(
                address, 'r', container_options=options, timeout=(_OPEN_S, _READ_S)
            )
        found = [one for one in self._container.streams.video if one.codec_context is not None]
        if not found:
            self.close()
            raise JtnError('it sends no video that FFmpeg can decode; check the path')
        stream: VideoStream = found[0]
        codec = stream.codec_context.codec
        self.width, self.height = stream.width, stream.height
        rate = plausible_rate(float(stream.average_rate or stream.guessed_rate or 0))
        self.frame_rate = rate or DEFAULT_FRAME_RATE
        self._has_times = not self._container.format.flags & _NO_TIMESTAMPS
        self._packets = self._container.demux(stream)
        self._clock = CaptureClock()
        self._rate = SteadyRate()
        self._intensity = IntensityRange()
        self._deinterlacer = Deinterlacer()
        # A separate decoder, because it is used on a different thread than the stream.
        self._lazy: VideoCodecContext | None = None
        if codec.intra_only:
            context = av.CodecContext.create(codec.name, 'r')
            assert isinstance(context, VideoCodecContext)
            self._lazy = context
        self._skipping = False

    def grab(self) -> Picture | None:
        """Wait for the next image; None for one that is old, damaged or not ready."""
        began = time.monotonic()
        silence = f'sent nothing for {_READ_S:g} s'
        with self._reasons(silence, 'closed the connection'):
            packet = next(self._packets, None)
        waited_s = time.monotonic() - began
        if waited_s > _READ_S:  # FFmpeg first returns delayed frames
            raise JtnError(f'it {silence}{_CHECK}')
        if packet is None or not packet.size:
            raise JtnError('it ended the stream')
        arrival_ns = time.time_ns()
        if self._has_times and packet.pts is not None:
            time_ns = _nanoseconds(packet)
        else:
            time_ns = self._rate.time_of(arrival_ns, waited_s)
        self._clock.observe(time_ns, arrival_ns, waited_s)
        if self._lazy is not None:
            image = partial(self._decode, packet)
            return self._picture(time_ns, image) if self._clock.current else None
        self._skipping = (self._skipping or self._clock.behind) and not packet.is_keyframe
        if self._skipping:
            return None
        frames: list[VideoFrame] = []
        with suppress(av.error.FFmpegError):  # a damaged image counts as missing
            frames.extend(self._deinterlacer.push(packet.decode()))
        if not frames or frames[-1].is_corrupt or not self._clock.current:
            return None
        newest = frames[-1]
        if self._has_times and newest.pts is not None:
            time_ns = _nanoseconds(newest)
        return self._picture(time_ns, partial(to_bgr, newest, self._intensity))

    def close(self) -> None:
        """Disconnect."""
        self._container.close()

    def _picture(self, time_ns: int, image: Callable[[], NDArray[np.uint8]]) -> Picture:
        return Picture(self._clock.stamp(time_ns), image)

    def _decode(self, packet: 'av.Packet[Any]') -> NDArray[np.uint8]:
        """Return the image of a packet that can be decoded independently.

        Raises:
            JtnError: if it is damaged.
        """
        assert self._lazy is not None
        try:
            (frame,) = self._lazy.decode(packet)
        except (av.error.FFmpegError, ValueError) as error:
            raise JtnError('its data is damaged') from error
        return to_bgr(frame, self._intensity)

    @contextmanager
    def _reasons(self, silence: str, break_off: str) -> Iterator[None]:
        """Convert errors of FFmpeg to a `JtnError` that describes the cause."""
        try:
            yield
        except av.error.FFmpegError as error:
            raise JtnError(_explain(error, self._address, silence, break_off)) from None


def _explain(error: av.error.FFmpegError, address: str, silence: str, break_off: str) -> str:
    """Return the meaning of an error of FFmpeg; its own text may contain the password."""
    if isinstance(error, (av.error.ExitError, av.error.TimeoutError)):
        return f'it {silence}{_CHECK}'
    for kind, reason in _REASONS.items():
        if isinstance(kind, type) and isinstance(error, kind):
            return reason
    if error.errno in _REASONS:
        return _REASONS[error.errno]
    if error.errno == errno.EIO:  # of FFmpeg, for a name that cannot be resolved
        host = urlsplit(address).hostname
        try:
            socket.getaddrinfo(host, None)
        except OSError:
            return f'there is no host {host}; check its name, and that the network resolves it'
        return f'it {break_off}'
    return f'{error.strerror}; check the address'


def _nanoseconds(item: 'av.Packet[Any] | VideoFrame') -> int:
    assert item.pts is not None
    assert item.time_base is not None
    return round(item.pts * item.time_base * 1_000_000_000)
