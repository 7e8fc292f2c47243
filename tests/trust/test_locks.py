"""Locks made to do harm: paths, names, hashes and URLs that lead where nothing should.

What a lock may not say in any format is in the tests of its reader; what is here goes through the
whole of a start. That every format refuses what has no hash is among it.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest
from trust.scene import BAD_LOCK, UNAVAILABLE, Case
from wheelhouse import make_wheel, poetry_lock_text, pylock_text, sha256

if TYPE_CHECKING:
    from collections.abc import Callable

    from trust.scene import Scene

WHEEL = "tick-1.0-py3-none-any.whl"
DIGEST = "0" * 64


def replaced(old: str, new: str) -> Callable[[Scene], None]:
    """Write a sound lock with `new` in the place of `old`."""

    def build(scene: Scene) -> None:
        wheel = make_wheel(scene.wheels, "tick", "1.0", files={"evil.py": scene.python_harm})
        text = pylock_text([wheel], index_url=scene.index.url)
        assert old in text
        scene.write_lock(text.replace(old, new))

    return build


def at_path(path: str) -> Callable[[Scene], None]:
    """Lock a wheel that is said to be the file at `path`."""
    return lambda scene: scene.lock_file(path.replace("BASE", str(scene.base)))


def outside(scene: Scene) -> None:
    """Lock a file beside the project, which is another one than the locked one."""
    make_wheel(scene.base / "elsewhere", "tick", "1.0")
    scene.lock_file(f"../elsewhere/{WHEEL}")


def pipe(scene: Scene) -> None:
    """Lock a pipe that nobody writes to."""
    os.mkfifo(scene.project / WHEEL)
    scene.lock_file(WHEEL)


def directory_of(path: str) -> Callable[[Scene], None]:
    """Lock a source tree at `path`."""

    def build(scene: Scene) -> None:
        scene.write_lock(
            'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "tick"\n'
            f'[packages.directory]\npath = "{path}"\n'
        )

    return build


def written(name: str, text: str) -> Callable[[Scene], None]:
    """Write a lock of one format, in which WHEEL's true digest is DIGEST."""

    def build(scene: Scene) -> None:
        wheel = make_wheel(scene.wheels, "tick", "1.0", files={"evil.py": scene.python_harm})
        content = text.replace("DIGEST", sha256(wheel)).replace("INDEX", scene.index.url)
        scene.write_lock(content, name)
        if name == "pdm.lock":
            project = '[project]\nrequires-python = ">=3.9"\ndependencies = ["tick"]\n'
            scene.write_lock(project, "pyproject.toml")

    return build


POETRY = """\
[[package]]
name = "tick"
version = "1.0"
description = ""
optional = false
python-versions = "*"
groups = ["main"]
files = [FILES]

[metadata]
lock-version = "2.1"
python-versions = ">=3.9"
content-hash = "x"
"""
UV = """\
version = 1
requires-python = ">=3.9"

[[package]]
name = "x"
version = "1"
source = { virtual = "." }
dependencies = [{ name = "tick" }]

[[package]]
name = "tick"
version = "1.0"
source = { registry = "INDEX" }
wheels = [{ url = "INDEX../files/tick-1.0-py3-none-any.whl" }]
"""
PDM = """\
[metadata]
groups = ["default"]
strategy = []
lock_version = "4.5.0"

[[package]]
name = "tick"
version = "1.0"
groups = ["default"]
files = [FILES]
"""
PIPFILE = """\
{"_meta": {"pipfile-spec": 6, "sources": []}, "default": {"tick": {"version": "==1.0"HASHES}}}
"""
PYLOCK = """\
lock-version = "1.0"
created-by = "x"
[[packages]]
name = "tick"
version = "1.0"
[[packages.wheels]]
name = "tick-1.0-py3-none-any.whl"
url = "INDEX../files/tick-1.0-py3-none-any.whl"
"""
NO_HASH = f'{{file = "{WHEEL}"}}'
WEAK = f'{{file = "{WHEEL}", hash = "md5:{"0" * 32}"}}'

UNHASHED = [
    Case(name="pylock", build=written("pylock.toml", PYLOCK), says="hashes", status=BAD_LOCK),
    Case(
        name="pylock, an empty table",
        build=written("pylock.toml", PYLOCK + "hashes = {}\n"),
        says="hash",
        status=BAD_LOCK,
    ),
    Case(name="uv", build=written("uv.lock", UV), says="no hash", status=BAD_LOCK),
    Case(
        name="poetry",
        build=written("poetry.lock", POETRY.replace("FILES", NO_HASH)),
        says="hash",
        status=BAD_LOCK,
    ),
    Case(
        name="pdm",
        build=written("pdm.lock", PDM.replace("FILES", NO_HASH)),
        says="hash",
        status=BAD_LOCK,
    ),
    Case(
        name="pipenv",
        build=written("Pipfile.lock", PIPFILE.replace("HASHES", "")),
        says="no hash is recorded for tick",
        status=BAD_LOCK,
    ),
    Case(
        name="requirements",
        build=written("requirements.txt", "--require-hashes\ntick==1.0\n"),
        says="has no --hash",
        status=BAD_LOCK,
    ),
    Case(
        name="poetry, md5",
        build=written("poetry.lock", POETRY.replace("FILES", WEAK)),
        says="no hash that can be relied on (md5)",
    ),
    Case(
        name="pdm, md5",
        build=written("pdm.lock", PDM.replace("FILES", WEAK)),
        says="no hash that can be relied on (md5)",
    ),
    Case(
        name="pylock, sha1",
        build=written("pylock.toml", PYLOCK + f'hashes = {{sha1 = "{"0" * 40}"}}\n'),
        says="no hash that can be relied on (sha1)",
    ),
    Case(
        name="uv, an algorithm that is none",
        build=written(
            "uv.lock", UV.replace('any.whl" }', f'any.whl", hash = "rot13:{"0" * 40}" }}')
        ),
        says="no hash that can be relied on (rot13)",
    ),
    Case(
        name="pipenv, md5",
        build=written("Pipfile.lock", PIPFILE.replace("HASHES", f', "hashes": ["md5:{"0" * 32}"]')),
        says="no hash that can be relied on (md5)",
    ),
]


