"""``pyx init``: a project or a script to begin with."""

from __future__ import annotations

import keyword
import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidName, canonicalize_name

from pyx_launcher.cli.commands import VERBS
from pyx_launcher.commands._arguments import check_words
from pyx_launcher.commands._edit import explain_old
from pyx_launcher.commands._lists import refuse_no_script
from pyx_launcher.console import write_out
from pyx_launcher.dirs import find_working_directory, resolve_dirs
from pyx_launcher.errors import StoreError, UsageError
from pyx_launcher.installation import find_template
from pyx_launcher.interpreters.finder import find_interpreter
from pyx_launcher.interpreters.request import bound_python
from pyx_launcher.locks.common.tables import read_toml
from pyx_launcher.locks.reader import FILE_NAMES
from pyx_launcher.locks.uv.workspace import excludes, read_workspace
from pyx_launcher.project.manifest import MANIFEST, MANIFESTS, WISHES, advise_old, find_manifest
from pyx_launcher.project.pyproject import add_member
from pyx_launcher.project.python_version import pin_version
from pyx_launcher.project.transaction import write_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyx_launcher.cli.invocation import Invocation
    from pyx_launcher.interpreters.finder import Interpreter

_PROJECT = """\
[project]
name = "{name}"
version = "0.0.1"
requires-python = "{python}"
dependencies = []
"""
_BACKEND = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[tool.hatch.build.targets.wheel]
packages = ["src/{package}"]
"""
_MAIN = """\
def main() -> None:
    print("Hello from {name}!")


if __name__ == "__main__":
    main()
"""
_LIBRARY = """\
def hello() -> str:
    return "Hello from {name}!"
"""
_SCRIPT = """\
#!/usr/bin/env pyx
# /// script
# requires-python = "{python}"
# dependencies = []
# ///
"""


def run_init(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Write the files; prints on stdout what was made, and what comes next."""
    check_words(invocation, 0, at_most=1)
    settings = invocation.settings
    scripts = settings.get("--script", ())
    if scripts and (invocation.words or "--lib" in settings or "--name" in settings):
        raise UsageError(
            "a script has neither a directory nor a name of its own",
            hint=shlex.join(["pyx", "init", "--script", scripts[-1]]),
        )
    working = find_working_directory()
    if scripts:
        path = working / os.path.expanduser(scripts[-1])
        return _make_script(path, scripts[-1], invocation, environ)
    directory = working / os.path.expanduser(invocation.words[0] if invocation.words else ".")
    return _make_project(Path(os.path.normpath(directory)), invocation, environ)


def _make_script(path: Path, name: str, invocation: Invocation, environ: Mapping[str, str]) -> int:
    refuse_no_script(path, name, "init")
    if os.path.lexists(path):
        raise UsageError(
            f"{path} exists already",
            hint=f"`{shlex.join(['pyx', 'add', '--script', str(path), 'NAME'])}`"
            " adds a package to it",
        )
    interpreter = _find_interpreter(path.parent, invocation, environ)
    bound = bound_python(invocation.python, interpreter.tag_facts.python)
    text = _SCRIPT.format(python=bound) + "\n" + _MAIN.format(name=path.name)
    _make_directory(path.parent)
    write_file(path, text.encode())
    path.chmod(path.stat().st_mode | 0o111)
    shown = _show(path)
    # A command of pyx wins over a file of its name.
    shown = f"./{shown}" if shown in VERBS else shown
    write_out(f"{path}\nnext: pyx add --script {shown} NAME; pyx {shown}\n")
    return 0


