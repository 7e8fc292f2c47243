"""Check out exactly the commit that a lock names, with git or Mercurial themselves."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from pyx_launcher.errors import BuildError, RefusedError
from pyx_launcher.index.credentials import shown

if TYPE_CHECKING:
    from pathlib import Path

    from pyx_launcher.build.process import BuildProcess
    from pyx_launcher.locks.common.packages import PackageVcs

SILENT = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "", "SSH_ASKPASS": "", "HGPLAIN": "1"}
"""Variables that keep the programs from asking for a password, and from translating."""

_ORIGIN = re.compile(r"(https?|ssh|git|file)://[^-]|/|(?!-)[\w.-]+@(?!-)[\w.-]+:(?!:)", re.ASCII)
"""How the place of a repository begins. git takes ``NAME::…`` for a program to be run."""

_COMMIT = re.compile(r"[0-9a-fA-F]{40}([0-9a-fA-F]{24})?\Z")


def check_out(source: PackageVcs, origin: str, into: Path, bench: BuildProcess) -> None:
    """Check out the commit of `source` from `origin`, a URL or an absolute path, into `into`.

    The history comes along, since some backends derive the version from tags; with git its
    contents do not. Raises BuildError, RefusedError for what is not a whole commit.
    """
    if source.type not in ("git", "hg"):
        raise BuildError(
            f"{bench.label} comes from a repository of type {source.type!r}, which pyx cannot read",
            hint="lock a release or an archive of it instead",
        )
    if not _COMMIT.match(source.commit_id):
        raise RefusedError(
            f"the lock names {source.commit_id!r} for {bench.label}, which is not a whole commit",
            hint="run `pyx lock`",
        )
    if not _ORIGIN.match(origin):
        raise RefusedError(
            f"{bench.label} comes from {shown(origin)!r}, which is not a repository's URL",
            hint="lock it again, with an https:// or ssh:// URL",
        )
    commands = _git_commands if source.type == "git" else _hg_commands
    try:
        for command in commands(origin, source.commit_id, into):
            _run(command, into, origin, bench)
        if source.type == "git":
            _complete_git(source.commit_id, into, origin, bench)
    except FileNotFoundError as error:
        raise BuildError(
            f"{source.type} is needed to check out {bench.label}, and it is not on PATH",
            hint=f"install {source.type}",
        ) from error
    except subprocess.CalledProcessError as error:
        raise bench.failure(
            f"{source.type} cannot check out {source.commit_id[:12]} of {shown(origin)}"
        ) from error


def _run(command: list[str], into: Path, origin: str, bench: BuildProcess) -> None:
    directory = into if into.is_dir() else into.parent
    bench.run(command, directory=directory, variables=SILENT, secret=[origin])


def _git_commands(origin: str, commit: str, into: Path) -> list[list[str]]:
    # The commits come now and the files of the one that is checked out when it is.
    clone = ["git", "clone", "--quiet", "--no-checkout", "--filter=blob:none"]
    return [[*clone, "--", origin, str(into)]]


def _complete_git(commit: str, into: Path, origin: str, bench: BuildProcess) -> None:
    try:
        _run(["git", "cat-file", "-e", f"{commit}^{{commit}}"], into, origin, bench)
    except subprocess.CalledProcessError:
        # No branch or tag has it any more, or it is on one that a clone does not take.
        _run(["git", "fetch", "--quiet", "origin", commit], into, origin, bench)
    _run(["git", "checkout", "--quiet", "--detach", commit], into, origin, bench)
    found = (into / ".git" / "HEAD").read_text(encoding="utf-8", errors="replace").strip()
    if found != commit.lower():
        # A server can have a tag or a branch whose name looks like the commit.
        raise RefusedError(
            f"{shown(origin)} has no commit {commit}, but gives {found} for that name",
            hint="run `pyx lock`",
        )
    if (into / ".gitmodules").exists():
        update = ["git", "submodule", "--quiet", "update", "--init", "--recursive"]
        _run(update, into, origin, bench)


def _hg_commands(origin: str, commit: str, into: Path) -> list[list[str]]:
    return [
        ["hg", "clone", "--quiet", "--noupdate", "--", origin, str(into)],
        # As an identifier alone: a bookmark may have a name that looks like one.
        ["hg", "--cwd", str(into), "update", "--quiet", "--clean", "--rev", f"id({commit})"],
    ]
