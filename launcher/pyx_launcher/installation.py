"""Where this installation of pyx has its other parts: the native program, the template, a pip."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

from pyx_launcher.errors import StoreError


def is_standalone() -> bool:
    """Is this pyx a program that PyInstaller made, and `sys.executable` no interpreter?"""
    return getattr(sys, "frozen", False)


def find_base_python() -> str:
    """Return the interpreter that this process runs on, seen through a virtual environment."""
    base: str = getattr(sys, "_base_executable", "") or sys.executable
    # Up to 3.10 a virtual environment takes its own for it.
    is_own = base == sys.executable and sys.prefix != sys.base_prefix
    return os.path.realpath(base) if is_own else base


def find_native() -> Path:
    """Return the native program that this launcher was installed with. Raises StoreError."""
    beside = Path(sys.argv[0]).resolve().with_name("pyx")
    if beside.is_file():
        return beside
    if not is_standalone():
        installed = Path(sysconfig.get_path("scripts")) / "pyx"
        if installed.is_file():
            return installed
    raise StoreError(f"the native program {beside} is missing", hint="install pyx again")


def find_template() -> Path:
    """Return the file that becomes the bootstrap of environments."""
    import pyx_runtime

    return Path(pyx_runtime.__file__).with_name("bootstrap.py")


def find_pip(python: str) -> list[str]:
    """Return the command that is pip for the environment of `python`, from what pyx has itself.

    A standalone pyx has it as a wheel, which that interpreter runs as it is; else it is the pip
    beside the launcher. Either may be missing.
    """
    if is_standalone():
        wheels = sorted(Path(__file__).parent.glob("pip-*.whl"))
        return [python, "-I", str(wheels[0] / "pip")] if wheels else []
    return [sys.executable, "-I", "-m", "pip", "--python", python]
