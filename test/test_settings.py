"""Settings: given values become typed values within their ranges, or an error names them."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Literal

import pytest

from jtn_ros.errors import JtnError
from jtn_ros.settings import Settings
from jtn_ros.settings import setting
from jtn_ros.settings import settings_of


@dataclass(frozen=True, kw_only=True)
class Inner(Settings):
    share: float = setting(0.5, low=0.0, high=1.0)


@dataclass(frozen=True, kw_only=True)
class Outer(Settings):
    number: int = setting(low=1)
    mode: Literal['fast', 'exact'] = 'fast'
    span: tuple[float, float] = setting((0.0, 0.0), rising=True)
    names: tuple[str, ...] = setting((), pattern='[a-z]+')
    weights: Mapping[str, float] = field(default_factory=dict)
    inner: Inner = field(default_factory=Inner)
    above: float = setting(3.0, low=2.0)
    flag: bool = False


def test_values_are_converted_to_the_types_of_the_fields() -> None:
    given = {
        'number': 3, 'span': [1, '2e1'], 'names': ['a', 'b'], 'weights': {'hm': 1},
        'inner': {'share': 1}, 'flag': True,
    }  # fmt: skip
    expected = Outer(
        number=3,
        span=(1.0, 20.0),
        names=('a', 'b'),
        weights={'hm': 1.0},
        inner=Inner(share=1.0),
        flag=True,
    )
    found = Outer.from_mapping(given, 'file')
    assert found == expected
    assert [type(value) for value in found.span] == [float, float]
    assert type(found.inner.share) is float


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        ({'number': 0}, 'file: number is 0; it must be 1 or more'),
        ({'number': True}, 'file: number is True; expected int'),
        ({'number': 1.0}, 'file: number is 1.0; expected int'),
        ({}, "missing 1 required keyword-only argument: 'number'"),
        ({'number': 1, 'mode': 'slow'}, "file: mode is 'slow'; known: fast, exact"),
        ({'number': 1, 'mode': ['fast']}, r"file: mode is \['fast'\]; known"),
        ({'number': 1, 'span': [2, 1]}, r'span is \[2.0, 1.0\]; specify two numbers'),
        ({'number': 1, 'span': [1]}, r'file: span is \[1\]; expected a list of 2'),
        ({'number': 1, 'names': ['a', 'a']}, "names contains 'a'; its items must differ"),
        ({'number': 1, 'names': ['A']}, "names contains 'A'"),
        ({'number': 1, 'names': 'a'}, "file: names is 'a'; expected a list"),
        ({'number': 1, 'weights': {'hm': 'x'}}, "file: weights: hm is 'x'; expected a number"),
        ({'number': 1, 'inner': {'share': 2}}, 'file: inner: share is 2; it must be 0 to 1'),
        ({'number': 1, 'inner': 3}, 'file: inner: expected a mapping of settings, got 3'),
        ({'number': 1, 'above': 1}, 'above is 1; it must be 2 or more'),
        ({'number': 1, 'above': float('nan')}, 'above is nan; expected a finite number'),
        ({'number': 1, 'flag': 1}, 'file: flag is 1; expected bool'),
        ({'numbre': 1}, r"file: unknown setting 'numbre' \(did you mean number\?\)"),
        ({'zzz': 1}, "file: unknown setting 'zzz'; known: above, flag, inner"),
        ([], r'file: expected a mapping of settings, got \[\]'),
    ],
    ids=str,
)
def test_mistakes_are_named(given: Any, message: str) -> None:
    with pytest.raises(JtnError, match=message):
        Outer.from_mapping(given, 'file')


def test_a_former_name_is_read_as_the_present_one() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Renamed(Settings):
        score: float = setting(0.5, formerly='threshold')

    assert Renamed.from_mapping({'threshold': 0.7}, 'file') == Renamed(score=0.7)
    with pytest.raises(JtnError, match="unknown setting ''"):
        Renamed.from_mapping({'': 0.7}, 'file')


def test_values_in_code_are_held_to_their_ranges() -> None:
    with pytest.raises(JtnError, match=r'share is 1.5; it must be 0 to 1'):
        Inner(share=1.5)
    with pytest.raises(JtnError, match='share is nan'):
        Inner(share=float('nan'))
    with pytest.raises(JtnError, match="mode is 'slow'; choose one of fast, exact"):
        Outer(number=1, mode='slow')  # type: ignore[arg-type]


def test_a_setting_describes_its_allowed_values() -> None:
    texts = {entry.name: entry.range_text for entry in settings_of(Outer)}
    assert texts['mode'] == 'fast, exact'
    assert texts['above'] == '2 or more'
    assert settings_of(Inner)[0].range_text == '0 to 1'
