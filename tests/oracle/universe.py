"""The invented distributions that the oracles lock: an index of every habit that locks meet.

`UNIVERSE` maps a name and version to the requirements of its metadata. Some releases are there
only as an sdist, some have a wheel for one platform or Python, some are yanked, and a local
version, an epoch and names that are not normalised are among them.
"""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, cast

from packaging.markers import default_environment
from wheelhouse import make_sdist, make_source_tree, make_wheel

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from packaging.markers import Environment

UNIVERSE: dict[str, list[str]] = {
    "bytes-pack 1.0.8": [],
    "certificates 2024.2.2": [],
    "charset 3.3.2": [],
    "cycle-a 1.0": ["cycle-b"],
    "cycle-b 1.0": ["cycle-a", "plug"],
    "engine 1.0": [],
    "engine 1.0+cpu": [],
    "epochal 1!2.0": [],
    "epochal 3.0": [],
    "everything 1.0": [
        "everything[one,two]; extra == 'all'",
        "plug; extra == 'one'",
        "six-ways; extra == 'two' and python_version >= '3.10'",
    ],
    "exception-group 1.2.0": [],
    "file-lock 3.13.1": [],
    "frames 4.1.0": ["plug"],
    "Google.Cloud_Store 2.0": ["google-core>=1", "plug"],
    "google-core 1.5": [],
    "html-render 3.0.2": [],
    "http-cache 0.13.1": ["web-client>=2.16", "file-lock>=3.8; extra == 'filecache'"],
    "http-two 0.25.0": ["certificates", "frames>=3,<5; extra == 'http2'"],
    "ini-reader 1.1.1": [],
    "ini-reader 2.0.0": [],
    "metadata-reader 6.0.0": ["zipper>=0.5"],
    "metadata-reader 7.0.0": ["zipper>=0.5", "typing-backport>=3.6.4; python_version < '3.8'"],
    "name-codec 3.6": [],
    "plug 1.4.0": [],
    "six-ways 1.16.0": [],
    "slow-build 1.2": ["plug"],
    "socks-proxy 1.7.1": [],
    "space-one 1.0": [],
    "space-two 1.0": ["space-one"],
    "style-check 2.11.1": [],
    "terminal 8.1.7": ["windows-colour; sys_platform == 'win32'"],
    "test-runner 7.4.4": [
        "exception-group>=1.0.0rc8; python_version < '3.11'",
        "ini-reader",
        "plug<2.0,>=0.12",
        "toml-reader>=1.0.0; python_version < '3.11'",
        "windows-colour; sys_platform == 'win32'",
    ],
    "toml-reader 2.0.1": [],
    "typing-backport 4.9.0": [],
    "web-client 2.31.0": [
        "certificates>=2017.4.17",
        "charset<4,>=2",
        "name-codec<4,>=2.5",
        "socks-proxy!=1.5.7,>=1.5.6; extra == 'socks'",
    ],
    "windows-colour 0.4.6": [],
    "withdrawn 1.0": [],
    "withdrawn 1.1": [],
    "zipper 3.15.0": [],
    "zipper 3.17.0": [],
    "zipper 3.19.0": [],
}

SDIST_ONLY = {"slow-build 1.2"}
NAMESPACES = {
    "space-one 1.0": {"space/one.py": "__version__ = '1.0'\n"},
    "space-two 1.0": {"space/two/__init__.py": "__version__ = '1.0'\n"},
}
"""What is in distributions that share an import package; any other has one of its own name."""

YANKED = {"withdrawn-1.1-py3-none-any.whl"}


def fill(wheels: Path, only: Iterable[str] = UNIVERSE) -> None:
    """Put distributions of the universe into the directory that an index serves."""
    for distribution in only:
        requires = UNIVERSE[distribution]
        name, version = distribution.split()
        if distribution in SDIST_ONLY:
            make_sdist(wheels, name, version, requires=requires)
            continue
        extras = sorted({m for text in requires for m in re.findall(r"extra == '([^']+)'", text)})
        make_wheel(
            wheels,
            name,
            version,
            files=NAMESPACES.get(distribution),
            requires=requires,
            metadata=[f"Provides-Extra: {extra}" for extra in extras],
        )


def make_environment(directory: Path, python: Path) -> tuple[Path, Environment]:
    """Create an empty virtual environment; return it with its marker environment."""
    subprocess.run([python, "-m", "venv", "--without-pip", directory], check=True)
    code = "import platform; print(platform.python_version())"
    done = subprocess.run(
        [directory / "bin" / "python", "-c", code], capture_output=True, text=True, check=True
    )
    version = done.stdout.strip()
    markers = default_environment()
    markers["implementation_version"] = markers["python_full_version"] = version
    markers["python_version"] = ".".join(version.split(".")[:2])
    return directory, markers


def run_tool(program: str | None, project: Path, environ: dict[str, str], *arguments: str) -> str:
    """Run a program that locks, in the directory of a project, and return what it prints."""
    done = subprocess.run(
        [cast("str", program), *arguments],
        cwd=project,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def make_repository(directory: Path, name: str, version: str) -> dict[str, str]:
    """Make a Git repository of a source tree with the tag ``v1``.

    Return the variables with which Git takes it for https://example.org/NAME.git.
    """
    make_source_tree(directory, name, version)
    identity = ["-c", "user.email=nobody@example.org", "-c", "user.name=nobody"]
    for arguments in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "--all"],
        [*identity, "commit", "--quiet", "--message=first"],
        ["tag", "v1"],
    ):
        subprocess.run(["git", *arguments], cwd=directory, check=True)
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{directory.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": f"https://example.org/{name}.git",
    }


INSTALLED = """
import importlib.metadata
for found in importlib.metadata.distributions():
    print(found.metadata["Name"], found.version)
"""


def read_installed(environment: Path) -> dict[str, str]:
    """Return the distributions in a virtual environment: the normalised name with the version."""
    done = subprocess.run(
        [environment / "bin" / "python", "-I", "-c", INSTALLED],
        capture_output=True,
        text=True,
        check=True,
    )
    pairs = (line.split() for line in done.stdout.splitlines())
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pairs}
