"""Paths of files that tests read."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / 'models'
# Footage and reference data next to a checkout; tests that need them are skipped without them.
SHARED = ROOT.parent / 'shared'
