"""What an interpreter says of itself, by way of `packaging`, which is lent to it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import packaging

TELL = """
import importlib.util, json, sys
sys.path.append(sys.argv[1])
from packaging.markers import default_environment
from packaging.tags import sys_tags
print(json.dumps({
    "markers": default_environment(),
    "tags": [str(tag) for tag in sys_tags()],
    "magic": importlib.util.MAGIC_NUMBER.hex(),
    "prefixes": [sys.base_prefix, sys.base_exec_prefix],
}))
"""


def ask(python: Path) -> dict[str, Any]:
    """Ask an interpreter for its marker environment, tags, magic number and prefixes."""
    library = Path(packaging.__file__).parent.parent
    answer = subprocess.run(
        [python, "-I", "-S", "-B", "-c", TELL, library], capture_output=True, text=True, check=True
    )
    told = json.loads(answer.stdout)
    assert isinstance(told, dict)
    return told
