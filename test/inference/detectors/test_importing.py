"""Import of external detectors: all published layouts, with values from both back ends."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip('onnx')

from onnx import TensorProto

from jtn_ros.class_names import COCO_CLASSES
from jtn_ros.errors import JtnError
from jtn_ros.inference import load_engine
from jtn_ros.inference.batching import BatchingEngine
from jtn_ros.inference.detectors.importing import import_detector
from jtn_ros.inference.detectors.layouts import Family
from jtn_ros.inference.detectors.options import DetectorOptions
from jtn_ros.inference.engine import Peaks
from jtn_ros.pipeline import TrackingPipeline

from inference.detectors.foreign import write_detector

SIZE = (64, 96)
BACKENDS = ('openvino', 'onnxruntime')
# Blue, green and red, whose means the probes see.
COLOR = (51, 102, 204)

type Rows = list[tuple[list[float], float, int]]  # box in pixels of the input, score, class


def image(color: tuple[int, int, int] = COLOR, count: int = 1) -> NDArray[np.uint8]:
    """Return images of one color in the size of the detectors."""
    return np.full((count, *SIZE, 3), color, np.uint8)


def found(peaks: Peaks, index: int = 0) -> Rows:
    """Return what an engine found in an image, in pixels from the corner."""
    kept = peaks.scores[index] > 0
    return [
        ((box + 0.5).tolist(), score, class_id)
        for box, score, class_id in zip(
            peaks.boxes[index, kept],
            peaks.scores[index, kept].tolist(),
            peaks.class_ids[index, kept].tolist(),
            strict=True,
        )
    ]


def expect(peaks: Peaks, rows: Rows, index: int = 0) -> None:
    """Require that an engine found certain boxes, in this order."""
    rows_found = found(peaks, index)
    assert [row[2] for row in rows_found] == [row[2] for row in rows]
    np.testing.assert_allclose([r[1] for r in rows_found], [r[1] for r in rows], atol=2e-3)
    np.testing.assert_allclose([r[0] for r in rows_found], [r[0] for r in rows], atol=0.1)
    kept = peaks.scores[index] > 0
    boxes = peaks.boxes[index, kept]
    np.testing.assert_allclose(
        peaks.centers[index, kept], (boxes[:, :2] + boxes[:, 2:]) / 2, atol=1e-4
    )


def import_and_expect(
    source: Path, family: Family, rows: Rows, names: str = 'a,b,c', **options: Any
) -> Path:
    """Import a detector and require what both back ends find in an image."""
    output = source.with_name('imported.onnx')
    options.setdefault('class_names', tuple(names.split(',')))
    import_detector(source, output, family, DetectorOptions(**options))
    for backend in BACKENDS:
        engine = load_engine(output, backend, threads=1)
        expect(engine.run(image()), rows)
    return output


def yolox_rows() -> tuple[NDArray[np.float32], int]:
    """Return raw YOLOX rows of strides 8, 16 and 32 for three classes, and a row of interest."""
    rows = np.zeros((1, 96 + 24 + 6, 8), np.float32)
    level = 96  # stride 16: four rows of six cells
    cell = level + 1 * 6 + 2
    rows[0, cell] = [0.25, 0.5, np.log(2), np.log(1.5), 0.9, 0.1, 0.2, 0.8]
    # The same box from a cell of stride 8, less sure: suppressed.
    rows[0, 3 * 12 + 4] = [0.5, 0.0, np.log(4), np.log(3), 0.8, 0.1, 0.2, 0.8]
    # The same again, of another class: kept.
    rows[0, 3 * 12 + 5] = [-0.5, 0.0, np.log(4), np.log(3), 0.5, 0.8, 0.1, 0.2]
    return rows, cell


YOLOX_FOUND: Rows = [([20, 12, 52, 36], 0.72, 2), ([20, 12, 52, 36], 0.4, 0)]


def test_yolox(tmp_path: Path) -> None:
    rows, _ = yolox_rows()
    source = write_detector(tmp_path / 'yolox.onnx', {'output': rows}, size=SIZE)
    output = import_and_expect(source, 'yolox', YOLOX_FOUND)
    info = load_engine(output, 'onnxruntime').info
    assert (info.name, info.class_names, info.top_k) == ('imported', ('a', 'b', 'c'), 100)
    assert (info.input_height, info.input_width, info.stride) == (*SIZE, 1)
    assert (info.letterbox, info.previous_image, info.displacement) == ('corner', False, False)


def test_yolox_with_decoded_boxes(tmp_path: Path) -> None:
    rows, cell = yolox_rows()
    rows[0, :, :4] = [48, 32, 1, 1]
    rows[0, cell, :4] = [36, 24, 32, 24]
    rows[0, 40:42, :4] = [36, 24, 32, 24]
    source = write_detector(tmp_path / 'yolox.onnx', {'output': rows}, size=SIZE)
    import_and_expect(source, 'yolox', YOLOX_FOUND, coding={'decoded': True})


def test_decoded_boxes_are_not_decoded_again(tmp_path: Path) -> None:
    rows, cell = yolox_rows()
    rows[0, cell, :4] = [36, 24, 320, 240]
    source = write_detector(tmp_path / 'yolox.onnx', {'output': rows}, size=SIZE)
    output = tmp_path / 'imported.onnx'
    with pytest.raises(JtnError, match='far outside the image; specify --decoded'):
        import_detector(source, output, 'yolox', DetectorOptions(class_names=('a', 'b', 'c')))
    assert not output.exists()


def test_classes_compete_only_with_those_that_are_wanted(tmp_path: Path) -> None:
    rows, _ = yolox_rows()
    source = write_detector(tmp_path / 'yolox.onnx', {'output': rows}, size=SIZE)
    imported = import_detector(
        source, tmp_path / 'one.onnx', 'yolox', DetectorOptions(class_names=('a',))
    )
    assert imported.left_out == 2
    for backend in BACKENDS:
        peaks = load_engine(tmp_path / 'one.onnx', backend, threads=1).run(image())
        expect(peaks, [([20, 12, 52, 36], 0.4, 0)])


def test_images_of_a_batch_and_the_order_of_channels(tmp_path: Path) -> None:
    rows, cell = yolox_rows()
    rows[0, :, 4] = 0
    probe = np.zeros((3, *rows.shape[1:]), np.float32)
    probe[0, cell, 4] = 1 / 255
    source = write_detector(
        tmp_path / 'yolox.onnx', {'output': rows}, size=SIZE, probes={'output': probe}
    )
    images = np.concatenate([image((51, 0, 0)), image((0, 255, 204)), image((255, 0, 0))])
    for channels, scores in (('bgr', (0.16, 0.0, 0.8)), ('rgb', (0.0, 0.64, 0.0))):
        output = tmp_path / f'{channels}.onnx'
        options = DetectorOptions(
            class_names=('a', 'b', 'c'), preparation={'channels': channels}, top_k=5
        )
        import_detector(source, output, 'yolox', options)
        for backend in BACKENDS:
            peaks = load_engine(output, backend, threads=1).run(images)
            assert peaks.scores.shape == (3, 5)
            np.testing.assert_allclose(peaks.scores[:, 0], scores, atol=1e-5)


def test_nanodet_plus(tmp_path: Path) -> None:
    # 8x12, 4x6, 2x3 and 1x2 cells.
    rows = np.zeros((1, 96 + 24 + 6 + 2, 2 + 32), np.float32)
    bins = rows[0, :, 2:].reshape(-1, 4, 8)
    cell = 96 + 24 + 1 * 3 + 1  # stride 32, at (32, 32)
    rows[0, cell, :2] = [0.1, 0.7]
    bins[cell, 0, [0, 1]] = 50  # left: half a stride
    bins[cell, 1, 1] = 50  # top: one
    bins[cell, 2, 2] = 50  # right: two
    bins[cell, 3, [0, 1]] = 50  # bottom: half
    source = write_detector(tmp_path / 'nanodet.onnx', {'output': rows}, size=SIZE)
    output = import_and_expect(source, 'nanodet', [([16, 0, 96, 48], 0.7, 1)], 'a,b')
    assert load_engine(output, 'openvino').info.letterbox == 'stretch'


def boxes_and_scores() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return five boxes in fractions of the input, and scores of two classes and background."""
    boxes = np.full((1, 5, 4), 0.5, np.float32)
    scores = np.zeros((1, 5, 3), np.float32)
    scores[..., 0] = 1
    boxes[0, 1] = [0.25, 0.125, 0.5, 0.5]
    scores[0, 1] = [0.1, 0.3, 0.6]
    boxes[0, 3] = [0.25, 0.125, 0.5, 0.46]
    scores[0, 3] = [0.2, 0.3, 0.5]
    boxes[0, 4] = [0.5, 0.5, 1.0, 1.0]
    scores[0, 4] = [0.2, 0.4, 0.3]
    return boxes, scores


