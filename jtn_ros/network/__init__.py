"""JointTrackNet in PyTorch."""
