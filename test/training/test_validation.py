"""Validation: scores of tracks in videos and of detections in still images, per class."""

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from jtn_ros.datasets.clips import Clip
from jtn_ros.datasets.clips import LabeledImage
from jtn_ros.datasets.mot_challenge import TrackedBoxes
from jtn_ros.datasets.mot_challenge import read_results
from jtn_ros.datasets.mot_challenge import write_results
from jtn_ros.datasets.readers import read_clips
from jtn_ros.evaluation.metrics import evaluate
from jtn_ros.evaluation.runs import evaluate_folder
from jtn_ros.inference.torch_engine import TorchEngine
from jtn_ros.network.joint_track_net import JointTrackNet
from jtn_ros.network.network_config import NetworkConfig
from jtn_ros.tracking import Tracks
from jtn_ros.training.validation import _of_class
from jtn_ros.training.validation import validate

from tables import tracks_of

NAMES = ('person', 'car')


def network() -> JointTrackNet:
    """Return an untrained network of two classes."""
    config = NetworkConfig(
        backbone='light',
        head_channels=8,
        input_height=96,
        input_width=160,
        class_names=NAMES,
        heads={'hm': 2, 'tracking': 2, 'ltrb_amodal': 4},
        embedding_head='',
        top_k=4,
    )
    return JointTrackNet(config)


@pytest.fixture
def clips(tmp_path: Path, draw_sequence: Callable[..., Path]) -> Sequence[Clip]:
    """Return the drawn sequence, two people and a car."""
    return read_clips(draw_sequence(tmp_path / 'walk', 10, cars=True), NAMES)


def as_tracks(found: TrackedBoxes) -> Tracks:
    """Return boxes of a result file as confirmed tracks of people."""
    return tracks_of(found.boxes, ids=found.ids, scores=found.scores)


def stills_of(images: Sequence[LabeledImage], sources: Sequence[str]) -> list[Clip]:
    """Return images as stills, with their sources."""
    return [
        Clip(name=image.path.name, frame_rate=1.0, images=(image,), source=source)
        for image, source in zip(images, sources, strict=True)
    ]


def answer_with(
    clips: Sequence[Clip],
    monkeypatch: pytest.MonkeyPatch,
    *,
    miss: int | None = None,
    blind: str | None = None,
) -> None:
    """Let the network see the truth, frame by frame, but for a class and a source."""
    frames = iter([(clip.source, image) for clip in clips for image in clip.images])

    def infer(_: TorchEngine, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        source, image = next(frames)
        truth = image.annotations
        kept = (truth.class_ids != miss) & (source != blind)
        slots = np.zeros(4, bool)
        slots[: kept.sum()] = True
        boxes, classes = np.zeros((1, 4, 4), np.float32), np.zeros((1, 4), np.int32)
        boxes[0, slots], classes[0, slots] = truth.boxes[kept] / 4, truth.class_ids[kept]
        centers = (boxes[..., :2] + boxes[..., 2:]) / 2
        return {
            'scores': np.where(slots, 0.9, 0).astype(np.float32)[None],
            'class_ids': classes,
            'centers': centers,
            'boxes': boxes,
        }

    monkeypatch.setattr(TorchEngine, 'infer', infer)


def test_every_frame_is_scored_when_everything_is_seen(
    clips: Sequence[Clip], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_with(clips, monkeypatch)
    scores = validate(network(), clips, 'cpu')
    assert scores.mota == pytest.approx(100)  # certain detections confirm tracks at once
    assert scores.idf1 == pytest.approx(100)
    assert scores.hota is not None
    assert scores.hota > 85


def test_the_score_is_the_mean_of_the_classes(
    clips: Sequence[Clip], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_with(clips, monkeypatch, miss=1)
    scores = validate(network(), clips, 'cpu')
    assert scores.mota == pytest.approx(50)
    assert scores.idf1 == pytest.approx(50)


def test_videos_of_the_same_name_are_told_apart(
    clips: Sequence[Clip], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(clips[0], images=clips[0].images[:5], source='hall')
    answer_with([*clips, other], monkeypatch, blind='hall')
    scores = validate(network(), [*clips, other], 'cpu')
    assert scores.mota == pytest.approx(100 * 10 / 15)


def test_stills_are_scored_by_average_precision(
    clips: Sequence[Clip], monkeypatch: pytest.MonkeyPatch
) -> None:
    stills = stills_of(clips[0].images, [''] * 10)
    answer_with(stills, monkeypatch, miss=1)
    scores = validate(network(), stills, 'cpu')
    assert scores.as_record() == {'ap50': pytest.approx(50)}, 'the mean of the classes'
    assert scores.score == scores.ap50


def test_sources_of_stills_weigh_the_same(
    clips: Sequence[Clip], monkeypatch: pytest.MonkeyPatch
) -> None:
    stills = stills_of(clips[0].images, ['office'] * 3 + ['hall'] + ['office'] * 6)
    answer_with(stills, monkeypatch, blind='hall')
    assert validate(network(), stills, 'cpu').ap50 == pytest.approx(50)


def test_with_videos_and_stills_the_score_is_the_mean(
    clips: Sequence[Clip], monkeypatch: pytest.MonkeyPatch
) -> None:
    stills = stills_of(clips[0].images[:2], ['office', 'hall'])
    answer_with([*clips, *stills], monkeypatch, blind='hall')
    scores = validate(network(), [stills[0], *clips, stills[1]], 'cpu')
    assert scores.hota is not None
    assert scores.hota > 85
    assert scores.ap50 == pytest.approx(50)
    assert scores.score == pytest.approx((scores.hota + 50) / 2)


def test_the_network_that_is_trained_is_left_alone(clips: Sequence[Clip]) -> None:
    trained = network().train()
    before = {name: value.clone() for name, value in trained.state_dict().items()}
    validate(trained, clips, 'cpu')
    assert trained.training
    assert all(torch.equal(value, before[name]) for name, value in trained.state_dict().items())


def test_footage_without_objects_is_refused(
    tmp_path: Path, draw_sequence: Callable[..., Path]
) -> None:
    clips = read_clips(draw_sequence(tmp_path / 'walk', 2), ['car', 'bicycle'])
    for judged in (clips, stills_of(clips[0].images, ['', ''])):
        with pytest.raises(ValueError, match='no objects of the classes'):
            validate(network(), judged, 'cpu')


def test_scores_are_those_of_the_command_line(
    tmp_path: Path, draw_sequence: Callable[..., Path]
) -> None:
    folder = draw_sequence(tmp_path / 'walk', 12)
    rows = (folder / 'gt' / 'gt.txt').read_text().splitlines()
    mot15 = [
        ','.join([*row.split(',')[:6], flag, '-1', '-1', '-1'])
        for row, flag in zip(rows, ['1', '0'] * 12, strict=True)
    ]
    for lines in (rows, mot15):
        (folder / 'gt' / 'gt.txt').write_text('\n'.join(lines) + '\n')
        (clip,) = read_clips(folder)
        truth = {image.number: image.annotations for image in clip.images}
        write_results(
            tmp_path / 'walk.txt',
            {
                number: TrackedBoxes(found.ids, found.boxes + 1, np.ones(2, np.float32))
                for number, found in truth.items()
            },
        )
        expected = evaluate_folder(folder, tmp_path / 'walk.txt').combined
        tracks = read_results(tmp_path / 'walk.txt')
        sequences = _of_class([clip], {clip.name: {n: as_tracks(t) for n, t in tracks.items()}}, 0)
        assert evaluate(sequences).combined == expected
        assert expected.mota == (100 if lines is rows else 0)
