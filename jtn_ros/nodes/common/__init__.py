"""What every node needs: parameters, QoS, conversions, transforms, the life of the process."""
