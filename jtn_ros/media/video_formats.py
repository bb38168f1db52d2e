"""Names of video files, and of the formats of compressed images in messages."""

VIDEO_EXTENSIONS = (
    '.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg', '.ts', '.mts', '.m2ts',
    '.vob', '.mxf', '.dv', '.flv', '.3gp', '.ogv', '.wmv', '.gif',
)  # fmt: skip

# Names of decoders, by the common part of the names of formats and encoders.
_DECODERS = {
    '264': 'h264', 'avc': 'h264', '265': 'hevc', 'hevc': 'hevc', 'av1': 'libdav1d', 'vp8': 'vp8',
    'vp9': 'vp9', 'mpeg4': 'mpeg4', 'mpeg2': 'mpeg2video',
}  # fmt: skip


def decoder_of(format_: str) -> str | None:
    """Return the FFmpeg decoder for a format such as ``h264`` or ``hevc_nvenc;yuv420p``.

    None if the format is not a video, so that each image is independent.
    """
    return next((name for part, name in _DECODERS.items() if part in format_.lower()), None)
