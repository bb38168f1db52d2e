"""The messages about tracks, built once for nodes and bags."""
