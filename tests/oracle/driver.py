"""Run many commands of a tool that is written in Python, and import it once: for `corpus`.

    TOOL'S-PYTHON driver.py poetry|pdm|pipenv

Input: lines of JSON on stdin, each with ``words``, ``directory``, ``environ`` and ``output``, the
file for what is printed. Output: a line on stdout for each, the exit status. Every command runs in
a child of its own, so nothing of it is left for the next one. Standard library only, but for the
tool.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ENTRIES = {
    "poetry": ("poetry.console.application", "main"),
    "pdm": ("pdm.core", "main"),
    "pipenv": ("pipenv", "cli"),
}
MORE = {
    "poetry": (
        "poetry.console.commands.install",
        "poetry.console.commands.check",
        "poetry.installation.installer",
        "poetry.packages.transitive_package_info",
        "poetry.repositories.legacy_repository",
        "poetry.puzzle.provider",
        "poetry.utils.env",
    ),
    "pdm": ("pdm.cli.commands.sync", "pdm.cli.commands.lock", "pdm.models.repositories"),
    "pipenv": ("pipenv.project", "pipenv.routines.requirements"),
}
"""What a command imports late, as far as it is there."""


def main(tool: str) -> None:
    """Answer every line of stdin."""
    module, name = ENTRIES[tool]
    entry = getattr(importlib.import_module(module), name)
    for other in MORE[tool]:
        # Without it a command only takes longer.
        with contextlib.suppress(ImportError):
            importlib.import_module(other)
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            run(tool, entry, asked)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{status}\n")
        sys.stdout.flush()


def run(tool: str, entry: Callable[[], int | None], asked: dict[str, Any]) -> None:
    """Become one command, and end with its exit status."""
    output = os.open(asked["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.chdir(asked["directory"])
    os.environ.clear()
    os.environ.update(asked["environ"])
    sys.argv = [tool, *asked["words"]]
    code = 1
    try:
        code = entry() or 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception:  # noqa: BLE001 - whatever a tool raises, the next command is answered
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1])
