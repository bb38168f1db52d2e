"""Detectors of others as models of this project."""
