"""Run a program of ours in the python that has a library which the launcher itself lacks."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from pyx_launcher.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def run_library(
    program: Path, wanted: Mapping[str, object], python: Path, label: str, variable: str
) -> str:
    """Return what `program` prints, run by `python` with `wanted` as JSON on its stdin.

    Raises UnavailableError where it fails, which calls the library `label`, and names the
    `variable` by which a user chooses another python.
    """
    # Nothing but the library and Python itself: neither the variables nor the directory say more.
    command = [str(python), "-I", "-X", "utf8", str(program)]
    done = subprocess.run(
        command, input=json.dumps(wanted).encode(), capture_output=True, check=False
    )
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise UnavailableError(
            f"{label} failed in {python}: {last}", hint=f"unset {variable}: pyx has its own"
        )
    return done.stdout.decode()
