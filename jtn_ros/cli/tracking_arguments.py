"""What the verbs that track have in common: the model, the tracker and their parameters.

Arguments and the keys of a parameter file have the names that the node's parameters have.
"""

import argparse
import logging
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from jtn_ros.errors import JtnError
from jtn_ros.errors import did_you_mean

if TYPE_CHECKING:
    from jtn_ros.inference import Engine
    from jtn_ros.offline import NetworkTracking
    from jtn_ros.tracking import TrackerConfig

logger = logging.getLogger(__name__)

_NODE = 'jtn_tracker'
_DEFAULTS: dict[str, Any] = {
    'model': '',
    'backend': 'auto',
    'precision': '',
    'device': '',
    'threads': 0,
    'tracker': 'default',
    'score_threshold': 0.0,
    'backward_tolerance': 0.1,
    'intensity_range': [0.0, 0.0],
}


def add_tracking_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    parser.add_argument('--model', help='exported model (default: the bundled one)')
    parser.add_argument(
        '--backend',
        choices=('auto', 'tensorrt', 'openvino', 'onnxruntime', 'torch'),
        help='what runs the network (default: the fastest that is installed)',
    )
    parser.add_argument(
        '--precision',
        choices=('f32', 'f16', 'bf16'),
        help="arithmetic of the network (default: the back end's choice)",
    )
    parser.add_argument('--device', help="where it runs, in the back end's own words")
    parser.add_argument('--threads', type=int, help='processor threads (default: one per core)')
    parser.add_argument(
        '--params-file',
        type=Path,
        metavar='FILE',
        help="the node's parameter file, for the thresholds (as jtn tune writes it)",
    )
    parser.add_argument(
        '--tracker',
        choices=('default', 'reference'),
        help='tracking algorithm; reference is the published one (default: default)',
    )


def read_parameters(args: argparse.Namespace) -> dict[str, Any]:
    """Return the parameters: of the file, where an argument does not say otherwise.

    Raises:
        OSError: if the file cannot be read.
        JtnError: if it is not a parameter file.
    """
    values = dict(_DEFAULTS)
    if args.params_file is not None:
        values |= read_params_file(args.params_file)
    for name in ('model', 'backend', 'precision', 'device', 'threads', 'tracker'):
        if getattr(args, name) is not None:
            values[name] = getattr(args, name)
    return values


def read_params_file(path: Path) -> dict[str, Any]:
    """Return what a ROS 2 parameter file says to the tracker node, of what matters without ROS.

    Keys are matched as ROS does it, for a node of that name in any namespace.

    Raises:
        OSError: if the file cannot be read.
        JtnError: if it is not a parameter file, speaks to several trackers, or a value has a
            wrong type.
    """
    import yaml

    from jtn_ros.tracking import TrackerConfig

    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise JtnError(f'{path} is not YAML: {error}') from error
    found: dict[str, Any] = {}
    namespaces = set()
    for names, parameters in _blocks(content):
        if names and names[-1] in (_NODE, '*', '**'):
            found |= parameters
            if '*' not in ''.join(names[:-1]) and names[-1] == _NODE:
                namespaces.add('/'.join(['', *names]))
    if len(namespaces) > 1:
        raise JtnError(
            f'{path} speaks to several trackers, {", ".join(sorted(namespaces))}; keep one of them'
        )
    if not found:
        raise JtnError(
            f'{path} holds no parameters of the node; expected /{_NODE}: ros__parameters: ...'
        )
    kinds = {name: type(value) for name, value in _DEFAULTS.items()}
    kinds |= {field.name: type(field.default) for field in fields(TrackerConfig)}
    known = {name: value for name, value in found.items() if name in kinds}
    if unused := sorted(str(name) for name in found if name not in known):
        named = ', '.join(f'{name}{did_you_mean(name, kinds)}' for name in unused)
        logger.warning('%s: not used without ROS: %s', path, named)
    for name, value in known.items():
        kind = kinds[name]
        if type(value) is not kind and not (kind is float and type(value) is int):
            raise JtnError(f'{path}: {name} is {value!r}; its type must be {kind.__name__}')
    return known


def _blocks(
    content: object, names: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Yield the namespaces and the node that every block of parameters is for, and the block."""
    if not isinstance(content, dict):
        return
    for key, value in content.items():
        if key != 'ros__parameters':
            parts = [part for part in str(key).split('/') if part]
            yield from _blocks(value, (*names, *parts))
        elif isinstance(value, dict):
            yield names, value


def tracker_config(parameters: dict[str, Any], trusted: float | None) -> 'TrackerConfig':
    """Return the tracker's thresholds.

    As in the node, `birth_score` also says from which score a detection is associated first; 0
    takes what the model asks for.

    Args:
        parameters: what `read_parameters` returned.
        trusted: score that the model asks for; None keeps the tracker's own defaults.

    Raises:
        JtnError: if one is out of its range.
    """
    from jtn_ros.tracking import TrackerConfig

    names = {field.name for field in fields(TrackerConfig)}
    chosen = {name: value for name, value in parameters.items() if name in names}
    trusted = chosen.pop('birth_score', 0.0) or trusted
    scores: dict[str, Any] = {}
    if trusted is not None:
        scores = {'confident_score': trusted, 'birth_score': trusted}
    return TrackerConfig(**scores | chosen)


def open_engine(parameters: dict[str, Any]) -> 'Engine':
    """Load the model that the parameters name.

    Raises:
        OSError, JtnError: if it cannot be loaded.
    """
    from jtn_ros.inference import load_engine

    return load_engine(
        parameters['model'] or None,
        parameters['backend'],
        parameters['precision'] or None,
        device=parameters['device'] or None,
        threads=parameters['threads'] or None,
    )


def network_tracking(engine: 'Engine', parameters: dict[str, Any]) -> 'NetworkTracking':
    """Return what tracks a frame with this engine.

    Raises:
        JtnError: if a threshold is out of its range.
    """
    from jtn_ros.offline import NetworkTracking
    from jtn_ros.pipeline import TrackingPipeline
    from jtn_ros.tracking import make_tracker

    config = tracker_config(parameters, engine.info.confident_score)
    tracker = make_tracker(parameters['tracker'], config)
    return NetworkTracking(
        TrackingPipeline(
            engine=engine, tracker=tracker, score_threshold=parameters['score_threshold'] or None
        )
    )
