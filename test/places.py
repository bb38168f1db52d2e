"""Paths of files that tests read."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / 'models'
# Footage and goldens that lie beside a checkout; tests that need them are skipped elsewhere.
SHARED = ROOT.parent / 'shared'