SSD_FOUND: Rows = [([24, 8, 48, 32], 0.6, 1), ([48, 32, 96, 64], 0.4, 0)]


@pytest.mark.parametrize('opset', [11, 17])
def test_ssd_with_boxes_and_scores(tmp_path: Path, opset: int) -> None:
    boxes, scores = boxes_and_scores()
    source = write_detector(
        tmp_path / 'ssd.onnx', {'scores': scores, 'boxes': boxes}, size=SIZE, opset=opset
    )
    import_and_expect(source, 'ssd', SSD_FOUND, 'a,b')


def test_ssd_with_a_detection_output(tmp_path: Path) -> None:
    rows = np.zeros((1, 1, 6, 7), np.float32)
    rows[0, 0, 0] = [0, 2, 0.6, 0.25, 0.125, 0.5, 0.5]
    rows[0, 0, 1] = [0, 1, 0.4, 0.5, 0.5, 1, 1]
    rows[0, 0, 2] = [0, 7, 0.9, 0, 0, 1, 1]  # no class of ours
    rows[0, 0, 3] = [0, 0, 0.9, 0, 0, 1, 1]  # background
    rows[0, 0, 4] = [-1, 2, 0.9, 0, 0, 1, 1]  # the end
    source = write_detector(tmp_path / 'ssd.onnx', {'detection_out': rows}, size=SIZE)
    output = import_and_expect(source, 'ssd', SSD_FOUND, 'a,b')
    for backend in BACKENDS:  # cameras that share the engine take turns
        engine = BatchingEngine(load_engine(output, backend, threads=1), 3)
        expect(engine.run(image()), SSD_FOUND)


