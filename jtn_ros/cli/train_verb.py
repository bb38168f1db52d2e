"""Train a network with a recipe.

    jtn train synthetic_small --output runs/synthetic_small
    jtn train mot17_half --data MOT17 --output runs/mot17_half
    jtn train my_recipe.yaml --data footage --output runs/mine
    torchrun --no-python --nproc-per-node 4 jtn train mot17 --data MOT17 --output runs/mot17

Writes weights.safetensors, best.safetensors (if the recipe has validation data), last.pt,
log.jsonl and tensorboard/ to the output folder. Run the same command again to resume a run. Use
`jtn export` with the weights. docs/training.md describes recipes and data formats.
"""

import argparse
import ctypes
import os
from collections.abc import Iterable
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn
from rich.progress import MofNCompleteColumn
from rich.progress import Progress
from rich.progress import TextColumn
from rich.progress import TimeRemainingColumn

from jtn_ros.datasets.readers import read_clips
from jtn_ros.errors import JtnError
from jtn_ros.errors import packages_for
from jtn_ros.media.overwriting import protect_inputs
from jtn_ros.resources import find_checkpoint
from jtn_ros.resources import resource_folder

if TYPE_CHECKING:
    from jtn_ros.training.run_files import Record

RECIPES = Path('config') / 'training'
# Names of malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_SCORES = ('hota', 'ap50')  # shown while training


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of this verb."""
    parser.add_argument('recipe', help='YAML file, or the name of a bundled recipe')
    parser.add_argument('--output', type=Path, required=True, help='folder for the weights')
    parser.add_argument(
        '--data',
        type=Path,
        metavar='DIR',
        help='folder to which the paths in the recipe are relative',
    )
    parser.add_argument(
        '--initial',
        type=Path,
        metavar='FILE',
        help="checkpoint to start from (default: the recipe's)",
    )
    parser.add_argument(
        '--validation',
        type=Path,
        metavar='PATH',
        help='footage for validation: videos are scored by HOTA, still images by AP50 '
        "(default: the recipe's)",
    )
    parser.add_argument('--device', help='torch device (default: cuda if available)')
    parser.add_argument(
        '--workers', type=int, default=1, help='number of processes that prepare data (default: 1)'
    )
    parser.add_argument(
        '--threads', type=int, default=0, help='CPU threads of torch; 0 uses all (default: 0)'
    )


def find_recipe(name: str) -> Path:
    """Return the file of a recipe given by path or by name.

    Raises:
        JtnError: if it is neither.
    """
    folder = resource_folder(RECIPES)
    for path in (Path(name), folder / f'{name}.yaml'):
        if path.is_file():
            return path
    known = ', '.join(sorted(path.stem for path in folder.glob('*.yaml')))
    raise JtnError(f'no recipe {name!r}: specify a YAML file or one of {known}')


def find_weights(name: str) -> Path:
    """Return the file of initial weights given by path or by the name of a bundled checkpoint.

    Raises:
        JtnError: if it is neither.
    """
    if (path := find_checkpoint(name)) is not None:
        return path
    raise JtnError(
        f'the initial weights {name!r} were not found; specify a checkpoint (--initial FILE), see '
        'docs/training.md for where to get one'
    )


def run(args: argparse.Namespace) -> int:
    """Train to the end of the recipe."""
    # Waiting threads of PyTorch must not block the cores for the processes that prepare the data;
    # OpenMP reads this when it is loaded.
    os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
    _keep_freed_memory()
    with packages_for('training needs', 'torch', 'torchvision', 'tensorboard'):
        import torch
    from jtn_ros.training import processes
    from jtn_ros.training.initial_weights import imagenet_weights
    from jtn_ros.training.initial_weights import load_initial_weights
    from jtn_ros.training.recipe import read_recipe
    from jtn_ros.training.run_files import STATE_FILE
    from jtn_ros.training.run_files import WEIGHTS_FILES
    from jtn_ros.training.run_files import RunLog
    from jtn_ros.training.trainer import train

    if args.threads:
        torch.set_num_threads(args.threads)
    recipe = read_recipe(find_recipe(args.recipe))
    weights = args.initial or recipe.initial_weights
    initial = None
    if weights and not (args.output / STATE_FILE).exists():
        path = (
            imagenet_weights(recipe.network.backbone)
            if str(weights) == 'imagenet'
            else find_weights(str(weights))
        )
        protect_inputs((args.output / name for name in WEIGHTS_FILES), [path])
        initial = load_initial_weights(path, recipe.network)
    validation = read_clips(args.validation, recipe.network.class_names) if args.validation else []
    device = processes.local_device(
        args.device or ('cuda' if torch.cuda.is_available() else 'cpu')
    )
    with processes.joined_processes(device):
        records = train(
            recipe,
            args.output,
            data=args.data,
            validation=validation,
            device=device,
            workers=args.workers,
            initial=initial,
        )
        if processes.rank() > 0:
            for _ in records:
                pass
            return 0
        log = RunLog(args.output)
        try:
            for record in _show_progress(records):
                log.write(record)
        except FloatingPointError as error:
            raise JtnError(str(error)) from error
        finally:
            log.close()
    for name in ('weights', 'best'):
        path = args.output / f'{name}.safetensors'
        if path.exists():
            print(f'{name}: {path}')
    return 0


def _keep_freed_memory() -> None:
    """Let glibc keep freed memory for the next step.

    By default, it returns large blocks to the system, which clears them each time: about 7 % of a
    step on a CPU.
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def _show_progress(records: Iterable['Record']) -> Iterator['Record']:
    """Yield the records; show the losses, the last score and the time left."""
    columns = (
        TextColumn('{task.description}'),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    score = ''
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = None
        for record in records:
            yield record
            scores = [f' {key.upper()} {record[key]:.1f}' for key in _SCORES if key in record]
            score = ''.join(scores) or score
            text = f'loss {record["total"]:.3f} heat map {record["hm"]:.3f}{score}'
            if task is None:  # a resumed run does not begin at 0
                task = progress.add_task(text, total=record['steps'])
                progress.reset(task, completed=int(record['step']))
            progress.update(task, completed=record['step'], description=text)
