"""The default clip of the demo: a rendered scene with ground truth."""

from pathlib import Path

from jtn_ros.cli.progress import show_progress
from jtn_ros.cli.synthesize_verb import write_sequence
from jtn_ros.synthetic import SceneConfig

FRAMES = 150
FRAME_RATE = 15  # two cores play, track and record it without loss
# People of a readable size who cross. Training draws its seeds below 2**31: this scene is new.
SCENE = SceneConfig(
    width=768,
    height=432,
    seed=2**31 + 30,
    people=(6, 8),
    occluders=(1, 4),
    camera_motion='static',
    duration_s=FRAMES / FRAME_RATE,
)


def write_clip(folder: Path) -> None:
    """Render the clip as a MOTChallenge sequence with images and ground truth."""
    frames = write_sequence(folder, SCENE, FRAME_RATE, FRAMES)
    for _ in show_progress(frames, 'rendering a clip', FRAMES):
        pass
