"""Nodes that play recordings and cameras, and the recorder node."""