def _make_project(directory: Path, invocation: Invocation, environ: Mapping[str, str]) -> int:
    old = advise_old(directory) if directory.is_dir() else None
    if old is not None:
        raise explain_old(directory, old)
    for name in (*MANIFESTS, *FILE_NAMES):
        if os.path.lexists(directory / name):
            hint = f"`{shlex.join([*_start(directory), 'add', 'NAME'])}` adds a package"
            if find_manifest(directory) == directory / WISHES and name == WISHES:
                making = shlex.join([*_start(directory), "add", "--init", "-r", WISHES])
                hint = f"`{making}` makes a pyproject.toml of it"
            raise UsageError(f"there is a project already: {directory / name}", hint=hint)
    name = _name_project(directory, invocation)
    package = re.sub(r"[-.]", "_", name)
    if keyword.iskeyword(package) or not package.isidentifier():
        package = f"{package}_" if keyword.iskeyword(package) else f"_{package}"
    interpreter = _find_interpreter(directory, invocation, environ)
    root = _find_workspace(directory)
    shared = _read_bound(root) if root is not None and not invocation.python else ""
    bound = shared or bound_python(invocation.python, interpreter.tag_facts.python)
    text = _PROJECT.format(name=name, python=bound)
    files = {directory / MANIFEST: text}
    if "--lib" in invocation.settings:
        files[directory / MANIFEST] += _BACKEND.format(package=package)
        files[directory / "src" / package / "__init__.py"] = _LIBRARY.format(name=name)
        files[directory / "src" / package / "py.typed"] = ""
    else:
        files[directory / "main.py"] = _MAIN.format(name=name)
    made = []
    for path, content in files.items():
        if path.name == MANIFEST or not os.path.lexists(path):
            _make_directory(path.parent)
            write_file(path, content.encode())
            made.append(path)
    if invocation.python:
        pinned = pin_version(directory, invocation.python)
        made += [pinned] if pinned else []
    joined = _join_workspace(directory, root) if root is not None else None
    made += [joined] if joined is not None else []
    start = shlex.join(_start(directory))
    following = [f"{start} add NAME"]
    if "--lib" in invocation.settings:
        following += [f"{start} lock", f"{start} -c 'import {package}'"]
    else:
        following += [f"pyx {_show(directory / 'main.py')}"]
    write_out("".join(f"{path}\n" for path in made) + f"next: {'; '.join(following)}\n")
    return 0


def _find_workspace(directory: Path) -> Path | None:
    """Return the root of uv's workspace around `directory`, unless it leaves that out.

    Raises LockError where it cannot be read.
    """
    for above in directory.parents:
        manifest = above / MANIFEST
        if manifest.is_file() and b"workspace" in manifest.read_bytes():
            uv = read_toml(manifest).table("tool").table("uv")
            if "workspace" in uv.data:
                place = os.path.relpath(directory, above)
                return None if excludes(uv.table("workspace"), place) else above
    return None


def _read_bound(root: Path) -> str:
    """Return the versions of Python that the workspace's root is for; nothing if it does not say.

    One lock serves all members, and is for what the narrowest of them is for.
    """
    return read_toml(root / MANIFEST).table("project").get("requires-python", str, "")


def _join_workspace(directory: Path, root: Path) -> Path | None:
    """Make the project a member of the workspace in `root`; returns what was written.

    None where the patterns there have it already.
    """
    workspace = read_workspace(root)
    if workspace is None or any(member.directory == directory for member in workspace.members):
        return None
    manifest = root / MANIFEST
    text = add_member(
        manifest, manifest.read_text(encoding="utf-8"), str(directory.relative_to(root))
    )
    write_file(manifest, text.encode())
    return manifest


def _name_project(directory: Path, invocation: Invocation) -> str:
    given = invocation.settings.get("--name", ())
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", given[-1] if given else directory.name)
    name = plain.strip("-._").lower() or "project"
    try:
        canonicalize_name(name, validate=True)
    except InvalidName:
        name = "project"
    if given and name != given[-1].lower():
        raise UsageError(
            f"{given[-1]!r} cannot be the name of a project",
            hint=shlex.join(["pyx", "init", "--name", name, *invocation.words]),
        )
    return name


def _find_interpreter(
    directory: Path, invocation: Invocation, environ: Mapping[str, str]
) -> Interpreter:
    return find_interpreter(
        request=invocation.python,
        requires_python=SpecifierSet(),
        start=directory,
        environ=environ,
        cache=resolve_dirs(environ).interpreters,
        template=find_template(),
        required_by="",
    ).interpreter


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{directory}: {error.strerror}") from error


def _start(directory: Path) -> list[str]:
    """Return how pyx is called from the working directory for the project in `directory`."""
    if directory == find_working_directory():
        return ["pyx"]
    return ["pyx", "--project", os.path.relpath(directory, find_working_directory())]


def _show(path: Path) -> str:
    return shlex.quote(os.path.relpath(path, find_working_directory()))
