"""The user's shell: where it takes PATH from, and how a directory gets there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.dirs import find_home
from pyx_launcher.project.journal import read_file
from pyx_launcher.project.transaction import write_file

if TYPE_CHECKING:
    from collections.abc import Mapping


def put_on_path(directory: Path, environ: Mapping[str, str]) -> str:
    """Add a line that puts `directory` first on PATH to what the user's shell reads at its start.

    Returns what was done, for a person. What has the line already is left alone. Raises StoreError.
    """
    home = find_home(environ)
    shell = os.path.basename(environ.get("SHELL") or "sh")
    shown = f"$HOME/{directory.relative_to(home)}" if directory.is_relative_to(home) else directory
    line = f'export PATH="{shown}:$PATH"'
    if shell == "fish":
        line = f'fish_add_path "{shown}"'
    lines, is_changed = [], False
    for path in _list_profiles(shell, home, environ):
        old = read_file(path) or b""
        if line.encode() in old.splitlines():
            lines.append(f"{path} puts {directory} on PATH already")
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        gap = b"" if not old or old.endswith(b"\n") else b"\n"
        # Such files are often links into a repository of somebody's settings.
        write_file(Path(os.path.realpath(path)), old + gap + f"{line}\n".encode())
        lines.append(f"{path}: {line}")
        is_changed = True
    if str(directory) not in environ.get("PATH", "").split(os.pathsep):
        told = "open a new terminal for it to take effect"
        lines.append(told if is_changed else f"{told}, for this one began without it")
    return "\n".join(lines) + "\n"


def _list_profiles(shell: str, home: Path, environ: Mapping[str, str]) -> list[Path]:
    """Return the files that `shell` reads: for bash one at a login, and one in a terminal."""
    if shell == "fish":
        config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
        return [config / "fish" / "conf.d" / "pyx.fish"]
    if shell == "zsh":
        return [Path(environ.get("ZDOTDIR") or home) / ".zshenv"]
    if shell == "bash":
        logins = [home / name for name in (".bash_profile", ".bash_login", ".profile")]
        login = next((path for path in logins if path.is_file()), logins[-1])
        return [login, home / ".bashrc"]
    return [home / ".profile"]
