"""Cameras and recordings that a node reads itself."""
