"""Copy entries into one directory, each file where an installer would have put it.

A bundle and an exported virtual environment need no store, so they hold files and no links to one.
Which file goes where is planned as for a farm of links.
"""

from __future__ import annotations

import base64
import csv
import errno
import hashlib
import io
import json
import os
import stat
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pyx_launcher.environment.layout import choose_farm, place_headers, plan_data
from pyx_launcher.environment.scripts import write_scripts
from pyx_launcher.store.entry import DATA

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyx_launcher.environment.link_tree import LinkPlan
    from pyx_launcher.interpreters.finder import Interpreter
    from pyx_launcher.store.entry import Entry


def copy_entries(
    tree: Path,
    interpreter: Interpreter,
    entries: Sequence[Entry],
    *,
    python: Path,
    skip: frozenset[str],
) -> list[str]:
    """Copy everything that `entries` have into the environment `tree`, whose `bin` is there.

    `python` is the interpreter in the first line of scripts, `skip` are top-level names that no
    data file may have. Afterwards `write_records` is to be called, once the files are what they
    will be. Returns a line for each file that another one hides. Raises OSError.
    """
    site_packages = tree / "lib" / interpreter.lib_name / "site-packages"
    site_packages.mkdir(parents=True, exist_ok=True)
    site_plan = choose_farm(site_packages, entries).site_plan
    data = plan_data(interpreter, entries, skip)
    problems = [*site_plan.conflicts, *data.conflicts]
    _copy_plan(site_plan, site_packages)
    problems += _copy_plan(data, tree)
    problems += write_scripts(tree / "bin", python, entries, put=copy_tree)
    for entry in entries:
        _copy_headers(tree, interpreter, entry)
    return problems


def write_records(tree: Path, interpreter: Interpreter, entries: Sequence[Entry]) -> None:
    """Let every RECORD in `tree` name the files of its entry as they are now. Raises OSError."""
    site_packages = tree / "lib" / interpreter.lib_name / "site-packages"
    for entry in entries:
        _write_record(site_packages, interpreter, entry)


def _is_bytecode(name: str) -> bool:
    return name == "__pycache__"


def copy_tree(
    source: Path, target: Path, *, leave_out: Callable[[str], bool] = _is_bytecode
) -> None:
    """Copy a file, or a directory but for the names to `leave_out`, for everybody to read.

    Times are kept. Links are followed. Raises OSError, FileExistsError where something is there.
    """
    _copy(os.fspath(source), os.fspath(target), leave_out, frozenset())


def _copy(
    source: str, target: str, leave_out: Callable[[str], bool], above: frozenset[tuple[int, int]]
) -> None:
    """Copy what is at `source`; `above` are the directories that it is in, by device and inode."""
    info = os.stat(source)
    if not stat.S_ISDIR(info.st_mode):
        if not stat.S_ISREG(info.st_mode):
            # To open a pipe could take for ever.
            raise OSError(errno.EINVAL, "neither a file nor a directory", source)
        _copy_file(source, target)
        return
    own = (info.st_dev, info.st_ino)
    if own in above:
        raise OSError(errno.ELOOP, "a link to a directory that it is in", source)
    os.mkdir(target, 0o755)
    for name in sorted(os.listdir(source)):
        if not leave_out(name):
            _copy(f"{source}/{name}", f"{target}/{name}", leave_out, above | {own})


def _copy_file(source: str, target: str) -> None:
    with open(source, "rb", buffering=0) as file:
        info = os.fstat(file.fileno())
        mode = 0o755 if info.st_mode & stat.S_IXUSR else 0o644
        copy = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            _copy_content(file.fileno(), copy, info.st_size)
            os.fchmod(copy, mode)
            os.utime(copy, ns=(info.st_mtime_ns, info.st_mtime_ns))
        finally:
            os.close(copy)


def _copy_content(source: int, target: int, size: int) -> None:
    # Where the file system can, both files then share their blocks.
    copy_range = getattr(os, "copy_file_range", None)
    left = size
    while left and copy_range is not None:
        try:
            moved = copy_range(source, target, left)
        except OSError:
            break
        if not moved:
            # Some file systems say so of a file that has more; reading tells.
            break
        left -= moved
    while left and (chunk := os.read(source, min(left, 1 << 20))):
        view = memoryview(chunk)
        while view:
            view = view[os.write(target, view) :]
        left -= len(chunk)


def _copy_plan(plan: LinkPlan, tree: Path) -> list[str]:
    taken: list[str] = []
    for place in plan.directories:
        (tree / place).mkdir(parents=True, exist_ok=True)
    for place, source in plan.links.items():
        try:
            copy_tree(source, tree / place)
        except FileExistsError:
            taken.append(f"{place}: left out, the environment has its own")
    return taken


def _copy_headers(tree: Path, interpreter: Interpreter, entry: Entry) -> None:
    if "headers" in entry.facts.data:
        include = place_headers(tree, interpreter, entry)
        include.parent.mkdir(parents=True, exist_ok=True)
        copy_tree(entry.path / DATA / "headers", include)


def _write_record(site_packages: Path, interpreter: Interpreter, entry: Entry) -> None:
    """Let RECORD name the places that the files have now, and drop what tells of this machine."""
    for name in entry.facts.tops:
        directory = site_packages / name
        if not name.endswith(".dist-info") or not (directory / "RECORD").is_file():
            continue
        dropped = _drop_local_origin(directory)
        rows = []
        with open(directory / "RECORD", encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                if row and row[0] != dropped:
                    rows += _move(row, site_packages, interpreter, entry)
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        (directory / "RECORD").write_bytes(text.getvalue().encode())


def _drop_local_origin(directory: Path) -> str | None:
    """Remove a ``direct_url.json`` (PEP 610) that names a directory which others do not have."""
    file = directory / "direct_url.json"
    if not file.is_file() or not json.loads(file.read_bytes()).get("url", "").startswith("file:"):
        return None
    file.unlink()
    return f"{directory.name}/{file.name}"


def _move(
    row: list[str], site_packages: Path, interpreter: Interpreter, entry: Entry
) -> list[list[str]]:
    """Return the row of a file with its new place, and with its hash if it was written anew."""
    tree = site_packages.parents[2]
    parts = PurePosixPath(row[0]).parts
    if parts[0] == DATA:
        bases = {
            "data": tree,
            "scripts": tree / "bin",
            "headers": place_headers(tree, interpreter, entry),
        }
        place = bases.get(parts[1], tree).joinpath(*parts[2:])
    elif parts[0] == "..":
        place = tree / "bin" / parts[-1]
    else:
        return [row]
    if not place.is_file():
        return []
    content = place.read_bytes()
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    name = os.path.relpath(place, site_packages)
    return [[name, f"sha256={digest}", str(len(content))]]
