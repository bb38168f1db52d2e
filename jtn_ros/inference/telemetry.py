"""Disabling of the telemetry of OpenVINO and ONNX Runtime."""

import os
import sys


def switch_off_telemetry() -> None:
    """Disable the telemetry of OpenVINO and ONNX Runtime; call it before they are imported.

    Both report that they were imported, from a process or thread of their own, and keep an
    identifier of the machine below HOME. OpenVINO does so through the package openvino-telemetry
    and goes without it where it cannot be imported; ONNX Runtime reads an environment variable.
    """
    os.environ['ORT_DISABLE_TELEMETRY'] = '1'
    sys.modules.setdefault('openvino_telemetry', None)  # type: ignore[arg-type]
