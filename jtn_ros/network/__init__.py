"""JointTrackNet in PyTorch."""

from jtn_ros.network.checkpoint import load_checkpoint
from jtn_ros.network.checkpoint import save_checkpoint
from jtn_ros.network.joint_track_net import JointTrackNet
from jtn_ros.network.network_config import NetworkConfig

__all__ = ['JointTrackNet', 'NetworkConfig', 'load_checkpoint', 'save_checkpoint']