@pytest.mark.parametrize("case", UNHASHED, ids=str)
def test_what_has_no_hash_is_refused(scene: Scene, case: Case) -> None:
    """Whatever the format, a file that could be any file is not fetched; a weak hash is none."""
    scene.refuse(case)
    assert not any("/files/" in request.path for request in scene.index.requests)


def test_the_user_may_take_one_project_without(scene: Scene) -> None:
    """`--allow-unhashed NAME` speaks of that one alone, and its weak hash is still held."""
    wheels = [make_wheel(scene.wheels, name, "1.0") for name in ("tick", "tock")]
    tick, tock = (hashlib.md5(wheel.read_bytes()).hexdigest() for wheel in wheels)  # noqa: S324
    text = POETRY.replace("FILES", f'{{file = "{WHEEL}", hash = "md5:{tick}"}}')
    other = text.replace("tick", "tock").replace(tick, tock)
    package = other.partition("[metadata]")[0]
    scene.write_lock(package + text, "poetry.lock")
    told = scene.sync()
    assert told.returncode == 77
    assert "tock 1.0, tick 1.0" in told.stderr
    assert "--allow-unhashed tock,tick" in told.stderr
    command = ("--allow-unhashed", "Tick", "-c", "import tick")
    told = scene.pyx(*command, cwd=scene.project)
    assert told.returncode == 77
    assert "for tock 1.0" in told.stderr
    told = scene.pyx("--allow-unhashed=tock", *command, cwd=scene.project)
    assert told.returncode == 0, told.stderr
    scene.write_lock((package + text).replace(tick, "0" * 32), "poetry.lock")
    told = scene.pyx("--allow-unhashed=tock", *command, cwd=scene.project)
    assert told.returncode == 77
    assert "its md5 is" in told.stderr


CASES = [
    Case(
        name="a name that is a path",
        build=replaced('name = "tick"', 'name = "../tick"'),
        says="name",
        status=BAD_LOCK,
    ),
    Case(
        name="a name that is an option",
        build=replaced('name = "tick"', 'name = "--target=x"'),
        says="name",
        status=BAD_LOCK,
    ),
    Case(
        name="a name that hides",
        build=replaced('name = "tick"', 'name = ".tick"'),
        says="name",
        status=BAD_LOCK,
    ),
    Case(
        name="a name that the terminal obeys",
        build=replaced('name = "tick"', 'name = "tick\\u001b]0;evil\\u0007"'),
        says="name",
        status=BAD_LOCK,
    ),
    Case(
        name="a version that is a path",
        build=replaced('version = "1.0"', 'version = "../../1.0"'),
        says="version",
        status=BAD_LOCK,
    ),
    Case(
        name="a file name that is a path",
        build=replaced(f'name = "{WHEEL}"', f'name = "../../{WHEEL}"'),
        says="",
        status=BAD_LOCK,
    ),
    Case(
        name="a file name of another distribution",
        build=replaced(f'name = "{WHEEL}"', 'name = "evil-1.0-py3-none-any.whl"'),
        says="is not consistent with package name",
        status=BAD_LOCK,
    ),
    Case(
        name="a size that is another",
        build=replaced("size = ", "size = 1\n# "),
        says="longer than the 1 bytes",
    ),
    Case(
        name="a URL of this machine",
        build=replaced("url = ", 'url = "file:///dev/zero"\n# '),
        says="/dev/zero is not a file",
        status=UNAVAILABLE,
    ),
    Case(
        name="a URL that is none",
        build=replaced("url = ", 'url = "javascript:evil"\n# '),
        says="cannot be read",
        status=UNAVAILABLE,
    ),
    Case(
        name="a device",
        build=at_path("/dev/zero"),
        says="/dev/zero is not a file",
        status=UNAVAILABLE,
    ),
    Case(name="a pipe", build=pipe, says="is not a file", status=UNAVAILABLE),
    Case(name="a directory", build=at_path("BASE"), says="cannot be read", status=UNAVAILABLE),
    Case(name="a file of the system", build=at_path("/etc/passwd"), says="its sha256 is"),
    Case(
        name="a path that climbs",
        build=at_path("../../../../../../../../etc/passwd"),
        says="its sha256 is",
    ),
    Case(name="another file outside", build=outside, says="its sha256 is"),
    Case(
        name="a source tree that is the system",
        build=directory_of("/etc"),
        says="neither pyproject.toml nor setup.py",
        status=UNAVAILABLE,
    ),
    Case(
        name="a source tree that is not there",
        build=directory_of("../../gone"),
        says="does not exist",
        status=UNAVAILABLE,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_hostile_lock_is_refused(scene: Scene, case: Case) -> None:
    """One line names what is wrong; no path is made of what should have been a name."""
    scene.refuse(case)


def test_the_project_is_not_where_pyx_writes(scene: Scene) -> None:
    """A sound lock changes nothing in the project either, nor anywhere but in pyx's own places."""
    wheel = make_wheel(scene.wheels, "tick", "1.0")
    scene.write_lock(poetry_lock_text([wheel]), "poetry.lock")
    before = scene.list_tree()
    assert scene.sync().returncode == 0
    assert scene.list_tree() == before
