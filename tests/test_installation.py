"""What an installation of pyx knows of itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from installed import ROOT

CODE = f"""\
import sys
sys.path.insert(0, {str(ROOT / "launcher")!r})
from pyx_launcher.installation import find_base_python
print(find_base_python())
"""


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13"])
def test_the_python_behind_a_virtual_environment(
    version: str, interpreters: dict[str, Path], tmp_path: Path
) -> None:
    """It is the one that the environment was made with, whatever that environment says itself."""
    if version not in interpreters:
        pytest.skip(f"there is no CPython {version}")
    python = interpreters[version]
    subprocess.run([python, "-I", "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    for started in (python, tmp_path / "venv" / "bin" / "python"):
        told = subprocess.check_output([started, "-I", "-c", CODE], text=True)
        assert Path(told.strip()).samefile(python)
        assert tmp_path not in Path(told.strip()).parents
