"""What the tracker publishes."""
