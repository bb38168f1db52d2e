"""One engine for several cameras: requests that arrive while it is busy form the next batch."""

import logging
from collections import deque
from collections.abc import Mapping
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jtn_ros.errors import JtnError
from jtn_ros.inference.engine import Engine
from jtn_ros.inference.engine import random_inputs

logger = logging.getLogger(__name__)

type Arrays = Mapping[str, NDArray[Any]]


class _Request:
    """The inputs of one caller, and their result."""

    def __init__(self, inputs: Arrays) -> None:
        self.inputs = inputs
        self.size = len(inputs['images'])
        self.outputs: dict[str, Any] | None = None
        self.error: Exception | None = None

    @property
    def done(self) -> bool:
        return self.outputs is not None or self.error is not None


class BatchingEngine(Engine):
    """Lets threads share an engine, which processes waiting requests in one batch.

    A thread that finds the engine idle runs it, for itself and for all threads that wait at that
    time. No thread waits for further requests. The requests of a failed batch are run again one by
    one, so that invalid inputs of one camera do not affect the others.
    """

    def __init__(self, engine: Engine, largest_batch: int) -> None:
        """Run the engine once with every size of batch, so that none is compiled later.

        Args:
            engine: what runs the batches.
            largest_batch: maximum number of images in a batch; less if the engine limits it.
        """
        super().__init__(engine.info, engine.description)
        self._engine = engine
        self._largest = 1
        self._waiting: deque[_Request] = deque()
        self._busy = Lock()
        for size in range(2, largest_batch + 1):
            try:
                engine.run(**random_inputs(engine.info, size))
            except (JtnError, RuntimeError) as error:
                logger.warning(
                    '%s accepts no more than %d images at once: %s',
                    engine.description,
                    self._largest,
                    error,
                )
                break
            self._largest = size

    def infer(self, inputs: Arrays) -> Arrays:
        """Return the outputs; see `Engine.infer`."""
        request = _Request(inputs)
        self._waiting.append(request)
        with self._busy:
            while not request.done:
                self._run_next()
        if request.error is not None:
            raise request.error
        assert request.outputs is not None
        return request.outputs

    def _run_next(self) -> None:
        """Run the waiting requests that fit into one batch."""
        batch = [self._waiting.popleft()]
        size = batch[0].size
        while self._waiting and size + self._waiting[0].size <= self._largest:
            batch.append(self._waiting.popleft())
            size += batch[-1].size
        try:
            self._serve(batch)
        except Exception as error:
            if len(batch) == 1:
                batch[0].error = error
                return
            for request in batch:
                try:
                    self._serve([request])
                except Exception as own:
                    request.error = own

    def _serve(self, batch: list[_Request]) -> None:
        """Run the requests together and give each its rows."""
        inputs: Arrays = batch[0].inputs
        if len(batch) > 1:
            inputs = {
                name: np.concatenate([request.inputs[name] for request in batch])
                for name in inputs
            }
        outputs = self._engine.infer(inputs)
        start = 0
        for request in batch:
            rows = slice(start, start + request.size)
            request.outputs = {
                name: None if value is None else value[rows] for name, value in outputs.items()
            }
            start = rows.stop
