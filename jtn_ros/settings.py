"""Typed settings: frozen dataclasses with the ranges and descriptions of their fields.

The parameters of the nodes, the arguments of the command line, the parameter file and the
parameter reference are generated from the same fields, and one validator checks all of them:

>>> @dataclass(frozen=True, kw_only=True)
... class PlayerSettings(Settings):
...     rate: float = setting(1.0, 'Playback speed.', low=0.01, high=100.0)

These are plain dataclasses with a small validator. A validation library would be an additional
package on the robot, and would increase the startup time.
"""

import re
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import MISSING
from dataclasses import dataclass
from dataclasses import field
from dataclasses import fields
from dataclasses import is_dataclass
from math import isfinite
from types import GenericAlias
from typing import Any
from typing import Literal
from typing import Self
from typing import get_args
from typing import get_origin

from jtn_ros.errors import JtnError
from jtn_ros.errors import did_you_mean

_METADATA = 'setting'


@dataclass(frozen=True, kw_only=True)
class Constraints:
    """Constraints of a field in addition to its type, and its description.

    Attributes:
        description: sentences for users, with the unit.
        low: smallest allowed value of a number.
        high: largest allowed value of a number.
        pattern: regular expression that every string of a tuple must match; no string may repeat.
        rising: whether the second of two numbers must be the larger one; (0, 0) means not set.
        live: whether a change takes effect while a node is configured.
        formerly: name of the field in files of earlier versions.
    """

    description: str = ''
    low: float | None = None
    high: float | None = None
    pattern: str = ''
    rising: bool = False
    live: bool = False
    formerly: str = ''


