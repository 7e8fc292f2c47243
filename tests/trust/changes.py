"""Kills of every command that writes, of pyx alone or of its group, and a verdict of their own.

What is right is told here without anything of pyx's: files by their bytes, entries by the RECORD
that an archive brings, locks by whether they parse.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

import tomli

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from pathlib import Path

    from installed import Pyx

MANIFEST = """\
[project]
name = "sample"
version = "1"
requires-python = ">=3.9"
dependencies = ["part0"]
"""

WRITING = (
    ("lock",),
    ("add", "part1"),
    ("remove", "part0"),
    ("lock", "--upgrade"),
    ("lock", "script.py"),
    ("add", "--script", "script.py", "part1"),
)
"""What changes a project; these need uv."""

MAKING = (
    ("sync",),
    ("env", "--link"),
    ("bundle", "../out/bundle"),
    ("export", "--format", "venv", "-o", "../out/venv"),
    ("export", "--format", "pylock", "-o", "../out/pylock.toml"),
    ("store", "gc", "--keep", "0"),
    ("store", "verify", "--repair"),
)
"""What leaves a project as it is."""


def make_changing_project(directory: Path) -> Path:
    """Write a project whose lock its own tool makes, and a script with an inline block."""
    project = directory / "changing"
    project.mkdir(parents=True)
    (directory / "out").mkdir(exist_ok=True)
    (project / "pyproject.toml").write_text(MANIFEST)
    block = '# /// script\n# requires-python = ">=3.9"\n# dependencies = ["part0"]\n# ///\n'
    (project / "script.py").write_text(block)
    return project


def list_bytes(project: Path) -> dict[str, bytes]:
    """Return every file of a project by its name."""
    return {path.name: path.read_bytes() for path in project.iterdir() if path.is_file()}


def kill(
    pyx: Pyx, project: Path, words: Sequence[str], order: random.Random, longest: float
) -> bool:
    """Start a command and kill it, or its group, at a random moment; tell whether it was killed."""
    process = subprocess.Popen(
        [pyx.path, *words],
        cwd=project,
        env=pyx.variables(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(order.uniform(0.1, longest))
    except subprocess.TimeoutExpired:
        if order.random() < 0.5:
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


def judge_change(pyx: Pyx, project: Path, before: dict[str, bytes], label: str) -> list[str]:
    """Return what is not right with a project after a kill and the next start there."""
    # A start whose record holds looks for nothing that was left, as nothing that it reads changed.
    told = pyx("info", cwd=project, timeout=120)
    after = list_bytes(project)
    wrong = []
    named = [line for line in told.stderr.splitlines() if "stays as" in line]
    if after != before and not named and not _is_done(before, after):
        names = sorted(name for name, _ in before.items() ^ after.items())
        wrong.append(f"{label}: neither as before nor as after: {names}: {told.stderr}")
    for name, content in after.items():
        if name.endswith(".toml"):
            try:
                tomli.loads(content.decode())
            except ValueError as error:
                wrong.append(f"{label}: {name}: {error}")
    left = [path.name for path in project.iterdir() if path.name.startswith((".p", ".s", ".u"))]
    if left:
        wrong.append(f"{label}: left: {left}")
    if "Traceback" in told.stderr:
        wrong.append(f"{label}: {told.stderr}")
    return wrong


def _is_done(before: dict[str, bytes], after: dict[str, bytes]) -> bool:
    """Did the command end before it was killed, so that a lock of what is required now is there?"""
    changed = {name for name, _ in before.items() ^ after.items()}
    return bool(changed) and "uv.lock" not in changed and _fits(after)


def _fits(files: dict[str, bytes]) -> bool:
    lock = files.get("pylock.toml")
    names = set(tomli.loads(files["pyproject.toml"].decode())["project"]["dependencies"])
    if lock is None:
        return True
    found = {package["name"] for package in tomli.loads(lock.decode())["packages"]}
    return {name.partition(">")[0] for name in names} <= found


def find_wrong_files(store: Path) -> list[str]:
    """Return a line for each file of a visible entry that is not what its RECORD says."""
    wrong = []
    for record in store.glob("[!.]*/[!.]*/[!.]*/site-packages/*.dist-info/RECORD"):
        root = record.parent.parent
        for place, digest, _ in csv.reader(record.read_text().splitlines()):
            if not digest or place.startswith("../"):
                continue
            kind, _, said = digest.partition("=")
            try:
                content = (root / place).read_bytes()
            except OSError as error:
                wrong.append(f"{root / place}: {error.strerror}")
                continue
            found = base64.urlsafe_b64encode(hashlib.new(kind, content).digest()).rstrip(b"=")
            if found.decode() != said:
                wrong.append(f"{root / place}: is not what RECORD says")
    return wrong


def clear_output(project: Path) -> list[str]:
    """Make what was killed once more, which sweeps; return what is left beside it then."""
    out = project.parent / "out"
    for path in out.iterdir():
        if not path.name.startswith("."):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return sorted(path.name for path in out.iterdir())
