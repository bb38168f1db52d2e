"""Shared arguments of the verbs that track: the model, the tracker and their parameters.

Arguments and the keys of a parameter file have the names that the node's parameters have.
"""

import argparse
import hashlib
import logging
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from pathlib import Path
from typing import Any
from typing import Self

import yaml

from jtn_ros.cli.setting_arguments import add_setting_arguments
from jtn_ros.detection_filter import DetectionFilter
from jtn_ros.detection_filter import DetectionFilterSettings
from jtn_ros.errors import JtnError
from jtn_ros.errors import did_you_mean
from jtn_ros.inference import Engine
from jtn_ros.inference import find_model
from jtn_ros.inference.appearance_model import AppearanceSettings
from jtn_ros.inference.options import EngineOptions
from jtn_ros.media.intensity import IntensitySettings
from jtn_ros.offline import NetworkTracking
from jtn_ros.pipeline import TrackingPipeline
from jtn_ros.settings import settings_of
from jtn_ros.settings import typed
from jtn_ros.tracking import FrameTracker
from jtn_ros.tracking import TrackerSettings
from jtn_ros.tracking import make_tracker
from jtn_ros.tracking.settings import TrackingSettings

logger = logging.getLogger(__name__)

_NODE = 'jtn_tracker'
_ARGUMENTS = ('model', 'backend', 'precision', 'device', 'threads', 'appearance_model', 'tracker')


@dataclass(frozen=True, kw_only=True)
class OfflineSettings(
    DetectionFilterSettings, TrackingSettings, IntensitySettings, AppearanceSettings, EngineOptions
):
    """All settings that affect the tracks of a recording.

    Attributes:
        others: thresholds of the tracker that are no parameters of the node.
    """

    others: Mapping[str, Any] = field(default_factory=dict)

    def with_values(self, values: Mapping[str, Any]) -> Self:
        """Return the settings with others by name, those of the tracker included.

        Raises:
            JtnError: if one is outside its range.
        """
        own = {name: value for name, value in values.items() if hasattr(self, name)}
        others = {name: value for name, value in values.items() if name not in own}
        return replace(self, **own, others={**self.others, **others})

    def tracker_settings(self, trusted: float | None) -> TrackerSettings:
        """Return the thresholds of the tracker; see `TrackingSettings.thresholds`."""
        return self.thresholds(trusted, **self.others)

    def make_tracker(self, trusted: float | None) -> FrameTracker:
        """Return a new tracker."""
        return make_tracker(self.tracker, self.tracker_settings(trusted))

    def track_with(self, engine: Engine) -> NetworkTracking:
        """Return the frame tracking with an engine.

        Raises:
            OSError, JtnError: if a threshold is outside its range, or the appearance model cannot
                be loaded.
        """
        return NetworkTracking(
            TrackingPipeline(
                engine=engine,
                tracker=self.make_tracker(engine.info.confident_score),
                score_threshold=self.score_threshold or None,
                detection_filter=DetectionFilter(self, engine.info.class_names),
                appearance=self.load_appearance(self.threads or None),
            )
        )

    def decisive(self) -> dict[str, Any]:
        """Return the settings that affect the tracks, with file contents instead of paths.

        Raises:
            OSError, JtnError: if a file cannot be read, or the model does not exist.
        """
        values = asdict(self)
        del values['threads']  # changes no result
        files = {'model': find_model(self.model or None)}
        for name in ('appearance_model', 'mask_image'):
            path = Path(values[name]).expanduser()
            if path.is_file():  # otherwise, loading it reports the error
                files[name] = path
        return values | {
            name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()
        }

    def as_dict(self, trusted: float | None) -> dict[str, Any]:
        """Return all values by name, for reports."""
        values = asdict(self)
        return values | values.pop('others') | asdict(self.tracker_settings(trusted))


def add_tracking_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    add_setting_arguments(parser, OfflineSettings, _ARGUMENTS)
    parser.add_argument(
        '--params-file',
        type=Path,
        metavar='FILE',
        help='parameter file of the node, also written by jtn tune',
    )


def read_settings(args: argparse.Namespace) -> OfflineSettings:
    """Return the settings of the file, overridden by the arguments.

    Raises:
        OSError: if the file cannot be read.
        JtnError: if it is not a parameter file, or a value is refused.
    """
    values = {} if args.params_file is None else read_params_file(args.params_file)
    given = {name: getattr(args, name) for name in _ARGUMENTS}
    values |= {name: value for name, value in given.items() if value is not None}
    settings = OfflineSettings().with_values(values)
    settings.tracker_settings(None)  # refuses the others that are outside their range
    return settings


def read_params_file(path: Path) -> dict[str, Any]:
    """Return the parameters of the tracker node in a ROS 2 parameter file that apply without ROS.

    Keys are matched as in ROS, for a node of that name in any namespace.

    Raises:
        OSError: if the file cannot be read.
        JtnError: if it is not a parameter file, contains parameters of several trackers, or a
            value has a wrong type.
    """
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
            f'{path} contains parameters of several trackers, {", ".join(sorted(namespaces))}; '
            'keep one of them'
        )
    if not found:
        raise JtnError(
            f'{path} contains no parameters of the node; expected /{_NODE}: ros__parameters: ...'
        )
    kinds = {
        entry.name: entry.kind
        for entry in (*settings_of(TrackerSettings), *settings_of(OfflineSettings))
        if entry.name != 'others'
    }
    known = {name: value for name, value in found.items() if name in kinds}
    if unused := sorted(str(name) for name in found if name not in known):
        named = ', '.join(f'{name}{did_you_mean(name, kinds)}' for name in unused)
        logger.warning('%s: not used without ROS: %s', path, named)
    return {name: typed(value, kinds[name], f'{path}: {name}') for name, value in known.items()}


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
