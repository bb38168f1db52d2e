"""Shared code of the launch files."""
