"""Weights of random networks that keep signals alive through all layers."""

import torch

from jtn_ros.network import JointTrackNet


def enliven(network: JointTrackNet) -> JointTrackNet:
    """Draw weights and statistics; return the network in evaluation mode."""
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                assert module.running_mean is not None
                assert module.running_var is not None
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
                module.weight.uniform_(0.8, 1.2)
                module.bias.normal_(0, 0.1)
            elif isinstance(module, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(module.weight)
        for name in network.config.heads:
            network.get_parameter(f'{name}.2.weight').mul_(0.05)
        bias = torch.tensor([-3.0, 0.0])[: network.config.heads['hm']]
        network.get_parameter('hm.2.bias').copy_(bias)
    return network.eval()
