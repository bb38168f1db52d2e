"""Nodes that play recordings and cameras, and the one that records."""
