"""From sequences to weights (torch)."""
