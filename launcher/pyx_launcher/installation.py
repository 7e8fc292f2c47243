"""Where this installation of pyx has its other parts: the native program, the template."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

from pyx_launcher.errors import StoreError


def find_native() -> Path:
    """Return the native program that this launcher was installed with. Raises StoreError."""
    beside = Path(sys.argv[0]).resolve().with_name("pyx")
    for path in (beside, Path(sysconfig.get_path("scripts")) / "pyx"):
        if path.is_file():
            return path
    raise StoreError(f"the native program {beside} is missing", hint="install pyx again")


def find_template() -> Path:
    """Return the file that becomes the bootstrap of environments."""
    import pyx_runtime

    return Path(pyx_runtime.__file__).with_name("bootstrap.py")
