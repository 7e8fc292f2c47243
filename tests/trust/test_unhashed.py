"""Locks without any hash: refused by default, taken by name, and bound as far as can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from trust.test_locks import PDM, PIPFILE, POETRY, UV
from wheelhouse import make_sdist, make_wheel

if TYPE_CHECKING:
    import subprocess

    from trust.scene import Scene

WHEEL = "tick-1.0-py3-none-any.whl"
LISTED = f'{{file = "{WHEEL}"}}'
AT_URL = f'\n[package.source]\ntype = "url"\nurl = "FILES/{WHEEL}"\n'
LOCKS = {
    "poetry, listed": ("poetry.lock", POETRY.replace("FILES", LISTED)),
    "poetry, no files": ("poetry.lock", POETRY.replace("FILES", "")),
    "poetry, at a URL": (
        "poetry.lock",
        POETRY.replace("[FILES]", "[]").replace("\n[metadata]", f"{AT_URL}\n[metadata]"),
    ),
    "uv": ("uv.lock", UV),
    "pdm, listed": ("pdm.lock", PDM.replace("FILES", LISTED)),
    "pdm, no files": ("pdm.lock", PDM.replace("FILES", "")),
    "pdm, at a URL": ("pdm.lock", PDM.replace("files = [FILES]", f'url = "FILES/{WHEEL}"')),
    "pipenv": ("Pipfile.lock", PIPFILE.replace("HASHES", "")),
    "pipenv, at a URL": (
        "Pipfile.lock",
        PIPFILE.replace('"version": "==1.0"HASHES', f'"file": "FILES/{WHEEL}"'),
    ),
    "requirements": ("requirements.txt", "--require-hashes\ntick==1.0\n"),
    "requirements, at a URL": ("requirements.txt", f"--require-hashes\ntick @ FILES/{WHEEL}\n"),
}


@pytest.fixture(params=LOCKS.values(), ids=LOCKS)
def unhashed(request: pytest.FixtureRequest, scene: Scene) -> Scene:
    """Give a project whose lock has no hash, and the wheel that it means."""
    name, text = request.param
    make_wheel(scene.wheels, "tick", "1.0")
    files = scene.index.file_url("")[:-1]
    scene.write_lock(text.replace("INDEX", scene.index.url).replace("FILES", files), name)
    if name == "pdm.lock":
        project = '[project]\nrequires-python = ">=3.9"\ndependencies = ["tick"]\n'
        scene.write_lock(project, "pyproject.toml")
    return scene


def start(scene: Scene, *own: str) -> subprocess.CompletedProcess[str]:
    """Start a program that imports the distribution, by pyx's own options `own`."""
    program = ("-c", "import tick; print(tick.__version__)")
    return scene.pyx(*own, *program, cwd=scene.project, env={"PIP_RETRIES": "0"})


def test_a_hash_is_required(unhashed: Scene) -> None:
    """Nothing is asked for; the line names the place in the lock, the hint what would allow it."""
    told = start(unhashed)
    assert (told.returncode, told.stdout) == (65, ""), told.stderr
    problem, hint = told.stderr.splitlines()
    assert str(unhashed.project) in problem
    assert hint.endswith("--allow-unhashed tick")
    assert unhashed.index.requests == []
    assert start(unhashed, "--allow-unhashed", "tock").returncode == 65


def test_one_project_is_taken_by_name(unhashed: Scene) -> None:
    """It comes from where the lock says, or from the index, and is there for later starts."""
    told = start(unhashed, "--allow-unhashed", "Tick")
    assert (told.returncode, told.stdout) == (0, "1.0\n"), told.stderr
    asked = len(unhashed.index.requests)
    told = start(unhashed, "--allow-unhashed", "tick,other", "--offline")
    assert (told.returncode, told.stdout) == (0, "1.0\n"), told.stderr
    assert len(unhashed.index.requests) == asked


def test_several_are_named_at_once(scene: Scene) -> None:
    """The hint can be typed as it is."""
    names = ("tick", "tock")
    for name in names:
        make_wheel(scene.wheels, name, "1.0")
    scene.write_lock(
        "--require-hashes\n" + "".join(f"{n}==1.0\n" for n in names), "requirements.txt"
    )
    told = start(scene)
    assert told.returncode == 65
    allowed = told.stderr.splitlines()[1].rpartition("--allow-unhashed ")[2]
    assert start(scene, "--allow-unhashed", allowed).stdout == "1.0\n"
    told = start(scene, "--allow-unhashed", "tick")
    assert told.returncode == 65
    assert "tock==1.0 has no --hash" in told.stderr


def test_what_the_index_said_first_binds(scene: Scene) -> None:
    """Another content under the same name is refused once a digest is known of it."""
    make_wheel(scene.wheels, "tick", "1.0")
    scene.write_lock(POETRY.replace("FILES", ""), "poetry.lock")
    assert start(scene, "--allow-unhashed", "tick").stdout == "1.0\n"
    changed = {"tick/__init__.py": "__version__ = 'other'\n"}
    make_wheel(scene.wheels, "tick", "1.0", files=changed)
    (entry,) = (scene.home / "store" / "tick" / "1.0").glob("[!.]*")
    entry.rename(scene.base / "gone")
    told = scene.pyx("--allow-unhashed", "tick", "sync", cwd=scene.project)
    assert told.returncode == 77
    assert "its sha256 is" in told.stderr


@pytest.mark.parametrize("declared", [True, False])
def test_an_index_that_tells_no_hashes_will_do(scene: Scene, *, declared: bool) -> None:
    """The file is taken as it is; of several the one that fits best."""
    scene.index.declare_hashes = declared
    make_wheel(scene.wheels, "tick", "1.0", tag="cp39-cp39-win_amd64")
    make_wheel(scene.wheels, "tick", "1.1")
    make_wheel(scene.wheels, "tick", "1.0")
    scene.write_lock(POETRY.replace("FILES", ""), "poetry.lock")
    told = start(scene, "--allow-unhashed", "tick")
    assert told.stdout == "1.0\n", told.stderr
    assert start(scene, "--allow-unhashed", "tick", "--offline").stdout == "1.0\n"


def test_an_sdist_without_a_hash_is_built(scene: Scene) -> None:
    """Each version is another build, though no hash tells them apart."""
    for version in ("1.0", "1.1"):
        make_sdist(scene.wheels, "tick", version)
        lock = POETRY.replace("FILES", "").replace('version = "1.0"', f'version = "{version}"', 1)
        scene.write_lock(lock, "poetry.lock")
        told = start(scene, "--allow-unhashed", "tick")
        assert told.stdout == f"{version}\n", told.stderr
    assert start(scene).returncode == 65


def test_no_such_release_is_one_line(scene: Scene) -> None:
    """An index that has other versions alone is no help."""
    make_wheel(scene.wheels, "tick", "1.1")
    scene.write_lock(POETRY.replace("FILES", ""), "poetry.lock")
    told = start(scene, "--allow-unhashed", "tick")
    assert (told.returncode, told.stdout) == (69, "")
    assert "no index has a file of tick 1.0" in told.stderr
