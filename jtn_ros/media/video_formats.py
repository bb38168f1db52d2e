"""What video files, and the formats of compressed images in messages, are called."""

VIDEO_EXTENSIONS = (
    '.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg', '.ts', '.mts', '.m2ts',
    '.vob', '.mxf', '.dv', '.flv', '.3gp', '.ogv', '.wmv', '.gif',
)  # fmt: skip

# Names of decoders, by what the names of formats and encoders have in common.
_DECODERS = {
    '264': 'h264', 'avc': 'h264', '265': 'hevc', 'hevc': 'hevc', 'av1': 'libdav1d', 'vp8': 'vp8',
    'vp9': 'vp9', 'mpeg4': 'mpeg4', 'mpeg2': 'mpeg2video',
}  # fmt: skip


def decoder_of(format_: str) -> str | None:
    """Return FFmpeg's decoder of a video such as ``h264`` or ``hevc_nvenc;yuv420p``.

    None where the format is not a video, so that every image stands for itself.
    """
    return next((name for part, name in _DECODERS.items() if part in format_.lower()), None)
