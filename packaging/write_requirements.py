"""Write what an installation of pyx takes from poetry.lock, in the form that pip reads.

    pyx packaging/write_requirements.py

Input: poetry.lock. Output: ``launcher-requirements.txt`` beside this file, every distribution that
pyx itself requires with its marker and the hashes of its files, and no URL. A test holds that the
file is what this program writes. The standalone pyx takes its build tools from here as well.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LOCK = Path(__file__).resolve().parent.parent / "poetry.lock"
OUTPUT = Path(__file__).with_name("launcher-requirements.txt")
HEAD = "# What pyx itself requires: written by packaging/write_requirements.py from poetry.lock.\n"


def main() -> None:
    """Write the file."""
    OUTPUT.write_text(format_requirements(), encoding="ascii")


def format_requirements() -> str:
    """Return what the file says."""
    return HEAD + "".join(f"{line}\n" for line in list_requirements(["main"]))


def list_requirements(groups: Sequence[str]) -> Iterator[str]:
    """Yield what poetry.lock has of `groups`, as lines that pip reads."""
    lock = tomllib.loads(LOCK.read_text(encoding="utf-8"))
    for package in lock["package"]:
        of = [group for group in groups if group in package["groups"]]
        if of:
            marker = _join_markers(package.get("markers", ""), of)
            hashes = "".join(f" \\\n    --hash={file['hash']}" for file in package["files"])
            yield f"{package['name']}=={package['version']}{marker}{hashes}"


def _join_markers(markers: str | Mapping[str, str], groups: Sequence[str]) -> str:
    """Return the marker under which any of `groups` requires a distribution, as pip wants it."""
    of_groups = [markers if isinstance(markers, str) else markers.get(g, "") for g in groups]
    if not all(of_groups):
        return ""
    return " ; " + " or ".join(f"({marker})" for marker in dict.fromkeys(of_groups))


if __name__ == "__main__":
    main()
