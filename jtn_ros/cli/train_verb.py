"""Train a network by a recipe.

    jtn train synthetic --output runs/synthetic
    jtn train my_recipe.yaml --output runs/mine

The run leaves weights.safetensors (for `jtn export`), last.pt (continue by running the same
command again) and log.jsonl in the output folder.
"""

import argparse
from pathlib import Path

SUMMARY = 'train a network by a recipe'
RECIPES = Path('config') / 'training'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of this verb."""
    parser.add_argument('recipe', help='a YAML file, or the name of a recipe of this package')
    parser.add_argument('--output', type=Path, required=True, help='folder for the weights')
    parser.add_argument('--device', default='cpu', help='torch device (default: cpu)')
    parser.add_argument('--workers', type=int, default=1, help='processes that make data')
    parser.add_argument('--threads', type=int, default=0, help='CPU threads of torch (0: all)')


def find_recipe(name: str) -> Path:
    """Return the file of a recipe given by path or by name.

    Raises:
        FileNotFoundError: if it is neither.
    """
    from jtn_ros.resources import resource_folder

    folder = resource_folder(RECIPES)
    for path in (Path(name), folder / f'{name}.yaml'):
        if path.is_file():
            return path
    known = ', '.join(sorted(path.stem for path in folder.glob('*.yaml')))
    raise FileNotFoundError(f'no recipe {name!r}: give a YAML file or one of {known}')


def run(args: argparse.Namespace) -> int:
    """Train to the end of the recipe."""
    try:
        import torch
    except ImportError as error:
        raise ImportError('training needs PyTorch: pip install torch') from error
    from rich.progress import BarColumn
    from rich.progress import MofNCompleteColumn
    from rich.progress import Progress
    from rich.progress import TextColumn
    from rich.progress import TimeRemainingColumn

    from jtn_ros.network.checkpoint import load_checkpoint
    from jtn_ros.training.recipe import read_recipe
    from jtn_ros.training.trainer import train
    from jtn_ros.training.trainer import write_log

    if args.threads:
        torch.set_num_threads(args.threads)
    recipe = read_recipe(find_recipe(args.recipe))
    initial = load_checkpoint(recipe.initial_weights) if recipe.initial_weights else None
    columns = (
        TextColumn('{task.description}'),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as progress:
        task = progress.add_task('training', total=recipe.steps)
        steps = train(
            recipe, args.output, device=args.device, workers=args.workers, initial=initial
        )
        for record in steps:
            write_log(args.output / 'log.jsonl', record)
            progress.update(
                task,
                completed=record['step'],
                description=f'loss {record["total"]:.3f} heat map {record["hm"]:.3f}',
            )
    print(f'weights: {args.output / "weights.safetensors"}')
    return 0
