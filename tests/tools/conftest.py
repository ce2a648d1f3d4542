"""Makes the generator importable: it is a tool with an environment of its own, not installed."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
