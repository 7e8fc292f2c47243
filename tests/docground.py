"""The ground on which the commands of the pages run: a home, a project and an index.

Everything is real but small: the index on loopback serves wheels with the names and versions that
the pages speak of, and what they do is as much as the pages show of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wheelhouse import make_wheel

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HOME = "/home/you"
"""What the pages write for the home of whoever runs them."""

PROGRAM = """\
import sys

def main():
    if sys.argv[1:] == ["--version"]:
        print({version!r})
    else:
        print({name!r}, *sys.argv[1:])

if __name__ == "__main__":
    main()
"""

LIBRARIES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "anyio": {"4.16.0": ("idna>=2.8", "typing-extensions>=4.16.0; python_version < '3.15'")},
    "certifi": {"2026.10.18": ()},
    "click": {"8.0.4": (), "8.1.3": (), "8.5.1": ()},
    "h11": {"0.16.0": ()},
    "httpcore": {"1.0.9": ("certifi", "h11>=0.16")},
    "httpx": {"0.28.1": ("anyio", "certifi", "httpcore==1.*", "idna")},
    "idna": {"3.20": ()},
    "iniconfig": {"2.3.1": ()},
    # What the kernel and the prompt require is much, and shown nowhere.
    "ipykernel": {"7.4.0": ()},
    "librt": {"0.16.0": ()},
    "markdown-it-py": {"4.3.0": ("mdurl~=0.1",)},
    "mdurl": {"0.1.2": ()},
    "mypy-extensions": {"1.2.0": ()},
    "numpy": {"2.2.6": (), "2.4.6": ()},
    "packaging": {"26.3": ()},
    "pathspec": {"1.1.1": ()},
    "platformdirs": {"4.14.7": ()},
    "pluggy": {"1.7.0": ()},
    "pygments": {"2.21.0": ()},
    "pytokens": {"0.4.1": ()},
    "rich": {"15.0.0": ("markdown-it-py>=2.2.0", "pygments<3.0.0,>=2.13.0")},
    "typing-extensions": {"4.16.0": ()},
}
"""Name → release → what it requires on Python 3.11 and later, as the real ones have it."""

DEPRECATED = """\
def __getattr__(name):
    if name == "__version__":
        import warnings

        warnings.warn("click.__version__ is deprecated", DeprecationWarning, stacklevel=2)
        return "8.5.1"
    raise AttributeError(name)
"""

MODULES: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("click", "8.5.1"): {"click/__init__.py": DEPRECATED},
    ("rich", "15.0.0"): {"rich/__init__.py": ""},
}
"""Name and release → files, where the real one does not simply tell its version."""

PROGRAMS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "black": (
        "26.10.1",
        "black, 26.10.1 (compiled: yes)",
        (
            "click>=8.0.0",
            "mypy-extensions>=0.4.3",
            "packaging>=22.0",
            "pathspec>=1.0.0",
            "platformdirs>=2",
            "pytokens~=0.4.0",
        ),
    ),
    "ipython": ("9.18.1", "9.18.1", ()),
    "mypy": (
        "2.4.1",
        "mypy 2.4.1 (compiled: yes)",
        ("librt>=0.16.0", "mypy-extensions>=1.0.0", "pathspec>=1.0.0", "typing-extensions>=4.6.0"),
    ),
    "pytest": (
        "9.2.0",
        "pytest 9.2.0",
        ("iniconfig>=2", "packaging>=24", "pluggy<2,>=1.6", "pygments>=2.15"),
    ),
    "ruff": ("0.17.6", "ruff 0.17.6", ()),
}
"""Distributions with a program of their name: the version, what ``--version`` prints, what it
requires. To all other words the program answers with these words."""


def fill_index(directory: Path) -> None:
    """Make the wheels of everything that a page installs."""
    for name, releases in LIBRARIES.items():
        for version, requires in releases.items():
            files = MODULES.get((name, version))
            make_wheel(directory, name, version, files=files, requires=requires)
    for name, (version, told, requires) in PROGRAMS.items():
        files = {
            f"{name}/__init__.py": f"__version__ = {version!r}\n",
            f"{name}/__main__.py": PROGRAM.format(name=name, version=told),
        }
        points = {name: f"{name}.__main__:main"}
        make_wheel(directory, name, version, files=files, requires=requires, entry_points=points)