def setting(default: Any = MISSING, description: str = '', **constraints: Any) -> Any:
    """Return a field of a `Settings` class.

    Args:
        default: default value; without one, the field is required.
        description: sentences for users, with the unit; empty if the field is internal.
        constraints: the other attributes of `Constraints`.
    """
    metadata = {_METADATA: Constraints(description=description, **constraints)}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One field of a `Settings` class.

    Attributes:
        name: name of the field.
        kind: its type: bool, int, float, str, a Literal of strings, or a tuple of these.
        default: default value.
        constraints: its constraints in addition to its type.
    """

    name: str
    kind: Any
    default: Any
    constraints: Constraints

    @property
    def choices(self) -> tuple[str, ...]:
        """Return the allowed strings; empty if any string is allowed."""
        return get_args(self.kind) if get_origin(self.kind) is Literal else ()

    @property
    def range_text(self) -> str:
        """Return the allowed values as text; empty if any value is allowed."""
        if self.choices:
            return ', '.join(repr(choice) if choice == '' else choice for choice in self.choices)
        low, high = self.constraints.low, self.constraints.high
        if high is None:
            return '' if low is None else f'{low:g} or more'
        return f'{high:g} or less' if low is None else f'{low:g} to {high:g}'

    def objection(self, value: Any) -> str | None:
        """Return why a value of the right type is rejected; None if it is valid."""
        constraints = self.constraints
        if self.choices and value not in self.choices:
            return f'{self.name} is {value!r}; choose one of {self.range_text}'
        if isinstance(value, int | float) and not isinstance(value, bool):
            low, high = constraints.low, constraints.high
            # NaN fails both comparisons.
            if not (low is None or value >= low) or not (high is None or value <= high):
                return f'{self.name} is {value:g}; it must be {self.range_text}'
        if constraints.rising:
            first, second = value
            if not first < second and not first == second == 0:
                return f'{self.name} is {list(value)}; specify two numbers, the lower one first'
        if constraints.pattern:
            for item in value:
                if not re.fullmatch(constraints.pattern, item) or value.count(item) > 1:
                    listed = re.fullmatch(r'[\w|]+', constraints.pattern) is not None
                    form = (
                        f'one of {constraints.pattern.replace("|", ", ")}'
                        if listed
                        else f'of the form {constraints.pattern}'
                    )
                    return (
                        f'{self.name} contains {item!r}; its items must differ, and each must be '
                        f'{form}'
                    )
        return None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The base class of all settings, which rejects values outside their ranges."""

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            JtnError: if a value is outside its range, or not one of the choices.
        """
        for entry in settings_of(type(self)):
            if (reason := entry.objection(getattr(self, entry.name))) is not None:
                raise JtnError(reason)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], where: str) -> Self:
        """Return settings with the values of a file or another untyped source.

        Integers are accepted as floating-point numbers, lists as tuples, and a text such as
        ``1e-3``, which YAML does not parse as a number, as a number.

        Args:
            values: value by name; missing values have defaults.
            where: name of the source, for messages.

        Raises:
            JtnError: if a name is unknown, or a value has the wrong type or is rejected.
        """
        return build(cls, values, where)


def settings_of(kind: type) -> tuple[Setting, ...]:
    """Return the fields of a dataclass, in their order."""
    return tuple(
        Setting(
            name=entry.name,
            kind=entry.type,
            default=entry.default if entry.default is not MISSING else None,
            constraints=entry.metadata.get(_METADATA, Constraints()),
        )
        for entry in fields(kind)
    )


def build[T](kind: type[T], values: object, where: str) -> T:
    """Return a dataclass, nested ones included, from a mapping; see `Settings.from_mapping`."""
    if not isinstance(values, Mapping):
        raise JtnError(f'{where}: expected a mapping of settings, got {values!r}')
    entries = settings_of(kind)
    known = {entry.name: entry.kind for entry in entries}
    current = {e.constraints.formerly: e.name for e in entries if e.constraints.formerly}
    given: dict[Any, Any] = {current.get(key, key): value for key, value in values.items()}
    for name in given:
        if name not in known:
            hint = did_you_mean(str(name), known) or f'; known: {", ".join(sorted(known))}'
            raise JtnError(f'{where}: unknown setting {name!r}{hint}')
    arguments = {
        name: typed(value, known[name], f'{where}: {name}') for name, value in given.items()
    }
    try:
        return kind(**arguments)
    except (TypeError, JtnError) as error:
        raise JtnError(f'{where}: {error}') from error


def typed(value: Any, kind: Any, where: str) -> Any:
    """Return a plain value, list or mapping as a value of a type.

    Raises:
        JtnError: if the value does not fit the type; the message begins with `where`.
    """
    outer, inner = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and not isinstance(kind, GenericAlias) and is_dataclass(kind):
        return value if isinstance(value, kind) else build(kind, value, where)
    if outer is Literal:
        if value not in inner:
            raise JtnError(f'{where} is {value!r}; known: {", ".join(inner)}')
        return value
    if outer is tuple:
        endless = inner[-1] is Ellipsis
        if not isinstance(value, list | tuple) or not (endless or len(value) == len(inner)):
            length = '' if endless else f' of {len(inner)}'
            raise JtnError(f'{where} is {value!r}; expected a list{length}')
        kinds: Sequence[Any] = [inner[0]] * len(value) if endless else inner
        return tuple(typed(item, kind, where) for item, kind in zip(value, kinds, strict=True))
    if outer is Mapping:
        if not isinstance(value, Mapping):
            raise JtnError(f'{where} is {value!r}; expected a mapping')
        return {
            typed(key, inner[0], where): typed(item, inner[1], f'{where}: {key}')
            for key, item in value.items()
        }
    if kind is float and isinstance(value, int | str) and not isinstance(value, bool):
        try:
            value = float(value)
        except (ValueError, OverflowError):
            raise JtnError(f'{where} is {value!r}; expected a number') from None
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        raise JtnError(f'{where} is {value!r}; expected {kind.__name__}')
    if kind is float and not isfinite(value):
        raise JtnError(f'{where} is {value!r}; expected a finite number')
    return value
