"""Detections in separate images: like the first frame of a pipeline, and real images."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.clips import LabeledImage
from jtn_ros.datasets.readers import read_clips
from jtn_ros.evaluation.average_precision import evaluate_detections
from jtn_ros.evaluation.stills import Still
from jtn_ros.evaluation.stills import detect
from jtn_ros.evaluation.stills import spread
from jtn_ros.inference import load_engine
from jtn_ros.inference.engine import Engine
from jtn_ros.pipeline import TrackingPipeline

from places import SHARED

PEOPLE = SHARED / 'data' / 'people' / 'val.json'
needs_people = pytest.mark.skipif(not PEOPLE.is_file(), reason=f'{PEOPLE} is not there')


@pytest.fixture(scope='module')
def engine() -> Engine:
    return load_engine('jtn_people')


def test_every_image_is_the_first_of_its_camera(engine: Engine) -> None:
    rng = np.random.default_rng(5)
    images = [rng.integers(0, 256, (*size, 3), np.uint8) for size in ((240, 320), (64, 48))]
    pipeline = TrackingPipeline(engine=engine, score_threshold=0.0)
    found = list(detect(engine, [*images, images[0]]))
    for image, detections in zip([*images, images[0]], found, strict=True):
        pipeline.reset()
        expected = pipeline.process(image, 0).detections
        assert len(detections) == len(expected) == engine.info.top_k
        np.testing.assert_array_equal(detections.boxes, expected.boxes)
        np.testing.assert_array_equal(detections.scores, expected.scores)
        assert detections.embeddings is None


def test_every_source_has_the_same_share_or_all_it_has() -> None:
    nothing = LabeledImage(path=Path(), number=1, annotations=Annotations.empty())
    stills = [Still(image=nothing, source=source) for source in 'bbbbabbaccbbbc']
    stills = [replace(still, image=replace(nothing, number=n)) for n, still in enumerate(stills)]
    chosen = [(still.source, still.image.number) for still in spread(stills, 8)]
    assert chosen == [('b', 0), ('b', 3), ('a', 4), ('a', 7), ('c', 8), ('c', 9), ('b', 10),
                      ('c', 13)]  # fmt: skip
    assert spread(stills, 14) == spread(stills, 99) == stills
    assert [still.source for still in spread(stills, 2)] == ['b', 'c']
    assert spread([], 5) == []


@needs_people
def test_scores_on_real_images_are_those_of_pycocotools_by_source(engine: Engine) -> None:
    wanted = ('factory_person', 'crowd_itenas', 'mall_above')
    images = [
        (clip.source, image)
        for clip in read_clips(PEOPLE)
        for image in clip.images
        if clip.source in wanted
    ]
    detections = list(detect(engine, (image.read() for _, image in images)))
    report = evaluate_detections(
        [image.annotations for _, image in images],
        detections,
        [source for source, _ in images],
        threshold=engine.info.confident_score,
    )
    truth = COCO(str(PEOPLE))
    numbers = {entry['file_name']: entry['id'] for entry in truth.imgs.values()}
    results = [
        {
            'image_id': numbers[image.path.name],
            'category_id': 1,
            'score': score,
            'bbox': [x1, y1, x2 - x1, y2 - y1],
        }
        for (_, image), found in zip(images, detections, strict=True)
        for score, (x1, y1, x2, y2) in zip(
            found.scores.tolist(), found.boxes.tolist(), strict=True
        )
    ]
    assert report.sources.keys() == set(wanted)
    for source, scores in report.sources.items():
        evaluator = COCOeval(truth, truth.loadRes(results), 'bbox')
        evaluator.params.imgIds = [n for n, e in truth.imgs.items() if e['source'] == source]
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
        assert scores.images == len(evaluator.params.imgIds)
        values = [scores.ap, scores.ap50, scores.ap_medium, scores.ap_large, scores.ar]
        assert values == pytest.approx([100 * evaluator.stats[i] for i in (0, 1, 4, 5, 8)])
    # Lower bounds, well below what the weights reach.
    for source, least in (('factory_person', 20), ('crowd_itenas', 35)):
        found = report.sources[source].ap50
        assert found is not None
        assert found > least
