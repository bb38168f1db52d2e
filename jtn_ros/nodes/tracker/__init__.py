"""The tracker node: cameras, their workers, and where their objects are in space."""
