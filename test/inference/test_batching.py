"""An engine that threads share returns to each thread the results of its image."""

from collections.abc import Mapping
from threading import Event
from threading import Thread

import numpy as np
import pytest

from jtn_ros.errors import JtnError
from jtn_ros.inference.batching import BatchingEngine
from jtn_ros.inference.engine import Engine
from jtn_ros.inference.engine import ModelInfo

from waiting import wait_for

INFO = ModelInfo(
    name='mean',
    class_names=('thing',),
    input_height=4,
    input_width=4,
    top_k=1,
    previous_image=False,
    displacement=False,
)


class MeanEngine(Engine):
    """Scores an image by its mean; fails on white ones; waits while it is told to."""

    def __init__(self, largest: int = 99) -> None:
        super().__init__(INFO, 'a test')
        self.largest = largest
        self.batches: list[int] = []
        self.go = Event()
        self.go.set()

    def infer(self, inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        images = inputs['images']
        if len(images) > self.largest:
            raise JtnError(f'no more than {self.largest} images')
        self.batches.append(len(images))
        assert self.go.wait(20)
        if (images == 255).all(axis=(1, 2, 3)).any():
            raise RuntimeError('the device fell over')
        means = images.mean(axis=(1, 2, 3))[:, None].astype(np.float32)
        return {
            'scores': means,
            'class_ids': np.zeros_like(means, np.int32),
            'centers': np.zeros((len(images), 1, 2), np.float32),
            'boxes': np.zeros((len(images), 1, 4), np.float32),
        }


def image(value: int) -> np.ndarray:
    return np.full((1, 4, 4, 3), value, np.uint8)


def run_together(engine: BatchingEngine, inner: MeanEngine, values: list[int]) -> list[object]:
    """Let a thread each ask for a value while the engine is busy with another image."""
    results: list[object] = [None] * len(values)

    def ask(index: int, value: int) -> None:
        try:
            results[index] = engine.run(image(value)).scores.item()
        except RuntimeError as error:
            results[index] = str(error)

    inner.go.clear()
    first = Thread(target=engine.run, args=(image(1),))
    first.start()
    wait_for(lambda: inner.batches == [1])
    threads = [Thread(target=ask, args=pair) for pair in enumerate(values)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(engine._waiting) == len(values))
    inner.go.set()
    for thread in (first, *threads):
        thread.join()
    return results


def test_waiting_images_run_as_a_batch_and_each_gets_its_own_results() -> None:
    inner = MeanEngine()
    engine = BatchingEngine(inner, 5)
    assert inner.batches == [2, 3, 4, 5]  # none is new when images come
    inner.batches.clear()
    assert run_together(engine, inner, [10, 20, 30]) == [10, 20, 30]
    assert inner.batches == [1, 3]


def test_no_batch_is_larger_than_allowed() -> None:
    inner = MeanEngine()
    engine = BatchingEngine(inner, 2)
    inner.batches.clear()
    assert run_together(engine, inner, [10, 20, 30, 40, 50]) == [10, 20, 30, 40, 50]
    assert inner.batches == [1, 2, 2, 1]


def test_an_engine_for_single_images_gets_single_images() -> None:
    inner = MeanEngine(largest=1)
    engine = BatchingEngine(inner, 4)
    assert run_together(engine, inner, [10, 20]) == [10, 20]
    assert set(inner.batches) == {1}


def test_a_failure_affects_only_the_request_that_caused_it() -> None:
    inner = MeanEngine()
    engine = BatchingEngine(inner, 3)
    inner.batches.clear()
    assert run_together(engine, inner, [10, 255, 30]) == [10, 'the device fell over', 30]
    assert engine.run(image(7)).scores.item() == 7  # and it goes on


def test_wrong_inputs_are_refused_before_they_wait() -> None:
    engine = BatchingEngine(MeanEngine(), 2)
    with pytest.raises(ValueError, match='images is uint8 with shape'):
        engine.run(np.zeros((1, 5, 4, 3), np.uint8))
    assert not engine._waiting
    assert engine.info is INFO
    assert engine.description == 'a test'
