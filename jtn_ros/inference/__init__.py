"""Inference: preprocessing, back ends and decoding."""

from jtn_ros.inference.engine import Engine
from jtn_ros.inference.engine import ModelInfo
from jtn_ros.inference.engine import Peaks
from jtn_ros.inference.loading import BACKENDS
from jtn_ros.inference.loading import find_model
from jtn_ros.inference.loading import load_engine
from jtn_ros.inference.telemetry import switch_off_telemetry

__all__ = ['BACKENDS', 'Engine', 'ModelInfo', 'Peaks', 'find_model', 'load_engine']

# Here, because no module of this room imports a back end before it is used.
switch_off_telemetry()
