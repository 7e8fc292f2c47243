"""The cases in tests/locks/FORMAT/CASE: a lock with what it means in several situations.

`expected.json` is an array of objects: `python` and `platform` name the target, `packages` the
distributions with their versions, and `artifacts`, where given, the files that are chosen for them.
The choice is in `extras`, `groups`, `only_groups`, `no_groups`, `no_dev`, `all_extras`,
`all_groups` and `default`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from packaging.pylock import PackageSdist, PackageWheel
from packaging.tags import Tag, parse_tag

from pyx_launcher.errors import LockError
from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.locks.common.hash_only import Unhashed
from pyx_launcher.locks.pylock import to_pylock
from pyx_launcher.locks.reader import read_lock

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packaging.markers import Environment
    from packaging.pylock import Package

    from pyx_launcher.locks.reader import Lock

LOCKS = Path(__file__).with_name("locks")

PLATFORMS = {
    "linux": ("posix", "Linux", "x86_64", "manylinux_2_17_x86_64"),
    "darwin": ("posix", "Darwin", "arm64", "macosx_11_0_arm64"),
    "win32": ("nt", "Windows", "AMD64", "win_amd64"),
}


def find_cases(kind: str) -> list[Path]:
    """Return the directories of the cases of one format."""
    return sorted(path.parent for path in (LOCKS / kind).glob("*/expected.json"))


def read_expected(case: Path) -> list[dict[str, Any]]:
    """Return the situations of a case."""
    expected: list[dict[str, Any]] = json.loads((case / "expected.json").read_text())
    return expected


def environment(python: str, platform: str = "linux") -> Environment:
    """Return the marker environment of CPython of this full version on this platform."""
    os_name, system, machine, _ = PLATFORMS[platform]
    return {
        "implementation_name": "cpython",
        "implementation_version": python,
        "os_name": os_name,
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_release": "6.1",
        "platform_system": system,
        "platform_version": "1",
        "python_full_version": python,
        "python_version": ".".join(python.split(".")[:2]),
        "sys_platform": platform,
    }


def tags(python: str, platform: str = "linux") -> list[Tag]:
    """Return the few tags that the artifacts of the cases need."""
    version = "cp" + "".join(python.split(".")[:2])
    compiled = parse_tag(f"{version}-{version}-{PLATFORMS[platform][3]}")
    return [*compiled, *parse_tag("py3-none-any")]


def read_choice(situation: dict[str, Any]) -> Choice:
    """Return the choice that one situation of a case names."""
    return Choice(
        extras=tuple(situation.get("extras", ())),
        groups=tuple(situation.get("groups", ())),
        all_extras=situation.get("all_extras", False),
        all_groups=situation.get("all_groups", False),
        default_groups=situation.get("default", True),
        only_groups=tuple(situation.get("only_groups", ())),
        no_groups=tuple(situation.get("no_groups", ())),
        no_dev=situation.get("no_dev", False),
    )


def select(lock: Lock, situation: dict[str, Any]) -> tuple[dict[str, str | None], dict[str, str]]:
    """Return what `lock` means in a situation: versions by name, and file names by name."""
    markers = environment(situation["python"], situation["platform"])
    choice = read_choice(situation)
    extras, groups = lock.choose(choice)
    packages: dict[str, str | None] = {}
    artifacts: dict[str, str] = {}
    for package, artifact in to_pylock(lock, markers, choice).select(
        environment=markers,
        tags=tags(situation["python"], situation["platform"]),
        extras=extras,
        dependency_groups=groups,
    ):
        packages[package.name] = str(package.version) if package.version else None
        if isinstance(artifact, PackageWheel | PackageSdist):
            artifacts[package.name] = artifact.filename
    return packages, artifacts


def write_lock(path: Path, lock: str, pyproject: str | None = None) -> Path:
    """Write a lock, and a pyproject.toml beside it where there is to be one; return `path`."""
    path.write_text(lock)
    if pyproject is not None:
        path.with_name("pyproject.toml").write_text(pyproject)
    return path


def list_packages(
    lock: Lock, choice: Choice | None = None, python: str = "3.12.1", platform: str = "linux"
) -> list[Package]:
    """Return what a lock selects, by default on Linux. Raises LockError for what has no hash."""
    return hold_hashes(to_pylock(lock, environment(python, platform), choice or Choice()).packages)


def hold_hashes(packages: Iterable[Package]) -> list[Package]:
    """Return `packages`. Raises the LockError of a file without a hash, as `select` would."""
    packages = list(packages)
    for package in packages:
        for file in (package.archive, package.sdist, *(package.wheels or ())):
            if file is not None and isinstance(file.hashes, Unhashed):
                raise file.hashes.error
    return packages


def names(lock: Lock, choice: Choice | None = None, python: str = "3.12.1") -> list[str]:
    """Return the names that a lock selects on Linux."""
    return [package.name for package in list_packages(lock, choice, python)]


def find_package(lock: Lock, name: str, platform: str = "linux") -> Package:
    """Return one package that a lock selects."""
    packages = list_packages(lock, platform=platform)
    return next(package for package in packages if package.name == name)


def check_broken(path: Path, problem: str, hint: str | None = None) -> None:
    """Hold that a lock is refused in exactly these words behind its name, and with this hint."""
    with pytest.raises(LockError) as caught:
        names(read_lock(path))
    assert caught.value.message == f"{path}: {problem}"
    assert hint is None or caught.value.hint == hint
