"""What the log of a failed build says, told in one line."""

from __future__ import annotations

import pytest

from pyx_launcher.build.explain import find_cause, find_way_out

MOVED = "FileNotFoundError: No such file: '/old/own/build/cp312/meson-python-native-file.ini'"


@pytest.mark.parametrize(
    ("log", "cause", "way_out"),
    [
        (
            "Traceback\nValueError: Unable to determine which files to ship inside the wheel\nend",
            "ValueError: Unable to determine which files to ship inside the wheel",
            "[tool.hatch.build.targets.wheel]",
        ),
        (
            "error: Multiple top-level packages discovered in a flat-layout: ['a', 'b'].\n",
            "Multiple top-level packages discovered in a flat-layout: ['a', 'b'].",
            "[tool.setuptools]",
        ),
        (
            "  import numpy\nModuleNotFoundError: No module named 'numpy'\n",
            "ModuleNotFoundError: No module named 'numpy'",
            "its build needs numpy",
        ),
        (
            "ERROR: No matching distribution found for uv_build<1,>=0.99\nend\n",
            "No matching distribution found for uv_build<1,>=0.99",
            "no index has uv_build<1,>=0.99 for this Python: change it in `requires`",
        ),
        (
            "x.c:1:10: fatal error: Python.h: No such file or directory\ncompilation terminated.",
            "Python.h: No such file or directory",
            "python3-dev",
        ),
        (
            "x.c:3:10: fatal error: ffi.h: No such file or directory\n",
            "ffi.h: No such file or directory",
            "the header ffi.h",
        ),
        (
            "error: command 'gcc' failed: No such file or directory\n",
            "command 'gcc' failed: No such file or directory",
            "C compiler",
        ),
        (
            f"{MOVED}\n",
            MOVED,
            "was moved from /old/own, which",
        ),
        (
            "ValueError: Dependency #1 of field `project.dependencies` is invalid: Expected end\n",
            "ValueError: Dependency #1 of field `project.dependencies` is invalid: Expected end",
            "correct it in project.dependencies of the pyproject.toml",
        ),
        (
            "configuration error: `project.dependencies[0]` must be pep508\n",
            "`project.dependencies[0]` must be pep508",
            "correct project.dependencies[0] in the pyproject.toml",
        ),
        ("something\nwent wrong\n", None, None),
        ("", None, None),
    ],
)
def test_the_reason_and_the_way_out_are_found(
    log: str, cause: str | None, way_out: str | None
) -> None:
    """For the usual failures of backends and compilers; for any other there is the log itself."""
    assert find_cause(log) == cause
    found = find_way_out(log)
    assert (found is None) == (way_out is None)
    assert way_out is None or way_out in str(found)
