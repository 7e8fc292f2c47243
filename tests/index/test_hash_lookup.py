"""Locks that record hashes alone: which file is meant is asked of the index, once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from wheelhouse import make_sdist, make_wheel, sha256

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from indexserver import IndexServer
    from installed import Pyx

SHOW = "import tick; print(tick.__version__, tick.__file__)"


def requirements(files: list[Path]) -> str:
    """Return a requirements.txt that allows any of `files` for one release."""
    return "tick==1.0 " + " ".join(f"--hash=sha256:{sha256(file)}" for file in files) + "\n"


def pipfile_lock(files: list[Path]) -> str:
    """Return the same as a Pipfile.lock."""
    hashes = [f"sha256:{sha256(file)}" for file in files]
    return json.dumps(
        {
            "_meta": {"hash": {"sha256": "0"}, "pipfile-spec": 6, "requires": {}, "sources": []},
            "default": {"tick": {"hashes": hashes, "version": "==1.0"}},
            "develop": {},
        }
    )


@pytest.mark.parametrize(
    ("name", "write"), [("requirements.txt", requirements), ("Pipfile.lock", pipfile_lock)]
)
def test_the_best_file_with_a_locked_hash_is_taken(
    pyx: Pyx,
    index: IndexServer,
    wheels: Path,
    tmp_path: Path,
    name: str,
    write: Callable[[list[Path]], str],
) -> None:
    """Of the locked files the index tells the names; what it has besides is never taken."""
    files = [
        make_wheel(wheels, "tick", "1.0"),
        make_wheel(wheels, "tick", "1.0", tag="cp39-cp39-win_amd64"),
        make_sdist(wheels, "tick", "1.0"),
    ]
    make_wheel(wheels, "tick", "1.0", tag="py3-none-linux_x86_64")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / name).write_text(write(files), encoding="utf-8")
    first = pyx("-c", SHOW, cwd=tmp_path / "project")
    assert (first.returncode, first.stderr) == (0, "")
    assert f"/tick/1.0/py3-none-any-{sha256(files[0])[:12]}/" in first.stdout
    asked = len(index.requests)
    again = pyx("sync", cwd=tmp_path / "project")
    assert "0 fetched, 1 already in the store" in again.stdout
    assert len(index.requests) == asked


def test_an_sdist_is_built_where_no_locked_wheel_fits(
    pyx: Pyx, index: IndexServer, wheels: Path, tmp_path: Path
) -> None:
    """The files that the lock allows decide, and among them the tags of the interpreter."""
    files = [
        make_wheel(wheels, "tick", "1.0", tag="cp39-cp39-win_amd64"),
        make_sdist(wheels, "tick", "1.0"),
    ]
    (tmp_path / "requirements.txt").write_text(requirements(files), encoding="utf-8")
    shown = pyx("-c", "import tick; print(tick.__file__)", cwd=tmp_path)
    assert "/tick/1.0/" in shown.stdout, shown.stderr


def test_no_locked_file_that_fits_is_an_error(
    pyx: Pyx, index: IndexServer, wheels: Path, tmp_path: Path
) -> None:
    """It names what the index has of the locked hashes."""
    file = make_wheel(wheels, "tick", "1.0", tag="cp39-cp39-win_amd64")
    make_wheel(wheels, "tick", "1.0")
    (tmp_path / "requirements.txt").write_text(requirements([file]), encoding="utf-8")
    refused = pyx("-c", "pass", cwd=tmp_path)
    assert refused.returncode == 69
    assert "tick-1.0-cp39-cp39-win_amd64.whl" in refused.stderr
    assert len(refused.stderr.splitlines()) == 2


def test_a_hash_that_no_index_has_is_an_error(
    pyx: Pyx, index: IndexServer, wheels: Path, tmp_path: Path
) -> None:
    """Nothing of another hash is taken; offline nobody is asked."""
    make_wheel(wheels, "tick", "1.0")
    text = f"tick==1.0 --hash=sha256:{'0' * 64}\n"
    (tmp_path / "requirements.txt").write_text(text, encoding="utf-8")
    refused = pyx("-c", "pass", cwd=tmp_path)
    assert refused.returncode == 69
    assert "no file of tick on the indexes has a locked hash" in refused.stderr
    asked = len(index.requests)
    assert pyx("--offline", "-c", "pass", cwd=tmp_path).returncode == 69
    assert len(index.requests) == asked


def test_index_options_of_the_file_are_obeyed(
    pyx: Pyx, index: IndexServer, wheels: Path, tmp_path: Path
) -> None:
    """`--find-links` and `--no-index` say where to look, as for pip."""
    shelf = tmp_path / "shelf"
    file = make_wheel(shelf, "tick", "1.0")
    text = f"--no-index\n--find-links {shelf}\n{requirements([file])}"
    (tmp_path / "requirements.txt").write_text(text, encoding="utf-8")
    shown = pyx("-c", SHOW, cwd=tmp_path)
    assert shown.stdout.startswith("1.0 "), shown.stderr
    assert index.requests == []
