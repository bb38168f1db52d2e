"""MOTChallenge sequences as clips: what counts, what is ignored, what is background."""

from collections.abc import Callable
from pathlib import Path

import pytest

from jtn_ros.datasets.readers import read_clips
from jtn_ros.datasets.sequences import read_sequences
from jtn_ros.errors import JtnError

from places import SHARED

ROWS = [
    '1,1,10,10,8,20,1,1,1',  # a pedestrian
    '1,2,11,10,8,20,0,2,1',  # a person on a vehicle
    '1,3,12,10,8,20,0,3,1',  # a car
    '1,4,13,10,8,20,1,6,1',  # a cart
    '1,5,14,10,8,20,0,7,1',  # a static person
    '1,6,15,10,8,20,0,9,1',  # an occluder
    '1,7,16,10,8,20,0,12,1',  # a reflection
    '1,8,17,10,8,20,0,13,1',  # a crowd
    '2,1,10,10,8,20,1,1,0.25',
]


def test_only_persons_are_objects_and_only_their_likes_are_ignored(
    write_sequence: Callable[..., Path],
) -> None:
    folder = write_sequence('MOT17-02-FRCNN', ROWS)
    (clip,) = read_sequences(folder, ['person'])
    assert (clip.name, clip.frame_rate) == ('MOT17-02-FRCNN', 20)
    assert [image.number for image in clip.images] == [1, 2, 3, 4]
    first = clip.images[0].annotations
    assert first.ids.tolist() == [1, 2, 5, 7, 8]
    assert first.ignored.tolist() == [False, True, True, True, True]
    assert first.class_ids.tolist() == [0] * 5
    assert clip.images[1].annotations.visibilities.tolist() == [0.25]
    assert [len(image.annotations) for image in clip.images[2:]] == [0, 0]


def test_mot20_forgives_carts_too(write_sequence: Callable[..., Path]) -> None:
    folder = write_sequence('MOT20-01', ROWS)
    (clip,) = read_sequences(folder, ['pedestrian'])
    assert clip.images[0].annotations.ids.tolist() == [1, 2, 4, 5, 7, 8]
    assert clip.images[0].annotations.ignored.tolist() == [False, *[True] * 5]


def test_classes_are_numbered_as_the_network_names_them(
    write_sequence: Callable[..., Path],
) -> None:
    folder = write_sequence('MOT17-02-FRCNN', ['1,3,12,10,8,20,1,3,1', '1,1,10,10,8,20,1,1,1'])
    (clip,) = read_sequences(folder, ['car', 'person'])
    assert clip.images[0].annotations.class_ids.tolist() == [0, 1]
    with pytest.raises(ValueError, match="no class 'dog'; known: person"):
        read_sequences(folder, ['dog'])


def test_mot15_rows_are_people_and_dancetrack_names_have_eight_digits(
    write_sequence: Callable[..., Path],
) -> None:
    write_sequence('ADL-Rundle-6', ['1,1,10,10,8,20,1,-1,-1,-1', '1,2,10,10,8,20,0,-1,-1,-1'])
    folder = write_sequence('dancetrack0001', ['2,1,10,10,8,20,1,1,1'], digits=8)
    rundle, dance = read_sequences(folder.parent, ['person'])
    assert rundle.images[0].annotations.ignored.tolist() == [False, True]
    assert rundle.images[0].annotations.forgiven.tolist() == [False, False]
    assert dance.images[1].path.name == '00000002.jpg'
    assert dance.images[1].annotations.boxes.tolist() == [[10, 10, 18, 30]]


def test_sequences_are_read_once_for_all_detectors(write_sequence: Callable[..., Path]) -> None:
    for detector in ('DPM', 'FRCNN', 'SDP'):
        folder = write_sequence(f'MOT17-02-{detector}', ROWS)
    write_sequence('MOT17-04-SDP', ROWS)
    clips = read_sequences(folder.parent, ['person'])
    assert [clip.name for clip in clips] == ['MOT17-02-DPM', 'MOT17-04-SDP']


@pytest.mark.parametrize(('length', 'first'), [(4, 3), (5, 3), (1, 1)])
def test_halves_are_those_of_centertrack(
    write_sequence: Callable[..., Path], length: int, first: int
) -> None:
    (clip,) = read_clips(write_sequence('MOT17-02', ROWS[:1], length=length))
    halves = clip.first_half(), clip.second_half()
    numbers = [[image.number for image in half.images] for half in halves]
    assert numbers == [[*range(1, first + 1)], [*range(first + 1, length + 1)]]


def test_frames_without_images_are_skipped(write_sequence: Callable[..., Path]) -> None:
    (clip,) = read_clips(write_sequence('MOT17-02', ROWS, length=9, images=1))
    assert [image.number for image in clip.images] == [1]
    with pytest.raises(ValueError, match=r'img1 contains no images such as 000001\.jpg'):
        read_clips(write_sequence('MOT17-04', ROWS, images=0))


def test_unknown_kinds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(JtnError, match='does not exist'):
        read_clips(tmp_path / 'nowhere')
    (tmp_path / 'labels.xml').write_text('<annotation/>')
    with pytest.raises(ValueError, match='unknown kind of dataset'):
        read_clips(tmp_path / 'labels.xml')
    with pytest.raises(ValueError, match='no ground truth'):
        read_clips(tmp_path)


@pytest.mark.skipif(not (SHARED / 'data').is_dir(), reason='the shared sequences are not here')
def test_real_sequences() -> None:
    (pets,) = read_clips(SHARED / 'data' / 'PETS09-S2L1')
    assert len(pets.images) == 300
    assert sum(len(image.annotations) for image in pets.images) == 1874
    assert len(pets.first_half().images) == 151
    (mot17,) = read_clips(SHARED / 'data' / 'MOT17-02-FRCNN-mini')
    first = mot17.images[0].annotations
    assert len(mot17.images) == 4
    # 22 pedestrians, 3 people on vehicles, 7 static persons and 2 distractors.
    assert (len(first), int(first.ignored.sum())) == (34, 12)
