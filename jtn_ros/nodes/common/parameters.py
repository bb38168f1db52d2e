"""Parameters declared once, as data: type, default, range and description.

The descriptors, the validation and the table in the documentation are made from this data.
"""

import re
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace

from rcl_interfaces.msg import FloatingPointRange
from rcl_interfaces.msg import IntegerRange
from rcl_interfaces.msg import ParameterDescriptor
from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from jtn_ros.errors import did_you_mean

# Groups of parameters that rclpy and diagnostic_updater declare when they need them.
_DECLARED_LATER = ('qos_overrides', 'diagnostic_updater')

type Value = bool | int | float | str | list[str] | list[float]


@dataclass(frozen=True, kw_only=True)
class ParameterSpec:
    """One parameter of a node.

    Attributes:
        name: name in ROS.
        default: default value; its type is the parameter's.
        description: one sentence, with the unit.
        low: smallest allowed value of a number.
        high: largest allowed value of a number.
        choices: the allowed values of a string; empty allows any.
        pattern: regular expression that every string of a list matches; these have to differ.
        live: whether a change takes effect at once. Other parameters are read when the node is
            configured, and a configured node refuses to change them.
    """

    name: str
    default: Value
    description: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ''
    live: bool = False

    @property
    def type_name(self) -> str:
        """Return the name that ROS gives to the type."""
        if isinstance(self.default, list):
            return 'string_array' if isinstance(self.default[0], str) else 'double_array'
        return {bool: 'bool', int: 'integer', float: 'double', str: 'string'}[type(self.default)]

    @property
    def range_text(self) -> str:
        """Return the allowed values for people; empty when any will do."""
        if self.choices:
            return ', '.join(repr(choice) if choice == '' else choice for choice in self.choices)
        if self.low is None or self.high is None:
            return ''
        return f'{self.low:g} to {self.high:g}'

    @property
    def descriptor(self) -> ParameterDescriptor:
        """Return the descriptor that `ros2 param describe` shows."""
        descriptor = ParameterDescriptor(description=self.description)
        if self.choices:
            descriptor.additional_constraints = f'one of {self.range_text}'
        elif self.low is not None and self.high is not None:
            if isinstance(self.default, float):
                descriptor.floating_point_range = [
                    FloatingPointRange(from_value=float(self.low), to_value=float(self.high))
                ]
            else:
                descriptor.integer_range = [
                    IntegerRange(from_value=int(self.low), to_value=int(self.high), step=1)
                ]
        return descriptor

    def objection(self, value: Value) -> str | None:
        """Return why a value of the right type and range is refused, or None when it is fine."""
        if self.choices and value not in self.choices:
            return f'{self.name} is {value!r}; choose one of {self.range_text}'
        if self.type_name == 'double_array':
            assert isinstance(value, Sequence)
            low, high = (float(item) for item in value) if len(value) == 2 else (1.0, 0.0)
            if not low < high and not low == high == 0:
                return f'{self.name} is {list(value)}; give two numbers, the lower one first'
        if self.pattern and isinstance(value, Sequence):
            for item in map(str, value):
                if re.fullmatch(self.pattern, item) is None or list(value).count(item) > 1:
                    return (
                        f'{self.name} has {item!r} in it; its items have to differ, and to be '
                        f'of the form {self.pattern}'
                    )
        return None


class NodeParameters:
    """The declared parameters of a node: read them, validate changes."""

    def __init__(self, node: Node, specs: Sequence[ParameterSpec]) -> None:
        """Declare the parameters on the node, and warn of values that are given to others.

        Raises:
            rclpy.exceptions.InvalidParameterValueException: if an override is refused.
            rclpy.exceptions.InvalidParameterTypeException: if an override has a wrong type.
        """
        self._node = node
        self._specs = {spec.name: spec for spec in specs}
        self.frozen = False
        node.add_pre_set_parameters_callback(self._with_types)
        node.add_on_set_parameters_callback(self._validate)
        # What files and the command line give; rclpy hands it out in no other way.
        given = node._parameter_overrides
        given |= {change.name: change for change in self._with_types(given.values())}
        node.declare_parameters('', [(s.name, s.default, s.descriptor) for s in specs])
        for name in given:
            if not node.has_parameter(name) and name.split('.')[0] not in _DECLARED_LATER:
                hint = did_you_mean(name, self._specs)
                node.get_logger().warning(f'there is no parameter {name}{hint}; it is ignored')

    def values(self) -> SimpleNamespace:
        """Return the current values as attributes."""
        return SimpleNamespace(
            **{name: self._node.get_parameter(name).value for name in self._specs}
        )

    def _with_types(self, changes: Iterable[Parameter]) -> list[Parameter]:
        """Return the changes, with whole numbers as doubles or strings where that is the type."""
        return [
            Parameter(change.name, value=type(spec.default)(change.value))
            if change.type_ == Parameter.Type.INTEGER
            and (spec := self._specs.get(change.name)) is not None
            and isinstance(spec.default, (float, str))
            else change
            for change in changes
        ]

    def _validate(self, changes: Iterable[Parameter]) -> SetParametersResult:
        """Refuse changes with a reason; `frozen` admits those of live parameters alone."""
        for change in changes:
            spec = self._specs.get(change.name)
            if spec is None:
                continue
            reason = spec.objection(change.value)
            if self.frozen and not spec.live:
                reason = (
                    f'{spec.name} takes effect when the node is configured; '
                    'deactivate and clean up the node, set it, and configure the node again'
                )
            if reason is not None:
                return SetParametersResult(successful=False, reason=reason)
        return SetParametersResult(successful=True)


def markdown_table(specs: Sequence[ParameterSpec]) -> str:
    """Return the parameters as a Markdown table."""
    rows = ['| parameter | type | default | values | live | |', '|---|---|---|---|---|---|']
    for spec in specs:
        default = f'`{spec.default}`' if spec.default != '' else ''
        live = 'yes' if spec.live else ''
        rows.append(
            f'| `{spec.name}` | {spec.type_name} | {default} | {spec.range_text} | {live} '
            f'| {spec.description} |'
        )
    return '\n'.join(rows)
