"""Training of networks with PyTorch."""
