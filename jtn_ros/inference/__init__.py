"""One frame through the network, fast."""
