"""Videos out."""

from pathlib import Path
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray


class VideoWriter:
    """Writes an mp4 video (MPEG-4); the file appears under its name when it is complete.

    Use it as a context manager: after an exception nothing is left behind.

    Args:
        path: the file, ``.mp4``.
        frame_rate: frames per second.

    Raises:
        ValueError: if the name does not end with ``.mp4`` or the frame rate is not positive.
        OSError: if the file cannot be written.
    """

    def __init__(self, path: Path, frame_rate: float) -> None:
        self._path = Path(path)
        if self._path.suffix != '.mp4':
            raise ValueError(f'{path}: only .mp4 videos can be written')
        if not 0 < frame_rate < float('inf'):
            raise ValueError(f'frame rate {frame_rate} is not positive')
        self._frame_rate = frame_rate
        self._temporary = self._path.with_name(f'.{self._path.stem}.part.mp4')
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)

    def write(self, image: NDArray[np.uint8]) -> None:
        """Append a uint8 BGR (H, W, 3) image; the first one sets the size of the video.

        Raises:
            ValueError: if the image has another size than the first.
        """
        height, width = image.shape[:2]
        if self._writer is None:
            self._size = (width, height)
            self._writer = self._open()
        if (width, height) != self._size:
            raise ValueError(
                f'an image of {width}x{height} pixels does not fit into {self._path} of '
                f'{self._size[0]}x{self._size[1]}; frames of a video have one size'
            )
        # MPEG-4 stores colour for pairs of pixels: repeat the last row or column of an odd size.
        if width % 2 or height % 2:
            image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode='edge')
        self._writer.write(image)

    def close(self) -> None:
        """Finish the file and give it its name; without a frame there is none."""
        if self._writer is not None:
            self._writer.release()
            self._temporary.replace(self._path)

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Finish the file, or remove it after an exception."""
        if kind is None:
            self.close()
        elif self._writer is not None:
            self._writer.release()
            self._temporary.unlink(missing_ok=True)

    def _open(self) -> cv2.VideoWriter:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        width, height = (side + side % 2 for side in self._size)
        writer = cv2.VideoWriter(
            str(self._temporary),
            cv2.CAP_FFMPEG,
            cv2.VideoWriter.fourcc(*'mp4v'),
            self._frame_rate,
            (width, height),
        )
        if not writer.isOpened():
            raise OSError(f'{self._path} cannot be written; check the folder and the free space')
        return writer
