"""The configuration of a synthetic scene."""

from dataclasses import dataclass
from typing import Literal

from jtn_ros.errors import JtnError
from jtn_ros.settings import Settings
from jtn_ros.settings import setting

CameraMotion = Literal['static', 'pan', 'shake', 'random']


@dataclass(frozen=True, kw_only=True)
class SceneConfig(Settings):
    """Size, content and seed of a scene; everything else is sampled from the seed.

    Attributes:
        width: image width in pixels, 64 to 4096.
        height: image height in pixels, 64 to 4096.
        seed: random seed, 0 or greater.
        people: minimum and maximum number of people, 0 to 100.
        camera_motion: ``static``, ``pan`` (slow turns), ``shake`` (hand or wind), or ``random``
            (one of the three, mostly static).
        duration_s: duration of the scene in seconds, 0.1 to 3600.
        vehicles: minimum and maximum number of vehicles (class 1), 0 to 20; none indoors.
        occluders: minimum and maximum number of objects among the people, 0 to 50.
        sensor: add lens blur, noise and compression to the image.

    Raises:
        JtnError: if a value is outside its range.
    """

    width: int = setting(512, low=64, high=4096)
    height: int = setting(288, low=64, high=4096)
    seed: int = setting(0, low=0, high=2**63)
    people: tuple[int, int] = (3, 14)
    camera_motion: CameraMotion = 'random'
    duration_s: float = setting(20.0, low=0.1, high=3600.0)
    vehicles: tuple[int, int] = (0, 0)
    occluders: tuple[int, int] = (1, 9)
    sensor: bool = True

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        for name, limit in (('people', 100), ('vehicles', 20), ('occluders', 50)):
            least, greatest = getattr(self, name)
            if not 0 <= least <= greatest <= limit:
                raise JtnError(
                    f'{name} is {(least, greatest)}; specify (least, greatest) within 0 to {limit}'
                )