def test_ssd_of_tensorflow(tmp_path: Path) -> None:
    boxes = np.zeros((1, 4, 4), np.float32)
    boxes[0, 0] = [0.125, 0.25, 0.5, 0.5]  # y first
    boxes[0, 1] = [0.5, 0.5, 1, 1]
    outputs: dict[str, NDArray[Any]] = {
        'detection_boxes': boxes,
        'detection_classes': np.array([[3, 90, 12, 1]], np.float32),
        'detection_scores': np.array([[0.6, 0.4, 0.3, 0]], np.float32),  # 12 is no class
        'num_detections': np.array([3], np.float32),
    }
    source = write_detector(
        tmp_path / 'tf.onnx', outputs, size=SIZE, kind=TensorProto.UINT8, channels_last=True
    )
    rows: Rows = [([24, 8, 48, 32], 0.6, 2), ([48, 32, 96, 64], 0.4, 79)]
    output = import_and_expect(source, 'ssd', rows, 'coco91')
    assert load_engine(output, 'onnxruntime').info.class_names == COCO_CLASSES


def test_ssd_without_a_dimension_for_images(tmp_path: Path) -> None:
    outputs: dict[str, NDArray[Any]] = {
        'boxes': np.array([[24, 8, 48, 32], [48, 32, 96, 64]], np.float32),
        'labels': np.array([2, 1], np.int64),
        'scores': np.array([0.6, 0.4], np.float32),
    }
    source = write_detector(tmp_path / 'ssd.onnx', outputs, size=SIZE, batch=1, free_rows=True)
    import_and_expect(source, 'ssd', SSD_FOUND, 'a,b', coding={'units': 'pixels'})


