"""The parameters of a node, made from a class of settings."""

from array import array
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import MISSING
from typing import Any
from typing import get_args
from typing import get_origin

from rcl_interfaces.msg import FloatingPointRange
from rcl_interfaces.msg import IntegerRange
from rcl_interfaces.msg import ParameterDescriptor
from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from jtn_ros.errors import JtnError
from jtn_ros.errors import did_you_mean
from jtn_ros.settings import Setting
from jtn_ros.settings import Settings
from jtn_ros.settings import settings_of

# Groups of parameters that rclpy and diagnostic_updater declare when they need them.
_DECLARED_LATER = ('qos_overrides', 'diagnostic_updater')

_TYPE_NAMES = {bool: 'bool', int: 'integer', float: 'double', str: 'string'}


class NodeParameters[S: Settings]:
    """The declared parameters of a node: read them, validate changes.

    Attributes:
        frozen: whether the node is configured, so that only live parameters change.
    """

    def __init__(self, node: Node, kind: type[S]) -> None:
        """Declare the parameters on the node, and warn of values for unknown parameters.

        Args:
            node: the node.
            kind: class of the settings, with one field per parameter.

        Raises:
            rclpy.exceptions.InvalidParameterValueException: if an override is refused.
            rclpy.exceptions.InvalidParameterTypeException: if an override has a wrong type.
        """
        self._node = node
        self._kind = kind
        self._settings = {entry.name: entry for entry in settings_of(kind)}
        self.frozen = False
        node.add_pre_set_parameters_callback(self._with_types)
        node.add_on_set_parameters_callback(self._validate)
        # Values from files and the command line; rclpy has no public access to them.
        given = node._parameter_overrides
        given |= {change.name: change for change in self._with_types(given.values())}
        node.declare_parameters(
            '',
            [(name, ros_default(s), descriptor(s)) for name, s in self._settings.items()],
        )
        for name in given:
            if not node.has_parameter(name) and name.split('.')[0] not in _DECLARED_LATER:
                hint = did_you_mean(name, self._settings)
                node.get_logger().warning(f'there is no parameter {name}{hint}; it is ignored')

    def values(self) -> S:
        """Return the current values."""
        values = {name: _plain(self._node.get_parameter(name).value) for name in self._settings}
        return self._kind(**values)

    def values_with(self, changes: Iterable[Parameter]) -> S:
        """Return the values as they would be after some changes.

        Raises:
            JtnError: if they do not fit together.
        """
        declared = (name for name in self._settings if self._node.has_parameter(name))
        values = {name: _plain(self._node.get_parameter(name).value) for name in declared}
        changed = {c.name: _plain(c.value) for c in changes if c.name in self._settings}
        return self._kind(**values | changed)

    def _with_types(self, changes: Iterable[Parameter]) -> list[Parameter]:
        """Return the changes, with whole numbers as doubles or strings where that is the type."""
        return [
            Parameter(change.name, value=entry.kind(change.value))
            if change.type_ == Parameter.Type.INTEGER
            and (entry := self._settings.get(change.name)) is not None
            and entry.kind in (float, str)
            else change
            for change in changes
        ]

    def _validate(self, changes: Sequence[Parameter]) -> SetParametersResult:
        """Reject invalid changes with a reason; if `frozen`, only live parameters can change."""
        for change in changes:
            entry = self._settings.get(change.name)
            if entry is None:
                continue
            reason = self._wrong_length(entry, change) or entry.objection(_plain(change.value))
            if self.frozen and not entry.constraints.live:
                reason = (
                    f'{entry.name} takes effect when the node is configured; '
                    'deactivate and clean up the node, set it, and configure the node again'
                )
            if reason is not None:
                return SetParametersResult(successful=False, reason=reason)
        try:
            self.values_with(changes)
        except JtnError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    @staticmethod
    def _wrong_length(entry: Setting, change: Parameter) -> str | None:
        """Return what is wrong with the number of items; None if it is valid."""
        items = get_args(entry.kind)
        if get_origin(entry.kind) is not tuple or items[-1] is Ellipsis:
            return None
        if len(change.value) == len(items):
            return None
        return f'{entry.name} is {list(change.value)}; specify {len(items)} values'


def type_name(entry: Setting) -> str:
    """Return the name that ROS gives to the type of a parameter."""
    if get_origin(entry.kind) is tuple:
        return f'{_TYPE_NAMES[get_args(entry.kind)[0]]}_array'
    return _TYPE_NAMES[str if entry.choices else entry.kind]


def ros_default(entry: Setting) -> Any:
    """Return the default value for ROS, which does not support typed empty lists."""
    if isinstance(entry.default, tuple):
        return list(entry.default) or [get_args(entry.kind)[0]()]
    assert entry.default is not MISSING, f'the parameter {entry.name} has no default value'
    return entry.default


def descriptor(entry: Setting) -> ParameterDescriptor:
    """Return what `ros2 param describe` shows."""
    constraints = entry.constraints
    described = ParameterDescriptor(description=constraints.description)
    if entry.choices:
        described.additional_constraints = f'one of {entry.range_text}'
    elif constraints.low is not None and constraints.high is not None:
        if entry.kind is float:
            described.floating_point_range = [
                FloatingPointRange(from_value=constraints.low, to_value=constraints.high)
            ]
        else:
            described.integer_range = [
                IntegerRange(from_value=constraints.low, to_value=constraints.high, step=1)
            ]
    return described


def _plain(value: Any) -> Any:
    """Return a value of ROS in the form of the settings; empty strings in a list are removed."""
    if isinstance(value, list | tuple | array):
        return tuple(item for item in value if item != '')
    return value
