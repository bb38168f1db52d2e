"""The outputs of the tracker node."""
