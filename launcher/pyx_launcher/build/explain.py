"""Why a build failed, as far as its log tells: the line that says so, and the usual ways out."""

from __future__ import annotations

import re

LONGEST_CAUSE = 200
"""Characters of the log that an error repeats."""

_RAISED = re.compile(r"^\s*(?P<line>(?:\w+\.)*\w*(?:Error|Exception|Failure)\b: .*\S)\s*$")
_SAID = re.compile(r"^.{0,80}?(?:fatal error|error|ERROR): (?P<line>.*\S)\s*$")

_WAYS_OUT = (
    (
        r"Unable to determine which files to ship",
        'name them: packages = ["src/NAME"] in [tool.hatch.build.targets.wheel]',
    ),
    (
        r"Multiple top-level (?:packages|modules) discovered in a flat-layout",
        'name them: packages = ["NAME"] in [tool.setuptools] of the pyproject.toml',
    ),
    (
        r"Dependency #\d+ of \w+ `(?P<what>project\.[^`\n]+)`[^\n]* is invalid",
        "correct it in {what} of the pyproject.toml, such as 'click>=8,<9'; then `pyx lock`",
    ),
    (
        r"`(?P<what>project\.[^`\n]+)` must be pep508",
        "correct {what} in the pyproject.toml, such as 'click>=8,<9'; then `pyx lock`",
    ),
    (
        r"No module named '(?P<what>[\w.]+)'",
        "its build needs {what}: the package that has it belongs in `requires` of [build-system]",
    ),
    (
        r"No matching distribution found for (?P<what>\S[^\n]*)",
        "no index has {what} for this Python: change it in `requires` of [build-system]",
    ),
    (
        r"command '(?P<what>[\w./+-]*(?:gcc|cc|clang|g\+\+|c\+\+)[\w.+-]*)' failed: No such file",
        "it needs a C compiler: install one (Debian: apt install build-essential)",
    ),
    (
        r"Python\.h: No such file",
        "it needs the headers of the interpreter: install them (Debian: apt install python3-dev)",
    ),
    (
        r"fatal error: (?P<what>\S+\.h(?:pp)?): No such file",
        "it needs the header {what} of a system library: install its -dev package",
    ),
    (
        r"can't find Rust compiler|error: linker `\S+` not found|cargo.* not found",
        "it needs Rust: install it, or lock a version that has a wheel for this Python",
    ),
    (
        r"'(?P<what>/\S+)/build/cp\d+/meson-python-native-file\.ini'",
        "the tree was moved from {what}, which its directory `build` remembers: remove that",
    ),
    (
        r"(?P<what>OSError: Readme file does not exist: \S+)",
        "the pyproject.toml names a readme that does not exist",
    ),
)


def find_cause(log: str) -> str | None:
    """Return the line of a build's log that says why it failed; None where none does."""
    lines = log.splitlines()[-400:]
    for pattern in (_RAISED, _SAID):
        for line in reversed(lines):
            found = pattern.match(line)
            # What a frontend says of a failure is that there was one.
            if found and not re.search(r"CalledProcessError|subprocess-exited", found["line"]):
                return found["line"][:LONGEST_CAUSE]
    return None


def find_way_out(log: str) -> str | None:
    """Return what can be done about the usual reasons that a build's log names."""
    for pattern, hint in _WAYS_OUT:
        found = re.search(pattern, log)
        if found:
            return hint.format(**found.groupdict())
    return None
