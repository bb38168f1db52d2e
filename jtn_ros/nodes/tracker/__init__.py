"""The tracker node: cameras, their worker threads, and the positions of their objects."""