def logits_and_boxes(columns: int = 3) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return logits (1, 4, columns) and boxes, by center and size in fractions."""
    logits = np.full((1, 4, columns), -20, np.float32)
    boxes = np.full((1, 4, 4), 0.5, np.float32)
    logits[0, 2, 1] = np.log(0.6 / 0.4)
    boxes[0, 2] = [0.375, 0.3125, 0.25, 0.375]
    logits[0, 0, 0] = np.log(0.4 / 0.6)
    boxes[0, 0] = [0.75, 0.75, 0.5, 0.5]
    return logits, boxes


def test_detr_with_logits_and_boxes(tmp_path: Path) -> None:
    logits, boxes = logits_and_boxes()
    source = write_detector(
        tmp_path / 'detr.onnx', {'logits': logits, 'pred_boxes': boxes}, size=SIZE, opset=16
    )
    info = import_detector(
        source, tmp_path / 'c.onnx', 'detr', DetectorOptions(class_names=('a', 'b', 'c'))
    ).info
    assert (info.letterbox, info.precision) == ('stretch', 'f32')
    for backend in BACKENDS:
        peaks = load_engine(tmp_path / 'c.onnx', backend, threads=1).run(image(count=2))
        for index in range(2):
            rows = [row for row in found(peaks, index) if row[1] > 1e-6]
            assert [row[2] for row in rows] == [1, 0]
            np.testing.assert_allclose([row[1] for row in rows], [0.6, 0.4], atol=1e-5)
            np.testing.assert_allclose(
                [row[0] for row in rows], [[24, 8, 48, 32], [48, 32, 96, 64]], atol=1e-3
            )


def test_detr_with_labels_and_sizes(tmp_path: Path) -> None:
    outputs: dict[str, NDArray[Any]] = {
        'labels': np.array([[1, 0, 5]], np.int64),
        'boxes': np.array([[[0.25, 0.125, 0.5, 0.5], [0.5, 0.5, 1, 1], [0, 0, 1, 1]]], np.float32),
        'scores': np.array([[0.6, 0.4, 0.3]], np.float32),
    }
    source = write_detector(tmp_path / 'dfine.onnx', outputs, size=SIZE, sizes=True)
    output = import_and_expect(source, 'detr', SSD_FOUND, 'a,b')
    peaks = load_engine(output, 'openvino', threads=1).run(image(count=3))
    expect(peaks, SSD_FOUND, index=2)


def test_rf_detr_and_its_normalization(tmp_path: Path) -> None:
    logits, boxes = logits_and_boxes(91)
    logits[0, 2, :] = -20
    probe = np.zeros((3, *logits.shape[1:]), np.float32)
    probe[0, 2, 44] = 1  # the normalized red, for the bottle
    logits[0, 2, 44] = 0
    outputs: dict[str, NDArray[Any]] = {'dets': boxes, 'labels': logits}
    source = write_detector(
        tmp_path / 'rf.onnx', outputs, size=SIZE, probes={'labels': probe}, batch=1
    )
    import_detector(source, tmp_path / 'imported.onnx', 'detr')
    red = (204 / 255 - 0.485) / 0.229
    for backend in BACKENDS:
        engine = load_engine(tmp_path / 'imported.onnx', backend, threads=1)
        best = found(engine.run(image()))[0]
        assert engine.info.class_names[best[2]] == 'bottle'
        assert best[1] == pytest.approx(1 / (1 + np.exp(-red)), abs=1e-4)
        np.testing.assert_allclose(best[0], [24, 8, 48, 32], atol=1e-3)


def test_more_detections_than_suppression_looks_at(tmp_path: Path) -> None:
    rows, _ = yolox_rows()
    source = write_detector(tmp_path / 'yolox.onnx', {'output': rows}, size=SIZE)
    import_and_expect(source, 'yolox', YOLOX_FOUND, top_k=600)


def test_no_detections_is_not_an_error(tmp_path: Path) -> None:
    rows = np.zeros((1, 126, 6), np.float32)
    source = write_detector(tmp_path / 'yolox.onnx', {'output': rows}, size=SIZE)
    import_and_expect(source, 'yolox', [], 'a')


def test_the_pipeline_tracks_in_pixels_of_the_camera(tmp_path: Path) -> None:
    boxes, scores = boxes_and_scores()
    source = write_detector(
        tmp_path / 'ssd.onnx', {'scores': scores, 'boxes': boxes}, size=SIZE, batch=1
    )
    output = import_and_expect(source, 'ssd', SSD_FOUND, 'a,b', confident_score=0.5)
    pipeline = TrackingPipeline(output)
    for frame in range(4):
        tracks = pipeline.process(np.full((480, 640, 3), 9, np.uint8), frame * 40_000_000).tracks
    assert tracks.class_ids.tolist() == [1]  # the other is not confident
    np.testing.assert_allclose(tracks.boxes[0] + 0.5, [160, 60, 320, 240], atol=0.01)
    assert tracks.scores[0] == pytest.approx(0.6, abs=1e-4)


@pytest.mark.parametrize(
    ('family', 'outputs', 'options', 'message'),
    [
        (
            'yolox',
            {'out': (1, 100, 85), 'more': (1, 3)},
            {},
            r'returns out \(1, 100, 85\), more \(1, 3\) for an image of 64x96; --detector yolox '
            r'expects one output \(B, cells, 5 \+ classes\)',
        ),
        ('nanodet', {'out': (1, 128, 20)}, {}, r'out \(1, 128, 20\).*classes \+ 32'),
        ('ssd', {'out': (1, 7)}, {}, r'DetectionOutput \(1, 1, N, 7\), or detection_boxes'),
        ('detr', {'logits': (1, 5, 3)}, {}, r'logits \(1, 5, 3\).*expects boxes \(B, N, 4\)'),
        ('yolox', {'out': (1, 126, 9)}, {}, r'returns 4 classes without names; specify --classes'),
        ('ssd', {'out': (1, 1, 9, 7)}, {}, r'returns labels without names; specify --classes'),
        ('yolox', {'out': (1, 126, 7)}, {'class_names': ('a', 'b', 'c')}, r'3 classes from col'),
        ('yolox', {'out': (1, 126, 7)}, {'input_size': (32, 32)}, r'64x96 only; remove --input'),
        (
            'ssd',
            {'boxes': (1, 9, 4), 'b': (1, 9, 3)},
            {'class_names': ('a',), 'preparation': {'std': (0, 1, 1)}},
            'have to be above 0',
        ),
        ('yolox', {'out': (1, 126, 7)}, {'coding': {'first_class': -1}}, 'first class is -1'),
    ],
)  # fmt: skip
def test_unsuitable_detectors_are_reported_in_one_line(
    tmp_path: Path,
    family: Family,
    outputs: dict[str, tuple[int, ...]],
    options: dict[str, Any],
    message: str,
) -> None:
    values = {name: np.zeros(shape, np.float32) for name, shape in outputs.items()}
    source = write_detector(tmp_path / 'detector.onnx', values, size=SIZE)
    with pytest.raises(JtnError, match=message) as error:
        import_detector(source, tmp_path / 'a.onnx', family, DetectorOptions(**options))
    assert '\n' not in str(error.value)
    assert not (tmp_path / 'a.onnx').exists()


def test_an_overlap_that_is_none() -> None:
    with pytest.raises(JtnError, match=r'overlap of 45 is not possible; specify 0 to 1'):
        DetectorOptions(overlap=45)


def test_files_that_are_no_detectors(tmp_path: Path) -> None:
    rows, _ = yolox_rows()
    source = write_detector(tmp_path / 'yolox.onnx', {'output': rows}, size=SIZE)
    output = import_and_expect(source, 'yolox', YOLOX_FOUND)
    with pytest.raises(JtnError, match='a model of jtn_ros already'):
        import_detector(output, tmp_path / 'a.onnx', 'yolox')
    (tmp_path / 'noise.onnx').write_bytes(b'\x07nothing of the kind')
    with pytest.raises(JtnError, match='not an ONNX model that can be read'):
        import_detector(tmp_path / 'noise.onnx', tmp_path / 'a.onnx', 'yolox')
    four = write_detector(tmp_path / 'four.onnx', {'output': rows}, size=SIZE, batch=4)
    with pytest.raises(JtnError, match='accepts 4 images at once'):
        import_detector(four, tmp_path / 'a.onnx', 'yolox')
