"""Import of third-party detectors as models of this project."""
