"""What editors and Jupyter are given to find an environment: a link `.venv`, and a kernel.

`.venv` is a link to the environment directory, which is a real PEP 405 environment. The draft of
PEP 832 lets `.venv` be a file that holds a path, too, and that is written where it is asked for; a
link to a directory is what every tool follows today, and the draft allows it as well.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.dirs import find_home
from pyx_launcher.environment.activation import write_activation
from pyx_launcher.errors import RefusedError, StoreError, UsageError
from pyx_launcher.files.atomic import make_directory, storing, write_atomic
from pyx_launcher.store.gc_roots import forget_link, read_link, record_link

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pyx_launcher.dirs import Dirs
    from pyx_launcher.environment.directory import Environment

LINK = ".venv"


def link_environment(
    project: Path,
    dirs: Dirs,
    environment: Path,
    *,
    as_file: bool = False,
    again: str = "pyx env --link",
) -> Path:
    """Make ``.venv`` in `project` a link to `environment`, in one step; return the link.

    With `as_file` it is a file that holds the path, and so it is where such a file was. `again`
    is the command that was typed.
    Raises RefusedError where something else has that name, and StoreError.
    """
    link = project / LINK
    if os.path.lexists(link) and not is_own_link(link, dirs):
        move = shlex.join(["mv", str(link), f"{link}.old"])
        raise RefusedError(f"{link} is no link of pyx", hint=f"`{move}`, then `{again}`")
    try:
        # First, so that no link is ever there that does not count; and again for a `pyx store gc`
        # that has found no link there meanwhile.
        record_link(dirs, link)
        write_activation(environment)
        if as_file or (link.is_file() and not link.is_symlink()):
            write_atomic(link, os.fsencode(environment) + b"\n", mode=0o644)
        else:
            replace_link(link, environment)
        record_link(dirs, link)
    except OSError as error:
        raise StoreError(f"{link}: {error.strerror}") from error
    return link


def refresh_link(project: Path, dirs: Dirs, environment: Path) -> Path | None:
    """Let a link that pyx made lead to `environment`; return it if it led elsewhere before."""
    link = project / LINK
    if not is_own_link(link, dirs):
        return None
    if read_link(link) != str(environment):
        return link_environment(project, dirs, environment)
    # It may have been moved along with its project, and the environment made anew.
    with storing(link):
        record_link(dirs, link)
        write_activation(environment)
    return None


def unlink_environment(project: Path, dirs: Dirs) -> Path | None:
    """Remove the link if pyx made it, and return it. Raises StoreError, RefusedError."""
    link = project / LINK
    if not os.path.lexists(link):
        return None
    if not is_own_link(link, dirs):
        hint = shlex.join(["rm", "-r", str(link)])
        raise RefusedError(f"{link} is no link of pyx", hint=hint)
    try:
        link.unlink()
        forget_link(dirs, link)
    except OSError as error:
        raise StoreError(f"{link}: {error.strerror}") from error
    return link


def replace_link(link: Path, target: Path) -> None:
    """Make `link` lead to `target`, whatever link was there before. Raises OSError."""
    aside = make_directory(link.parent, f".{link.name}.")
    try:
        os.symlink(target, aside / "link")
        os.replace(aside / "link", link)
    finally:
        with contextlib.suppress(OSError):
            (aside / "link").unlink(missing_ok=True)
            aside.rmdir()


def is_own_link(link: Path, dirs: Dirs) -> bool:
    """Tell whether it leads to an environment of this home, or of another that is still there."""
    found = read_link(link)
    if found is None:
        return False
    target = Path(found)
    return target.parent == dirs.environments or (target / "environment.json").is_file()


def write_kernel(
    environment: Environment,
    name: str,
    command: Sequence[str],
    environ: Mapping[str, str],
    *,
    hint: str,
) -> Path:
    """Offer the environment to Jupyter as the kernel `name`; return the directory of its spec.

    The name gets a number where another project or environment has one of that name already.
    `command` starts python in it, `hint` is one that adds ipykernel. Raises UsageError where
    that is missing, StoreError.
    https://jupyter-client.readthedocs.io/en/stable/kernels.html#kernel-specs
    """
    if not any(entry.facts.name == "ipykernel" for entry in environment.entries):
        raise UsageError("ipykernel is not in this environment", hint=hint)
    directory = _choose_kernel(name, command, environ)
    spec = {
        "argv": [*command, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": f"{name}{directory.name.removeprefix(_name_kernel(name))} (pyx)",
        "language": "python",
        "metadata": {"debugger": True},
    }
    try:
        directory.mkdir(parents=True, exist_ok=True)
        text = json.dumps(spec, indent=1) + "\n"
        write_atomic(directory / "kernel.json", text.encode(), mode=0o644)
    except OSError as error:
        raise StoreError(f"{directory}: {error.strerror}") from error
    return directory


def remove_kernel(name: str, environ: Mapping[str, str]) -> Path | None:
    """Withdraw the kernel of the environment ``@name``, and return the directory that it had.

    None where there is none, or one of that name starts something else. Raises StoreError.
    """
    wanted = [f"@{name}", "run", "python", "-m"]
    found = (one for one in _list_kernels(name, environ) if _read_words(one)[1:5] == wanted)
    directory = next(found, None)
    if directory is None:
        return None
    with storing(directory):
        (directory / "kernel.json").unlink()
    with contextlib.suppress(OSError):
        # What somebody has put beside it, such as a picture, stays.
        directory.rmdir()
    return directory


def _choose_kernel(name: str, command: Sequence[str], environ: Mapping[str, str]) -> Path:
    """Return the directory of the kernel for what `command` starts, or of one that is not there."""
    known = {one: _find_subject(_read_words(one)) for one in _list_kernels(name, environ)}
    own = next((one for one, subject in known.items() if subject == _find_subject(command)), None)
    # One whose project has moved away, or whose file nobody can read, is nobody's.
    free = (one for one, subject in known.items() if not all(map(_is_there, subject or [""])))
    directory = own or next(free, None)
    if directory is None:
        raise StoreError(f"{_find_kernels(environ)}: there are too many kernels named {name}")
    return directory


def _is_there(subject: str) -> bool:
    return subject.startswith("@") or os.path.exists(subject)


def _find_subject(words: Sequence[str]) -> list[str]:
    """Return the environment or the projects that a kernel's command line names."""
    if len(words) > 1 and words[1].startswith("@"):
        return [words[1]]
    places = [word for before, word in pairwise(words) if before == "--project"]
    return [os.path.realpath(place) for place in places]


def _list_kernels(name: str, environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield where a kernel of that name may be, the preferred place first."""
    yield _find_kernels(environ) / _name_kernel(name)
    for number in range(2, _MOST_KERNELS):
        yield _find_kernels(environ) / f"{_name_kernel(name)}-{number}"


_MOST_KERNELS = 100
"""Of one name."""


def _name_kernel(name: str) -> str:
    return f"pyx-{re.sub('[^a-z0-9._-]', '-', name.lower())}"


def _read_words(directory: Path) -> list[str]:
    """Return the command line of a kernel; empty where there is none that can be read."""
    try:
        spec = json.loads((directory / "kernel.json").read_bytes())
        return [str(word) for word in spec["argv"]]
    except (OSError, ValueError, LookupError, TypeError):
        return []


def _find_kernels(environ: Mapping[str, str]) -> Path:
    """Return the user's directory of kernels, as jupyter_core.paths finds it."""
    if data := environ.get("JUPYTER_DATA_DIR"):
        return Path(data).absolute() / "kernels"
    home = find_home(environ)
    if sys.platform == "darwin":
        return home / "Library" / "Jupyter" / "kernels"
    return Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "jupyter" / "kernels"
