"""Frames with ground truth: readers, generators, training targets."""
