"""The files of a training run, written atomically."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from jtn_ros.errors import JtnError
from jtn_ros.files import written_atomically
from jtn_ros.installing import install_command
from jtn_ros.training import processes

logger = logging.getLogger(__name__)

Record = dict[str, float]

# The state from which a run resumes, in its output folder.
STATE_FILE = 'last.pt'
WEIGHTS_FILES = ('weights.safetensors', 'best.safetensors')


def save_state(path: Path, step: int, parts: Mapping[str, Any], best: float) -> None:
    """Write the data to resume a run: the states of its parts, the step and the best score."""
    state = {name: part.state_dict() for name, part in parts.items()}
    state |= {'step': step, 'best': best, 'random': torch.get_rng_state()}
    with written_atomically(path) as temporary:
        torch.save(state, temporary)


def load_state(path: Path, parts: Mapping[str, Any]) -> tuple[int, float]:
    """Load the file of `save_state`, if it exists; return the next step and the best score.

    Raises:
        JtnError: if the file belongs to another recipe or is damaged.
    """
    if not path.exists():
        return 0, -1.0
    try:
        state = torch.load(path, map_location='cpu', weights_only=True)
        for name, part in parts.items():
            part.load_state_dict(state[name])
        torch.set_rng_state(state['random'])
        step, best = int(state['step']), float(state['best'])
    except (KeyError, RuntimeError, TypeError, ValueError, EOFError, UnpicklingError) as error:
        raise JtnError(
            f'{path} cannot be resumed with this recipe ({" ".join(str(error).split())[:200]}); '
            'choose another --output, or remove the file to start again'
        ) from error
    logger.info('resumed %s at step %d', path, step)
    return step, best


def require_finite(
    folder: Path, step: int, values: Mapping[str, Tensor], batch: Mapping[str, Tensor]
) -> None:
    """Stop at values that are not finite, and save the batch that caused them.

    Args:
        folder: folder of the run.
        step: number of the step.
        values: values to check, by name; the same in all processes.
        batch: the batch of this process.

    Raises:
        FloatingPointError: if one of the values is not finite.
    """
    bad = [name for name, value in values.items() if not torch.isfinite(value)]
    if not bad:
        return
    several = processes.count() > 1
    path = folder / (f'bad_batch_{processes.rank()}.pt' if several else 'bad_batch.pt')
    with written_atomically(path) as temporary:
        torch.save(dict(batch), temporary)
    raise FloatingPointError(
        f'the {bad[0]} is {values[bad[0]].item()} at step {step}; the batch is in {path}; lower '
        'learning_rate or use precision f32'
    )


class RunLog:
    """Writes each step to ``log.jsonl``, and to TensorBoard if it is installed."""

    def __init__(self, folder: Path) -> None:
        """Append to the log of a folder."""
        self._path = folder / 'log.jsonl'
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            logger.info('no TensorBoard: %s', install_command('tensorboard'))
            self._board = None
        else:
            self._board = SummaryWriter(str(folder / 'tensorboard'))

    def write(self, record: Record) -> None:
        """Append one step."""
        with self._path.open('a', encoding='utf-8') as file:
            file.write(json.dumps(record) + '\n')
        if self._board is not None:
            for name, value in record.items():
                if name not in ('step', 'steps'):
                    self._board.add_scalar(name, value, int(record['step']))

    def close(self) -> None:
        """Write pending entries, and close the log."""
        if self._board is not None:
            self._board.close()
