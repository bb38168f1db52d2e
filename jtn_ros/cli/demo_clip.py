"""The clip that the demo tracks when it is given none: our own, with ground truth."""

from pathlib import Path

import cv2

from jtn_ros.cli.progress import show_progress
from jtn_ros.datasets.mot_challenge import SequenceInfo
from jtn_ros.datasets.mot_challenge import write_ground_truth
from jtn_ros.datasets.mot_challenge import write_sequence_info
from jtn_ros.datasets.synthetic import Scene
from jtn_ros.datasets.synthetic import SceneConfig

FRAMES = 250
FRAME_RATE = 25
SCENE = SceneConfig(
    width=768,
    height=432,
    seed=6,
    people=(6, 8),
    camera_motion='static',
    duration_s=FRAMES / FRAME_RATE,
)


def write_clip(folder: Path) -> None:
    """Render the clip as a MOTChallenge sequence with images and ground truth."""
    info = SequenceInfo(
        name=folder.name,
        frame_rate=FRAME_RATE,
        length=FRAMES,
        width=SCENE.width,
        height=SCENE.height,
    )
    images = folder / info.image_dir
    images.mkdir(parents=True)
    scene = Scene(SCENE)
    truth = {}
    for index in show_progress(range(FRAMES), 'rendering a clip', FRAMES):
        image, truth[index + 1] = scene.render(index * 1_000_000_000 // FRAME_RATE)
        path = images / f'{index + 1:06d}{info.image_extension}'
        if not cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 95]):
            raise OSError(f'{path} cannot be written; check the folder and the free space')
    write_ground_truth(folder / 'gt' / 'gt.txt', truth)
    write_sequence_info(folder, info)  # last: a folder with this file is complete
