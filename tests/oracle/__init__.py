"""Comparisons with other tools; `pyx -m` finds this tree's code."""

import sys
from pathlib import Path

_TREE = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(_TREE / name) for name in ("launcher", "runtime", "tests")]
